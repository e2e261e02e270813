/* SPDX-License-Identifier: MIT */
/* What conversations share: loss by transmission time, tail probe, timeout, round trips, pacing, turns. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <string.h>

#include "base/err.h"
#include "proto/kcp/turns.h"
#include "sim/rig.h"

#define MSS 1376
#define MS  SKT_US_PER_MS

static uint8_t zeros[64 * MSS];

/* A rig that knows a round trip of 40 ms and has n segments in flight, sent 1 ms apart. */
static void fly(struct rig *r, size_t n)
{
    rig_init(r, true, 0, NULL);
    skt_path_on_rtt(&r->path, r->now, 40 * MS);
    struct rig_segment *all = r->out;
    for (size_t i = 0; i < n; i++) {
        r->now += MS;
        r->out = all + i;
        assert_int_equal(skt_kcp_write(&r->kcp, zeros, MSS), SKT_OK);
        assert_int_equal(rig_send(r), 1);
    }
    r->out = all;
    r->count = n;
}

static int ack(struct rig *r, const struct rig_segment *s, uint32_t una)
{
    return rig_ack(r, s->h.sn, s->h.ts, una, 1024);
}

static void test_loss_by_send_time(void **state)
{
    (void)state;
    struct rig r;
    fly(&r, 6);
    struct rig_segment seg[6];
    memcpy(seg, r.out, sizeof seg);
    r.now += 35 * MS; /* 40 ms after the first */
    ack(&r, &seg[0], 1);
    r.now += 3 * MS;
    ack(&r, &seg[3], 1); /* 1 and 2 are late by 2 and 1 ms now */
    assert_int_equal(rig_send(&r), 0);
    assert_int_equal(r.path.stats.lost, 0);
    assert_int_equal(rig_wait(&r, 100 * MS), 1); /* at a quarter of the round trip after it was due */
    assert_int_equal(r.out[0].h.sn, 1);
    assert_in_range(r.now - (10 * SKT_US_PER_SEC + 2 * MS), 50 * MS, 51 * MS);
    check_that(r.out[0].h.ts, !=, seg[1].h.ts);
    assert_int_equal(rig_wait(&r, 100 * MS), 1);
    assert_int_equal(r.out[0].h.sn, 2);
    assert_int_equal(r.path.stats.lost, 2);
    assert_int_equal(r.path.stats.retransmitted, 2);
    rig_dispose(&r);
}

/* A retransmission that is lost again is found by its own time, not by the first one's. */
static void test_lost_retransmission(void **state)
{
    (void)state;
    struct rig r;
    fly(&r, 5);
    struct rig_segment seg[5];
    memcpy(seg, r.out, sizeof seg);
    r.now += 40 * MS;
    for (size_t i = 1; i < 5; i++)
        ack(&r, &seg[i], 0);
    assert_int_equal(rig_wait(&r, 30 * MS), 1); /* 0 again */
    assert_int_equal(r.out[0].h.sn, 0);
    skt_us again = r.now;
    r.now += MS;
    skt_kcp_write(&r.kcp, zeros, 100);
    assert_int_equal(rig_send(&r), 1);
    struct rig_segment later = r.out[0];
    r.now += 40 * MS;
    ack(&r, &later, 0);
    assert_int_equal(rig_wait(&r, 30 * MS), 1);
    assert_int_equal(r.out[0].h.sn, 0);
    assert_in_range(r.now - again, 49 * MS, 52 * MS);
    rig_dispose(&r);
}

static void test_spurious_loss_is_undone(void **state)
{
    (void)state;
    struct rig r;
    fly(&r, 5);
    struct rig_segment seg[5];
    memcpy(seg, r.out, sizeof seg);
    r.now += 40 * MS;
    for (size_t i = 1; i < 5; i++)
        ack(&r, &seg[i], 0);
    assert_int_equal(rig_wait(&r, 30 * MS), 1);
    assert_int_equal(r.path.stats.lost, 1);
    assert_int_equal(r.path.recovery.reo_wnd, 0);
    r.now += 6 * MS;
    ack(&r, &seg[0], 5); /* the first transmission, after all */
    assert_int_equal(r.path.stats.spurious, 1);
    assert_true(r.path.recovery.reo_wnd > 15 * MS && r.path.recovery.reo_wnd <= 40 * MS);
    assert_int_equal(r.path.inflight_bytes, 0);
    assert_true(skt_kcp_drained(&r.kcp));
    rig_dispose(&r);
}

/* The same where it had not been sent again yet. */
static void test_spurious_before_it_was_resent(void **state)
{
    (void)state;
    struct rig r;
    fly(&r, 5);
    struct rig_segment seg[5];
    memcpy(seg, r.out, sizeof seg);
    r.now += 40 * MS;
    for (size_t i = 1; i < 5; i++)
        ack(&r, &seg[i], 0);
    r.now += 20 * MS;
    skt_turns_expire(&r.path, r.now);
    assert_int_equal(r.path.stats.lost, 1);
    ack(&r, &seg[0], 5);
    assert_int_equal(r.path.stats.spurious, 1);
    assert_int_equal(rig_send(&r), 0);
    rig_dispose(&r);
}

static void test_round_trip_of_a_retransmission(void **state)
{
    (void)state;
    struct rig r;
    fly(&r, 1);
    struct rig_segment first = r.out[0];
    assert_int_equal(rig_wait(&r, SKT_US_PER_SEC), 1); /* tail probe */
    struct rig_segment second = r.out[0];
    assert_true(skt_serial_before(first.h.ts, second.h.ts));
    r.now += 30 * MS;
    ack(&r, &second, 1);
    assert_int_equal(r.path.rtt.latest, 30 * MS); /* no ambiguity: the ACK names it */
    assert_int_equal(r.path.stats.lost, 1);       /* so the first was lost */
    rig_dispose(&r);

    fly(&r, 1);
    first = r.out[0];
    skt_us sent = r.now;
    rig_wait(&r, SKT_US_PER_SEC);
    r.now += MS;
    ack(&r, &first, 1);
    assert_in_range(r.path.rtt.latest, r.now - sent - 64, r.now - sent + 64);
    assert_int_equal(r.path.stats.lost, 0);
    rig_dispose(&r);
}

/* Sent again within one tick of ts, the transmissions are told apart all the same. */
static void test_ts_is_distinct(void **state)
{
    (void)state;
    struct rig r;
    fly(&r, 1);
    uint32_t ts = r.out[0].h.ts;
    for (int i = 0; i < 5; i++) {
        skt_kcp_resend_all(&r.kcp, r.now);
        assert_int_equal(rig_send(&r), 1);
        assert_true(skt_serial_before(ts, r.out[0].h.ts));
        ts = r.out[0].h.ts;
    }
    rig_dispose(&r);
}

static void test_tail_probe(void **state)
{
    (void)state;
    struct rig r;
    fly(&r, 4);
    struct rig_segment seg[4];
    memcpy(seg, r.out, sizeof seg);
    skt_us last = r.now;
    assert_int_equal(rig_wait(&r, SKT_US_PER_SEC), 2);
    assert_in_range(r.now - last, 40 * MS, 130 * MS);
    assert_int_equal(r.out[0].h.sn, 0); /* the likeliest to be lost, and the one that shows the others */
    assert_int_equal(r.out[1].h.sn, 3);
    assert_int_equal(skt_path_timeouts(&r.path), 1);
    assert_int_equal(r.path.stats.lost, 0);
    r.now += 40 * MS;
    ack(&r, &r.out[1], 0);
    assert_int_equal(skt_path_timeouts(&r.path), 0);
    rig_send(&r);
    assert_int_equal(rig_count(&r, SKT_KCP_CMD_PUSH), 2);
    assert_int_equal(r.out[0].h.sn, 1);
    assert_int_equal(r.out[1].h.sn, 2);
    rig_dispose(&r);
}

static void test_timeouts_back_off_to_two_seconds(void **state)
{
    (void)state;
    struct rig r;
    fly(&r, 4);
    skt_us before = r.now, start = r.now, gap = 0, longest = 0;
    unsigned n = 0;
    size_t packets = 0;
    while (r.now < start + 30 * SKT_US_PER_SEC) {
        packets += rig_wait(&r, 10 * SKT_US_PER_SEC);
        gap = r.now - before;
        longest = gap > longest ? gap : longest;
        before = r.now;
        n++;
    }
    assert_in_range(n, 14, 80);
    check_that(packets, <, 200);
    assert_in_range(longest, 1900 * MS, 2100 * MS);
    check_that(skt_path_timeouts(&r.path), >=, 14);
    while (r.now < start + 300 * SKT_US_PER_SEC) {
        rig_wait(&r, 10 * SKT_US_PER_SEC);
        gap = r.now - before;
        before = r.now;
    }
    assert_in_range(gap, 4900 * MS, 5100 * MS);
    skt_path_on_alive(&r.path, r.now); /* the peer is heard again: no waiting */
    check_that(rig_wait(&r, 300 * MS), >, 0);
    rig_dispose(&r);
}

/* Losses of one conversation are found by the acknowledgements of another. */
static void test_conversations_share_the_path(void **state)
{
    (void)state;
    struct rig r;
    static struct skt_kcp other;
    static const struct skt_kcp_limits limits = {.rcv_wnd_max = 1024, .snd_unsent_max = 1 << 20};
    fly(&r, 1);
    uint8_t packet[SKT_MTU_MAX];
    assert_int_equal(skt_kcp_init(&other, 8, true, &r.path, &limits), SKT_OK);
    skt_kcp_write(&other, zeros, 100);
    r.now += 5 * MS;
    size_t len = rig_send_packet(&r.path, r.now, packet);
    assert_int_equal(len, 124);
    struct skt_reader reader = skt_reader_of(packet, len);
    struct skt_kcp_header h;
    const uint8_t *data;
    assert_int_equal(skt_kcp_parse(&reader, &h, &data), SKT_OK);
    h.cmd = SKT_KCP_CMD_ACK;
    h.len = 0;
    h.una = 1;
    r.now += 40 * MS;
    assert_int_equal(skt_kcp_receive(&other, r.now, &h, NULL), SKT_OK);
    assert_int_equal(rig_wait(&r, 10 * MS), 1);
    assert_int_equal(r.out[0].h.sn, 0);
    assert_int_equal(r.path.stats.lost, 1);
    skt_kcp_dispose(&other);
    rig_dispose(&r);
}

static void test_conversations_take_turns(void **state)
{
    (void)state;
    struct rig r;
    static struct skt_kcp other[3];
    static const struct skt_kcp_limits limits = {.rcv_wnd_max = 1024, .snd_unsent_max = 1 << 20};
    rig_init(&r, true, 0, NULL);
    for (uint32_t i = 0; i < 3; i++) {
        skt_kcp_init(&other[i], 20 + i, true, &r.path, &limits);
        skt_kcp_write(&other[i], zeros, 10 * MSS);
    }
    unsigned turns[3] = {0};
    uint8_t packet[SKT_MTU_MAX];
    for (int i = 0; i < 9; i++) {
        assert_true(rig_send_packet(&r.path, r.now, packet) > 0);
        turns[skt_get_u32(packet) - 20]++;
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(turns[i], 3);
        skt_kcp_dispose(&other[i]);
    }
    rig_dispose(&r);
}

static void test_small_segments_share_a_packet(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, false, 0, NULL);
    for (int i = 0; i < 10; i++)
        skt_kcp_write(&r.kcp, zeros, 76);
    assert_int_equal(rig_send(&r), 10);
    assert_int_equal(r.packets, 1);
    rig_dispose(&r);
}

static void test_smaller_limit(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    skt_kcp_write(&r.kcp, zeros, 2 * MSS);
    skt_path_set_payload_limit(&r.path, 1200);
    assert_int_equal(skt_path_mss(&r.path), 1176);
    skt_kcp_write(&r.kcp, zeros, 2 * 1176);
    assert_int_equal(rig_send(&r), 4);
    assert_int_equal(r.packets, 4); /* those cut before go alone */
    assert_int_equal(r.out[1].h.len, MSS);
    assert_int_equal(r.out[2].h.len, 1176);
    r.now += MS;
    rig_ack(&r, 2, r.out[2].h.ts, 0, 128);
    rig_ack(&r, 0, r.out[0].h.ts, 1, 128);
    rig_dispose(&r);
}

static void test_reset(void **state)
{
    (void)state;
    struct rig r;
    fly(&r, 5);
    struct rig_segment seg[5];
    memcpy(seg, r.out, sizeof seg);
    r.now += 40 * MS;
    ack(&r, &seg[0], 1);
    skt_path_reset(&r.path, r.now);
    assert_int_equal(r.path.rtt.srtt, 0);
    assert_int_equal(r.path.inflight_bytes, 0);
    assert_int_equal(rig_send(&r), 4);
    assert_int_equal(r.out[0].h.sn, 1);
    r.now += 5 * MS;
    ack(&r, &seg[1], 2); /* sent on the old path: says nothing of the new one */
    assert_int_equal(r.path.rtt.srtt, 0);
    assert_int_equal(r.path.stats.spurious, 0);
    ack(&r, &r.out[1], 3);
    assert_int_equal(r.path.rtt.srtt, 5 * MS);
    rig_dispose(&r);
}

static void test_pacing_of_a_start(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    skt_path_on_rtt(&r.path, r.now, 100 * MS);
    skt_kcp_write(&r.kcp, zeros, sizeof zeros);
    size_t sent = rig_send(&r);
    assert_in_range(sent, 10, 12); /* a burst at once */
    skt_us start = r.now;
    while (sent < 32) {
        check_that(rig_wait(&r, 10 * MS), >, 0);
        sent += r.count;
    }
    assert_in_range(r.now - start, 5 * MS, 100 * MS);
    assert_int_equal(rig_wait(&r, 20 * MS), 0); /* the initial window is full */
    rig_dispose(&r);
}

/* Whatever happens, expiry never asks to be called at once in vain. */
static void test_expiry_does_not_spin(void **state)
{
    (void)state;
    struct rig r;
    fly(&r, 20);
    skt_kcp_write(&r.kcp, zeros, sizeof zeros);
    skt_us end = r.now + 20 * SKT_US_PER_SEC;
    unsigned calls = 0;
    while (r.now < end && calls++ < 2000) {
        rig_send(&r);
        skt_us at = skt_turns_expiry(&r.path, r.now);
        check_that(at, >, r.now);
        r.now = at;
        skt_turns_expire(&r.path, r.now);
    }
    check_that(r.now, >=, end);
    rig_dispose(&r);
}

CHECK_GROUP(path)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_by_send_time),
        cmocka_unit_test(test_lost_retransmission),
        cmocka_unit_test(test_spurious_loss_is_undone),
        cmocka_unit_test(test_spurious_before_it_was_resent),
        cmocka_unit_test(test_round_trip_of_a_retransmission),
        cmocka_unit_test(test_ts_is_distinct),
        cmocka_unit_test(test_tail_probe),
        cmocka_unit_test(test_timeouts_back_off_to_two_seconds),
        cmocka_unit_test(test_conversations_share_the_path),
        cmocka_unit_test(test_conversations_take_turns),
        cmocka_unit_test(test_small_segments_share_a_packet),
        cmocka_unit_test(test_smaller_limit),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_pacing_of_a_start),
        cmocka_unit_test(test_expiry_does_not_spin),
    };
    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
