/* SPDX-License-Identifier: MIT */
/* skt.api and skt.cb, by the scripts in tests/script/scripts: each says PASS in the log, or fails. */
#include "base/err.h"
#include "script/echo.h"
#include "script/rig.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

static bool is_done(void *user)
{
    return atomic_load(&((struct echo_client *)user)->done);
}

static void test_numbers(void **state)
{
    rig_run_script(*state, "numbers.lua", 5000);
}

static void test_arguments(void **state)
{
    rig_run_script(*state, "arguments.lua", 5000);
}

static void test_conf(void **state)
{
    rig_run_script(*state, "conf.lua", 5000);
}

static void test_handles(void **state)
{
    rig_run_script(*state, "handles.lua", 5000);
}

static void test_tcp(void **state)
{
    rig_run_script(*state, "tcp.lua", 30000);
}

static void test_messages(void **state)
{
    rig_run_script(*state, "messages.lua", 20000);
}

static void test_sessions(void **state)
{
    rig_run_script(*state, "sessions.lua", 20000);
}

static void test_one_object_has_several_cids(void **state)
{
    rig_run_script(*state, "cids.lua", 20000);
}

static void test_an_early_answer_arrives_whole(void **state)
{
    rig_run_script(*state, "early.lua", 20000);
}

static void test_sends_of_events_are_taken(void **state)
{
    rig_run_script(*state, "events.lua", 60000);
}

static void test_tables_can_be_cleared(void **state)
{
    rig_run_script(*state, "clearing.lua", 60000);
}

static void test_streams(void **state)
{
    rig_run_script(*state, "streams.lua", 20000);
}

static void test_callbacks(void **state)
{
    rig_run_script(*state, "callbacks.lua", 20000);
}

/* An on_tcp_accept that ran out of memory may have kept the number before. */
static void test_an_unheard_connection_is_told_to_be_closed(void **state)
{
    struct rig *rig = *state;
    struct rig_app a;
    char text[512];
    rig_write(rig, "full.lua",
              "local api, conf, cb, kept = skt.api, skt.conf, skt.cb, nil\n"
              "function cb.on_init(loop)\n"
              "  api.etcp_server_init(conf.etcp_serv_conf.raw, loop)\n"
              "  local c = api.etcp_client_init(conf.etcp_cli_conf.raw, loop)\n"
              "  api.etcp_client_create_conn(c, '127.0.0.1', conf.etcp_serv_conf.serv_port)\n"
              "end\n"
              "function cb.on_tcp_accept(fd)\n"
              "  kept = fd\n"
              "  return ('x'):rep(100000000)\n"
              "end\n"
              "function cb.on_tcp_recv() end\n"
              "function cb.on_tcp_close(fd)\n"
              "  if fd == kept then api.log('PASS') end\n"
              "end\n");
    snprintf(
        text, sizeof text,
        "config = { mode = 'm', script_file = 'full.lua', max_memory = '32M', m = { tcp_listen_port = %u } }",
        rig_port());
    rig_start(rig, &a, "c.lua", text);
    assert_true(rig_wait_log(rig, "PASS", 20000));
    assert_int_equal(rig_count_log(rig, "not enough memory"), 1);
    rig_stop(&a);
}

/* A listener that accepts nothing more: the system does not answer, and the limit ends the attempt. */
static void test_a_connect_has_a_limit(void **state)
{
    struct rig *rig = *state;
    struct rig_app a;
    char text[512];
    struct sockaddr_in addr;
    int listener = echo_socket(0, &addr), fds[8];
    socklen_t len = sizeof addr;
    assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fds[i], (struct sockaddr *)&addr, sizeof addr);
    }
    rig_write(rig, "slow.lua",
              "local api, conf, cb = skt.api, skt.conf, skt.cb\n"
              "function cb.on_init(loop)\n"
              "  local c = api.etcp_client_init(conf.etcp_cli_conf.raw, loop)\n"
              "  local t0 = api.get_ms()\n"
              "  local fd = api.etcp_client_create_conn(c, '127.0.0.1', conf.user.port)\n"
              "  function cb.on_tcp_close(its)\n"
              "    if fd == its and api.get_ms() - t0 > 900 then api.log('PASS') end\n"
              "  end\n"
              "end\n");
    snprintf(text, sizeof text,
             "config = { mode = 'm', script_file = 'slow.lua', m = { tcp_recv_timeout = 1, port = %u } }",
             ntohs(addr.sin_port));
    rig_start(rig, &a, "c.lua", text);
    assert_true(rig_wait_log(rig, "PASS", 20000));
    rig_stop(&a);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
    close(listener);
}

/* A script knows no half-closed connections: the peer's end is the end. What is sent in on_tcp_close arrives.
 */
static void test_an_answer_in_on_tcp_close_arrives(void **state)
{
    struct rig *rig = *state;
    struct rig_app a;
    struct echo_client c;
    char text[512];
    unsigned port = rig_port();
    rig_write(rig, "late.lua",
              "local api, conf, cb, got, etcp = skt.api, skt.conf, skt.cb, {}, nil\n"
              "function cb.on_init(loop) etcp = api.etcp_server_init(conf.etcp_serv_conf.raw, loop) end\n"
              "function cb.on_tcp_recv(fd, buf) got[fd] = (got[fd] or '') .. buf end\n"
              "function cb.on_tcp_close(fd) api.etcp_server_send(etcp, fd, got[fd]) end\n");
    snprintf(text, sizeof text,
             "config = { mode = 'm', script_file = 'late.lua', m = { tcp_listen_port = %u } }", port);
    rig_start(rig, &a, "c.lua", text);
    echo_start_client(&c, (uint16_t)port, 16000, false);
    if (!rig_run(rig, is_done, &c, RIG_GUARD * 20000))
        rig_show_log(rig);
    pthread_join(c.thread, NULL);
    assert_int_equal(c.error, 0);
    assert_int_equal(c.received, 16000);
    assert_true(c.same);
    rig_stop(&a);
}

/* Where the script sets neither on_tcp_accept nor on_tcp_recv, nobody would ever look at a connection. */
static void test_a_connection_that_nobody_wants_is_reset(void **state)
{
    struct rig *rig = *state;
    struct rig_app a;
    struct echo_client c;
    char text[512];
    unsigned port = rig_port();
    rig_write(
        rig, "deaf.lua",
        "function skt.cb.on_init(loop) skt.api.etcp_server_init(skt.conf.etcp_serv_conf.raw, loop) end\n"
        "function skt.cb.on_tcp_close() skt.api.log('told') end\n");
    snprintf(text, sizeof text,
             "config = { mode = 'm', script_file = 'deaf.lua', m = { tcp_listen_port = %u } }", port);
    rig_start(rig, &a, "c.lua", text);
    echo_start_client(&c, (uint16_t)port, 10, false);
    assert_true(rig_run(rig, is_done, &c, RIG_GUARD * 20000));
    pthread_join(c.thread, NULL);
    assert_int_equal(c.error, ECONNRESET);
    assert_int_equal(rig_count_log(rig, "told"), 0);
    rig_stop(&a);
}

/* The limits of the configuration hold for a script's connections, both kinds. */
static void test_an_idle_connection_is_closed(void **state)
{
    struct rig *rig = *state;
    struct rig_app a;
    char text[512];
    rig_write(rig, "idle.lua",
              "local api, conf, cb, ends = skt.api, skt.conf, skt.cb, 0\n"
              "function cb.on_init(loop)\n"
              "  api.etcp_server_init(conf.etcp_serv_conf.raw, loop)\n"
              "  local c = api.etcp_client_init(conf.etcp_cli_conf.raw, loop)\n"
              "  local fd = api.etcp_client_create_conn(c, '127.0.0.1', conf.etcp_serv_conf.serv_port)\n"
              "  local function chat(n)\n"
              "    api.timer_start(0.05, function()\n"
              "      assert(api.etcp_client_send(c, fd, 'x') == 1 and ends == 0)\n"
              "      if n > 0 then chat(n - 1) end\n"
              "    end)\n"
              "  end\n"
              "  chat(10)\n"
              "end\n"
              "function cb.on_tcp_accept() end\n"
              "function cb.on_tcp_recv() end\n"
              "function cb.on_tcp_close(fd)\n"
              "  ends = ends + 1\n"
              "  if ends == 2 then api.log('PASS') end\n"
              "end\n");
    snprintf(
        text, sizeof text,
        "config = { mode = 'm', script_file = 'idle.lua', m = { tcp_listen_port = %u, tcp_keepalive = 1 } }",
        rig_port());
    rig_start(rig, &a, "c.lua", text);
    assert_true(rig_wait_log(rig, "PASS", 20000));
    assert_int_equal(rig_count_log(rig, "traceback"), 0);
    rig_stop(&a);
}

static void test_stats_tell_redundancy(void **state)
{
    struct rig *rig = *state;
    struct rig_app a;
    rig_start_script(rig, &a, "password = 'p', redundancy = { data = 2, parity = 1 }", "stats.lua");
    assert_true(rig_wait_log(rig, "PASS", 50000));
    assert_false(skt_script_failed(a.app));
    rig_stop(&a);
}

static void test_what_was_sent_before_a_close_arrives(void **state)
{
    rig_run_script(*state, "closing.lua", 60000);
}

static void test_senders_in_callbacks_are_never_refused(void **state)
{
    rig_run_script(*state, "chain.lua", 60000);
}

static void test_timers(void **state)
{
    rig_run_script(*state, "timers.lua", 10000);
}

static void test_builtin_modes_can_be_extended(void **state)
{
    rig_run_script(*state, "extend.lua", 10000);
}

/* Errors are logged with a traceback and change nothing else. */
static void test_errors_are_survived(void **state)
{
    struct rig *rig = *state;
    struct rig_app a;
    rig_start_script(rig, &a, "password = 'p'", "errors.lua");
    assert_true(rig_wait_log(rig, "PASS", 50000));
    assert_int_equal(rig_count_log(rig, "on purpose"), 2);
    assert_int_equal(rig_count_log(rig, "stack traceback"), 3);
    assert_int_equal(rig_count_log(rig, "a table as an error"), 1);
    assert_false(skt_script_failed(a.app));
    rig_stop(&a);
}

static void test_runaway_is_stopped(void **state)
{
    struct rig *rig = *state;
    struct rig_app a;
    rig_start_script(rig, &a, "password = 'p'", "runaway.lua");
    assert_true(rig_wait_log(rig, "PASS", 80000));
    assert_int_equal(rig_count_log(rig, "stopped: it ran for more than 5 s"), 1);
    rig_stop(&a);
}

static void test_script_that_cannot_run(void **state)
{
    struct rig *rig = *state;
    char err[SKT_CONFIG_ERROR_MAX];
    rig_write(rig, "bad.lua", "error('at once')");
    rig_start_fails(rig, "c.lua", "config = { mode = 'bad', script_file = 'bad.lua', bad = {} }", err,
                    sizeof err);
    assert_non_null(strstr(err, "at once"));
    rig_write(rig, "bad.lua", "function skt.cb.on_init() skt.api.fail('gave up') end");
    rig_start_fails(rig, "c.lua", "config = { mode = 'bad', script_file = 'bad.lua', bad = {} }", err,
                    sizeof err);
    assert_string_equal(err, "gave up");
    rig_write(rig, "bad.lua", "function skt.cb.on_init() error('not today') end");
    rig_start_fails(rig, "c.lua", "config = { mode = 'bad', script_file = 'bad.lua', bad = {} }", err,
                    sizeof err);
    assert_non_null(strstr(err, "bad.lua:1: not today"));
    assert_null(strchr(err, '\n'));
    rig_write(rig, "bad.lua", "-- nothing");
    rig_start_fails(rig, "c.lua", "config = { mode = 'bad', script_file = 'bad.lua', bad = {} }", err,
                    sizeof err);
    assert_string_equal(err, "the script sets no skt.cb.on_init");
}

static void test_modules_beside_the_script(void **state)
{
    struct rig *rig = *state;
    struct rig_app a;
    rig_write(rig, "helper.lua", "return { word = 'PASS' }");
    rig_write(rig, "main.lua", "function skt.cb.on_init() skt.api.log(require('helper').word) end");
    rig_start(rig, &a, "c.lua", "config = { mode = 'm', script_file = 'main.lua', m = {} }");
    assert_int_equal(rig_count_log(rig, "PASS"), 1);
    rig_stop(&a);
}

#define SCRIPT_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

CHECK_GROUP(api)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(test_numbers),
        SCRIPT_TEST(test_arguments),
        SCRIPT_TEST(test_conf),
        SCRIPT_TEST(test_handles),
        SCRIPT_TEST(test_tcp),
        SCRIPT_TEST(test_messages),
        SCRIPT_TEST(test_sessions),
        SCRIPT_TEST(test_one_object_has_several_cids),
        SCRIPT_TEST(test_an_early_answer_arrives_whole),
        SCRIPT_TEST(test_sends_of_events_are_taken),
        SCRIPT_TEST(test_tables_can_be_cleared),
        SCRIPT_TEST(test_callbacks),
        SCRIPT_TEST(test_streams),
        SCRIPT_TEST(test_an_unheard_connection_is_told_to_be_closed),
        SCRIPT_TEST(test_a_connect_has_a_limit),
        SCRIPT_TEST(test_an_answer_in_on_tcp_close_arrives),
        SCRIPT_TEST(test_a_connection_that_nobody_wants_is_reset),
        SCRIPT_TEST(test_an_idle_connection_is_closed),
        SCRIPT_TEST(test_stats_tell_redundancy),
        SCRIPT_TEST(test_what_was_sent_before_a_close_arrives),
        SCRIPT_TEST(test_senders_in_callbacks_are_never_refused),
        SCRIPT_TEST(test_timers),
        SCRIPT_TEST(test_builtin_modes_can_be_extended),
        SCRIPT_TEST(test_errors_are_survived),
        SCRIPT_TEST(test_runaway_is_stopped),
        SCRIPT_TEST(test_script_that_cannot_run),
        SCRIPT_TEST(test_modules_beside_the_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
