/* SPDX-License-Identifier: MIT */
/* Paths that carry less than a session begins with: down to 576 bytes of IPv4, from the start or later, with
 * and without fragments of IP passing. Whatever was cut before still arrives. */
#include "base/err.h"
#include "proto/path/mtu.h"
#include "sim/world.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "sim/connected.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

/* UDP payload of paths of 1228, 1150, 1100, 1000 and 576 bytes of IPv4. */
static const size_t mtus[] = {1200, 1122, 1072, 972, 548};
enum { MTUS = sizeof mtus / sizeof mtus[0] };

static struct sim_world_config narrow(size_t mtu, bool no_fragments, uint64_t seed)
{
    struct sim_world_config c = sim_link_of(20 * MS, 100, seed);
    c.up.rate = c.down.rate = 1000 * 1000;
    c.up.buffer = c.down.buffer = 100000;
    c.up.mtu = c.down.mtu = mtu;
    c.up.no_fragments = c.down.no_fragments = no_fragments;
    return c;
}

static void assert_found(const struct sim_world *w, size_t mtu)
{
    assert_in_range(skt_session_mtu(w->client.session), mtu - SKT_MTU_STEP, mtu);
    assert_in_range(skt_session_mtu(sim_world_session(w)), mtu - SKT_MTU_STEP, mtu);
    assert_int_equal(w->client.losts, 0);
}

/* 4 MB each way, at 1 MB/s. */
static void test_from_the_start(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * MTUS; i++) {
        struct sim_world_config c = narrow(mtus[i / 2], i % 2, 1 + i);
        struct sim_world *w = sim_connected(&c);
        w->server.reply_len = 4 * 1000 * 1000;
        sim_world_open(w, "", 4 * 1000 * 1000);
        assert_true(sim_world_run(w, w->now + 20 * SEC, sim_all_done));
        assert_found(w, mtus[i / 2]);
        sim_world_free(w);
    }
}

/* The path narrows at a moment of a transfer of 6 MB each way, for segments of 1472 or 1200 bytes in flight.
 */
static void narrows(size_t from, size_t to, bool no_fragments, skt_us after, uint64_t seed)
{
    struct sim_world_config c = narrow(from, no_fragments, seed);
    struct sim_world *w = sim_connected(&c);
    w->server.reply_len = 6 * 1000 * 1000;
    sim_world_open(w, "", 6 * 1000 * 1000);
    sim_world_run(w, w->now + after, NULL);
    w->up.config.mtu = w->down.config.mtu = to;
    assert_true(sim_world_run(w, w->now + 30 * SEC, sim_all_done));
    assert_found(w, to);
    sim_world_free(w);
}

static void test_later(void **state)
{
    (void)state;
    for (unsigned i = 1; i < MTUS; i++) {
        for (unsigned fragments = 0; fragments < 2; fragments++) {
            narrows(1472, mtus[i], fragments, 0, 10 + i);
            narrows(1472, mtus[i], fragments, 3 * SEC, 20 + i);
            narrows(1200, mtus[i], fragments, 3 * SEC, 30 + i);
        }
    }
}

/* Wide again: noticed with the next search. */
static void test_widens(void **state)
{
    (void)state;
    struct sim_world_config c = narrow(548, true, 5);
    struct sim_world *w = sim_connected(&c);
    w->server.reply_len = UINT64_C(1) << 40;
    sim_world_open(w, "", 1000);
    sim_world_run(w, w->now + 20 * SEC, NULL);
    assert_in_range(skt_session_mtu(sim_world_session(w)), 548 - SKT_MTU_STEP, 548);
    w->up.config.mtu = w->down.config.mtu = 1472;
    sim_world_run(w, w->now + SKT_MTU_RAISE_TIME + 10 * SEC, NULL);
    assert_int_equal(skt_session_mtu(sim_world_session(w)), 1472);
    sim_world_free(w);
}

/* The longest message has as many fragments as KCP can count only if they are longer than the datagrams. */
static void test_longest_message(void **state)
{
    (void)state;
    static uint8_t message[SKT_MESSAGE_MAX];
    const uint8_t *got;
    struct sim_world_config c = narrow(548, true, 6);
    struct sim_world *w = sim_connected(&c);
    sim_world_run(w, w->now + 10 * SEC, NULL);
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i * 7 + (i >> 8));
    assert_int_equal(skt_session_send_message(w->client.session, message, sizeof message), SKT_OK);
    sim_world_run(w, w->now + 10 * SEC, NULL);
    assert_int_equal(skt_session_read_message(sim_world_session(w), &got), sizeof message);
    assert_memory_equal(got, message, sizeof message);
    sim_world_free(w);
}

/* A peer of an earlier version does not know pieces: such segments go without DF. */
static void test_without_pieces(void **state)
{
    (void)state;
    struct sim_world_config c = narrow(1472, false, 7);
    struct sim_world *w = sim_world_new(&c);
    w->server.ctx.features = SKT_FEATURE_ACK_RANGES;
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 30 * SEC, sim_is_up));
    w->server.reply_len = 6 * 1000 * 1000;
    sim_world_open(w, "", 6 * 1000 * 1000);
    sim_world_run(w, w->now + 2 * SEC, NULL);
    w->up.config.mtu = w->down.config.mtu = 972;
    assert_true(sim_world_run(w, w->now + 30 * SEC, sim_all_done));
    sim_world_free(w);
}

/* Handshakes are never longer than what always passes, and do not all have one length. */
static void test_handshakes_fit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_world_config c = sim_link_of(10 * MS, 0, seed);
        c.up.mtu = c.down.mtu = SKT_MTU_LEAST;
        c.up.no_fragments = c.down.no_fragments = true;
        struct sim_world *w = sim_world_new(&c);
        sim_world_connect(w, true);
        assert_true(sim_world_run(w, w->now + 200 * MS, sim_is_up)); /* at the first try */
        sim_world_free(w);
    }
}

CHECK_GROUP(session_small_mtu)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_the_start), cmocka_unit_test(test_later),
        cmocka_unit_test(test_widens),         cmocka_unit_test(test_longest_message),
        cmocka_unit_test(test_without_pieces), cmocka_unit_test(test_handshakes_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
