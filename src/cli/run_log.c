/* SPDX-License-Identifier: MIT */
#include "cli/run_log.h"

#include "base/log.h"
#include "cli/json.h"
#include "cli/status_table.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Handlers of signals get nothing but the signal. */
static struct {
    struct skt_loop *loop; /* NULL: not running */
    struct skt_loop_timer counted;
    struct skt_loop_signal on_usr1;
    void (*write_status)(void *user, FILE *out);
    void *user;
} run_log;

static void set_timer(void *user)
{
    (void)user;
    skt_loop_timer_set(run_log.loop, &run_log.counted, skt_log_expiry());
}

static void on_counted(struct skt_loop_timer *t, skt_us now)
{
    (void)t;
    skt_log_expire(now);
    set_timer(NULL);
}

static void log_lines(char *text)
{
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        skt_info("%s", line);
}

/* The status as `skcptun status` shows it. */
static void log_status(void)
{
    char *json = NULL, *table = NULL;
    size_t json_len, table_len;
    FILE *out = open_memstream(&json, &json_len);
    if (!out)
        return;
    run_log.write_status(run_log.user, out);
    bool ok = fclose(out) == 0;
    out = ok ? open_memstream(&table, &table_len) : NULL;
    if (out) {
        skt_status_table_print(out, skt_json_of(json, json_len));
        if (fclose(out) == 0)
            log_lines(table);
    }
    free(json);
    free(table);
}

static void on_status_signal(struct skt_loop_signal *s, int signum)
{
    (void)s;
    (void)signum;
    log_status();
}

void skt_run_log_start(struct skt_loop *loop, void (*write_status)(void *user, FILE *out), void *user)
{
    run_log.loop = loop;
    run_log.write_status = write_status;
    run_log.user = user;
    skt_loop_timer_init(&run_log.counted, on_counted);
    skt_log_set_waker(set_timer, NULL);
    skt_loop_signal_start(loop, &run_log.on_usr1, SIGUSR1, on_status_signal);
    set_timer(NULL);
}

void skt_run_log_stop(void)
{
    if (!run_log.loop)
        return;
    skt_log_set_waker(NULL, NULL);
    skt_loop_signal_stop(run_log.loop, &run_log.on_usr1);
    skt_loop_timer_stop(run_log.loop, &run_log.counted);
    run_log.loop = NULL;
    skt_log_finish();
}
