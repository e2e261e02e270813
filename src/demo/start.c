/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/status_fetch.h"
#include "demo/demo.h"
#include "demo/http.h"
#include "demo/link.h"
#include "demo/load.h"
#include "demo/plain.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    START_TURN_MS = 10,    /* between two looks whether there is a session */
    STATUS_LIMIT_MS = 300, /* for a status, which comes within some ms */
};
static const double up_limit_s = 15; /* a handshake over a very bad line is repeated some times */

volatile sig_atomic_t skt_demo_ended_by_signal;

static void run_target(void *user)
{
    const struct demo *d = user;
    close(d->fds.link_fd);
    close(d->fds.report_out);
    skt_demo_http_serve(d->fds.target_fd);
}

static struct skt_demo_line_conf line_of(const struct demo *d)
{
    return (struct skt_demo_line_conf){
        .loss = d->link.loss_percent / 100,
        .delay_s = d->link.rtt_ms / 2000,
        .rate_mbit = d->link.rate_mbit,
        .seed = (uint64_t)d->seed,
    };
}

static void run_link(void *user)
{
    const struct demo *d = user;
    close(d->fds.target_fd);
    skt_demo_link_run(&(struct skt_demo_link_conf){
        .line = line_of(d),
        .client_fd = d->fds.link_fd,
        .server_port = d->ports.server,
        .report_fd = d->fds.report_out,
    });
}

static void run_plain(void *user)
{
    const struct demo *d = user;
    close(d->fds.target_fd);
    close(d->fds.link_fd);
    skt_demo_plain_run(&(struct skt_demo_plain_conf){.line = line_of(d), .report_fd = d->fds.report_out});
}

static struct skt_demo_load load_of(enum skt_demo_way way, uint16_t port)
{
    struct skt_demo_load load = {.way = way};
    (void)skt_addr_parse(&load.addr, "127.0.0.1", port);
    return load;
}

static void run_gets(void *user)
{
    const struct demo *d = user;
    const struct skt_demo_load ways[] = {load_of(SKT_DEMO_TUNNEL, d->ports.client),
                                         load_of(SKT_DEMO_DIRECT, d->ports.target)};
    skt_demo_load_gets(ways, sizeof ways / sizeof *ways, d->fds.report_out);
}

static void run_downloads(void *user)
{
    const struct demo *d = user;
    struct skt_demo_load load = load_of(SKT_DEMO_TUNNEL, d->ports.client);
    skt_demo_load_downloads(&load, d->fds.report_out);
}

/* In the janitor, after the demo's end. On Linux the kernel has ended the children by then. */
static void clean_after(void *user, const pid_t *pids, size_t n)
{
#ifdef __linux__
    (void)pids;
    (void)n;
#else
    for (size_t i = 0; i < n; i++)
        kill(pids[i], SIGKILL);
#endif
    skt_demo_folder_remove(user);
}

void skt_demo_print_logs(const struct demo *d)
{
    for (size_t i = 0; i < d->children.count; i++)
        skt_demo_child_print_log(&d->children.list[i]);
}

bool skt_demo_has_lost_a_child(struct demo *d)
{
    int status = 0;
    const struct skt_demo_child *child = skt_demo_child_ended(&d->children, &status);
    if (!child || skt_demo_ended_by_signal)
        return child != NULL;
    if (WIFSIGNALED(status))
        skt_cli_failure("demo: the %s was ended by signal %d", child->name, WTERMSIG(status));
    else
        skt_cli_failure("demo: the %s has ended with status %d", child->name, WEXITSTATUS(status));
    skt_demo_child_print_log(child);
    return true;
}

void skt_demo_take_reports(struct demo *d, int wait_ms)
{
    struct skt_demo_report report;
    struct pollfd p = {.fd = d->fds.report_in, .events = POLLIN};
    if (poll(&p, 1, wait_ms) <= 0)
        return;
    while (read(d->fds.report_in, &report, sizeof report) == (ssize_t)sizeof report)
        skt_demo_stats_take(&d->stats, &report);
}

/* Has the client a session? */
static bool session_is_up(const struct demo *d)
{
    char *text, state[16];
    size_t len;
    if (skt_status_fetch(d->folder.client_socket, STATUS_LIMIT_MS, &text, &len) < 0)
        return false;
    struct skt_json pos = {0}, session = {0};
    bool up = skt_json_next(skt_json_get(skt_json_of(text, len), "sessions"), &pos, &session) &&
              strcmp(skt_json_text(skt_json_get(session, "state"), state, sizeof state), "up") == 0;
    free(text);
    return up;
}

/* Does the server answer? */
static bool server_is_up(const struct demo *d)
{
    char *text;
    size_t len;
    if (skt_status_fetch(d->folder.server_socket, STATUS_LIMIT_MS, &text, &len) < 0)
        return false;
    free(text);
    return true;
}

static int wait_until(struct demo *d, bool (*is_up)(const struct demo *d))
{
    double start = skt_cli_now();
    while (!is_up(d)) {
        if (skt_demo_ended_by_signal || skt_demo_has_lost_a_child(d))
            return SKT_EXIT_FAILURE;
        if (skt_cli_now() - start > up_limit_s) {
            skt_demo_print_logs(d);
            return skt_cli_failure("demo: no tunnel after %.0f s", up_limit_s);
        }
        skt_demo_take_reports(d, START_TURN_MS);
    }
    return SKT_EXIT_OK;
}

int skt_demo_start_tunnel(struct demo *d)
{
    const struct skt_demo_folder *f = &d->folder;
    if (skt_demo_folder_make(&d->folder) < 0)
        return skt_cli_failure("demo: no folder for its files: %s", strerror(errno));
    if (skt_janitor_start(&d->janitor, clean_after, &d->folder) < 0) {
        skt_demo_folder_remove(f);
        return skt_cli_failure("demo: no new process: %s", strerror(errno));
    }
    int err = skt_demo_config_write(f, &d->ports);
    if (err < 0)
        return skt_cli_failure("demo: %s: %s", f->path, skt_err_str(err));
    d->children.janitor = &d->janitor;
    if (skt_demo_child_fork(&d->children, "web server", run_target, d) < 0 ||
        skt_demo_child_fork(&d->children, "link", run_link, d) < 0 ||
        skt_demo_child_run(&d->children, "server", f->server_config, f->server_log) < 0)
        return skt_cli_failure("demo: no new process: %s", strerror(errno));
    int status = wait_until(d, server_is_up);
    if (status != SKT_EXIT_OK)
        return status;
    if (skt_demo_child_run(&d->children, "client", f->client_config, f->client_log) < 0)
        return skt_cli_failure("demo: no new process: %s", strerror(errno));
    double start = skt_cli_now();
    status = wait_until(d, session_is_up);
    if (status == SKT_EXIT_OK)
        printf("The tunnel is up, %.0f ms after the client's start. Through it meanwhile:\n\n"
               "    http://127.0.0.1:%u/\n\n",
               (skt_cli_now() - start) * 1e3, d->ports.client);
    return status;
}

int skt_demo_start_load(struct demo *d)
{
    if (skt_demo_child_fork(&d->children, "GETs", run_gets, d) < 0 ||
        skt_demo_child_fork(&d->children, "downloads", run_downloads, d) < 0 ||
        skt_demo_child_fork(&d->children, "plain TCP", run_plain, d) < 0)
        return skt_cli_failure("demo: no new process: %s", strerror(errno));
    return SKT_EXIT_OK;
}
