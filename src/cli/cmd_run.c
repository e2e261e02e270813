/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/janitor.h"
#include "cli/opener.h"
#include "cli/run.h"
#include "cli/run_log.h"
#include "cli/status_path.h"
#include "cli/status_socket.h"
#include "config/config.h"
#include "config/diff.h"
#include "io/loop.h"
#include "io/privileges.h"
#include "script/app.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "\n"
    "Runs what the configuration says until SIGTERM or SIGINT. Open connections then get\n"
    "one second to end; a second signal ends them at once. SIGHUP reads the configuration\n"
    "again and takes over what can change without dropping a connection: tickets, targets,\n"
    "tcp_target_*, tcp_keepalive, tcp_recv_timeout, trace_file, log_level and log_file, which\n"
    "is opened anew; it names each other field that has changed. The log goes to stderr\n"
    "unless log_file is set.\n"
    "SIGUSR1 writes the status to the log.\n"
    "\n"
    "Options:\n"
    "  --help  this text\n"
    "\n"
    "Exit status: 0 ended by a signal, 1 failed while running, 2 wrong configuration.\n";

static const skt_us drain_limit = SKT_US_PER_SEC;

/* The running process. */
struct process {
    const struct skt_run_source *source;
    struct skt_config *conf;
    struct skt_loop *loop;
    struct skt_script *app;
    char *status_wanted; /* the configuration's status_socket as it was written */
    struct skt_status_socket *status;
    struct skt_janitor janitor;
    struct skt_opener opener;
    char *log_wanted; /* log_file at the start, which the opener knows */
    struct skt_loop_signal on_term, on_int, on_hup;
    bool stopping;
};

/* Signal handlers of the loop get nothing but the signal. */
static struct process process;

static void on_stopped(void *user)
{
    struct process *p = user;
    skt_loop_stop(p->loop);
}

static void on_end_signal(struct skt_loop_signal *s, int signum)
{
    (void)s;
    struct process *p = &process;
    const char *name = signum == SIGTERM ? "SIGTERM" : "SIGINT";
    if (p->stopping)
        skt_info("%s again: ending at once", name);
    else
        skt_info("%s: ending, open connections get %d s", name, (int)(drain_limit / SKT_US_PER_SEC));
    skt_script_stop(p->app, p->stopping ? 0 : drain_limit, on_stopped, p);
    p->stopping = true;
}

static int read_config(struct process *p, struct skt_config **out, char *why, size_t cap)
{
    const struct skt_run_source *source = p->source;
    if (source->text)
        return skt_config_load_text(out, source->path, source->text, source->text_len, why, cap);
    if (p->opener.pid > 0)
        return skt_config_load_fd(out, source->path, skt_opener_open(&p->opener, SKT_OPENER_CONFIG), why,
                                  cap);
    return skt_config_load(out, source->path, why, cap);
}

static void log_warnings(const struct skt_config *conf)
{
    for (size_t i = 0; i < conf->warnings.count; i++)
        skt_warn("%s", conf->warnings.items[i]);
}

/* The configuration has the place where the socket really is: state files go beside it. */
static int set_status_path(struct skt_config *conf, const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return SKT_ERR_NOMEM;
    free(conf->status_socket);
    conf->status_socket = copy;
    return SKT_OK;
}

/* For programs that rotate logs. The account that we became may not write there, but the opener, if the file
 * is the one that was named at the start. */
static void reopen_log(struct process *p)
{
    const struct skt_config *conf = p->conf;
    bool same = conf->log_file && p->log_wanted && strcmp(conf->log_file, p->log_wanted) == 0;
    int fd = same && p->opener.pid > 0 ? skt_opener_open(&p->opener, SKT_OPENER_LOG) : -1;
    if (fd >= 0 && skt_log_use(conf->log_file, fd) == SKT_OK)
        return;
    if (fd >= 0)
        close(fd);
    if (skt_log_open(conf->log_file) < 0)
        skt_warn("SIGHUP: %s: %s; the log goes on where it was", conf->log_file, skt_log_file_error(errno));
}

static void say_restart(void *user, const char *field)
{
    const struct process *p = user;
    skt_warn("SIGHUP: %s: %s has changed, which takes a restart to have an effect", p->source->path, field);
}

static void on_reload_signal(struct skt_loop_signal *s, int signum)
{
    (void)s;
    (void)signum;
    struct process *p = &process;
    struct skt_config *fresh;
    char why[SKT_CONFIG_ERROR_MAX] = "out of memory";
    if (p->stopping)
        return;
    if (read_config(p, &fresh, why, sizeof why) < 0) {
        skt_error("SIGHUP: %s; nothing was changed", why);
        return;
    }
    log_warnings(fresh);
    if (strcmp(fresh->mode_name, p->conf->mode_name) != 0) {
        skt_error("SIGHUP: %s: mode: \"%s\" instead of \"%s\" takes a restart; nothing was changed",
                  p->source->path, fresh->mode_name, p->conf->mode_name);
        skt_config_free(fresh);
        return;
    }
    /* The same wish was met with the same place; so nothing has changed. */
    if (p->status_wanted && strcmp(fresh->status_socket, p->status_wanted) == 0)
        (void)set_status_path(fresh, p->conf->status_socket);
    skt_config_restart_fields(p->conf, fresh, say_restart, p);
    skt_config_take_live(p->conf, fresh);
    skt_config_free(fresh);
    skt_script_reloaded(p->app);
    reopen_log(p);
    skt_info("SIGHUP: %s was read again", p->source->path);
}

static int load(struct process *p)
{
    char why[SKT_CONFIG_ERROR_MAX] = "";
    int result = read_config(p, &p->conf, why, sizeof why);
    if (result == SKT_ERR_ARG) {
        fprintf(stderr, "%s\n", why);
        return SKT_EXIT_USAGE;
    }
    return result < 0 ? skt_cli_failure("%s: %s", p->source->path, skt_err_str(result)) : SKT_EXIT_OK;
}

static int prepare(struct process *p)
{
    const struct skt_config *conf = p->conf;
    skt_log_set_level(conf->log_level);
    if (conf->log_file && skt_log_open(conf->log_file) < 0)
        return skt_cli_failure("%s: %s", conf->log_file, skt_log_file_error(errno));
    skt_info("skcptun " SKT_VERSION ", pid %ld, mode %s, configuration %s", (long)getpid(), conf->mode_name,
             p->source->path);
    log_warnings(conf);
    skt_debug("%zu descriptors at most", skt_privileges_raise_fds());
    int err = skt_loop_new(&p->loop);
    if (err < 0)
        return skt_cli_failure("event loop: %s", skt_err_str(err));
    return SKT_EXIT_OK;
}

static void start_signals(struct process *p)
{
    skt_loop_signal_start(p->loop, &p->on_term, SIGTERM, on_end_signal);
    skt_loop_signal_start(p->loop, &p->on_int, SIGINT, on_end_signal);
    skt_loop_signal_start(p->loop, &p->on_hup, SIGHUP, on_reload_signal);
}

static void stop_signals(struct process *p)
{
    /* One more that comes now would have its default action, and end what is ending well. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    skt_loop_signal_stop(p->loop, &p->on_term);
    skt_loop_signal_stop(p->loop, &p->on_int);
    skt_loop_signal_stop(p->loop, &p->on_hup);
}

static void write_status(void *user, FILE *out)
{
    const struct process *p = user;
    skt_script_status_json(p->app, out);
}

static void write_answer(void *user, FILE *out, bool debug)
{
    const struct process *p = user;
    if (debug)
        skt_script_status_debug(p->app, out);
    else
        skt_script_status_json(p->app, out);
}

/* Where privileges will be given up, the socket's removal needs somebody who keeps them. */
static int keep_a_janitor(struct process *p)
{
    if (!p->conf->run_as || geteuid() != 0 || !p->status)
        return SKT_EXIT_OK;
    const struct skt_status_file *file = skt_status_socket_file(p->status);
    if (skt_janitor_start_program(&p->janitor, SKT_STATUS_ROLE, skt_status_file_remove_after, file,
                                  sizeof *file) < 0)
        return skt_cli_failure("can't start a process that removes the status socket: %s", strerror(errno));
    return SKT_EXIT_OK;
}

/* Another instance has our name: we take one of our own. */
static int take_other_name(struct process *p, char path[SKT_STATUS_PATH_MAX])
{
    struct skt_config *conf = p->conf;
    char *name = skt_config_other_name(conf);
    char wanted[SKT_STATUS_PATH_MAX];
    if (!name || skt_status_default(name, wanted) < 0 || skt_status_place(wanted, path) < 0) {
        free(name);
        return SKT_ERR_NOMEM;
    }
    skt_info("another instance has the name %s: this one is %s", conf->name, name);
    free(conf->name);
    conf->name = name;
    return set_status_path(conf, path);
}

static int open_status(struct process *p)
{
    char path[SKT_STATUS_PATH_MAX], why[SKT_STATEFILE_WHY_MAX];
    if (!p->conf->status_socket[0])
        return SKT_EXIT_OK;
    p->status_wanted = strdup(p->conf->status_socket);
    const char *wanted = p->status_wanted;
    int err = wanted ? skt_status_place(wanted, path) : SKT_ERR_NOMEM;
    if (err == SKT_OK)
        err = set_status_path(p->conf, path);
    if (err == SKT_OK)
        err = skt_status_socket_new(&p->status, p->loop, path, why);
    if (err == SKT_ERR_FULL && skt_status_is_default(wanted) && !p->source->text &&
        take_other_name(p, path) == SKT_OK)
        err = skt_status_socket_new(&p->status, p->loop, path, why);
    if (err == SKT_ERR_FULL)
        return skt_cli_failure("%s: an instance of this configuration is running already; "
                               "give this one a status_socket of its own, or end the other",
                               path);
    if (err == SKT_ERR_AUTH)
        return skt_cli_failure("status_socket: %s", why);
    if (err < 0)
        return skt_cli_failure("status_socket %s: %s", p->conf->status_socket,
                               err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
    skt_debug("status socket %s", path);
    return SKT_EXIT_OK;
}

static int start(struct process *p)
{
    char why[SKT_CONFIG_ERROR_MAX] = "";
    int result = skt_script_new(&p->app, p->loop, p->conf, why, sizeof why);
    if (result == SKT_OK)
        result = skt_script_start(p->app, why, sizeof why);
    if (result < 0) {
        skt_error("%s", why[0] ? why : skt_err_str(result));
        return result == SKT_ERR_ARG ? SKT_EXIT_USAGE : SKT_EXIT_FAILURE;
    }
    if (p->status)
        skt_status_socket_serve(p->status, write_answer, p);
    skt_run_log_start(p->loop, write_status, p);
    if (!p->conf->run_as)
        return SKT_EXIT_OK;
    if (geteuid() == 0 && !p->source->text &&
        skt_opener_start(&p->opener, p->source->path, p->conf->log_file) < 0)
        return skt_cli_failure("can't start a process that opens the configuration for a reload: %s",
                               strerror(errno));
    p->log_wanted = p->conf->log_file ? strdup(p->conf->log_file) : NULL;
    result = skt_privileges_drop(p->conf->run_as, false);
    if (result == SKT_ERR_NOTFOUND) {
        skt_error("%s: user: there is no account \"%s\"", p->source->path, p->conf->run_as);
        return SKT_EXIT_USAGE;
    }
    if (result < 0) {
        skt_error("becoming user %s: %s", p->conf->run_as,
                  result == SKT_ERR_IO ? strerror(errno) : skt_err_str(result));
        return SKT_EXIT_FAILURE;
    }
    skt_info("running as user %s from here on", p->conf->run_as);
    return SKT_EXIT_OK;
}

/* Whatever was reached is undone, latest first. */
static void clean_up(struct process *p)
{
    skt_run_log_stop();
    skt_script_free(p->app);
    skt_status_socket_free(p->status);
    if (p->loop)
        stop_signals(p);
    skt_loop_free(p->loop);
    skt_config_free(p->conf);
    free(p->status_wanted);
    skt_janitor_finish(&p->janitor);
    skt_opener_finish(&p->opener);
    free(p->log_wanted);
}

int skt_run(const struct skt_run_source *source)
{
    struct process *p = &process;
    p->source = source;
    int status = load(p);
    if (status == SKT_EXIT_OK)
        status = prepare(p);
    if (status == SKT_EXIT_OK) {
        start_signals(p);
        status = open_status(p);
    }
    if (status == SKT_EXIT_OK)
        status = keep_a_janitor(p);
    if (status == SKT_EXIT_OK)
        status = start(p);
    if (status == SKT_EXIT_OK) {
        skt_loop_run(p->loop);
        status = skt_script_failed(p->app) ? SKT_EXIT_FAILURE : SKT_EXIT_OK;
        skt_run_log_stop();
        skt_info("ended");
    }
    clean_up(p);
    return status;
}

static int run(const struct skt_command *self, int argc, char **argv)
{
    const struct skt_option options[] = {{0}};
    int status;
    int n = skt_cli_parse(self, options, argc, argv, 1, &status);
    if (n < 0)
        return status;
    if (n == 0)
        return skt_cli_usage_error(self, "which configuration?");
    return skt_run(&(struct skt_run_source){.path = argv[1]});
}

const struct skt_command skt_cmd_run = {
    .arguments = "CONFIG",
    .summary = NULL,
    .help = help,
    .run = run,
};
