/* SPDX-License-Identifier: MIT */
/* The ACK frame as bytes. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <string.h>

#include "base/err.h"
#include "proto/kcp/ack_frame.h"
#include "proto/wire.h"
#include "sim/rng.h"

enum { HEAD = 2 };

/* doc/protocol.md, section 10.1, has these bytes. */
static void test_bytes(void **state)
{
    (void)state;
    /* clang-format off */
    static const uint8_t expected[] = {
        11, 22,                 /* type, length */
        2, 0x00, 0x02,          /* conv, wnd */
        100, 0, 0, 0,           /* una */
        20, 0x10, 0x27, 0, 0,   /* newest: una + 10, ts 10000 */
        3,                      /* 96 us ago */
        0x09, 3, 0xcf, 0x0f,    /* range from una + 2, four segments, ts 9000 */
        0x15, 2, 0x13,          /* range from five higher, three segments, ts 9990 */
        0x16, 7,                /* one segment, six lower, ts 9996 */
    };
    /* clang-format on */
    struct skt_ack_frame f = {
        .conv = 2, .una = 100, .wnd = 512, .newest_sn = 110, .newest_ts = 10000, .delay = 3};
    static const struct skt_ack_record records[] = {
        {102, 105, 9000, true},
        {107, 109, 9990, true},
        {101, 101, 9996, false},
    };
    struct skt_ack_writer a;
    uint8_t out[64];
    skt_ack_frame_begin(&a, &f, out, sizeof out);
    for (size_t i = 0; i < 3; i++)
        assert_true(skt_ack_frame_add(&a, &records[i]));
    assert_int_equal(skt_ack_frame_end(&a), sizeof expected);
    assert_memory_equal(out, expected, sizeof expected);
}

static void random_frame(struct sim_rng *rng, struct skt_ack_frame *f)
{
    f->conv = (uint32_t)sim_rng_next(rng);
    f->una = (uint32_t)sim_rng_next(rng);
    f->wnd = (uint16_t)sim_rng_next(rng);
    f->newest_sn = f->una + (uint32_t)sim_rng_below(rng, 300) - 150;
    f->newest_ts = (uint32_t)sim_rng_next(rng);
    f->delay = (uint32_t)sim_rng_below(rng, SKT_ACK_DELAY_MAX + 1);
    f->count = (size_t)sim_rng_below(rng, 20);
    for (size_t i = 0; i < f->count; i++) {
        struct skt_ack_record *r = &f->records[i];
        r->range = sim_rng_chance(rng, 5000);
        bool far = sim_rng_chance(rng, 500);
        r->lo = far ? (uint32_t)sim_rng_next(rng) : f->una + (uint32_t)sim_rng_below(rng, 1000);
        r->hi = r->lo + (r->range ? (uint32_t)sim_rng_below(rng, SKT_ACK_RANGE_MAX + 1) : 0);
        r->ts = far ? (uint32_t)sim_rng_next(rng) : f->newest_ts - (uint32_t)sim_rng_below(rng, 1000);
    }
}

/* What is written is read; every shorter or longer body is refused or says less, and nothing is read past
 * its end (under a sanitizer). */
static void test_round_trip(void **state)
{
    (void)state;
    struct sim_rng rng = sim_rng_of(1);
    for (int n = 0; n < 5000; n++) {
        struct skt_ack_frame f, g;
        struct skt_ack_writer a;
        uint8_t out[HEAD + SKT_ACK_BODY_MAX];
        random_frame(&rng, &f);
        skt_ack_frame_begin(&a, &f, out, sizeof out);
        size_t added = 0;
        while (added < f.count && skt_ack_frame_add(&a, &f.records[added]))
            added++;
        size_t len = skt_ack_frame_end(&a);
        assert_int_equal(out[0], SKT_FRAME_ACK);
        assert_int_equal(out[1], len - HEAD);
        assert_int_equal(skt_ack_frame_parse(&g, out + HEAD, len - HEAD), SKT_OK);
        assert_int_equal(g.conv, f.conv);
        assert_int_equal(g.una, f.una);
        assert_int_equal(g.wnd, f.wnd);
        assert_int_equal(g.newest_sn, f.newest_sn);
        assert_int_equal(g.newest_ts, f.newest_ts);
        assert_int_equal(g.delay, f.delay);
        assert_int_equal(g.count, added);
        for (size_t i = 0; i < added; i++) {
            assert_int_equal(g.records[i].lo, f.records[i].lo);
            assert_int_equal(g.records[i].hi, f.records[i].hi);
            assert_int_equal(g.records[i].ts, f.records[i].ts);
            assert_int_equal(g.records[i].range, f.records[i].range);
        }
        size_t cut = (size_t)sim_rng_below(&rng, len - HEAD);
        int err = skt_ack_frame_parse(&g, out + HEAD, cut);
        assert_true(err != SKT_OK || g.count < added || added == 0);
    }
}

/* A frame is never longer than its length byte can say, and what did not fit leaves no trace. */
static void test_full(void **state)
{
    (void)state;
    struct skt_ack_frame f = {.conv = UINT32_MAX, .delay = 1000000}, g;
    uint8_t out[400];
    struct skt_ack_writer a;
    skt_ack_frame_begin(&a, &f, out, sizeof out);
    struct skt_ack_record r = {0, 0, 0, false};
    size_t n = 0;
    while (skt_ack_frame_add(&a, &r)) {
        r.lo = r.hi = r.lo + (n % 2 ? 40000 : 1);
        n++;
    }
    size_t len = skt_ack_frame_end(&a);
    assert_in_range(len, HEAD + SKT_ACK_BODY_MAX - 4, HEAD + SKT_ACK_BODY_MAX);
    assert_int_equal(skt_ack_frame_parse(&g, out + HEAD, len - HEAD), SKT_OK);
    assert_int_equal(g.count, n);
    assert_int_equal(g.delay, SKT_ACK_DELAY_MAX);
}

static int parse(const uint8_t *records, size_t len)
{
    static const uint8_t head[] = {2, 0, 2, 100, 0, 0, 0, 20, 0, 0, 0, 0, 0};
    uint8_t body[SKT_ACK_BODY_MAX + 1];
    struct skt_ack_frame f;
    memcpy(body, head, sizeof head);
    memcpy(body + sizeof head, records, len);
    return skt_ack_frame_parse(&f, body, sizeof head + len);
}

static void test_malformed(void **state)
{
    (void)state;
    static const uint8_t most[2 * SKT_ACK_RECORDS_MAX] = {0}, good[] = {1, 3, 0},
                                  wide[] = {1, 0x80, 0x80, 4, 0}, /* a range of 65537 segments */
        long_head[] = {0x80, 0x80, 0x80, 0x80, 0x20, 0},          /* more than 33 bits */
        long_ts[] = {0, 0x80, 0x80, 0x80, 0x80, 0x10},            /* more than 32 */
        endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0},
                                  cut[] = {1, 3, 0, 1}; /* the second record ends early */
    assert_int_equal(parse(good, sizeof good), SKT_OK);
    assert_int_equal(parse(most, sizeof most), SKT_OK);
    assert_int_equal(parse(wide, sizeof wide), SKT_ERR_MALFORMED);
    assert_int_equal(parse(long_head, sizeof long_head), SKT_ERR_MALFORMED);
    assert_int_equal(parse(long_ts, sizeof long_ts), SKT_ERR_MALFORMED);
    assert_int_equal(parse(endless, sizeof endless), SKT_ERR_MALFORMED);
    assert_int_equal(parse(cut, sizeof cut), SKT_ERR_MALFORMED);
    struct skt_ack_frame f;
    assert_int_equal(skt_ack_frame_parse(&f, most, 8), SKT_ERR_TRUNCATED);
    assert_int_equal(skt_ack_frame_parse(&f, NULL, 0), SKT_ERR_TRUNCATED);
}

CHECK_GROUP(ack_frame)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests_name("ack_frame", tests, NULL, NULL);
}
