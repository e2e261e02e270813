/* SPDX-License-Identifier: MIT */
/* The datagram size of sessions over simulated links: found, followed when the path changes, kept through
 * outages. */
#include "proto/path/mtu.h"
#include "sim/world.h"

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "sim/connected.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

/* A session with a transfer that lasts in both directions, over links of 500 kB/s, after 5 s. */
static struct sim_world *busy(size_t mtu, unsigned loss, uint64_t seed)
{
    struct sim_world_config c = sim_link_of(10 * MS, loss, seed);
    c.up.rate = c.down.rate = 500 * 1000;
    c.up.buffer = c.down.buffer = 50000;
    c.up.mtu = c.down.mtu = mtu;
    struct sim_world *w = sim_connected(&c);
    w->server.reply_len = UINT64_C(1) << 40;
    sim_world_open(w, "", UINT64_C(1) << 40);
    sim_world_run(w, w->now + 5 * SEC, NULL);
    return w;
}

static void assert_both_found(const struct sim_world *w, size_t mtu)
{
    assert_in_range(skt_session_mtu(w->client.session), mtu - SKT_MTU_STEP, mtu);
    assert_in_range(skt_session_mtu(sim_world_session(w)), mtu - SKT_MTU_STEP, mtu);
    assert_int_not_equal(skt_session_packet_mtu(w->client.session), 0); /* the search has ended */
    assert_int_not_equal(skt_session_packet_mtu(sim_world_session(w)), 0);
}

static void test_is_found(void **state)
{
    (void)state;
    static const size_t mtus[] = {1472, 1444, 1400, 1280, 1252, 1201, 1200};
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        struct sim_world_config c = sim_link_of(10 * MS, 100, 15 + i);
        c.up.mtu = c.down.mtu = mtus[i];
        struct sim_world *w = sim_connected(&c);
        sim_world_run(w, w->now + 20 * SEC, NULL);
        assert_both_found(w, mtus[i]);
        sim_world_free(w);
    }
}

static void test_drop_in_mid_transfer(void **state)
{
    (void)state;
    struct sim_world_config c = sim_link_of(10 * MS, 0, 30);
    c.up.rate = c.down.rate = 2000 * 1000;
    c.up.buffer = c.down.buffer = 100000;
    struct sim_world *w = sim_connected(&c);
    w->server.reply_len = 12 * 1000 * 1000;
    sim_world_open(w, "", 12 * 1000 * 1000);
    sim_world_run(w, w->now + 2 * SEC, NULL);
    assert_int_equal(skt_session_mtu(w->client.session), 1472);
    w->up.config.mtu = w->down.config.mtu = 1252;
    skt_us dropped = w->now;
    assert_true(sim_world_run(w, w->now + 30 * SEC, sim_all_done));
    check_that(w->now - dropped, <, 15 * SEC);
    assert_in_range(skt_session_mtu(w->client.session), 1200, 1252);
    sim_world_free(w);
}

/* A client whose address changes without a pause: the server asks it to prove that it is there, which tells
 * both that the path is another one. */
static void test_move_to_another_mtu(void **state)
{
    (void)state;
    static const size_t to[] = {1472, 1400, 1252};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
            struct sim_world *w = busy(1320, 100, seed);
            assert_both_found(w, 1320);
            w->client.addr.port = 2222;
            w->client.addr.ip[3] = 77;
            w->up.config.mtu = w->down.config.mtu = to[i];
            sim_world_run(w, w->now + 8 * SEC, NULL);
            assert_true(skt_addr_equal(skt_session_peer(sim_world_session(w)), &w->client.addr));
            assert_both_found(w, to[i]);
            sim_world_free(w);
        }
    }
}

/* The client was gone for a while, and is back from elsewhere. */
static void test_move_after_silence(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct sim_world *w = busy(1320, 100, seed);
        w->up.config.outage_at = w->down.config.outage_at = w->now;
        w->up.config.outage_len = w->down.config.outage_len = 10 * SEC;
        sim_world_run(w, w->now + 5 * SEC, NULL);
        assert_int_equal(skt_session_state(w->client.session), SKT_SESSION_SUSPECT);
        w->client.addr.port = 2222;
        w->up.config.mtu = w->down.config.mtu = 1472;
        sim_world_run(w, w->now + 15 * SEC, NULL);
        assert_int_equal(w->client.losts, 0);
        assert_both_found(w, 1472);
        sim_world_free(w);
    }
}

/* Nothing gets through for a while, whatever its size: no reason to send smaller packets afterwards. */
static void test_outage_says_nothing_about_size(void **state)
{
    (void)state;
    static const skt_us lens[] = {SEC, 3 * SEC, 10 * SEC, 30 * SEC};
    for (uint64_t seed = 1; seed <= 2; seed++) {
        for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
            struct sim_world *w = busy(1400, 100, seed);
            w->up.config.outage_at = w->down.config.outage_at = w->now;
            w->up.config.outage_len = w->down.config.outage_len = lens[i];
            size_t client = skt_session_mtu(w->client.session),
                   server = skt_session_mtu(sim_world_session(w));
            sim_world_run(w, w->now + lens[i] + 8 * SEC, NULL);
            assert_in_range(skt_session_mtu(w->client.session), client, 1400);
            assert_in_range(skt_session_mtu(sim_world_session(w)), server, 1400);
            assert_int_not_equal(skt_session_packet_mtu(w->client.session), 0);
            assert_int_not_equal(skt_session_packet_mtu(sim_world_session(w)), 0);
            sim_world_free(w);
        }
    }
}

/* An outage in the middle of the first search, without any data. */
static void test_outage_while_searching(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct sim_world_config c = sim_link_of(50 * MS, 0, seed);
        struct sim_world *w = sim_connected(&c);
        w->up.config.outage_at = w->down.config.outage_at = w->now;
        w->up.config.outage_len = w->down.config.outage_len = 3 * SEC;
        sim_world_run(w, w->now + 6 * SEC, NULL);
        assert_int_equal(skt_session_mtu(w->client.session), 1472);
        assert_int_equal(skt_session_mtu(sim_world_session(w)), 1472);
        sim_world_free(w);
    }
}

CHECK_GROUP(session_mtu)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_found),
        cmocka_unit_test(test_drop_in_mid_transfer),
        cmocka_unit_test(test_move_to_another_mtu),
        cmocka_unit_test(test_move_after_silence),
        cmocka_unit_test(test_outage_says_nothing_about_size),
        cmocka_unit_test(test_outage_while_searching),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
