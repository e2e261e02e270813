/* SPDX-License-Identifier: MIT */
/* What a running instance takes over from a changed configuration, and what it must not trip over. */
#include "base/err.h"
#include "script/echo.h"
#include "script/rig.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define OTHER_TICKET "fedcba9876543210fedcba9876543210"

static bool status_has(const struct rig_app *a, const char *what)
{
    char *json = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&json, &len);
    assert_non_null(out);
    skt_script_status_json(a->app, out);
    assert_int_equal(fclose(out), 0);
    bool has = strstr(json, what) != NULL;
    free(json);
    return has;
}

static bool is_up(void *user)
{
    return status_has(user, "\"state\":\"up\"");
}

static bool has_no_session(void *user)
{
    return status_has(user, "\"sessions\":[]");
}

/* The sessions of an entry that is gone from the configuration end with their tickets as all others do. */
static void test_removed_entry_and_ticket(void **state)
{
    static const char two[] =
        "config = { mode = 'proxy_server', status_socket = 'off', proxy_server = {\n"
        "tcp_target_addr = '127.0.0.1', tcp_target_port = 1, tickets = { ['%s'] = {} }, skcp_servers = {\n"
        "{ address = '127.0.0.1', port = %u, password = 'p' }%s";
    struct rig *rig = *state;
    struct rig_app server, client;
    char text[1024], second[128];
    uint16_t port = rig_port(), second_port = rig_port();
    snprintf(second, sizeof second, ", { address = '127.0.0.1', port = %u, password = 'p' } } } }",
             second_port);
    snprintf(text, sizeof text, two, RIG_TICKET, port, second);
    rig_start(rig, &server, "s.lua", text);
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_client', status_socket = 'off', proxy_client = {\n"
             "tcp_listen_port = %u, skcp_remote_servers = {\n"
             "{ address = '127.0.0.1', port = %u, password = 'p', ticket = '" RIG_TICKET "' } } } }",
             rig_port(), second_port);
    rig_start(rig, &client, "c.lua", text);
    assert_true(rig_run(rig, is_up, &server, 100000));
    snprintf(text, sizeof text, two, OTHER_TICKET, port, " } } }");
    rig_reload(&server, text);
    assert_true(rig_run(rig, has_no_session, &server, 20000));
    rig_stop(&client);
    rig_stop(&server);
}

static bool is_done(void *user)
{
    return atomic_load(&((struct echo_client *)user)->done);
}

static void expect_echo(struct rig *rig, uint16_t port, size_t size)
{
    struct echo_client c;
    echo_start_client(&c, port, size, true);
    assert_true(rig_run(rig, is_done, &c, 20000));
    pthread_join(c.thread, NULL);
    assert_int_equal(c.error, 0);
    assert_int_equal(c.received, size);
    assert_true(c.same);
}

/* Scripts get pieces of the new size, from a buffer of the new size. */
static void test_larger_pieces(void **state)
{
    static const char config[] =
        "config = { mode = 'test', status_socket = 'off', script_file = '%s/echo.lua', test = {\n"
        "tcp_listen_port = %u, tcp_read_buf_size = %d } }";
    struct rig *rig = *state;
    struct rig_app a;
    char text[1024];
    uint16_t port = rig_port();
    rig_write(rig, "echo.lua",
              "local api, conf, cb = skt.api, skt.conf, skt.cb\n"
              "local server\n"
              "function cb.on_init(loop)\n"
              "    server = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))\n"
              "end\n"
              "function cb.on_tcp_recv(fd, buf)\n"
              "    if #buf > 16 then api.log('info', 'LARGER') end\n"
              "    assert(api.etcp_server_send(server, fd, buf))\n"
              "end\n");
    snprintf(text, sizeof text, config, rig->dir, port, 16);
    rig_start(rig, &a, "test.lua", text);
    expect_echo(rig, port, 1000);
    assert_int_equal(rig_count_log(rig, "LARGER"), 0);
    snprintf(text, sizeof text, config, rig->dir, port, 1 << 20);
    rig_reload(&a, text);
    expect_echo(rig, port, 3000000);
    check_that(rig_count_log(rig, "LARGER"), >, 0);
    rig_stop(&a);
}

#define RELOAD_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

CHECK_GROUP(reload)
{
    const struct CMUnitTest tests[] = {
        RELOAD_TEST(test_removed_entry_and_ticket),
        RELOAD_TEST(test_larger_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
