/* SPDX-License-Identifier: MIT */
/* What acknowledgements cost: a packet's are worked off up to a bound, the rest in parts afterwards, and no
 * loss is found meanwhile that is none. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <string.h>

#include "base/err.h"
#include "proto/kcp/ack_frame.h"
#include "proto/kcp/turns.h"
#include "sim/rig.h"

#define MS SKT_US_PER_MS

enum { FLIGHT = 5000, FRAMES = 65 /* of the shortest in a packet */ };

static uint8_t packet[SKT_MTU_MAX + 1];

/* FLIGHT segments in flight, as over a very long path. */
static void fly(struct rig *r)
{
    rig_init(r, true, 0, NULL);
    r->kcp.window.size = UINT16_MAX;
    r->kcp.limits.snd_unsent_max = SIZE_MAX;
    r->path.cc_state.out.cwnd = SIZE_MAX;
    for (int i = 0; i < FLIGHT; i++)
        assert_int_equal(skt_kcp_write(&r->kcp, packet, skt_path_mss(&r->path)), SKT_OK);
    while (r->kcp.snd.nxt < FLIGHT) {
        r->now += 10;
        skt_pacer_init(&r->path.pacer, r->now, 1000000000, 1500);
        while (rig_send_packet(&r->path, r->now, packet) > 0)
            continue;
    }
    r->now += 100 * MS;
    skt_path_begin_receive(&r->path);
}

static uint32_t ts_of(const struct rig *r, uint32_t sn)
{
    return (*skt_seg_ring_at(&r->kcp.queue.ring, sn))->ts;
}

static unsigned held(const struct rig *r)
{
    unsigned n = 0;
    for (uint32_t sn = r->kcp.snd.una; sn != r->kcp.snd.nxt; sn++)
        n += *skt_seg_ring_at(&r->kcp.queue.ring, sn) != NULL;
    return n;
}

/* All at once: the packet lets some go, sends and expirations the rest, and nothing was lost. */
static void test_a_great_una(void **state)
{
    (void)state;
    struct rig r;
    fly(&r);
    struct skt_ack_frame f = {.conv = RIG_CONV, .una = FLIGHT, .wnd = 500, .newest_sn = FLIGHT - 1};
    f.newest_ts = ts_of(&r, FLIGHT - 1);
    for (int i = 0; i < FRAMES; i++)
        assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    assert_in_range(held(&r), FLIGHT - 300, FLIGHT - 200);
    assert_false(skt_kcp_drained(&r.kcp));
    unsigned turns = 0;
    for (; !skt_kcp_drained(&r.kcp); turns++) {
        unsigned before = held(&r);
        check_that(skt_turns_expiry(&r.path, r.now), <=, r.now);
        if (turns % 2)
            skt_turns_expire(&r.path, r.now);
        else
            assert_int_equal(rig_send_packet(&r.path, r.now, packet), 0);
        assert_in_range(before - held(&r), 1, 600);
    }
    assert_in_range(turns, 15, 30);
    assert_int_equal(r.path.stats.lost, 0);
    assert_int_equal(r.path.inflight_bytes, 0);
    assert_true(skt_kcp_take_events(&r.kcp) & SKT_KCP_DRAINED);
    assert_int_equal(r.kcp.window.size, 500);
    rig_dispose(&r);
}

/* Disposed of in the middle of that. */
static void test_disposed_while_it_lags(void **state)
{
    (void)state;
    struct rig r;
    fly(&r);
    struct skt_kcp_header h = {.conv = RIG_CONV, .cmd = SKT_KCP_CMD_WINS, .una = FLIGHT, .wnd = 9};
    assert_int_equal(skt_kcp_receive(&r.kcp, r.now, &h, NULL), SKT_OK);
    assert_false(skt_list_empty(&r.path.turns.lagging));
    rig_dispose(&r);
    assert_true(skt_list_empty(&r.path.turns.lagging));
}

/* The same range over and over, nothing in it left: walked once or so, not once for each frame. */
static void test_ranges_of_nothing(void **state)
{
    (void)state;
    struct rig r;
    fly(&r);
    struct skt_ack_frame f = {.conv = RIG_CONV, .wnd = 500, .newest_sn = FLIGHT - 1, .count = 1};
    f.newest_ts = ts_of(&r, FLIGHT - 1);
    f.records[0] = (struct skt_ack_record){1, FLIGHT - 1, f.newest_ts, true};
    for (int i = 0; i < FLIGHT / 60; i++) { /* each packet does a part, whichever frame it is in */
        skt_path_begin_receive(&r.path);
        assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    }
    assert_int_equal(held(&r), 1);
    skt_path_begin_receive(&r.path);
    unsigned most = r.path.work;
    for (int i = 0; i < FRAMES; i++)
        assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    assert_int_equal(r.path.work, 0);
    check_that(most, <=, 20000); /* steps, of which a packet has no more */
    assert_int_equal(r.kcp.snd.una, 0);
    /* The hole filled: what was acknowledged by name is passed over in parts, too. */
    f = (struct skt_ack_frame){.conv = RIG_CONV, .una = 1, .wnd = 500, .newest_sn = 0};
    f.newest_ts = ts_of(&r, 0);
    r.path.work = 1000;
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    assert_in_range(r.kcp.snd.una, 900, 1001);
    skt_turns_expire(&r.path, r.now);
    assert_true(skt_kcp_drained(&r.kcp));
    rig_dispose(&r);
}

/* The newest alone: all before it are lost, and are found so in parts. */
static void test_losses_in_parts(void **state)
{
    (void)state;
    struct rig r;
    fly(&r);
    struct skt_ack_frame f = {.conv = RIG_CONV, .wnd = 500, .newest_sn = FLIGHT - 1};
    f.newest_ts = ts_of(&r, FLIGHT - 1);
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    r.now += 100 * MS;
    for (uint64_t before = 0, turns = 0; r.path.stats.lost < FLIGHT - 1; before = r.path.stats.lost) {
        skt_turns_expire(&r.path, r.now);
        assert_in_range(r.path.stats.lost - before, 1, 1100);
        assert_true(++turns < 20);
    }
    rig_dispose(&r);
}

/* So does the retransmission timer: all that was in flight, in parts; what was sent since is left alone. */
static void test_a_timeout_in_parts(void **state)
{
    (void)state;
    struct rig r;
    fly(&r);
    uint64_t before = 0;
    while (skt_path_timeouts(&r.path) < 2) {
        r.now += 100 * MS;
        skt_turns_expire(&r.path, r.now);
    }
    for (unsigned turns = 0; r.path.stats.lost < FLIGHT - 2;
         turns++) { /* two wait as the probes that they were */
        assert_in_range(r.path.stats.lost - before, 1, 1100);
        assert_int_equal(skt_turns_expiry(&r.path, r.now), r.now);
        check_that(turns, <, 20);
        before = r.path.stats.lost;
        skt_turns_expire(&r.path, r.now);
    }
    check_that(r.path.inflight_bytes, ==, 0);
    check_that(rig_send(&r), >, 0);
    uint64_t lost = r.path.stats.lost;
    skt_turns_expire(&r.path, r.now);
    assert_int_equal(r.path.stats.lost, lost);
    rig_dispose(&r);
}

/* What names no transmission proves nothing: not a ts before the first, not one behind the last. */
static void test_a_ts_that_names_none(void **state)
{
    (void)state;
    struct rig r;
    fly(&r);
    uint32_t first = ts_of(&r, 10), wrong[] = {first - 1, first + 1, first + 100000, first - 100000, 0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct skt_kcp_header h = {
            .conv = RIG_CONV, .cmd = SKT_KCP_CMD_ACK, .sn = 10, .ts = wrong[i], .wnd = 500};
        assert_int_equal(skt_kcp_receive(&r.kcp, r.now, &h, NULL), SKT_OK);
        struct skt_ack_frame f = {
            .conv = RIG_CONV, .wnd = 500, .newest_sn = 10, .newest_ts = wrong[i], .count = 1};
        f.records[0] = (struct skt_ack_record){12, 12, wrong[i], false};
        assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    }
    /* Nor a range that came before its segments were sent. */
    struct skt_ack_frame f = {.conv = RIG_CONV, .wnd = 500, .newest_sn = 10, .count = 1};
    f.records[0] = (struct skt_ack_record){100, FLIGHT - 1, ts_of(&r, 100) - 1, true};
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    assert_int_equal(held(&r), FLIGHT);
    assert_int_equal(r.path.rtt.srtt, 0);
    rig_dispose(&r);
}

CHECK_GROUP(ack_work)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_great_una),        cmocka_unit_test(test_disposed_while_it_lags),
        cmocka_unit_test(test_ranges_of_nothing),  cmocka_unit_test(test_losses_in_parts),
        cmocka_unit_test(test_a_timeout_in_parts), cmocka_unit_test(test_a_ts_that_names_none),
    };
    return cmocka_run_group_tests_name("ack_work", tests, NULL, NULL);
}
