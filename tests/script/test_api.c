/* SPDX-License-Identifier: MIT */
/* skt.api and skt.cb, by the scripts in tests/script/scripts: each says PASS in the log, or fails. */
#include "base/err.h"
#include "script/rig.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

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
    assert_false(skt_app_failed(a.app));
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
    assert_false(skt_app_failed(a.app));
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
