/* SPDX-License-Identifier: MIT */
/* Acknowledging with ACK frames: when they go, what they say, and what their receiver makes of them. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <string.h>

#include "base/err.h"
#include "proto/kcp/ack_frame.h"
#include "proto/kcp/turns.h"
#include "sim/rig.h"

#define MS  SKT_US_PER_MS
#define RTT (160 * MS)

static const uint8_t zeros[4000];

/* What the last packets carried. */
static struct {
    size_t packets, frames, segments;
    struct skt_ack_frame f; /* the last */
} sent;

static void collect(const uint8_t *p, size_t len)
{
    struct skt_reader r = skt_reader_of(p, len);
    sent.packets++;
    while (r.left > 0) {
        int type = skt_read_u8(&r);
        if (type == SKT_FRAME_KCP) {
            struct skt_kcp_header h;
            const uint8_t *data;
            while (r.left > 0) {
                assert_int_equal(skt_kcp_parse(&r, &h, &data), SKT_OK);
                sent.segments++;
            }
            return;
        }
        assert_int_equal(type, SKT_FRAME_ACK);
        size_t body_len = skt_read_u8(&r);
        const uint8_t *body = skt_read_bytes(&r, body_len);
        assert_int_equal(skt_ack_frame_parse(&sent.f, body, body_len), SKT_OK);
        assert_int_equal(sent.f.conv, RIG_CONV);
        sent.frames++;
    }
}

static size_t send_now(struct rig *r)
{
    uint8_t packet[SKT_MTU_MAX + 1];
    size_t segments_len;
    memset(&sent, 0, sizeof sent);
    for (size_t n; (n = skt_turns_send(&r->path, r->now, packet, sizeof packet, &segments_len)) > 0;) {
        check_that(n, <=, r->path.payload_limit + 1);
        collect(packet, n);
        skt_path_on_sent(&r->path, r->now, n + 24);
    }
    return sent.packets;
}

/* Lets time pass until a packet goes, at most until `limit` from now. */
static size_t wait_for(struct rig *r, skt_us limit)
{
    skt_us until = r->now + limit;
    for (skt_us at; (at = skt_turns_expiry(&r->path, r->now)) <= until;) {
        r->now = skt_us_max(r->now, at);
        skt_turns_expire(&r->path, r->now);
        if (send_now(r) > 0)
            return sent.packets;
    }
    r->now = until;
    return 0;
}

static void init(struct rig *r, skt_us rtt)
{
    rig_init(r, true, 0, NULL);
    skt_turns_set_ack_frames(&r->path, true);
    if (rtt)
        skt_path_on_rtt(&r->path, r->now, rtt);
}

/* --- when --- */

static void test_a_lone_segment_waits_little(void **state)
{
    (void)state;
    static const struct {
        skt_us rtt, wait;
    } cases[] = {{RTT, 1 * MS}, {20 * MS, 1 * MS}, {15 * MS, 1 * MS}, {100, 1 * MS}, {0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig r;
        init(&r, cases[i].rtt);
        skt_us start = r.now;
        rig_push(&r, 0, 0, "x", 1);
        assert_int_equal(wait_for(&r, SKT_US_PER_SEC), 1);
        assert_int_equal(r.now - start, cases[i].wait);
        assert_int_equal(sent.f.una, 1);
        assert_int_equal(sent.f.newest_sn, 0);
        assert_int_equal(sent.f.newest_ts, 1000);
        assert_int_equal(sent.f.delay, cases[i].wait / SKT_KCP_TICK_US);
        assert_int_equal(sent.f.count, 0);
        assert_int_equal(wait_for(&r, SKT_US_PER_SEC), 0);
        rig_dispose(&r);
    }
}

/* On a short path the second segment does not, nor does what leaves a hole. */
static void test_a_second_segment_waits_no_longer(void **state)
{
    (void)state;
    for (uint32_t second = 1; second <= 2; second++) {
        struct rig r;
        init(&r, 100);
        rig_push(&r, 0, 0, "x", 1);
        assert_int_equal(send_now(&r), 0);
        r.now += 10;
        rig_push(&r, second, 0, "y", 1);
        assert_int_equal(send_now(&r), 1);
        assert_int_equal(sent.f.una, second == 1 ? 2 : 1);
        assert_int_equal(sent.f.newest_sn, second);
        rig_dispose(&r);
    }
}

/* The answer to a request takes its acknowledgement along. */
static void test_it_rides_in_an_answer(void **state)
{
    (void)state;
    for (skt_us rtt = 100; rtt <= RTT; rtt += RTT - 100) {
        struct rig r;
        init(&r, rtt);
        rig_push(&r, 0, 0, "x", 1);
        assert_int_equal(send_now(&r), 0);
        r.now += 300;
        skt_kcp_write(&r.kcp, "answer", 6);
        assert_int_equal(send_now(&r), 1);
        assert_int_equal(sent.frames, 1);
        assert_int_equal(sent.segments, 1);
        assert_int_equal(sent.f.una, 1);
        r.now += 1 * MS;
        assert_int_equal(send_now(&r), 0);
        rig_dispose(&r);
    }
}

/* A full segment leaves no room for it: it waits for its own time, and the segment for nothing. */
static void test_it_does_not_hold_up_data(void **state)
{
    (void)state;
    struct rig r;
    init(&r, RTT);
    rig_push(&r, 0, 0, "x", 1);
    skt_kcp_write(&r.kcp, zeros, skt_path_mss(&r.path));
    assert_int_equal(send_now(&r), 1);
    assert_int_equal(sent.frames, 0);
    assert_int_equal(sent.segments, 1);
    assert_int_equal(wait_for(&r, 1 * MS), 1);
    assert_int_equal(sent.frames, 1);
    rig_dispose(&r);
}

static void test_bulk_is_acknowledged_seldom(void **state)
{
    (void)state;
    struct rig r;
    size_t packets = 0;
    init(&r, RTT);
    for (uint32_t sn = 0; sn < 1000; sn++) { /* 100 Mbit/s and a little more */
        skt_us next = r.now + 100;
        rig_push(&r, sn, 0, "x", 1);
        rig_read(&r);
        while (wait_for(&r, next - r.now) > 0)
            packets++;
    }
    assert_in_range(packets, 20, 30);
    packets += wait_for(&r, 4 * MS);
    assert_int_equal(sent.f.una, 1000);
    rig_dispose(&r);
}

/* One by one behind holes, they don't pile up. */
static void test_much_to_tell_does_not_wait(void **state)
{
    (void)state;
    struct rig r;
    init(&r, RTT);
    for (uint32_t i = 0; i < 20; i++)
        rig_push(&r, i, 0, "x", 1);
    wait_for(&r, 1 * MS);
    for (uint32_t i = 0; i < 31; i++)
        rig_push(&r, 21 + 2 * i, 0, "x", 1);
    assert_int_equal(send_now(&r), 0);
    rig_push(&r, 21 + 2 * 40, 0, "x", 1);
    assert_int_equal(send_now(&r), 1);
    assert_int_equal(sent.frames, 1);
    assert_int_equal(sent.f.count, 31); /* and the newest */
    rig_dispose(&r);
}

/* More than a frame holds takes several, each segment told. */
static void test_several_frames(void **state)
{
    (void)state;
    struct rig r;
    init(&r, 0);
    enum { HOLES = 300 };
    for (uint32_t i = 0; i < HOLES; i++)
        rig_push(&r, 1 + 3 * i, 0, "x", 1);
    uint8_t packet[SKT_MTU_MAX + 1];
    size_t segments_len;
    size_t n = skt_turns_send(&r.path, r.now, packet, sizeof packet, &segments_len), told = 0, frames = 0;
    struct skt_reader rd = skt_reader_of(packet, n);
    while (rd.left > 0) {
        assert_int_equal(skt_read_u8(&rd), SKT_FRAME_ACK);
        size_t len = skt_read_u8(&rd);
        const uint8_t *body = skt_read_bytes(&rd, len);
        assert_int_equal(skt_ack_frame_parse(&sent.f, body, len), SKT_OK);
        for (size_t i = 0; i < sent.f.count; i++, told++)
            assert_int_equal(sent.f.records[i].lo, 1 + 3 * told);
        frames++;
    }
    assert_in_range(told, HOLES - 1, HOLES);
    assert_in_range(frames, 3, 6);
    rig_dispose(&r);
}

/* --- what --- */

static void test_ranges_and_repetition(void **state)
{
    (void)state;
    struct rig r;
    init(&r, RTT);
    rig_push(&r, 0, 0, "x", 1);
    r.now += 20 * MS;
    send_now(&r);
    for (uint32_t sn = 2; sn < 12; sn++)
        rig_push(&r, sn, 0, "x", 1);
    for (uint32_t sn = 14; sn < 16; sn++)
        rig_push(&r, sn, 0, "x", 1);
    wait_for(&r, 4 * MS);
    assert_int_equal(sent.f.una, 1);
    assert_int_equal(sent.f.newest_sn, 15);
    const struct skt_ack_record *rec = sent.f.records;
    /* The first segment once more: nobody knows whether its frame arrived. */
    assert_int_equal(sent.f.count, 3);
    assert_true(rec[0].lo == 0 && rec[0].hi == 0 && rec[0].ts == 1000 && !rec[0].range);
    assert_true(rec[1].lo == 2 && rec[1].hi == 11 && rec[1].ts == 1011 && rec[1].range);
    assert_true(rec[2].lo == 14 && rec[2].hi == 15 && rec[2].ts == 1015 && rec[2].range);
    /* They go along three times more. */
    for (uint32_t i = 0; i < 4; i++) {
        r.now += 20 * MS;
        rig_push(&r, 20 + 2 * i, 0, "x", 1);
        wait_for(&r, 4 * MS);
        bool repeated = false;
        for (size_t j = 0; j < sent.f.count; j++)
            repeated |= rec[j].lo == 14;
        assert_int_equal(repeated, i < 3);
    }
    /* What fills a hole is named; what una covers then is not told again. */
    r.now += 20 * MS;
    rig_push(&r, 1, 0, "x", 1);
    rig_push(&r, 12, 0, "x", 1);
    wait_for(&r, 4 * MS);
    assert_int_equal(sent.f.una, 13);
    assert_int_equal(sent.f.newest_sn, 12);
    for (size_t j = 0; j < sent.f.count; j++)
        assert_true(!rec[j].range || !skt_serial_before(rec[j].hi, 13));
    assert_true(rec[sent.f.count - 1].lo == 1 && !rec[sent.f.count - 1].range);
    rig_dispose(&r);
}

static void test_nothing_is_kept_when_idle(void **state)
{
    (void)state;
    struct rig r;
    init(&r, RTT);
    for (uint32_t sn = 0; sn < 200; sn++) {
        rig_push(&r, sn, 0, "x", 1);
        r.now += 200;
        send_now(&r);
    }
    wait_for(&r, 4 * MS);
    assert_int_equal(sent.f.una, 200);
    assert_null(r.kcp.owed.list);
    check_that(skt_turns_expiry(&r.path, r.now), ==, SKT_NEVER);
    rig_dispose(&r);
}

/* Without the feature, ACK segments go at once, also those that were waiting as frames. */
static void test_turned_off(void **state)
{
    (void)state;
    struct rig r;
    init(&r, RTT);
    rig_push(&r, 0, 0, "x", 1);
    assert_int_equal(send_now(&r), 0);
    skt_turns_set_ack_frames(&r.path, false);
    assert_in_range(rig_send(&r), 1, 2);
    assert_int_equal(r.out[0].h.cmd, SKT_KCP_CMD_ACK);
    assert_int_equal(r.out[0].h.una, 1);
    rig_push(&r, 2, 0, "x", 1);
    assert_int_equal(send_now(&r), 1);
    assert_int_equal(sent.frames, 0);
    assert_int_equal(sent.segments, 1);
    rig_dispose(&r);
}

static void test_a_round_trip_is_wanted(void **state)
{
    (void)state;
    struct rig r;
    init(&r, 0);
    assert_false(skt_path_wants_rtt(&r.path));
    rig_push(&r, 0, 0, "x", 1);
    assert_true(skt_path_wants_rtt(&r.path));
    skt_path_on_rtt(&r.path, r.now, RTT);
    assert_false(skt_path_wants_rtt(&r.path));
    r.now += 4 * SKT_US_PER_SEC;
    rig_push(&r, 1, 0, "x", 1);
    assert_false(skt_path_wants_rtt(&r.path));
    r.now += 2 * SKT_US_PER_SEC;
    assert_false(skt_path_wants_rtt(&r.path)); /* nothing comes in */
    rig_push(&r, 2, 0, "x", 1);
    assert_true(skt_path_wants_rtt(&r.path));
    rig_dispose(&r);
}

/* --- the receiver of frames --- */

/* Sends n full segments at once and then lets a round trip pass. */
static void send_full(struct rig *r, size_t n)
{
    init(r, 0);
    for (size_t i = 0; i < n; i++)
        skt_kcp_write(&r->kcp, zeros, skt_path_mss(&r->path));
    for (rig_send(r); r->kcp.snd.nxt < n;)
        check_that(rig_wait(r, RTT), >, 0);
    r->now += RTT;
}

static struct skt_ack_frame frame(const struct rig *r, uint32_t una, uint32_t newest, uint32_t delay)
{
    const struct skt_segment *seg = *skt_seg_ring_at(&r->kcp.queue.ring, newest);
    return (struct skt_ack_frame){.conv = RIG_CONV,
                                  .una = una,
                                  .wnd = 512,
                                  .newest_sn = newest,
                                  .newest_ts = seg ? seg->ts : 0,
                                  .delay = delay};
}

static uint32_t ts_of(const struct rig *r, uint32_t sn)
{
    return (*skt_seg_ring_at(&r->kcp.queue.ring, sn))->ts;
}

static void test_ranges_acknowledge(void **state)
{
    (void)state;
    struct rig r;
    send_full(&r, 12);
    struct skt_ack_frame f = frame(&r, 2, 10, 0);
    f.count = 2;
    f.records[0] = (struct skt_ack_record){4, 6, ts_of(&r, 6), true};
    f.records[1] = (struct skt_ack_record){8, 9, ts_of(&r, 9), true};
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    for (uint32_t sn = 0; sn < 12; sn++) {
        bool arrived = sn < 2 || (sn >= 4 && sn <= 6) || (sn >= 8 && sn <= 10);
        assert_int_equal(*skt_seg_ring_at(&r.kcp.queue.ring, sn) == NULL, arrived);
    }
    assert_int_equal(r.kcp.snd.una, 2);
    assert_int_equal(r.kcp.window.size, 512);
    assert_int_equal(r.path.rtt.srtt, r.path.rtt.latest);
    /* Three holes below what has arrived: found lost once the reordering window has passed. */
    uint64_t sent_before = r.path.stats.retransmitted;
    r.now += RTT;
    rig_send(&r);
    assert_int_equal(r.path.stats.lost, 3);
    assert_in_range(r.path.stats.retransmitted - sent_before, 3, 4); /* and perhaps a probe */
    /* The same again changes nothing. */
    uint64_t delivered = r.path.delivery.bytes;
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    check_that(r.path.delivery.bytes, ==, delivered);
    rig_dispose(&r);
}

/* A range that is older than a second transmission is about the first. */
static void test_a_late_range_is_spurious(void **state)
{
    (void)state;
    struct rig r;
    send_full(&r, 8);
    uint32_t ts5 = ts_of(&r, 5);
    struct skt_ack_frame f = frame(&r, 0, 7, 0);
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    r.now += RTT;
    rig_send(&r);
    assert_int_equal(r.path.stats.lost, 7);
    assert_int_equal((*skt_seg_ring_at(&r.kcp.queue.ring, 4))->xmit, 2);
    f.count = 1;
    f.records[0] = (struct skt_ack_record){3, 5, ts5, true};
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    assert_int_equal(r.path.stats.spurious, 3);
    rig_dispose(&r);
}

/* The time that an acknowledgement waited is no part of the round trip, but what a peer says of it can't
 * make one shorter than the shortest that was measured. */
static void test_delay(void **state)
{
    (void)state;
    struct rig r;
    send_full(&r, 3);
    const struct skt_segment *seg = *skt_seg_ring_at(&r.kcp.queue.ring, 0);
    skt_us whole = r.now - seg->sent_at;
    struct skt_ack_frame f = frame(&r, 1, 0, 0);
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    assert_int_equal(r.path.rtt.min, whole);
    r.now += 10 * MS;
    seg = *skt_seg_ring_at(&r.kcp.queue.ring, 1);
    whole = r.now - seg->sent_at;
    f = frame(&r, 2, 1, 100);
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    assert_int_equal(r.path.rtt.latest, whole - 100 * SKT_KCP_TICK_US);
    f = frame(&r, 3, 2, SKT_ACK_DELAY_MAX);
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_OK);
    assert_int_equal(r.path.rtt.latest, r.path.rtt.min);
    rig_dispose(&r);
}

static void test_what_was_never_sent_is_refused(void **state)
{
    (void)state;
    struct rig r;
    send_full(&r, 4);
    const struct skt_ack_frame good = frame(&r, 1, 3, 0);
    struct skt_ack_frame f = good;
    f.una = 5;
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_ERR_MALFORMED);
    f = good;
    f.newest_sn = 4;
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_ERR_MALFORMED);
    f = good;
    f.count = 2;
    f.records[0] = (struct skt_ack_record){0, 1, 0, true};
    f.records[1] = (struct skt_ack_record){2, 4, 0, true};
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_ERR_MALFORMED);
    f.count = 3; /* more segments in ranges than a window has */
    for (size_t i = 0; i < f.count; i++)
        f.records[i] = (struct skt_ack_record){UINT32_C(3) - SKT_ACK_RANGE_MAX, 3, 0, true};
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &f), SKT_ERR_MALFORMED);
    assert_int_equal(r.kcp.snd.una, 0);
    check_that(r.path.delivery.bytes, ==, 0);
    assert_int_equal(skt_kcp_receive_acks(&r.kcp, r.now, &good), SKT_OK);
    assert_int_equal(r.kcp.snd.una, 1);
    rig_dispose(&r);
}

CHECK_GROUP(acks)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lone_segment_waits_little),
        cmocka_unit_test(test_a_second_segment_waits_no_longer),
        cmocka_unit_test(test_it_rides_in_an_answer),
        cmocka_unit_test(test_it_does_not_hold_up_data),
        cmocka_unit_test(test_bulk_is_acknowledged_seldom),
        cmocka_unit_test(test_much_to_tell_does_not_wait),
        cmocka_unit_test(test_several_frames),
        cmocka_unit_test(test_ranges_and_repetition),
        cmocka_unit_test(test_nothing_is_kept_when_idle),
        cmocka_unit_test(test_turned_off),
        cmocka_unit_test(test_a_round_trip_is_wanted),
        cmocka_unit_test(test_ranges_acknowledge),
        cmocka_unit_test(test_a_late_range_is_spurious),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_what_was_never_sent_is_refused),
    };
    return cmocka_run_group_tests_name("acks", tests, NULL, NULL);
}
