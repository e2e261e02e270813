/* SPDX-License-Identifier: MIT */
/* The built-in proxy modes: two instances on one loop, a target and clients in threads.
 *
 *   client thread -- TCP --> proxy_client == UDP ==> proxy_server -- TCP --> target thread (an echo)
 */
#include "base/err.h"
#include "script/echo.h"
#include "script/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/check.h"

#define OTHER_TICKET "fedcba9876543210fedcba9876543210"

static bool is_done(void *user)
{
    return atomic_load(&((struct echo_client *)user)->done);
}

static void finish_client(struct rig *rig, struct echo_client *c, unsigned limit_ms)
{
    if (!rig_run(rig, is_done, c, RIG_GUARD * limit_ms)) {
        rig_show_log(rig);
        fail_msg("the client is not done after %u ms, %zu of %zu bytes", limit_ms, c->received, c->size);
    }
    pthread_join(c->thread, NULL);
}

static void expect_echo_of(struct rig *rig, uint16_t port, size_t size, bool whole)
{
    struct echo_client c;
    echo_start_client(&c, port, size, whole);
    finish_client(rig, &c, 20000);
    assert_int_equal(c.error, 0);
    assert_int_equal(c.received, size);
    assert_true(c.same);
}

static void expect_echo(struct rig *rig, uint16_t port, size_t size)
{
    expect_echo_of(rig, port, size, false);
}

static void expect_reset(struct rig *rig, uint16_t port, unsigned limit_ms)
{
    struct echo_client c;
    echo_start_client(&c, port, 10, false);
    finish_client(rig, &c, limit_ms);
    assert_int_equal(c.error, ECONNRESET);
}

/* --- the two instances --- */

struct pair {
    struct rig *rig;
    struct rig_app server, client;
    struct echo_target target;
    uint16_t udp, tcp, tcp_web, tcp_none;
};

static void init_pair(struct pair *p, struct rig *rig)
{
    p->rig = rig;
    p->udp = rig_port();
    p->tcp = rig_port();
    p->tcp_web = rig_port();
    p->tcp_none = rig_port();
    echo_start_target(&p->target);
}

static const char *server_text(const struct pair *p, unsigned default_port, const char *tickets)
{
    static char text[2048];
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_server', status_socket = 'off', proxy_server = {\n"
             "tcp_target_addr = '127.0.0.1', tcp_target_port = %u, targets = { web = 'localhost:%u' },\n"
             "tickets = { %s }, skcp_servers = { { address = '127.0.0.1', port = %u, password = 'p' } } } }",
             default_port, p->target.port, tickets, p->udp);
    return text;
}

static void start_server(struct pair *p, unsigned default_port, const char *tickets)
{
    rig_start(p->rig, &p->server, "s.lua", server_text(p, default_port, tickets));
}

static void start_proxy_client(struct pair *p)
{
    char text[2048];
    snprintf(
        text, sizeof text,
        "config = { mode = 'proxy_client', status_socket = 'off', proxy_client = { tcp_listen_port = %u,\n"
        "listeners = { { tcp_listen_port = %u, target = 'web' }, { tcp_listen_port = %u, target = 'none' } "
        "},\n"
        "skcp_remote_servers = { { address = '127.0.0.1', port = %u, password = 'p', ticket = '" RIG_TICKET
        "' } } } }",
        p->tcp, p->tcp_web, p->tcp_none, p->udp);
    rig_start(p->rig, &p->client, "c.lua", text);
}

#define ANYWHERE "['" RIG_TICKET "'] = { name = 'al\"ice\\n\\\\\\xc3\\xa9' }"

/* The names in the first session's object, in order; those of an object in it follow its own. */
static void expect_session_keys(const char *json)
{
    char keys[1024] = "";
    const char *p = strstr(json, "\"sessions\":[{");
    assert_non_null(p);
    const char *end = strstr(p, "}]");
    assert_non_null(end);
    for (p = strchr(p, '{'); p < end;) {
        const char *begin = p++;
        if (*begin != '"')
            continue;
        while (*p != '"')
            p += *p == '\\' ? 2 : 1;
        if (*++p == ':')
            snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%.*s ", (int)(p - begin - 2),
                     begin + 1);
    }
    assert_string_equal(keys,
                        "cid state peer name key tun_ip age_s rtt_ms last smoothed min loss_tx loss_rx mtu "
                        "cwnd_bytes pacing_mbit bytes_tx bytes_rx payload_tx payload_rx retransmitted "
                        "duplicated fec_sent fec_recovered streams ");
}

static void test_transfer(void **state)
{
    struct pair p;
    init_pair(&p, *state);
    start_server(&p, p.target.port, ANYWHERE);
    start_proxy_client(&p);
    expect_echo(p.rig, p.tcp, 1);
    expect_echo(p.rig, p.tcp, 3000000);
    expect_echo(p.rig, p.tcp_web, 100000);
    expect_reset(p.rig, p.tcp_none, 5000);
    assert_int_equal(rig_count_log(p.rig, "no such target"), 2); /* said by both ends */

    char *json = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&json, &len);
    skt_script_status_json(p.server.app, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(json, "\"mode\":\"proxy_server\""));
    assert_non_null(strstr(json, "\"name\":\"al\\\"ice\\u000a\\\\\xc3\xa9\""));
    assert_non_null(strstr(json, "\"tcp\":{\"open\":0,\"accepted\":3,"));
    assert_int_equal(json[len - 1], '\n');
    assert_null(strstr(json, RIG_TICKET));
    expect_session_keys(json);
    free(json);

    rig_stop(&p.client);
    rig_stop(&p.server);
    echo_stop_target(&p.target);
}

static void test_many_at_once(void **state)
{
    struct pair p;
    struct echo_client clients[20];
    init_pair(&p, *state);
    start_server(&p, p.target.port, ANYWHERE);
    start_proxy_client(&p);
    for (size_t i = 0; i < 20; i++)
        echo_start_client(&clients[i], i % 2 ? p.tcp : p.tcp_web, 20000 + i, false);
    for (size_t i = 0; i < 20; i++) {
        finish_client(p.rig, &clients[i], 20000);
        assert_int_equal(clients[i].error, 0);
        assert_true(clients[i].same && clients[i].received == 20000 + i);
    }
    rig_stop(&p.client);
    rig_stop(&p.server);
    echo_stop_target(&p.target);
}

static void test_refused_target(void **state)
{
    struct pair p;
    init_pair(&p, *state);
    start_server(&p, rig_port(), ANYWHERE); /* nobody listens there */
    start_proxy_client(&p);
    expect_reset(p.rig, p.tcp, 5000);
    rig_stop(&p.client);
    rig_stop(&p.server);
    echo_stop_target(&p.target);
}

static void test_ticket_limits_targets(void **state)
{
    struct pair p;
    init_pair(&p, *state);
    start_server(&p, p.target.port, "['" RIG_TICKET "'] = { targets = { 'web' } }");
    start_proxy_client(&p);
    expect_echo(p.rig, p.tcp_web, 1000);
    expect_reset(p.rig, p.tcp, 5000);
    assert_int_equal(rig_count_log(p.rig, "not allowed for this ticket"), 1);
    rig_stop(&p.client);
    rig_stop(&p.server);
    echo_stop_target(&p.target);
}

/* A connection that was accepted before there is a session waits for one. */
static void test_waits_for_a_session(void **state)
{
    struct pair p;
    struct echo_client c;
    init_pair(&p, *state);
    start_proxy_client(&p);
    echo_start_client(&c, p.tcp, 5000, false);
    assert_false(rig_run(p.rig, is_done, &c, 700));
    start_server(&p, p.target.port, ANYWHERE);
    finish_client(p.rig, &c, 9000);
    assert_int_equal(c.error, 0);
    assert_int_equal(c.received, 5000);
    rig_stop(&p.client);
    rig_stop(&p.server);
    echo_stop_target(&p.target);
}

/* And is reset after 10 s without one. */
static void test_does_not_wait_for_ever(void **state)
{
    struct pair p;
    struct echo_client c;
    init_pair(&p, *state);
    start_proxy_client(&p);
    echo_start_client(&c, p.tcp, 5000, false);
    assert_false(rig_run(p.rig, is_done, &c, 9000));
    finish_client(p.rig, &c, 3000);
    assert_int_equal(c.error, ECONNRESET);
    rig_stop(&p.client);
    echo_stop_target(&p.target);
}

static bool no_sessions(void *user)
{
    struct pair *p = user;
    char *json = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&json, &len);
    skt_script_status_json(p->server.app, out);
    assert_int_equal(fclose(out), 0);
    bool none = strstr(json, "\"sessions\":[]") != NULL;
    free(json);
    return none;
}

static void reload_server(struct pair *p, const char *tickets)
{
    rig_reload(&p->server, server_text(p, p->target.port, tickets));
}

static void test_reload_ends_removed_tickets(void **state)
{
    struct pair p;
    init_pair(&p, *state);
    start_server(&p, p.target.port, ANYWHERE);
    start_proxy_client(&p);
    expect_echo(p.rig, p.tcp, 1000);
    reload_server(&p, ANYWHERE ", ['" OTHER_TICKET "'] = {}");
    assert_false(no_sessions(&p)); /* it stays */
    reload_server(&p, "['" OTHER_TICKET "'] = {}");
    assert_true(rig_run(p.rig, no_sessions, &p, 20000));
    assert_true(rig_wait_log(p.rig, "unknown ticket", 50000)); /* the client tries again, in vain */
    rig_stop(&p.client);
    rig_stop(&p.server);
    echo_stop_target(&p.target);
}

static void on_stopped(void *user)
{
    *(bool *)user = true;
}

static bool is_set(void *user)
{
    return *(bool *)user;
}

static bool one_open(void *user)
{
    struct pair *p = user;
    char *json = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&json, &len);
    skt_script_status_json(p->client.app, out);
    assert_int_equal(fclose(out), 0);
    bool one = strstr(json, "\"tcp\":{\"open\":1,") != NULL;
    free(json);
    return one;
}

/* What is open may end; nothing new is accepted. The end of the last one is the end, long before the limit.
 */
static void test_stop_drains(void **state)
{
    struct pair p;
    struct echo_client c, late;
    bool stopped = false;
    init_pair(&p, *state);
    start_server(&p, p.target.port, ANYWHERE);
    start_proxy_client(&p);
    echo_start_client(&c, p.tcp, 4000000, false);
    assert_true(rig_run(p.rig, one_open, &p, 50000));
    skt_script_stop(p.client.app, 600 * SKT_US_PER_SEC, on_stopped, &stopped);
    assert_false(stopped);
    echo_start_client(&late, p.tcp, 10, false);
    assert_true(rig_run(p.rig, is_set, &stopped, 100000));
    pthread_join(c.thread, NULL);
    pthread_join(late.thread, NULL);
    assert_int_equal(c.error, 0);
    assert_int_equal(c.received, 4000000);
    assert_int_equal(late.error, ECONNREFUSED);
    assert_true(rig_run(p.rig, no_sessions, &p, 20000)); /* the server was told */
    rig_stop(&p.client);
    rig_stop(&p.server);
    echo_stop_target(&p.target);
}

/* A second stop without grace ends it at once. */
static void test_stop_at_once(void **state)
{
    struct pair p;
    struct echo_client c;
    bool stopped = false;
    init_pair(&p, *state);
    start_proxy_client(&p);
    echo_start_client(&c, p.tcp, 10, false);
    assert_true(rig_run(p.rig, one_open, &p, 50000));
    skt_script_stop(p.client.app, 60 * SKT_US_PER_SEC, on_stopped, &stopped);
    assert_false(rig_run(p.rig, is_set, &stopped, 300));
    skt_script_stop(p.client.app, 0, on_stopped, &stopped);
    assert_true(rig_run(p.rig, is_set, &stopped, 5000));
    pthread_join(c.thread, NULL);
    assert_int_equal(c.error, ECONNRESET);
    rig_stop(&p.client);
    echo_stop_target(&p.target);
}

static void start_scripts(struct pair *p)
{
    char text[2048];
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_server', status_socket = 'off',\n"
             "script_file = '" SKT_SOURCE_DIR
             "/tests/script/scripts/lua_proxy_server.lua', proxy_server = {\n"
             "tcp_target_addr = '127.0.0.1', tcp_target_port = %u, tcp_read_buf_size = 60000,\n"
             "skcp_servers = { { address = '127.0.0.1', port = %u, password = 'p' } } } }",
             p->target.port, p->udp);
    rig_start(p->rig, &p->server, "s.lua", text);
    snprintf(
        text, sizeof text,
        "config = { mode = 'proxy_client', status_socket = 'off',\n"
        "script_file = '" SKT_SOURCE_DIR "/tests/script/scripts/lua_proxy_client.lua', proxy_client = {\n"
        "tcp_listen_port = %u, skcp_remote_servers = { { address = '127.0.0.1', port = %u, password = 'p',\n"
        "ticket = '" RIG_TICKET "' } } } }",
        p->tcp, p->udp);
    rig_start(p->rig, &p->client, "c.lua", text);
}

/* A script that carries every byte needs no flow control of its own: a sender that is far ahead of its reader
 * waits, and nothing is lost. */
static void test_proxy_in_lua(void **state)
{
    struct pair p;
    init_pair(&p, *state);
    start_scripts(&p);
    assert_true(rig_wait_log(p.rig, "is up", 50000));
    expect_echo_of(p.rig, p.tcp, 1, true);
    expect_echo_of(p.rig, p.tcp, 2000000, true);
    assert_int_equal(rig_count_log(p.rig, "traceback"), 0);
    rig_stop(&p.client);
    rig_stop(&p.server);
    echo_stop_target(&p.target);
}

/* The client has a script that sends messages, the server the built-in mode: both say so at once; the first
 * message ends the session, and the client does not ask again each second. */
static void test_a_script_at_one_end_is_said(void **state)
{
    struct pair p;
    init_pair(&p, *state);
    start_scripts(&p);
    rig_stop(&p.server);
    char text[1024];
    snprintf(text, sizeof text,
             "config = { mode = 'proxy_server', status_socket = 'off', proxy_server = {\n"
             "tcp_target_addr = '127.0.0.1', tcp_target_port = %u,\n"
             "skcp_servers = { { address = '127.0.0.1', port = %u, password = 'p' } } } }",
             p.target.port, p.udp);
    rig_start(p.rig, &p.server, "s.lua", text);
    assert_true(rig_wait_log(p.rig, "is up", 100000));
    assert_true(rig_wait_log(p.rig, "our script waits for messages", 100000));
    assert_true(rig_wait_log(p.rig, "the built-in mode proxy_server here sends none", 100000));
    struct echo_client c;
    echo_start_client(&c, p.tcp, 10, false);
    assert_true(rig_wait_log(
        p.rig, "its peer's script sends messages, and the mode proxy_server here takes none", 100000));
    assert_true(rig_wait_log(p.rig, "Not asking again for 2 s", 100000));
    rig_stop(&p.client);
    rig_stop(&p.server);
    pthread_join(c.thread, NULL);
    echo_stop_target(&p.target);
}

/* The other way round nothing that the client sends would be taken: it is refused, in words at both ends,
 * before there is any connection. */
static void test_a_script_at_the_server_is_said(void **state)
{
    static const char why[] = "the client runs the built-in mode, and the server a script of its own";
    struct pair p;
    init_pair(&p, *state);
    start_scripts(&p);
    rig_stop(&p.client);
    start_proxy_client(&p);
    assert_true(rig_wait_count(p.rig, why, 2, 100000));
    assert_int_equal(rig_count_log(p.rig, "refused a client at"), 1);
    assert_int_equal(rig_count_log(p.rig, "the server 127.0.0.1 refused: the client runs"), 1);
    rig_stop(&p.client);
    rig_stop(&p.server);
    echo_stop_target(&p.target);
}

/* Sends 200 MB and reads nothing before all is sent or nothing moves any more; then reads it all. */
static void *send_then_read(void *arg)
{
    struct echo_client *c = arg;
    struct sockaddr_in addr;
    static char buf[65536];
    const struct timeval patience = {1, 0};
    int fd = echo_socket(c->port, &addr);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
        c->error = errno;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    size_t sent = 0;
    for (ssize_t n = 0; n >= 0 && sent<c->size; sent += n> 0 ? (size_t)n : 0)
        n = send(fd, buf, sizeof buf, MSG_NOSIGNAL);
    c->size = sent; /* what got in before it was held back */
    while (!c->error && c->received < sent) {
        ssize_t n = recv(fd, buf, sizeof buf, 0);
        if (n <= 0)
            c->error = n < 0 ? errno : EPIPE;
        else
            c->received += (size_t)n;
    }
    close(fd);
    atomic_store(&c->done, true);
    return NULL;
}

static void test_slow_reader_holds_scripts_back(void **state)
{
    struct pair p;
    struct echo_client c = {.size = 200000000};
    init_pair(&p, *state);
    start_scripts(&p);
    assert_true(rig_wait_log(p.rig, "is up", 50000));
    c.port = p.tcp;
    assert_int_equal(pthread_create(&c.thread, NULL, send_then_read, &c), 0);
    finish_client(p.rig, &c, 30000);
    assert_int_equal(c.error, 0);
    print_message("%zu bytes on the way\n", c.size);
    assert_true(c.size > 100000 && c.size < 150000000); /* it was held back */
    assert_int_equal(c.received, c.size);
    assert_int_equal(rig_count_log(p.rig, "traceback"), 0);
    rig_stop(&p.client);
    rig_stop(&p.server);
    echo_stop_target(&p.target);
}

#define APP_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_setup, rig_teardown)

CHECK_GROUP(app)
{
    const struct CMUnitTest tests[] = {
        APP_TEST(test_transfer),
        APP_TEST(test_many_at_once),
        APP_TEST(test_refused_target),
        APP_TEST(test_ticket_limits_targets),
        APP_TEST(test_waits_for_a_session),
        APP_TEST(test_does_not_wait_for_ever),
        APP_TEST(test_reload_ends_removed_tickets),
        APP_TEST(test_stop_drains),
        APP_TEST(test_stop_at_once),
        APP_TEST(test_proxy_in_lua),
        APP_TEST(test_a_script_at_one_end_is_said),
        APP_TEST(test_a_script_at_the_server_is_said),
        APP_TEST(test_slow_reader_holds_scripts_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
