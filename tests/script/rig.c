/* SPDX-License-Identifier: MIT */
#include "script/rig.h"

#include "base/err.h"
#include "base/free_port.h"
#include "base/log.h"
#include "config/diff.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const skt_us poll_every = 2 * SKT_US_PER_MS;

static void path_of(const struct rig *rig, const char *name, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%s/%s", rig->dir, name);
    assert_true(n > 0 && (size_t)n < cap);
}

/* Every line is an hour after the one before, so that none is only counted: tests wait for each. */
static skt_us far_apart(void)
{
    static skt_us now;
    return now += 3600 * SKT_US_PER_SEC;
}

int rig_setup(void **state)
{
    char path[128];
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    (void)signal(SIGPIPE, SIG_IGN);
    snprintf(rig->dir, sizeof rig->dir, "/tmp/skt-lua-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    path_of(rig, "log", path, sizeof path);
    assert_int_equal(skt_log_open(path), SKT_OK);
    skt_log_set_clock(far_apart);
    assert_int_equal(skt_loop_new(&rig->loop), SKT_OK);
    *state = rig;
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;
    char command[128];
    skt_loop_free(rig->loop);
    assert_int_equal(skt_log_open(NULL), SKT_OK);
    snprintf(command, sizeof command, "rm -rf %s", rig->dir);
    assert_int_equal(system(command), 0);
    free(rig);
    return 0;
}

uint16_t rig_port(void)
{
    uint16_t port = free_port();
    assert_true(port > 0);
    return port;
}

void rig_write(struct rig *rig, const char *name, const char *text)
{
    char path[128];
    path_of(rig, name, path, sizeof path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void load(struct rig *rig, struct rig_app *a, const char *name, const char *text)
{
    char path[128], err[SKT_CONFIG_ERROR_MAX];
    path_of(rig, name, path, sizeof path);
    int rc = skt_config_load_text(&a->conf, path, text, strlen(text), err, sizeof err);
    if (rc != SKT_OK)
        print_error("%s\n", err);
    assert_int_equal(rc, SKT_OK);
    rc = skt_script_new(&a->app, rig->loop, a->conf, err, sizeof err);
    if (rc != SKT_OK)
        print_error("%s\n", err);
    assert_int_equal(rc, SKT_OK);
}

void rig_start(struct rig *rig, struct rig_app *a, const char *name, const char *text)
{
    char err[SKT_CONFIG_ERROR_MAX];
    load(rig, a, name, text);
    int rc = skt_script_start(a->app, err, sizeof err);
    if (rc != SKT_OK)
        print_error("%s\n", err);
    assert_int_equal(rc, SKT_OK);
}

void rig_start_fails(struct rig *rig, const char *name, const char *text, char *err, size_t err_cap)
{
    struct rig_app a;
    load(rig, &a, name, text);
    assert_int_equal(skt_script_start(a.app, err, err_cap), SKT_ERR_IO);
    rig_stop(&a);
}

void rig_reload(struct rig_app *a, const char *text)
{
    char err[SKT_CONFIG_ERROR_MAX];
    struct skt_config *fresh;
    assert_int_equal(skt_config_load_text(&fresh, "reloaded.lua", text, strlen(text), err, sizeof err),
                     SKT_OK);
    skt_config_take_live(a->conf, fresh);
    skt_config_free(fresh);
    skt_script_reloaded(a->app);
}

void rig_stop(struct rig_app *a)
{
    skt_script_free(a->app);
    skt_config_free(a->conf);
}

struct wait {
    struct skt_loop_timer timer;
    struct rig *rig;
    bool (*done)(void *user);
    void *user;
    skt_us until;
    bool met;
};

static void on_poll(struct skt_loop_timer *t, skt_us now)
{
    struct wait *w = SKT_CONTAINER(t, struct wait, timer);
    w->met = w->done(w->user);
    if (w->met || now >= w->until)
        skt_loop_stop(w->rig->loop);
    else
        skt_loop_timer_set(w->rig->loop, t, now + poll_every);
}

bool rig_run(struct rig *rig, bool (*done)(void *user), void *user, unsigned limit_ms)
{
    struct wait w = {.rig = rig, .done = done, .user = user};
    skt_us now = skt_loop_now(rig->loop);
    w.until = now + limit_ms * SKT_US_PER_MS;
    skt_loop_timer_init(&w.timer, on_poll);
    skt_loop_timer_set(rig->loop, &w.timer, now);
    skt_loop_run(rig->loop);
    skt_loop_timer_stop(rig->loop, &w.timer);
    return w.met;
}

static char *read_log(const struct rig *rig)
{
    char path[128];
    path_of(rig, "log", path, sizeof path);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *text = malloc(1 << 20);
    assert_non_null(text);
    size_t len = fread(text, 1, (1 << 20) - 1, f);
    text[len] = 0;
    (void)fclose(f);
    return text;
}

unsigned rig_count_log(struct rig *rig, const char *text)
{
    char *log = read_log(rig);
    unsigned n = 0;
    for (const char *p = log; (p = strstr(p, text)) != NULL; p += strlen(text))
        n++;
    free(log);
    return n;
}

void rig_show_log(struct rig *rig)
{
    char *log = read_log(rig);
    print_error("%s\n", log);
    free(log);
}

struct log_wait {
    struct rig *rig;
    const char *text;
    unsigned count;
};

static bool in_log(void *user)
{
    const struct log_wait *w = user;
    return rig_count_log(w->rig, w->text) >= w->count;
}

bool rig_wait_count(struct rig *rig, const char *text, unsigned count, unsigned limit_ms)
{
    struct log_wait w = {rig, text, count};
    return rig_run(rig, in_log, &w, RIG_GUARD * limit_ms);
}

bool rig_wait_log(struct rig *rig, const char *text, unsigned limit_ms)
{
    return rig_wait_count(rig, text, 1, limit_ms);
}

void rig_script_config(const char *secret, const char *script, char *text, size_t cap)
{
    unsigned udp = rig_port(), tcp = rig_port();
    int n = snprintf(
        text, cap,
        "local function remote(t) return { address = '127.0.0.1', port = %u, %s, ticket = t } end\n"
        "config = { mode = 'test', script_file = '" SKT_SOURCE_DIR "/tests/script/scripts/%s', test = {\n"
        "  tcp_listen_port = %u, tcp_read_buf_size = 1000, colour = 'red', list = { 1, { 2.5, true } },\n"
        "  tickets = { ['" RIG_TICKET "'] = { name = 'alice' } },\n"
        "  skcp_servers = { { address = '127.0.0.1', port = %u, %s } },\n"
        "  skcp_remote_servers = { remote('" RIG_TICKET "'), remote(('x'):rep(32)) } } }",
        udp, secret, script, tcp, udp, secret);
    assert_true(n > 0 && (size_t)n < cap);
}

void rig_start_script(struct rig *rig, struct rig_app *a, const char *secret, const char *script)
{
    char text[2048];
    rig_script_config(secret, script, text, sizeof text);
    rig_start(rig, a, "test.lua", text);
}

void rig_run_script(struct rig *rig, const char *script, unsigned limit_ms)
{
    struct rig_app a;
    rig_start_script(rig, &a, "password = 'p'", script);
    bool passed = rig_wait_log(rig, "PASS", limit_ms);
    if (!passed || rig_count_log(rig, "traceback") > 0)
        rig_show_log(rig);
    assert_true(passed);
    assert_int_equal(rig_count_log(rig, "traceback"), 0);
    rig_stop(&a);
}
