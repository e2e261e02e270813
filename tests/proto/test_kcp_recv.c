/* SPDX-License-Identifier: MIT */
/* The conversation, segment by segment: what it receives, acknowledges and has room for. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "proto/kcp/rest.h"
#include "proto/kcp/turns.h"
#include "sim/rig.h"

#define MSS 1376

enum { HELD = 4000 }; /* segments behind a hole */

static uint8_t zeros[MSS];

static void test_message_order(void **state)
{
    (void)state;
    struct rig r;
    char buf[16];
    rig_init(&r, false, 0, NULL);
    assert_int_equal(skt_kcp_message_len(&r.kcp), SKT_ERR_AGAIN);
    assert_int_equal(rig_push(&r, 2, 0, "ef", 2), SKT_OK);
    assert_int_equal(rig_push(&r, 0, 2, "ab", 2), SKT_OK);
    assert_int_equal(skt_kcp_message_len(&r.kcp), SKT_ERR_AGAIN);
    assert_int_equal(skt_kcp_take_events(&r.kcp), 0);
    assert_int_equal(rig_push(&r, 1, 1, "cd", 2), SKT_OK);
    assert_int_equal(rig_push(&r, 3, 0, "gh", 2), SKT_OK);
    assert_int_equal(skt_kcp_take_events(&r.kcp), SKT_KCP_READABLE);
    assert_int_equal(skt_kcp_message_len(&r.kcp), 6);
    assert_int_equal(skt_kcp_read_message(&r.kcp, buf, 5), SKT_ERR_TRUNCATED);
    assert_int_equal(skt_kcp_read_message(&r.kcp, buf, sizeof buf), 6);
    assert_memory_equal(buf, "abcdef", 6);
    assert_int_equal(skt_kcp_read_message(&r.kcp, buf, sizeof buf), 2);
    assert_memory_equal(buf, "gh", 2);
    assert_int_equal(skt_kcp_read_message(&r.kcp, buf, sizeof buf), SKT_ERR_AGAIN);
    rig_dispose(&r);
}

static void test_message_with_wrong_fragments(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, false, 0, NULL);
    assert_int_equal(rig_push(&r, 0, 3, "a", 1), SKT_OK);
    assert_int_equal(rig_push(&r, 1, 1, "b", 1), SKT_ERR_MALFORMED);
    assert_int_equal(rig_push(&r, 1, 3, "b", 1), SKT_ERR_MALFORMED);
    assert_int_equal(r.kcp.rcv.nxt, 1);
    assert_int_equal(rig_push(&r, 1, 2, "b", 1), SKT_OK);
    assert_int_equal(r.kcp.rcv.nxt, 2);
    rig_push(&r, 3, 200, "x", 1); /* behind a hole it can only be seen later */
    rig_push(&r, 2, 1, "c", 1);
    assert_int_equal(r.kcp.rcv.nxt, 3);
    assert_int_equal(skt_kcp_message_len(&r.kcp), SKT_ERR_AGAIN);
    rig_dispose(&r);
}

static void test_largest_message_fits_the_window(void **state)
{
    (void)state;
    struct rig r;
    static uint8_t buf[256 * MSS];
    struct skt_kcp_limits limits = {.rcv_wnd_max = 32, .snd_unsent_max = 10000};
    rig_init(&r, false, 0, &limits);
    for (uint32_t sn = 0; sn < 256; sn++)
        assert_int_equal(rig_push(&r, sn, (uint8_t)(255 - sn), zeros, MSS), SKT_OK);
    assert_int_equal(skt_kcp_read_message(&r.kcp, buf, sizeof buf), 256 * MSS);
    rig_dispose(&r);
}

/* What one segment makes readable is taken into order in parts, so that no packet takes long; the rest is due
 * at once, and none of it is lost where the conversation ends before. */
static void fill_a_hole(struct rig *r)
{
    struct skt_kcp_limits limits = {.rcv_wnd_max = 32768, .snd_unsent_max = 10000};
    rig_init(r, true, 0, &limits);
    for (uint32_t sn = 1; sn < HELD; sn++)
        assert_int_equal(rig_push(r, sn, 0, "x", 1), SKT_OK);
    (void)rig_send(r);
    skt_path_begin_receive(&r->path);
    assert_int_equal(rig_push(r, 0, 0, "x", 1), SKT_OK);
    check_that(r->kcp.rcv.nxt, >=, 1000);
    check_that(r->kcp.rcv.nxt, <=, 3000);
    assert_int_equal(skt_turns_expiry(&r->path, r->now), r->now);
}

static void test_a_hole_before_many(void **state)
{
    (void)state;
    struct rig r;
    fill_a_hole(&r);
    size_t got = rig_read(&r);
    assert_int_equal(skt_kcp_take_events(&r.kcp), SKT_KCP_READABLE);
    uint32_t before = r.kcp.rcv.nxt;
    skt_turns_expire(&r.path, r.now);
    check_that(r.kcp.rcv.nxt - before, <=, 3000);
    assert_int_equal(skt_kcp_take_events(&r.kcp), SKT_KCP_READABLE);
    while (r.kcp.rcv.nxt < HELD)
        skt_turns_expire(&r.path, r.now);
    (void)rig_send(&r);
    check_that(skt_turns_expiry(&r.path, r.now), >, r.now);
    assert_int_equal(got + rig_read(&r), HELD);
    rig_dispose(&r);
}

static void test_the_end_before_all_is_in_order(void **state)
{
    (void)state;
    struct rig r;
    struct skt_kcp_rest rest;
    fill_a_hole(&r);
    skt_kcp_rest_take(&rest, &r.kcp);
    assert_int_equal(rest.end - rest.next, HELD);
    skt_kcp_rest_drop(&rest);
    rig_dispose(&r);
    fill_a_hole(&r);
    skt_kcp_take_all(&r.kcp);
    assert_int_equal(rig_read(&r), HELD);
    rig_dispose(&r);
    fill_a_hole(&r); /* and gone in the middle of it */
    rig_dispose(&r);
}

static void test_acks(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    for (uint32_t sn = 0; sn < 50; sn++)
        rig_push(&r, sn, 0, "x", 1);
    assert_int_equal(rig_send(&r), 1); /* in order: the newest, and una */
    assert_int_equal(r.out[0].h.cmd, SKT_KCP_CMD_ACK);
    assert_int_equal(r.out[0].h.sn, 49);
    assert_int_equal(r.out[0].h.ts, 1049);
    assert_int_equal(r.out[0].h.una, 50);
    rig_push(&r, 52, 0, "x", 1);
    rig_push(&r, 54, 0, "x", 1);
    rig_push(&r, 54, 0, "x", 1);
    rig_push(&r, 3, 0, "x", 1);
    rig_push(&r, 50, 0, "x", 1);
    assert_int_equal(rig_send(&r), 5); /* beyond a hole, twice, old: each of its own */
    assert_int_equal(r.out[0].h.sn, 52);
    assert_int_equal(r.out[3].h.sn, 3);
    assert_int_equal(r.out[4].h.sn, 50);
    assert_int_equal(r.out[4].h.una, 51);
    rig_push(&r, 51, 0, "x", 1);
    rig_push(&r, 53, 0, "x", 1);
    rig_push(&r, 55, 0, "x", 1);
    assert_int_equal(rig_send(&r), 3); /* what fills a hole is named too */
    assert_int_equal(r.out[0].h.sn, 51);
    assert_int_equal(r.out[1].h.sn, 53);
    assert_int_equal(r.out[2].h.sn, 55);
    assert_int_equal(r.out[2].h.una, 56);
    rig_dispose(&r);
}

static void test_window_edges(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    assert_int_equal(rig_push(&r, 128, 0, "x", 1), SKT_OK);
    assert_int_equal(rig_push(&r, 0xffffffff, 0, "x", 1), SKT_OK);
    assert_int_equal(rig_send(&r), 1); /* beyond the window: not acknowledged; before it: again */
    assert_int_equal(r.out[0].h.sn, 0xffffffff);
    assert_int_equal(r.out[0].h.una, 0);
    assert_int_equal(rig_push(&r, 127, 0, "x", 1), SKT_OK);
    assert_int_equal(rig_send(&r), 1);
    assert_int_equal(r.out[0].h.sn, 127);
    rig_dispose(&r);
}

static void test_a_reader_that_keeps_up_gets_more_window(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    uint32_t sn = 0;
    for (; sn < 4000; sn++) {
        rig_push(&r, sn, 0, "x", 1);
        rig_read(&r);
        if (sn == 40)
            assert_int_equal(r.kcp.rcv.wnd, 128);
    }
    assert_int_equal(r.kcp.rcv.wnd, 1024);
    rig_dispose(&r);

    rig_init(&r, true, 0, NULL);
    for (sn = 0; sn < 100; sn++)
        rig_push(&r, sn, 0, "x", 1);
    assert_int_equal(r.kcp.rcv.wnd, 128); /* nobody reads */
    rig_dispose(&r);
}

/* A peer that ignores the window can't make us hold more than two of them. */
static void test_ignored_window_is_bounded(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    for (uint32_t sn = 0; sn < 5000; sn++)
        rig_push(&r, sn, 0, "x", 1);
    check_that(r.pool.blocks, <=, 256);
    rig_dispose(&r);
}

static void test_window_update_is_repeated(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    for (uint32_t sn = 0; sn < 128; sn++)
        rig_push(&r, sn, 0, "x", 1);
    rig_send(&r);
    assert_int_equal(r.out[0].h.wnd, 0);
    rig_read(&r);
    assert_int_equal(rig_send(&r), 1);
    assert_int_equal(r.out[0].h.cmd, SKT_KCP_CMD_WINS);
    check_that(r.out[0].h.wnd, >=, 128);
    assert_int_equal(r.out[0].h.una, 128);
    int repeats = 0;
    while (rig_wait(&r, 60 * SKT_US_PER_SEC)) {
        assert_int_equal(r.out[0].h.cmd, SKT_KCP_CMD_WINS);
        repeats++;
    }
    assert_in_range(repeats, 2, 8);
    check_that(skt_turns_expiry(&r.path, r.now), ==, SKT_NEVER);

    for (uint32_t sn = 128; sn < 128 + r.kcp.rcv.wnd; sn++)
        rig_push(&r, sn, 0, "x", 1);
    rig_send(&r);
    assert_int_equal(r.out[0].h.wnd, 0);
    rig_read(&r);
    assert_int_equal(rig_send(&r), 1);
    rig_push(&r, r.kcp.rcv.nxt, 0, "x", 1); /* data follows: it was heard */
    rig_send(&r);
    assert_int_equal(rig_wait(&r, 60 * SKT_US_PER_SEC), 0);
    rig_dispose(&r);
}

static void test_asked_for_the_window(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    rig_control(&r, SKT_KCP_CMD_WASK, 0, 128);
    assert_int_equal(rig_send(&r), 1);
    assert_int_equal(r.out[0].h.cmd, SKT_KCP_CMD_WINS);
    assert_int_equal(r.out[0].h.wnd, 128);
    assert_int_equal(rig_wait(&r, 60 * SKT_US_PER_SEC), 0);
    rig_dispose(&r);
}

static void test_little_memory(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 64, NULL);
    for (uint32_t sn = 1; sn < 100; sn++)
        rig_push(&r, sn, 0, "x", 1);
    assert_in_range(r.pool.blocks, 50, 60); /* the rest is for what is in order */
    rig_send(&r);
    assert_in_range(r.out[0].h.wnd, 1, 8);
    assert_int_equal(rig_push(&r, 0, 0, "x", 1), SKT_OK);
    uint32_t next = r.kcp.rcv.nxt;
    check_that(next, >, 50);
    assert_int_equal(rig_push(&r, next, 0, "x", 1), SKT_OK);
    assert_int_equal(r.kcp.rcv.nxt, next + 1);
    rig_read(&r);
    rig_send(&r);
    rig_push(&r, next + 1, 0, "x", 1);
    rig_send(&r);
    assert_in_range(r.out[0].h.wnd, 40, 64);
    rig_dispose(&r);
}

/* An ACK beyond a hole goes out twice, in two packets, as no una covers it. */
static void test_acks_are_repeated_once(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    rig_push(&r, 5, 0, "x", 1);
    assert_int_equal(rig_send(&r), 1);
    assert_int_equal(rig_wait(&r, SKT_US_PER_SEC), 0); /* but no packet is made for that */
    rig_push(&r, 6, 0, "x", 1);
    assert_int_equal(rig_send(&r), 2);
    assert_int_equal(r.out[0].h.sn, 6);
    assert_int_equal(r.out[1].h.sn, 5);
    assert_int_equal(r.out[1].h.ts, 1005);
    rig_push(&r, 7, 0, "x", 1);
    assert_int_equal(rig_send(&r), 2);
    assert_int_equal(r.out[1].h.sn, 6);
    for (uint32_t sn = 0; sn < 5; sn++)
        rig_push(&r, sn, 0, "x", 1);
    assert_int_equal(rig_send(&r), 5); /* una covers all: only what filled the hole is named, none again */
    assert_int_equal(r.out[0].h.una, 8);
    assert_null(r.kcp.owed.list);
    rig_dispose(&r);
}

/* So many segments, each after so long; they are read at once. */
static uint32_t receive_some(struct rig *r, uint32_t sn, uint32_t count, skt_us gap)
{
    for (uint32_t i = 0; i < count; i++, sn++) {
        r->now += gap;
        skt_path_set_time(&r->path, r->now);
        rig_push(r, sn, 0, "x", 1);
        rig_read(r);
    }
    return sn;
}

/* The widest windows are for what is fast and far: 100 ms, and 4096 segments and more in two round trips.
 * Where it becomes slow they shrink again. */
static void test_wide_windows_where_they_are_needed(void **state)
{
    (void)state;
    struct skt_kcp_limits limits = {.rcv_wnd_max = 65535, .snd_unsent_max = 10000};
    struct rig r;
    rig_init(&r, true, 0, &limits);
    skt_path_on_rtt(&r.path, r.now, 100 * SKT_US_PER_MS);
    uint32_t sn = receive_some(&r, 0, 60000, 100); /* 10,000 a second: 1000 are on the way */
    check_that(r.kcp.rcv.wnd, >=, 4096);
    check_that(r.kcp.rcv.wnd, <, 40000);
    sn = receive_some(&r, sn, 80000, 4); /* 250,000 a second: 25,000 are on the way */
    assert_int_equal(r.kcp.rcv.wnd, 65535);
    receive_some(&r, sn, 150000, 300); /* 3333 a second */
    assert_int_equal(r.kcp.rcv.wnd, 8192);
    rig_dispose(&r);
}

CHECK_GROUP(kcp_recv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_order),
        cmocka_unit_test(test_message_with_wrong_fragments),
        cmocka_unit_test(test_largest_message_fits_the_window),
        cmocka_unit_test(test_a_hole_before_many),
        cmocka_unit_test(test_the_end_before_all_is_in_order),
        cmocka_unit_test(test_acks),
        cmocka_unit_test(test_window_edges),
        cmocka_unit_test(test_a_reader_that_keeps_up_gets_more_window),
        cmocka_unit_test(test_wide_windows_where_they_are_needed),
        cmocka_unit_test(test_ignored_window_is_bounded),
        cmocka_unit_test(test_window_update_is_repeated),
        cmocka_unit_test(test_asked_for_the_window),
        cmocka_unit_test(test_little_memory),
        cmocka_unit_test(test_acks_are_repeated_once),
    };
    return cmocka_run_group_tests_name("kcp_recv", tests, NULL, NULL);
}
