/* SPDX-License-Identifier: MIT */
/* Every script of examples/ at work. */
#include "base/err.h"
#include "script/echo.h"
#include "script/rig.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define KEY           "key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='"
#define EXAMPLE(name) SKT_SOURCE_DIR "/examples/" name
#define SCRIPT(name)  SKT_SOURCE_DIR "/tests/script/scripts/" name

/* An instance of mode m with a script and fields. */
static void start(struct rig *rig, struct rig_app *a, const char *script, const char *fields, ...)
    __attribute__((format(printf, 4, 5)));

static void start(struct rig *rig, struct rig_app *a, const char *script, const char *fields, ...)
{
    char text[2048], inner[1024];
    va_list ap;
    va_start(ap, fields);
    vsnprintf(inner, sizeof inner, fields, ap);
    va_end(ap);
    snprintf(text, sizeof text,
             "config = { mode = 'm', status_socket = 'off', script_file = '%s', m = { %s } }", script, inner);
    rig_start(rig, a, "example.lua", text);
}

#define SERVER "skcp_servers = { { address = '127.0.0.1', port = %u, " KEY " } }"
#define REMOTE                                                                                               \
    "skcp_remote_servers = { { address = '127.0.0.1', port = %u, " KEY ", ticket = '" RIG_TICKET "' } }"

static void expect_log(struct rig *rig, const char *text, unsigned limit_ms)
{
    bool found = rig_wait_log(rig, text, limit_ms);
    if (!found || rig_count_log(rig, "traceback") > 0)
        rig_show_log(rig);
    assert_true(found);
    assert_int_equal(rig_count_log(rig, "traceback"), 0);
}

static void test_echo(void **state)
{
    struct rig *rig = *state;
    struct rig_app server, user;
    unsigned udp = rig_port();
    start(rig, &server, EXAMPLE("echo.lua"), "greeting = 'welcome', " SERVER, udp);
    start(rig, &user, SCRIPT("echo_user.lua"), REMOTE, udp);
    expect_log(rig, "PASS", 10000);
    rig_stop(&user);
    rig_stop(&server);
}

static void test_chat(void **state)
{
    struct rig *rig = *state;
    struct rig_app server, ann, bob, users;
    unsigned udp = rig_port(), tcp[2] = {rig_port(), rig_port()};
    start(rig, &server, EXAMPLE("chat.lua"), SERVER, udp);
    start(rig, &ann, EXAMPLE("chat.lua"), "name = 'ann', tcp_listen_port = %u, " REMOTE, tcp[0], udp);
    start(rig, &bob, EXAMPLE("chat.lua"), "name = 'bob', tcp_listen_port = %u, " REMOTE, tcp[1], udp);
    start(rig, &users, SCRIPT("chat_users.lua"), "ports = { %u, %u }", tcp[0], tcp[1]);
    expect_log(rig, "PASS", 10000);
    rig_stop(&users);
    rig_stop(&bob);
    rig_stop(&ann);
    rig_stop(&server);
}

static bool is_done(void *user)
{
    return atomic_load(&((struct echo_client *)user)->done);
}

static void expect_echo(struct rig *rig, struct echo_client *c, uint16_t port, size_t size)
{
    echo_start_client(c, port, size, true);
    bool done = rig_run(rig, is_done, c, RIG_GUARD * 20000);
    if (!done)
        rig_show_log(rig);
    assert_true(done);
    pthread_join(c->thread, NULL);
    assert_int_equal(c->error, 0);
    assert_true(c->same && c->received == size);
}

/* Refused at first; after the knock the client gets in, and the proxy works. (It would by itself, too, only
 * later.) */
static void test_knock(void **state)
{
    struct rig *rig = *state;
    struct rig_app server, client, knocker;
    struct echo_target target;
    struct echo_client c;
    unsigned udp = rig_port(), knock = rig_port(), tcp = rig_port();
    echo_start_target(&target);
    rig_write(rig, "tickets", "# a remark\n" RIG_TICKET "\n");
    rig_write(rig, "client.lua", "require 'skt.proxy_client'");
    char script[128];
    snprintf(script, sizeof script, "%s/client.lua", rig->dir);
    start(rig, &server, EXAMPLE("knock.lua"),
          "knock_file = '%s/tickets', tcp_listen_port = %u, tcp_target_addr = '127.0.0.1', tcp_target_port "
          "= %u, " SERVER,
          rig->dir, knock, target.port, udp);
    start(rig, &client, script, "tcp_listen_port = %u, " REMOTE, tcp, udp);
    expect_log(rig, "does not know our ticket", 5000);
    assert_int_equal(rig_count_log(rig, "is up"), 0);
    rig_stop(&client);
    start(rig, &knocker, SCRIPT("knocker.lua"), "delay_s = 0, port = %u", knock);
    expect_log(rig, "knocked", 5000);
    start(rig, &client, script, "tcp_listen_port = %u, " REMOTE, tcp, udp);
    expect_log(rig, "is up", 10000);
    expect_echo(rig, &c, (uint16_t)tcp, 100000);
    rig_stop(&knocker);
    rig_stop(&client);
    rig_stop(&server);
    echo_stop_target(&target);
}

/* Tickets are asked for at each change of keys, too: that is no new session. */
static void test_knock_lets_stay(void **state)
{
    struct rig *rig = *state;
    struct rig_app server, client, knocker;
    unsigned udp = rig_port(), knock = rig_port(), tcp = rig_port();
    char script[128];
    rig_write(rig, "tickets", RIG_TICKET "\n");
    rig_write(rig, "client.lua", "require 'skt.proxy_client'");
    snprintf(script, sizeof script, "%s/client.lua", rig->dir);
    start(
        rig, &server, SCRIPT("knock_keys.lua"),
        "example = '" EXAMPLE(
            "knock.lua") "', ticket = '" RIG_TICKET "', knock_file = '%s/tickets', "
                         "tcp_listen_port = %u, tcp_target_addr = '127.0.0.1', tcp_target_port = 80, " SERVER,
        rig->dir, knock, udp);
    start(rig, &knocker, SCRIPT("knocker.lua"), "delay_s = 0, port = %u", knock);
    expect_log(rig, "knocked", 5000);
    start(rig, &client, script, "tcp_listen_port = %u, " REMOTE, tcp, udp);
    expect_log(rig, "PASS", 10000);
    rig_stop(&knocker);
    rig_stop(&client);
    rig_stop(&server);
}

/* 300 kB there and back at 400 kB/s take 1.5 s, less what may be saved up. */
static void test_limiter(void **state)
{
    struct rig *rig = *state;
    struct rig_app limiter;
    struct echo_target target;
    struct echo_client c;
    unsigned tcp = rig_port();
    echo_start_target(&target);
    start(rig, &limiter, EXAMPLE("limiter.lua"),
          "bytes_per_s = 400000, tcp_listen_port = %u, tcp_target_addr = '127.0.0.1', tcp_target_port = %u",
          tcp, target.port);
    skt_us began = skt_loop_now(rig->loop);
    expect_echo(rig, &c, (uint16_t)tcp, 300000);
    skt_us took = skt_loop_now(rig->loop) - began;
    check_that(took, >, 1200 * SKT_US_PER_MS);
    rig_stop(&limiter);
    echo_stop_target(&target);
}

static bool never(void *user)
{
    (void)user;
    return false;
}

static void test_metrics(void **state)
{
    struct rig *rig = *state;
    struct rig_app server, client;
    unsigned udp = rig_port();
    rig_write(rig, "client.lua", "require 'skt.proxy_client'");
    char script[128];
    snprintf(script, sizeof script, "%s/client.lua", rig->dir);
    start(rig, &server, EXAMPLE("metrics.lua"),
          "tickets = { ['" RIG_TICKET "'] = { name = 'ann' } }, " SERVER, udp);
    start(rig, &client, script, "tcp_listen_port = %u, " REMOTE, rig_port(), udp);
    expect_log(rig, "is up", 5000);
    (void)rig_run(rig, never, NULL, 300);
    rig_stop(&client);
    expect_log(rig, "name=ann peer=127.0.0.1:", 5000);
    assert_int_equal(rig_count_log(rig, "metrics cid="), 1);
    rig_stop(&server);
}

#define EXAMPLE_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

CHECK_GROUP(examples)
{
    const struct CMUnitTest tests[] = {
        EXAMPLE_TEST(test_echo),    EXAMPLE_TEST(test_chat),
        EXAMPLE_TEST(test_knock),   EXAMPLE_TEST(test_knock_lets_stay),
        EXAMPLE_TEST(test_limiter), EXAMPLE_TEST(test_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
