/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "cli/cli.h"
#include "cli/demo_child.h"
#include "cli/demo_config.h"
#include "cli/demo_http.h"
#include "cli/demo_link.h"
#include "cli/demo_load.h"
#include "cli/demo_plain.h"
#include "cli/demo_sockets.h"
#include "cli/demo_stats.h"
#include "cli/janitor.h"
#include "cli/json.h"
#include "cli/status_fetch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char help[] =
    "\n"
    "Shows the tunnel at work on this machine, with nothing to set up: starts a web server,\n"
    "a tunnel server, a tunnel client, and a bad line between these two; then loads from the\n"
    "web server through the tunnel, compares every byte, and shows what it takes. Beside it the\n"
    "same load in the system's own TCP over a line that is as bad, where this machine lets the\n"
    "demo make a network namespace and a TUN device. The address it prints is for your own\n"
    "browser or curl. Leaves nothing behind.\n"
    "\n"
    "Options:\n"
    "  --loss P      percent of the packets that the line loses, each way (default 2)\n"
    "  --rtt MS      the line's round trip in milliseconds (default 50)\n"
    "  --rate MBIT   what the line carries, each way; 0: no limit (default 100)\n"
    "  --seconds N   end after N seconds (default: with Ctrl-C)\n"
    "  --port P      the TCP port for your browser (default 8080, or a free one)\n"
    "  --seed N      which packets the line loses (default 1)\n"
    "  --help        this text\n"
    "\n"
    "Exit status: 0 everything arrived as it was sent, else 1.\n";

enum { TURN_MS = 50, START_TURN_MS = 10, STATUS_LIMIT_MS = 300 };
static const double up_limit_s = 15;

struct demo {
    struct skt_demo_link_words link;
    double seconds, port, seed;
    struct skt_demo_folder folder;
    struct skt_demo_ports ports;
    struct skt_demo_sockets fds;
    struct skt_janitor janitor;
    struct skt_demo_children children;
    struct skt_demo_stats stats;
};

static volatile sig_atomic_t ended_by_signal;

static void on_signal(int signum)
{
    (void)signum;
    ended_by_signal = 1;
}

/* --- the processes --- */

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

static void print_logs(const struct demo *d)
{
    for (size_t i = 0; i < d->children.count; i++)
        skt_demo_child_print_log(&d->children.list[i]);
}

/* Has one of the processes ended, which none should? Says so. */
static bool has_lost_a_child(struct demo *d)
{
    int status = 0;
    const struct skt_demo_child *child = skt_demo_child_ended(&d->children, &status);
    if (!child || ended_by_signal)
        return child != NULL;
    if (WIFSIGNALED(status))
        skt_cli_failure("demo: the %s was ended by signal %d", child->name, WTERMSIG(status));
    else
        skt_cli_failure("demo: the %s has ended with status %d", child->name, WEXITSTATUS(status));
    skt_demo_child_print_log(child);
    return true;
}

static void take_reports(struct demo *d, int wait_ms)
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
        if (ended_by_signal || has_lost_a_child(d))
            return SKT_EXIT_FAILURE;
        if (skt_cli_now() - start > up_limit_s) {
            print_logs(d);
            return skt_cli_failure("demo: no tunnel after %.0f s", up_limit_s);
        }
        take_reports(d, START_TURN_MS);
    }
    return SKT_EXIT_OK;
}

static int start_tunnel(struct demo *d)
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
        printf("The tunnel is up, %.0f ms after the client's start. Through it, while this runs:\n\n"
               "    http://127.0.0.1:%u/\n\n",
               (skt_cli_now() - start) * 1e3, d->ports.client);
    return status;
}

static int start_load(struct demo *d)
{
    if (skt_demo_child_fork(&d->children, "GETs", run_gets, d) < 0 ||
        skt_demo_child_fork(&d->children, "downloads", run_downloads, d) < 0 ||
        skt_demo_child_fork(&d->children, "plain TCP", run_plain, d) < 0)
        return skt_cli_failure("demo: no new process: %s", strerror(errno));
    return SKT_EXIT_OK;
}

/* --- the course of it --- */

static int watch(struct demo *d)
{
    bool terminal = isatty(STDOUT_FILENO);
    double start = skt_cli_now(), last = start;
    skt_demo_view_rows();
    fflush(stdout);
    double end = d->seconds > 0 ? start + d->seconds : 1e300;
    int status = SKT_EXIT_OK;
    while (!ended_by_signal && status == SKT_EXIT_OK && skt_cli_now() < end) {
        take_reports(d, TURN_MS);
        if (has_lost_a_child(d) && !ended_by_signal)
            status = SKT_EXIT_FAILURE;
        double now = skt_cli_now();
        d->stats.seconds = now - start;
        if (now - last >= 1) {
            skt_demo_stats_tick(&d->stats, now - last);
            last = now;
            skt_demo_stats_poll(&d->stats, d->folder.client_socket, d->folder.server_socket);
            skt_demo_view_live(&d->stats, terminal);
        }
    }
    skt_demo_stats_poll(&d->stats, d->folder.client_socket, d->folder.server_socket);
    take_reports(d, 0);
    skt_demo_view_summary(&d->stats, &d->link);
    if (status == SKT_EXIT_OK && !skt_demo_stats_good(&d->stats)) {
        print_logs(d);
        status = SKT_EXIT_FAILURE;
    }
    return status;
}

static void print_plan(const struct demo *d)
{
    char rate[48] = "";
    if (d->link.rate_mbit > 0)
        snprintf(rate, sizeof rate, ", %g Mbit/s", d->link.rate_mbit);
    printf("skcptun " SKT_VERSION " demo\n"
           "  web server  <->  tunnel server  <=  bad line  =>  tunnel client  <->  you\n"
           "  the line: %g %% loss each way, %g ms round trip%s (--help tells more)\n",
           d->link.loss_percent, d->link.rtt_ms, rate);
    if (d->seconds > 0)
        printf("Ends after %g seconds, or with Ctrl-C.\n", d->seconds);
    else
        printf("Ctrl-C ends it.\n");
    fflush(stdout);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static int play(struct demo *d)
{
    int status = skt_demo_sockets_open(&d->fds, &d->ports, (uint16_t)d->port);
    if (status != SKT_EXIT_OK)
        return status;
    print_plan(d);
    catch_signals();
    status = start_tunnel(d);
    if (status == SKT_EXIT_OK)
        status = start_load(d);
    if (status == SKT_EXIT_OK)
        status = watch(d);
    skt_demo_children_end(&d->children);
    skt_janitor_add(&d->janitor, 0);
    skt_janitor_finish(&d->janitor);
    return status;
}

static int run(const struct skt_command *self, int argc, char **argv)
{
    static struct demo demo; /* large: with a value of its own it would be in the program's file */
    struct demo *d = &demo;
    const struct skt_option options[] = {
        {"loss", SKT_OPTION_NUMBER, &d->link.loss_percent, 0, 90},
        {"rtt", SKT_OPTION_NUMBER, &d->link.rtt_ms, 0, 5000},
        {"rate", SKT_OPTION_NUMBER, &d->link.rate_mbit, 0, 100000},
        {"seconds", SKT_OPTION_NUMBER, &d->seconds, 1, 1e6},
        {"port", SKT_OPTION_NUMBER, &d->port, 1, 65535},
        {"seed", SKT_OPTION_NUMBER, &d->seed, 0, 1e15},
        {0},
    };
    int status;
    d->link.loss_percent = 2;
    d->link.rtt_ms = 50;
    d->link.rate_mbit = 100;
    d->seed = 1;
    if (skt_cli_parse(self, options, argc, argv, 0, &status) < 0)
        return status;
    return play(d);
}

const struct skt_command skt_cmd_demo = {
    .name = "demo",
    .arguments = "[--loss P] [--rtt MS] [--rate MBIT] [--seconds N] [--port P]",
    .summary = "show the tunnel at work on this machine",
    .help = help,
    .run = run,
};
