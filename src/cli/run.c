/* SPDX-License-Identifier: MIT */
#include "cli/run.h"

#include "base/err.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/process.h"
#include "cli/run_log.h"
#include "cli/run_metrics.h"
#include "cli/run_reload.h"
#include "cli/run_status.h"
#include "cli/service.h"
#include "io/privileges.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const skt_us drain_limit =
    SKT_US_PER_SEC; /* longer than a round trip, shorter than a restart may take */

/* Signal handlers of the loop get nothing but the signal. */
static struct skt_process process;

static void on_stopped(void *user)
{
    struct skt_process *p = user;
    skt_loop_stop(p->loop);
}

static void on_end_signal(struct skt_loop_signal *s, int signum)
{
    (void)s;
    struct skt_process *p = &process;
    const char *name = signum == SIGTERM ? "SIGTERM" : "SIGINT";
    if (p->stopping)
        skt_info("%s again: ending at once", name);
    else
        skt_info("%s: ending, open connections get %d s", name, (int)(drain_limit / SKT_US_PER_SEC));
    skt_service_stopping();
    skt_script_stop(p->app, p->stopping ? 0 : drain_limit, on_stopped, p);
    p->stopping = true;
}

static void on_reload_signal(struct skt_loop_signal *s, int signum)
{
    (void)s;
    (void)signum;
    if (process.stopping)
        return;
    skt_service_reloading();
    skt_run_reload(&process);
    skt_service_reloaded();
}

static int load(struct skt_process *p)
{
    char why[SKT_CONFIG_ERROR_MAX] = "";
    int err = skt_run_read_config(p, &p->conf, why, sizeof why);
    if (err == SKT_ERR_ARG) {
        fprintf(stderr, "%s\n", why);
        return SKT_EXIT_USAGE;
    }
    return err < 0 ? skt_cli_failure("%s: %s", p->source->path, skt_err_str(err)) : SKT_EXIT_OK;
}

static int prepare(struct skt_process *p)
{
    const struct skt_config *conf = p->conf;
    skt_log_set_level(conf->log_level);
    if (conf->log_file && skt_log_open(conf->log_file) < 0)
        return skt_cli_failure("%s: %s", conf->log_file, skt_log_file_error(errno));
    skt_info("skcptun " SKT_VERSION ", pid %ld, mode %s, configuration %s", (long)getpid(), conf->mode_name,
             p->source->path);
    skt_run_log_warnings(conf);
    skt_debug("%zu descriptors at most", skt_privileges_raise_fds());
    int err = skt_loop_new(&p->loop);
    if (err < 0)
        return skt_cli_failure("event loop: %s", skt_err_str(err));
    return SKT_EXIT_OK;
}

static void start_signals(struct skt_process *p)
{
    skt_loop_signal_start(p->loop, &p->on_term, SIGTERM, on_end_signal);
    skt_loop_signal_start(p->loop, &p->on_int, SIGINT, on_end_signal);
    skt_loop_signal_start(p->loop, &p->on_hup, SIGHUP, on_reload_signal);
}

static void stop_signals(struct skt_process *p)
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
    const struct skt_process *p = user;
    skt_script_status_json(p->app, out);
}

static void describe(void *user, char *buf, size_t cap)
{
    const struct skt_process *p = user;
    skt_script_in_a_line(p->app, buf, cap);
}

static void write_answer(void *user, FILE *out, const char *question)
{
    const struct skt_process *p = user;
    if (strncmp(question, SKT_STATUS_KICK, sizeof SKT_STATUS_KICK - 1) == 0)
        fputs(skt_script_kick(p->app, question + sizeof SKT_STATUS_KICK - 1) ? "{}\n" : "[]\n", out);
    else if (strncmp(question, SKT_STATUS_DEBUG, sizeof SKT_STATUS_DEBUG - 1) == 0)
        skt_script_status_debug(p->app, out);
    else
        skt_script_status_json(p->app, out);
}

static int start(struct skt_process *p)
{
    char why[SKT_CONFIG_ERROR_MAX] = "";
    int err = skt_script_new(&p->app, p->loop, p->conf, why, sizeof why);
    if (err == SKT_OK)
        err = skt_script_start(p->app, why, sizeof why);
    if (err < 0) {
        skt_error("%s", why[0] ? why : skt_err_str(err));
        return err == SKT_ERR_ARG ? SKT_EXIT_USAGE : SKT_EXIT_FAILURE;
    }
    if (p->status)
        skt_status_socket_serve(p->status, write_answer, p);
    skt_run_serve_metrics(p);
    skt_run_log_start(p->loop, write_status, p);
    if (!p->conf->run_as)
        return SKT_EXIT_OK;
    if (geteuid() == 0 && !p->source->text &&
        skt_opener_start(&p->opener, p->source->path, p->conf->log_file, &p->conf->files) < 0)
        return skt_cli_failure("can't start a process that opens the configuration for a reload: %s",
                               strerror(errno));
    p->log_wanted = p->conf->log_file ? strdup(p->conf->log_file) : NULL;
    err = skt_privileges_drop(p->conf->run_as, false);
    if (err == SKT_ERR_NOTFOUND) {
        skt_error("%s: user: there is no account \"%s\"", p->source->path, p->conf->run_as);
        return SKT_EXIT_USAGE;
    }
    if (err < 0) {
        skt_error("becoming user %s: %s", p->conf->run_as,
                  err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
        return SKT_EXIT_FAILURE;
    }
    skt_info("running as user %s from here on", p->conf->run_as);
    return SKT_EXIT_OK;
}

/* Whatever was reached is undone, latest first. */
static void clean_up(struct skt_process *p)
{
    skt_service_stop();
    skt_run_log_stop();
    skt_run_close_metrics(p);
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
    struct skt_process *p = &process;
    p->source = source;
    int status = load(p);
    if (status == SKT_EXIT_OK)
        status = prepare(p);
    if (status == SKT_EXIT_OK) {
        start_signals(p);
        status = skt_run_open_status(p);
    }
    if (status == SKT_EXIT_OK)
        status = skt_run_open_metrics(p);
    if (status == SKT_EXIT_OK)
        status = skt_run_keep_a_janitor(p);
    if (status == SKT_EXIT_OK)
        status = start(p);
    if (status == SKT_EXIT_OK) {
        skt_service_start(p->loop, describe, p);
        skt_loop_run(p->loop);
        status = skt_script_failed(p->app) ? SKT_EXIT_FAILURE : SKT_EXIT_OK;
        skt_run_log_stop();
        skt_info("ended");
    }
    clean_up(p);
    return status;
}
