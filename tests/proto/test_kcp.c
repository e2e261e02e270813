/* SPDX-License-Identifier: MIT */
/* The conversation, segment by segment: its wire format, what it sends and what of that is acknowledged. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/kcp/turns.h"
#include "sim/rig.h"

#define MSS 1376

static uint8_t zeros[256 * MSS + 1];

static void test_parse(void **state)
{
    (void)state;
    uint8_t buf[64] = {0x78, 0x56, 0x34, 0x12, 81, 2, 0x34, 0x12, 1, 0, 0,   0,   2,   0,
                       0,    0,    3,    0,    0,  0, 4,    0,    0, 0, 'a', 'b', 'c', 'd'};
    struct skt_kcp_header h;
    const uint8_t *data;
    struct skt_reader r = skt_reader_of(buf, 28);
    assert_int_equal(skt_kcp_parse(&r, &h, &data), SKT_OK);
    assert_int_equal(h.conv, 0x12345678);
    assert_int_equal(h.cmd, SKT_KCP_CMD_PUSH);
    assert_int_equal(h.frg, 2);
    assert_int_equal(h.wnd, 0x1234);
    assert_int_equal(h.ts, 1);
    assert_int_equal(h.sn, 2);
    assert_int_equal(h.una, 3);
    assert_int_equal(h.len, 4);
    assert_memory_equal(data, "abcd", 4);
    assert_int_equal(r.left, 0);
    for (size_t len = 0; len < 28; len++) {
        r = skt_reader_of(buf, len);
        int err = skt_kcp_parse(&r, &h, &data);
        assert_int_equal(err, len < SKT_KCP_HEADER_LEN ? SKT_ERR_TRUNCATED : SKT_ERR_MALFORMED);
        assert_int_equal(r.left, len); /* nothing taken */
    }
    for (int cmd = 0; cmd < 256; cmd++) {
        buf[4] = (uint8_t)cmd;
        r = skt_reader_of(buf, 28);
        assert_int_equal(skt_kcp_parse(&r, &h, &data), cmd >= 81 && cmd <= 84 ? SKT_OK : SKT_ERR_MALFORMED);
    }
    buf[4] = 81;
    memset(buf + 20, 0xff, 4); /* a length that would wrap */
    r = skt_reader_of(buf, 28);
    assert_int_equal(skt_kcp_parse(&r, &h, &data), SKT_ERR_MALFORMED);
}

static void test_idle_holds_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    check_that(sizeof(struct skt_kcp), <, 512);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 5000), SKT_OK);
    rig_send(&r);
    r.now += 1000;
    rig_ack_all(&r, 128);
    assert_true(skt_kcp_drained(&r.kcp));
    assert_int_equal(skt_kcp_take_events(&r.kcp), SKT_KCP_DRAINED);
    rig_push(&r, 1, 0, "x", 1);
    rig_push(&r, 0, 0, "x", 1);
    assert_int_equal(rig_read(&r), 2);
    rig_send(&r);
    assert_int_equal(r.pool.used, 0);
    assert_null(r.kcp.queue.ring.slot);
    assert_null(r.kcp.rcv.ring.slot);
    assert_null(r.kcp.owed.list);
    check_that(skt_turns_expiry(&r.path, r.now), ==, SKT_NEVER);
    rig_dispose(&r);
}

static void test_message_fragments(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, false, 0, NULL);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 0), SKT_ERR_ARG);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 256 * MSS), SKT_OK);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, sizeof zeros), SKT_ERR_ARG);
    rig_send(&r);
    check_that(r.count, >, 5);
    for (size_t i = 0; i < r.count; i++) {
        assert_int_equal(r.out[i].h.sn, i);
        assert_int_equal(r.out[i].h.frg, 255 - i);
        assert_int_equal(r.out[i].h.len, MSS);
    }
    rig_dispose(&r);
}

static void test_message_is_atomic(void **state)
{
    (void)state;
    struct rig r;
    struct skt_kcp_limits limits = {.rcv_wnd_max = 128, .snd_unsent_max = 10000};
    rig_init(&r, false, 0, &limits);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 20000), SKT_OK); /* alone, more than the limit is allowed */
    check_that(r.kcp.queue.unsent, >=, limits.snd_unsent_max);
    uint32_t end = r.kcp.snd.end;
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 1), SKT_ERR_AGAIN);
    assert_int_equal(r.kcp.snd.end, end);
    for (int i = 0; i < 20 && r.kcp.queue.unsent > 0; i++) {
        rig_wait(&r, SKT_US_PER_SEC);
        rig_ack_all(&r, 128);
    }
    assert_true(skt_kcp_take_events(&r.kcp) & SKT_KCP_WRITABLE);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 9000), SKT_OK);
    rig_dispose(&r);
}

/* The lengths of the segments that wait, the oldest first; how many. */
static size_t waiting_lengths(const struct skt_kcp *k, size_t *out)
{
    size_t n = 0;
    for (uint32_t sn = k->snd.nxt; sn != k->snd.end; sn++)
        out[n++] = (*skt_seg_ring_at(&k->queue.ring, sn))->len;
    return n;
}

static void test_long_messages_fill_packets(void **state)
{
    (void)state;
    enum { LEN = 10 * MSS + 500 };
    struct skt_kcp_limits limits = {1024, SIZE_MAX};
    struct rig r;
    size_t len[64];
    rig_init(&r, false, 0, &limits);
    rig_send(&r);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, LEN), SKT_OK);
    assert_int_equal(waiting_lengths(&r.kcp, len), 11); /* nothing waits before it */
    assert_int_equal(len[0], MSS);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, LEN), SKT_OK);
    assert_int_equal(waiting_lengths(&r.kcp, len), 22);
    assert_int_equal(len[10], 500);
    assert_int_equal(len[11], MSS - 500 - SKT_KCP_HEADER_LEN); /* the rest of that packet */
    for (size_t i = 12; i < 21; i++)
        assert_int_equal(len[i], MSS);
    assert_int_equal(len[21], LEN - 9 * MSS - len[11]);
    for (uint32_t i = 0; i < 22; i++)
        assert_int_equal((*skt_seg_ring_at(&r.kcp.queue.ring, i))->frg, 10 - i % 11);

    /* A short one stays whole, and is counted: what is left behind it is filled next. */
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 100), SKT_OK);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, LEN), SKT_OK);
    assert_int_equal(waiting_lengths(&r.kcp, len), 22 + 1 + 12);
    assert_int_equal(len[22], 100);
    assert_int_equal(len[23], MSS - len[21] - 100 - 2 * SKT_KCP_HEADER_LEN);
    /* Hardly any room is left as it is; so is all where the fragments would be too many. */
    size_t left = MSS - len[34] - SKT_KCP_HEADER_LEN;
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, left - 80), SKT_OK);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, LEN), SKT_OK);
    assert_int_equal(waiting_lengths(&r.kcp, len), 35 + 1 + 11);
    assert_int_equal(len[36], MSS);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 256 * MSS), SKT_OK);
    rig_dispose(&r);
}

static void test_stream_coalesces(void **state)
{
    (void)state;
    struct rig r;
    struct iovec iov[4];
    rig_init(&r, true, 0, NULL);
    for (int i = 0; i < 100; i++)
        assert_int_equal(skt_kcp_write(&r.kcp, zeros, 10), SKT_OK);
    assert_int_equal(r.kcp.snd.end, 1);
    int n = skt_kcp_write_begin(&r.kcp, iov, 2);
    assert_int_equal(n, 2);
    assert_int_equal(iov[0].iov_len, MSS - 1000);
    assert_int_equal(iov[1].iov_len, MSS);
    memset(iov[0].iov_base, 1, iov[0].iov_len);
    memset(iov[1].iov_base, 2, 4);
    skt_kcp_write_commit(&r.kcp, MSS - 1000 + 4);
    assert_int_equal(skt_kcp_write_begin(&r.kcp, iov, 1), 1);
    skt_kcp_write_commit(&r.kcp, 0);
    assert_int_equal(rig_send(&r), 2);
    assert_int_equal(r.out[0].h.len, MSS);
    assert_int_equal(r.out[0].data[999], 0);
    assert_int_equal(r.out[0].data[1000], 1);
    assert_int_equal(r.out[1].h.len, 4);
    assert_int_equal(r.out[1].data[3], 2);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 10), SKT_OK); /* never joined to what was sent */
    assert_int_equal(r.kcp.snd.end, 3);
    rig_dispose(&r);
}

static void test_stream_holds_writers_back(void **state)
{
    (void)state;
    struct rig r;
    struct iovec iov[64];
    struct skt_kcp_limits limits = {.rcv_wnd_max = 128, .snd_unsent_max = 8 * MSS};
    rig_init(&r, true, 0, &limits);
    assert_int_equal(r.kcp.queue.unsent, 0);
    int n = skt_kcp_write_begin(&r.kcp, iov, 64);
    assert_int_equal(n, 8);
    skt_kcp_write_commit(&r.kcp, 8 * MSS);
    assert_int_equal(r.kcp.queue.unsent, 8 * MSS);
    assert_int_equal(skt_kcp_write_begin(&r.kcp, iov, 64), 0);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 1), SKT_ERR_AGAIN);
    assert_int_equal(skt_kcp_take_events(&r.kcp), 0);
    rig_send(&r);
    assert_true(skt_kcp_take_events(&r.kcp) & SKT_KCP_WRITABLE);
    rig_dispose(&r);
}

static void test_finish(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    skt_kcp_write(&r.kcp, "abc", 3);
    assert_int_equal(skt_kcp_finish(&r.kcp), SKT_OK);
    assert_int_equal(skt_kcp_finish(&r.kcp), SKT_ERR_CLOSED);
    assert_int_equal(skt_kcp_write(&r.kcp, "d", 1), SKT_ERR_CLOSED);
    assert_int_equal(skt_kcp_write_begin(&r.kcp, &(struct iovec){0}, 1), 0);
    assert_int_equal(rig_send(&r), 2);
    assert_int_equal(r.out[0].h.len, 3);
    assert_int_equal(r.out[1].h.len, 0);
    assert_int_equal(r.out[1].h.cmd, SKT_KCP_CMD_PUSH);
    assert_false(skt_kcp_drained(&r.kcp));
    rig_ack(&r, 0, r.out[0].h.ts, 1, 128);
    assert_false(skt_kcp_drained(&r.kcp));
    rig_ack(&r, 1, r.out[1].h.ts, 2, 128);
    assert_true(skt_kcp_drained(&r.kcp));

    assert_int_equal(rig_push(&r, 1, 0, NULL, 0), SKT_OK);
    assert_int_equal(rig_push(&r, 2, 0, "late", 4), SKT_OK); /* after the end: dropped */
    assert_false(skt_kcp_at_end(&r.kcp));
    assert_int_equal(rig_push(&r, 0, 0, "xyz", 3), SKT_OK);
    assert_false(skt_kcp_at_end(&r.kcp));
    struct iovec iov[4];
    assert_int_equal(skt_kcp_read_begin(&r.kcp, iov, 4), 1);
    skt_kcp_read_consume(&r.kcp, 1);
    assert_false(skt_kcp_at_end(&r.kcp));
    assert_int_equal(skt_kcp_read_begin(&r.kcp, iov, 4), 1);
    assert_int_equal(iov[0].iov_len, 2);
    skt_kcp_read_consume(&r.kcp, 2);
    assert_true(skt_kcp_at_end(&r.kcp));
    assert_int_equal(skt_kcp_read_begin(&r.kcp, iov, 4), 0);
    assert_int_equal(r.pool.blocks, 0);
    rig_dispose(&r);
}

static void test_window_probe(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    skt_kcp_write(&r.kcp, zeros, 3000);
    rig_send(&r);
    r.now += 1000;
    rig_ack_all(&r, 0);
    check_that(skt_turns_expiry(&r.path, r.now), ==, SKT_NEVER);
    skt_kcp_write(&r.kcp, zeros, 3000);
    assert_int_equal(rig_send(&r), 0);
    skt_us before = r.now, gap = 0;
    for (int i = 0; i < 12; i++) {
        assert_int_equal(rig_wait(&r, 20 * SKT_US_PER_SEC), 1);
        assert_int_equal(r.out[0].h.cmd, SKT_KCP_CMD_WASK);
        check_that(r.now - before, >=, gap);
        gap = r.now - before;
        before = r.now;
        if (i == 0)
            assert_in_range(gap, 150000, 300000);
        rig_control(&r, SKT_KCP_CMD_WINS, 3, 0);
    }
    assert_in_range(gap, 1900000, 2000000);
    rig_control(&r, SKT_KCP_CMD_WINS, 3, 2);
    assert_int_equal(rig_send(&r), 2);
    assert_int_equal(r.out[0].h.cmd, SKT_KCP_CMD_PUSH);
    rig_dispose(&r);
}

/* A header that was overtaken on the way says nothing of the window any more. */
static void test_old_window_is_ignored(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    skt_kcp_write(&r.kcp, zeros, 4 * MSS);
    rig_send(&r);
    assert_int_equal(r.count, 4);
    rig_ack(&r, 3, r.out[3].h.ts, 4, 300);
    rig_control(&r, SKT_KCP_CMD_WINS, 2, 0);
    assert_int_equal(r.kcp.window.size, 300);
    rig_dispose(&r);
}

static void test_impossible_acks(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    skt_kcp_write(&r.kcp, zeros, 2 * MSS);
    assert_int_equal(rig_control(&r, SKT_KCP_CMD_WINS, 1, 100), SKT_ERR_MALFORMED); /* nothing sent yet */
    rig_send(&r);
    assert_int_equal(rig_ack(&r, 2, 0, 0, 128), SKT_ERR_MALFORMED);
    assert_int_equal(rig_ack(&r, 1, 0, 3, 128), SKT_ERR_MALFORMED);
    assert_int_equal(r.kcp.snd.una, 0);
    assert_int_equal(rig_ack(&r, 0xfffffff0, 0, 0, 128), SKT_OK); /* long done */
    assert_int_equal(rig_ack(&r, 1, 12345, 0, 128), SKT_OK);      /* a ts that was never sent */
    assert_int_equal(r.path.rtt.srtt, 0);
    assert_int_equal(r.kcp.snd.una, 0);
    assert_int_equal(rig_ack(&r, 0, r.out[0].h.ts, 0, 128), SKT_OK);
    assert_int_equal(r.kcp.snd.una, 1);
    assert_int_equal(rig_ack(&r, 1, r.out[1].h.ts, 0, 128), SKT_OK);
    assert_int_equal(r.kcp.snd.una, 2);
    rig_dispose(&r);
}

/* A writer that waits for memory which others hold is told when there is some, without an event of its own.
 */
static void test_starved_writer(void **state)
{
    (void)state;
    struct rig r;
    void *others[256];
    int n = 0;
    rig_init(&r, true, 64, NULL);
    skt_kcp_write(&r.kcp, zeros, MSS);
    rig_send(&r);
    while ((others[n] = skt_pool_get(&r.pool)) != NULL)
        n++;
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 10), SKT_ERR_AGAIN);
    rig_ack_all(&r, 128);
    skt_kcp_take_events(&r.kcp);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 40 * MSS), SKT_ERR_AGAIN);
    assert_true(skt_list_empty(&r.path.events));
    while (n > 0)
        skt_pool_put(&r.pool, others[--n]);
    rig_wait(&r, 50 * SKT_US_PER_MS);
    assert_true(skt_kcp_take_events(&r.kcp) & SKT_KCP_WRITABLE);
    assert_int_equal(skt_kcp_write(&r.kcp, zeros, 40 * MSS), SKT_OK);
    rig_dispose(&r);
}

static void test_serial_wrap(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    skt_kcp_set_sn(&r.kcp, 0xfffffffd, 0xfffffffe);
    r.path.ts_base = 0xffffffff - (uint32_t)(r.now / SKT_KCP_TICK_US);
    skt_kcp_write(&r.kcp, zeros, 6 * MSS);
    rig_send(&r);
    assert_int_equal(r.count, 6);
    r.now += 20000;
    uint32_t last = r.out[5].h.sn, ts = r.out[5].h.ts;
    assert_int_equal(last, 2);
    rig_ack(&r, last, ts, 0xffffffff, 128);
    assert_int_equal(r.kcp.snd.una, 0xffffffff);
    assert_int_equal(r.path.rtt.srtt, 20000);
    r.now += 10000;
    assert_int_equal(rig_send(&r), 3); /* the reordering window has passed for sn -1, 0 and 1 */
    assert_int_equal(r.out[0].h.sn, 0xffffffff);
    assert_int_equal(r.out[2].h.sn, 1);
    rig_ack(&r, 1, r.out[2].h.ts, 3, 128);
    assert_true(skt_kcp_drained(&r.kcp));
    for (uint32_t i = 0; i < 5; i++)
        rig_push(&r, 0xfffffffe + (4 - i), 0, "x", 1);
    assert_int_equal(r.kcp.rcv.nxt, 3);
    assert_int_equal(rig_read(&r), 5);
    rig_dispose(&r);
}

static void test_stateless_ack(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    skt_kcp_finish(&r.kcp);
    rig_send(&r);
    uint8_t out[SKT_KCP_HEADER_LEN];
    struct skt_kcp_stateless last = {.conv = r.out[0].h.conv, .sn = r.out[0].h.sn, .ts = r.out[0].h.ts};
    skt_kcp_write_stateless_ack(&last, out);
    struct skt_reader reader = skt_reader_of(out, sizeof out);
    struct skt_kcp_header h;
    const uint8_t *data;
    assert_int_equal(skt_kcp_parse(&reader, &h, &data), SKT_OK);
    assert_int_equal(skt_kcp_receive(&r.kcp, r.now, &h, data), SKT_OK);
    assert_true(skt_kcp_drained(&r.kcp));
    assert_true(skt_kcp_heard(&r.kcp));
    rig_dispose(&r);
}

static void test_dispose_in_mid_transfer(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, true, 0, NULL);
    skt_kcp_write(&r.kcp, zeros, 200 * MSS);
    rig_send(&r);
    r.now += 10000;
    rig_ack(&r, 3, r.out[3].h.ts, 0, 128);
    r.now += 10000;
    skt_turns_expire(&r.path, r.now); /* some are found lost */
    rig_push(&r, 5, 0, "x", 1);
    rig_push(&r, 0, 0, "x", 1);
    check_that(r.path.stats.lost, >, 0);
    rig_dispose(&r); /* asserts that nothing is left */
}

CHECK_GROUP(kcp)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_idle_holds_nothing),
        cmocka_unit_test(test_message_fragments),
        cmocka_unit_test(test_message_is_atomic),
        cmocka_unit_test(test_long_messages_fill_packets),
        cmocka_unit_test(test_stream_coalesces),
        cmocka_unit_test(test_stream_holds_writers_back),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_window_probe),
        cmocka_unit_test(test_old_window_is_ignored),
        cmocka_unit_test(test_impossible_acks),
        cmocka_unit_test(test_starved_writer),
        cmocka_unit_test(test_serial_wrap),
        cmocka_unit_test(test_stateless_ack),
        cmocka_unit_test(test_dispose_in_mid_transfer),
    };
    return cmocka_run_group_tests_name("kcp", tests, NULL, NULL);
}
