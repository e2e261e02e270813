/* SPDX-License-Identifier: MIT */
/* The server's way to the target: what goes wrong there is a reset at the client, with its reason counted. */
#include "base/check.h"
#include "base/err.h"
#include "io/tcp.h"
#include "tunnel/relay_rig.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND SKT_US_PER_SEC

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_start(&rig, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_stop(&rig);
    return 0;
}

static void expect_refused(int app)
{
    char buf[4];
    assert_int_equal(rig_read(&rig, app, buf, sizeof buf, 3 * SECOND), -ECONNRESET);
    close(app);
    assert_true(rig_all_closed(&rig, SECOND));
    assert_int_equal(skt_relay_set_stats(rig.client.relays)->refused, 1);
    assert_int_equal(skt_relay_set_stats(rig.client.relays)->closed, 0);
    assert_int_equal(rig.client.closed, 1);
}

static void a_refused_target_resets_the_client(void **state)
{
    (void)state;
    close(rig.listener);
    rig.listener = -1;
    int app = rig_open(&rig, "");
    assert_int_equal(write(app, "hello", 5), 5);
    expect_refused(app);
    assert_int_equal(skt_relay_set_stats(rig.server.relays)->refused, 1);
}

static void an_unknown_name_resets_the_client(void **state)
{
    (void)state;
    rig.target_host = "no such host";
    expect_refused(rig_open(&rig, ""));
    assert_int_equal(skt_relay_set_stats(rig.server.relays)->refused, 1);
}

static void an_empty_host_resets_the_client(void **state)
{
    (void)state;
    rig.target_host = "";
    expect_refused(rig_open(&rig, ""));
}

static void a_target_that_the_server_does_not_have_resets_the_client(void **state)
{
    (void)state;
    rig.no_target = true;
    expect_refused(rig_open(&rig, "elsewhere"));
}

#ifdef __linux__
/* A listener whose queue is full leaves new connects without an answer on Linux: a black hole on loopback. */
static void a_target_that_does_not_answer_times_out(void **state)
{
    (void)state;
    int fillers[4];
    struct skt_addr at;
    assert_int_equal(listen(rig.listener, 0), 0);
    assert_int_equal(skt_tcp_local(rig.listener, &at), SKT_OK);
    for (int i = 0; i < 4; i++)
        fillers[i] = skt_tcp_connect(&at);
    rig.server.options.connect_timeout = 2 * SECOND;
    rig_run(&rig, 1000);
    int app = rig_open(&rig, "");
    char buf[4];
    assert_int_equal(rig_read(&rig, app, buf, sizeof buf, 200000), -EAGAIN);
    expect_refused(app);
    assert_int_equal(skt_relay_set_stats(rig.server.relays)->refused, 1);
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
}

static bool is_connecting(void *arg)
{
    return skt_relay_set_stats(((const struct rig *)arg)->server.relays)->open == 1;
}

/* The client goes while the server still connects. */
static void a_client_that_goes_stops_the_connect(void **state)
{
    (void)state;
    int fillers[4];
    struct skt_addr at;
    assert_int_equal(listen(rig.listener, 0), 0);
    assert_int_equal(skt_tcp_local(rig.listener, &at), SKT_OK);
    for (int i = 0; i < 4; i++)
        fillers[i] = skt_tcp_connect(&at);
    int app = rig_open(&rig, "");
    assert_true(rig_until(&rig, is_connecting, &rig, SECOND));
    skt_tcp_reset(app);
    assert_true(rig_all_closed(&rig, SECOND));
    assert_int_equal(rig.server.closed, 1);
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
}
#endif

/* "localhost" may have two addresses, and the target listens on one of them. */
static void every_address_of_a_name_is_tried(void **state)
{
    (void)state;
    static const char *const ips[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < 2; i++) {
        struct skt_addr at;
        close(rig.listener);
        assert_int_equal(skt_addr_parse(&at, ips[i], 0), SKT_OK);
        rig.listener = skt_tcp_listen(&at, 8);
        check_that(rig.listener, >=, 0);
        assert_int_equal(skt_tcp_local(rig.listener, &at), SKT_OK);
        rig.target_port = at.port;
        rig.target_host = i == 0 ? "localhost" : "::1"; /* not every system's localhost has IPv6 */
        int app = rig_open(&rig, "");
        int target = rig_accept(&rig);
        assert_int_equal(rig_move(&rig, app, target, (const uint8_t *)"found", 5, SECOND), 0);
        close(app);
        close(target);
        assert_true(rig_all_closed(&rig, SECOND));
    }
}

/* Look-ups and connects are under way when everything ends. */
static void endpoints_may_end_while_targets_are_looked_up(void **state)
{
    (void)state;
    rig.target_host = "localhost";
    int apps[10];
    for (int i = 0; i < 10; i++)
        apps[i] = rig_open(&rig, "");
    rig_run(&rig, 500);
    rig_stop(&rig);
    for (int i = 0; i < 10; i++)
        close(apps[i]);
    assert_int_equal(rig.client.closed, 10);
    rig_start(&rig, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

CHECK_GROUP(relay_connect)
{
    const struct CMUnitTest tests[] = {
        CASE(a_refused_target_resets_the_client),
        CASE(an_unknown_name_resets_the_client),
        CASE(an_empty_host_resets_the_client),
        CASE(a_target_that_the_server_does_not_have_resets_the_client),
#ifdef __linux__
        CASE(a_target_that_does_not_answer_times_out),
        CASE(a_client_that_goes_stops_the_connect),
#endif
        CASE(every_address_of_a_name_is_tried),
        CASE(endpoints_may_end_while_targets_are_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
