/* SPDX-License-Identifier: MIT */
/* The code of parity, and both ends of it joined without a session. */
#include "base/check.h"
#include "base/err.h"
#include "base/gf.h"
#include "crypto/crypto.h"
#include "proto/parity/sender.h"

#include <string.h>

enum { LEN_MAX = 1400 };

static uint8_t packet[SKT_PARITY_SPAN + 1][LEN_MAX];
static size_t packet_len[SKT_PARITY_SPAN + 1];
static struct skt_parity_sender sender;
static struct skt_parity_ring ring;
static uint64_t seed = 1;

static uint32_t below(uint32_t n)
{
    return check_random(&seed) % n;
}

static void make_packets(unsigned k, size_t len_max)
{
    for (unsigned j = 0; j < k; j++) {
        packet_len[j] = 1 + below((uint32_t)len_max);
        for (size_t i = 0; i < packet_len[j]; i++)
            packet[j][i] = (uint8_t)check_random(&seed);
    }
}

/* Sends k packets from `first` on and m parities behind them; bit n of `lost` is the n-th of all. Returns how
 * many bodies came back; each must be the right one. */
static unsigned transmit(const struct skt_gf256 *gf, uint32_t first, unsigned k, unsigned m, uint64_t lost)
{
    unsigned back = 0;
    uint32_t found;
    skt_parity_sender_init(&sender);
    skt_parity_ring_begin(&ring, first);
    assert_non_null(skt_parity_sender_begin(&sender, 7, first, m, 100));
    for (unsigned j = 0; j < k; j++) {
        skt_parity_sender_add(&sender, gf, first + j, packet[j], packet_len[j], true);
        if (lost >> j & 1)
            continue;
        skt_parity_ring_note(&ring, first + j);
        skt_parity_ring_body(&ring, first + j, packet[j], packet_len[j]);
    }
    skt_parity_sender_close(&sender, 0, m, 0);
    for (unsigned i = 0; i < m; i++) {
        uint8_t frame[SKT_PARITY_HEAD_LEN + SKT_PARITY_BODY_MAX];
        uint32_t number = first + k + i;
        struct skt_parity_group *g = skt_parity_sender_due(&sender, 1000, 7, number);
        assert_non_null(g);
        size_t len = skt_parity_sender_write(&sender, g, 1000, number, frame);
        if (lost >> (k + i) & 1)
            continue;
        skt_parity_ring_note(&ring, number);
        assert_int_equal(skt_parity_ring_parity(&ring, number, frame, len), SKT_OK);
        for (; skt_parity_ring_recover(&ring, gf, &found); back++) {
            size_t got_len;
            unsigned j = found - first;
            const uint8_t *got = skt_parity_ring_get(&ring, found, &got_len);
            assert_true(lost >> j & 1);
            assert_non_null(got);
            check_that(got_len, >=, packet_len[j]);
            assert_memory_equal(got, packet[j], packet_len[j]);
            for (size_t z = packet_len[j]; z < got_len; z++)
                assert_int_equal(got[z], 0);
        }
    }
    assert_null(skt_parity_sender_due(&sender, 1000, 7, first + k + m));
    return back;
}

static unsigned bits(uint64_t set)
{
    return (unsigned)__builtin_popcountll(set);
}

/* Recovers all that can be; how many. */
static unsigned recover_all(void)
{
    unsigned n = 0;
    for (uint32_t number; skt_parity_ring_recover(&ring, &skt_gf256_portable, &number);)
        n++;
    return n;
}

/* Whatever was lost of small groups comes back where there is as much parity, and nothing does else. */
static void all_patterns(void **state)
{
    (void)state;
    for (unsigned k = 1; k <= 6; k++) {
        for (unsigned m = 1; m <= 4; m++) {
            make_packets(k, 40);
            for (uint64_t lost = 0; lost < UINT64_C(1) << (k + m); lost++) {
                unsigned data = bits(lost & ((UINT64_C(1) << k) - 1)), parity = m - bits(lost >> k);
                unsigned expect = data <= parity ? data : 0;
                assert_int_equal(transmit(&skt_gf256_portable, 1 + below(1000), k, m, lost), expect);
            }
        }
    }
}

static void large_groups(void **state)
{
    (void)state;
    const struct skt_gf256 *gf[] = {&skt_gf256_portable, skt_crypto_gf256()};
    for (unsigned round = 0; round < 400; round++) {
        unsigned k = 1 + below(SKT_PARITY_SPAN), m = 1 + below(SKT_PARITY_MAX), want = below(m + 1);
        uint64_t lost = 0;
        make_packets(k, LEN_MAX);
        while (bits(lost) < want && bits(lost) < k + m)
            lost |= UINT64_C(1) << below(k + m);
        unsigned data = bits(lost & ((UINT64_C(1) << k) - 1));
        assert_int_equal(transmit(gf[round % 2], 1 + below(1u << 22), k, m, lost), data);
    }
}

/* Distinct numbers below n. */
static void choose(uint8_t *out, unsigned count, uint32_t n)
{
    uint32_t used = 0;
    for (unsigned i = 0; i < count; i++) {
        do {
            out[i] = (uint8_t)below(n);
        } while (used >> out[i] & 1);
        used |= UINT32_C(1) << out[i];
    }
}

/* Any rows and columns of the matrix, checked by nothing but multiplications: what makes any parities as good
 * as any others. */
static void every_square_is_invertible(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        unsigned count = 1 + below(SKT_PARITY_SPAN);
        struct skt_parity_unknowns u = {.n = 1 + below(count < SKT_PARITY_MAX ? count : SKT_PARITY_MAX)};
        struct skt_parity_plan plan;
        uint8_t body[SKT_PARITY_SPAN], parity[SKT_PARITY_MAX] = {0}, factor[SKT_PARITY_SPAN];
        choose(u.index, u.n, SKT_PARITY_MAX);
        choose(u.position, u.n, count);
        for (unsigned j = 0; j < count; j++) {
            body[j] = (uint8_t)check_random(&seed);
            for (unsigned i = 0; i < u.n; i++)
                skt_parity_add(&skt_gf256_portable, &parity[i], u.index[i], j, &body[j], 1);
        }
        assert_int_equal(skt_parity_plan(&plan, &u, count), SKT_OK);
        assert_int_equal(plan.terms, count);
        for (unsigned i = 0; i < u.n; i++) {
            uint8_t got = 0;
            skt_parity_factors(&plan, i, factor);
            for (unsigned j = 0; j < plan.terms; j++)
                got ^= gf_mul(factor[j], j < u.n ? parity[j] : body[plan.point[j]]);
            assert_int_equal(got, body[u.position[i]]);
        }
    }
}

static void plans_of_what_can_not_be(void **state)
{
    (void)state;
    static const struct {
        struct skt_parity_unknowns u;
        unsigned count;
    } bad[] = {
        {{.n = 2, .position = {1, 2}, .index = {3, 3}}, 4},
        {{.n = 2, .position = {1, 1}, .index = {3, 4}}, 4},
        {{.n = 2, .position = {1, 4}, .index = {3, 4}}, 4},
        {{.n = 1, .position = {1}, .index = {SKT_PARITY_MAX}}, 4},
        {{.n = 1, .position = {1}, .index = {1}}, SKT_PARITY_SPAN + 1},
        {{.n = SKT_PARITY_MAX + 1}, 32},
        {{.n = 0}, 4},
    };
    struct skt_parity_plan plan;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(skt_parity_plan(&plan, &bad[i].u, bad[i].count), SKT_ERR_MALFORMED);
}

/* Each way to compute is the other's oracle, and a multiplication is one of long hand. */
static void arithmetic(void **state)
{
    (void)state;
    const struct skt_gf256 *gf[] = {&skt_gf256_portable, skt_crypto_gf256()};
    static uint8_t out[3][LEN_MAX + 1];
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            uint8_t product = 0, x = (uint8_t)a;
            skt_gf256_portable.mul_add(&product, &x, (uint8_t)b, 1);
            assert_int_equal(product, gf_mul((uint8_t)a, (uint8_t)b));
        }
        assert_int_equal(gf_mul((uint8_t)a, skt_gf256_inv((uint8_t)a)), a != 0);
    }
    for (unsigned round = 0; round < 600; round++) {
        unsigned n = 1 + below(SKT_GF256_TERMS);
        size_t len = below(round % 2 ? 200 : LEN_MAX - 8);
        const uint8_t *src[SKT_GF256_TERMS];
        uint8_t c[SKT_GF256_TERMS];
        make_packets(n, LEN_MAX);
        for (unsigned j = 0; j < n; j++) {
            src[j] = packet[j] + below(8);
            c[j] = (uint8_t)(below(8) ? below(256) : below(3));
        }
        memset(out, 0xee, sizeof out);
        memset(out[2], 0, len);
        for (unsigned i = 0; i < 2; i++)
            gf[i]->sum(out[i], src, c, n, len);
        for (unsigned j = 0; j < n; j++)
            gf[round / 2 % 2]->mul_add(out[2], src[j], c[j], len);
        assert_memory_equal(out[0], out[1], sizeof out[0]); /* and nothing behind the end */
        assert_memory_equal(out[0], out[2], sizeof out[0]);
        for (size_t at = 0; at < len; at += 1 + below(100)) {
            uint8_t sum = 0;
            for (unsigned j = 0; j < n; j++)
                sum ^= gf_mul(c[j], src[j][at]);
            assert_int_equal(out[0][at], sum);
        }
    }
}

/* The bytes of the wire: doc/protocol.md has the same example. */
static void known_parity(void **state)
{
    (void)state;
    static const uint8_t bodies[2][3] = {{1, 2, 3}, {4, 5, 6}};
    static const uint8_t expect[2][5] = {{0x42, 0, 0x18, 0x7c, 0x03}, {0x43, 0x08, 0, 0, 0}};
    skt_parity_sender_init(&sender);
    skt_parity_sender_begin(&sender, 1, 10, 2, 0);
    for (unsigned j = 0; j < 2; j++)
        skt_parity_sender_add(&sender, &skt_gf256_portable, 10 + j, bodies[j], 3, true);
    skt_parity_sender_close(&sender, 0, 2, 0);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t frame[SKT_PARITY_HEAD_LEN + 3], want[SKT_PARITY_HEAD_LEN + 3];
        struct skt_parity_group *g = skt_parity_sender_due(&sender, 0, 1, 12 + i);
        memcpy(want, expect[i], sizeof want);
        for (unsigned b = 0; i > 0 && b < 3; b++)
            want[SKT_PARITY_HEAD_LEN + b] = gf_mul(skt_gf256_inv((uint8_t)(255 - i)), bodies[0][b]) ^
                                            gf_mul(skt_gf256_inv((uint8_t)((255 - i) ^ 1)), bodies[1][b]);
        assert_int_equal(skt_parity_sender_write(&sender, g, 0, 12 + i, frame), sizeof frame);
        assert_memory_equal(frame, want, sizeof frame);
    }
}

static void feed(uint32_t number, unsigned back, unsigned count, unsigned index, const uint8_t *row,
                 size_t len)
{
    uint8_t frame[SKT_PARITY_HEAD_LEN + SKT_PARITY_BODY_MAX];
    uint16_t head = skt_parity_head(back, count, index);
    frame[0] = (uint8_t)head;
    frame[1] = (uint8_t)(head >> 8);
    memcpy(frame + SKT_PARITY_HEAD_LEN, row, len);
    skt_parity_ring_note(&ring, number);
    assert_int_equal(skt_parity_ring_parity(&ring, number, frame, SKT_PARITY_HEAD_LEN + len), SKT_OK);
}

static void malformed_parity(void **state)
{
    (void)state;
    static const uint8_t bad[][4] = {
        {0, 0x80, 1, 1},       /* reserved bit */
        {1 | 1 << 6, 0, 1, 1}, /* two numbers, one back: would cover itself */
        {0, 0, 1, 1},          /* itself */
        {63, 0, 1, 1},         /* before the first number */
    };
    skt_parity_ring_begin(&ring, 1);
    skt_parity_ring_note(&ring, 63);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(skt_parity_ring_parity(&ring, 63, bad[i], 4), SKT_ERR_MALFORMED);
    uint8_t frame[SKT_PARITY_HEAD_LEN + SKT_PARITY_BODY_MAX + 1] = {1, 0};
    assert_int_equal(skt_parity_ring_parity(&ring, 63, frame, SKT_PARITY_HEAD_LEN), SKT_ERR_MALFORMED);
    assert_int_equal(skt_parity_ring_parity(&ring, 63, frame, 1), SKT_ERR_MALFORMED);
    assert_int_equal(skt_parity_ring_parity(&ring, 63, frame, sizeof frame), SKT_ERR_MALFORMED);
    assert_int_equal(skt_parity_ring_parity(&ring, 63, frame, sizeof frame - 1), SKT_OK);
}

/* Parities that contradict each other give nothing, and do no harm. */
static void contradicting_parity(void **state)
{
    (void)state;
    static const uint8_t row[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    skt_parity_ring_begin(&ring, 1);
    skt_parity_ring_note(&ring, 3);
    feed(10, 9, 4, 0, row, 8);  /* 1 to 4: 1, 2, 4 are missing */
    feed(11, 10, 4, 0, row, 8); /* the same index again */
    feed(12, 11, 4, 1, row, 7); /* another length */
    feed(13, 12, 5, 2, row, 8); /* another group */
    assert_int_equal(recover_all(), 0);
    feed(14, 13, 4, 3, row, 8);
    feed(15, 14, 4, 4, row, 8); /* now there are three that fit */
    assert_int_equal(recover_all(), 3);
}

/* Parity before its data: the last of it to come brings the rest. */
static void reordered(void **state)
{
    (void)state;
    uint8_t rows[2][4] = {{0}};
    static const uint8_t body[3][4] = {{1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}};
    for (unsigned i = 0; i < 2; i++)
        for (unsigned j = 0; j < 3; j++)
            skt_parity_add(&skt_gf256_portable, rows[i], i, j, body[j], 4);
    skt_parity_ring_begin(&ring, 20);
    feed(23, 3, 3, 0, rows[0], 4);
    feed(24, 4, 3, 1, rows[1], 4);
    assert_int_equal(recover_all(), 0); /* three are missing */
    skt_parity_ring_note(&ring, 21);
    skt_parity_ring_body(&ring, 21, body[1], 4);
    assert_int_equal(recover_all(), 2);
    size_t len;
    assert_memory_equal(skt_parity_ring_get(&ring, 20, &len), body[0], 4);
    assert_memory_equal(skt_parity_ring_get(&ring, 22, &len), body[2], 4);
    /* An original that comes after all takes the place of what was computed. */
    skt_parity_ring_note(&ring, 20);
    skt_parity_ring_body(&ring, 20, body[0], 4);
    skt_parity_ring_note(&ring, 200);
    assert_int_equal(ring.losses.recovered, 1);
}

static void put_group(uint32_t first, unsigned count, unsigned lost)
{
    uint8_t rows[SKT_PARITY_MAX][4] = {{0}};
    for (unsigned j = 0; j < count; j++) {
        const uint8_t body[4] = {(uint8_t)(first + j), 1, 2, 3};
        for (unsigned i = 0; i < lost; i++)
            skt_parity_add(&skt_gf256_portable, rows[i], i, j, body, 4);
        if (j < lost)
            continue;
        skt_parity_ring_note(&ring, first + j);
        skt_parity_ring_body(&ring, first + j, body, 4);
    }
    for (unsigned i = 0; i < lost; i++)
        feed(first + count + i, count + i, count, i, rows[i], 4);
}

/* Bodies come one at a time, and meanwhile packets do: one of those that were to be computed, another
 * group's. */
static void news_between(void **state)
{
    (void)state;
    uint32_t number;
    size_t len;
    skt_parity_ring_begin(&ring, 1);
    put_group(1, 8, 4);
    assert_true(skt_parity_ring_pending(&ring));
    assert_true(skt_parity_ring_recover(&ring, &skt_gf256_portable, &number));
    assert_int_equal(number, 1);
    skt_parity_ring_note(&ring, 2);
    skt_parity_ring_body(&ring, 2, (const uint8_t *)"late", 4);
    put_group(20, 3, 2);
    for (unsigned i = 0; i < 4; i++) {
        static const uint32_t expect[] = {3, 4, 20, 21};
        assert_true(skt_parity_ring_recover(&ring, &skt_gf256_portable, &number));
        assert_int_equal(number, expect[i]);
        assert_int_equal(skt_parity_ring_get(&ring, number, &len)[0], number);
    }
    assert_false(skt_parity_ring_recover(&ring, &skt_gf256_portable, &number));
    assert_false(skt_parity_ring_pending(&ring));
    assert_memory_equal(skt_parity_ring_get(&ring, 2, &len), "late", 4);
}

/* A group that leaves the ring before all of it was computed is given up. */
static void left_behind(void **state)
{
    (void)state;
    uint32_t number;
    for (unsigned by = SKT_PARITY_RING - 1; by <= 3 * SKT_PARITY_RING; by++) {
        skt_parity_ring_begin(&ring, 1);
        put_group(1, 8, 4);
        assert_true(skt_parity_ring_recover(&ring, &skt_gf256_portable, &number));
        skt_parity_ring_note(&ring, 1 + by);
        assert_int_equal(recover_all(), by < SKT_PARITY_RING ? 3 : 0);
        assert_false(skt_parity_ring_pending(&ring));
    }
    skt_parity_ring_begin(&ring, 1);
    put_group(1, 8, 4);
    assert_true(skt_parity_ring_recover(&ring, &skt_gf256_portable, &number));
    skt_parity_ring_begin(&ring, 1); /* new keys */
    assert_false(skt_parity_ring_pending(&ring));
    assert_int_equal(recover_all(), 0);
}

static void losses_are_counted(void **state)
{
    (void)state;
    memset(&ring.losses, 0, sizeof ring.losses);
    skt_parity_ring_begin(&ring, 5);
    for (uint32_t n = 5; n < 1000; n++)
        if (n % 100 != 50 && n % 100 != 51 && n % 100 != 70)
            skt_parity_ring_note(&ring, n);
    skt_parity_ring_note(&ring, 999 + SKT_PARITY_RING); /* a gap of 63 */
    assert_int_equal(ring.losses.lost, 30);
    assert_int_equal(ring.losses.runs, 20);
    skt_parity_ring_note(&ring, 999 + 11 * SKT_PARITY_RING); /* and one of 639 */
    skt_parity_ring_note(&ring, 999 + 12 * SKT_PARITY_RING);
    assert_int_equal(ring.losses.lost, 30 + 63 + 639);
    assert_int_equal(ring.losses.runs, 22);
    assert_int_equal(ring.losses.recovered, 0);
}

/* What lies in the way of a group (packets without KCP, parity of another group) counts as empty, lost or
 * not. */
static void other_packets_between(void **state)
{
    (void)state;
    static const uint8_t body[4] = {9, 8, 7, 6};
    for (unsigned lost = 0; lost < 16; lost++) {
        skt_parity_sender_init(&sender);
        skt_parity_ring_begin(&ring, 1);
        skt_parity_sender_begin(&sender, 1, 1, 2, 0);
        for (uint32_t n = 1; n <= 4; n++) {
            if (n % 2)
                skt_parity_sender_add(&sender, &skt_gf256_portable, n, body, n, true);
            if (lost >> (n - 1) & 1)
                continue;
            skt_parity_ring_note(&ring, n);
            if (n % 2)
                skt_parity_ring_body(&ring, n, body, n);
            if (n == 2)
                skt_parity_ring_body(&ring, n, body, 4); /* too long for the group: not covered */
        }
        skt_parity_sender_close(&sender, 0, 2, 0);
        unsigned back = 0;
        for (uint32_t n = 5; n <= 6; n++) {
            uint8_t frame[SKT_PARITY_HEAD_LEN + SKT_PARITY_BODY_MAX];
            struct skt_parity_group *g = skt_parity_sender_due(&sender, 0, 1, n);
            size_t len = skt_parity_sender_write(&sender, g, 0, n, frame);
            skt_parity_ring_note(&ring, n);
            assert_int_equal(skt_parity_ring_parity(&ring, n, frame, len), SKT_OK);
            for (uint32_t number; skt_parity_ring_recover(&ring, &skt_gf256_portable, &number);)
                back += number % 2; /* 2 comes back, too, as nothing */
        }
        unsigned missing = bits(lost & 7); /* the group ends with number 3 */
        assert_int_equal(back, missing <= 2 ? bits(lost & 5) : 0);
        for (uint32_t n = 1; n <= 3 && missing <= 2; n++) {
            size_t len;
            const uint8_t *got = skt_parity_ring_get(&ring, n, &len);
            uint8_t want[3] = {0};
            memcpy(want, body, n % 2 ? n : 0);
            if (lost >> (n - 1) & 1)
                assert_memory_equal(got, want, 3);
        }
    }
}

/* Groups follow each other while parity of the one before is still to be sent. */
static void groups_take_turns(void **state)
{
    (void)state;
    static const uint8_t body[4] = {1, 2, 3, 4};
    uint8_t frame[SKT_PARITY_HEAD_LEN + SKT_PARITY_BODY_MAX];
    skt_parity_sender_init(&sender);
    assert_true(skt_parity_sender_expiry(&sender) == SKT_NEVER);
    skt_parity_sender_begin(&sender, 1, 1, 3, 800);
    assert_int_equal(skt_parity_sender_expiry(&sender), 800);
    skt_parity_sender_add(&sender, &skt_gf256_portable, 1, body, 4, true);
    skt_parity_sender_close(&sender, 100, 3, 50);
    assert_int_equal(skt_parity_sender_expiry(&sender), 150);
    assert_null(skt_parity_sender_due(&sender, 149, 1, 2));
    struct skt_parity_group *g = skt_parity_sender_due(&sender, 150, 1, 2);
    assert_non_null(g);
    skt_parity_sender_write(&sender, g, 150, 2, frame);
    assert_null(skt_parity_sender_due(&sender, 199, 1, 3));
    assert_non_null(
        skt_parity_sender_due(&sender, 199, 1, 1 + SKT_PARITY_LATEST + 1)); /* or it came too late */
    skt_parity_sender_begin(&sender, 1, 3, 1, 1000);
    skt_parity_sender_add(&sender, &skt_gf256_portable, 3, body, 4, true);
    skt_parity_sender_close(&sender, 160, 1, 50);
    assert_null(skt_parity_sender_begin(&sender, 1, 4, 1, 1000)); /* no place, */
    g = skt_parity_sender_due(&sender, 160, 1, 4);                /* so one is made */
    assert_non_null(g);
    assert_int_equal(g->first, 1);
    assert_null(skt_parity_sender_due(&sender, 300, 2, 4)); /* other keys */
    assert_true(skt_parity_sender_expiry(&sender) == SKT_NEVER);
    skt_parity_sender_begin(&sender, 1, 5, 1, 1000);
    skt_parity_sender_add(&sender, &skt_gf256_portable, 5, body, 4, true);
    skt_parity_sender_close(&sender, 400, 1, 50);
    assert_null(
        skt_parity_sender_due(&sender, 500, 1, 5 + SKT_PARITY_RING)); /* the receiver has forgotten it */
    assert_true(skt_parity_sender_expiry(&sender) == SKT_NEVER);
}

CHECK_GROUP(parity_code)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_patterns),
        cmocka_unit_test(large_groups),
        cmocka_unit_test(every_square_is_invertible),
        cmocka_unit_test(plans_of_what_can_not_be),
        cmocka_unit_test(arithmetic),
        cmocka_unit_test(known_parity),
        cmocka_unit_test(malformed_parity),
        cmocka_unit_test(contradicting_parity),
        cmocka_unit_test(reordered),
        cmocka_unit_test(news_between),
        cmocka_unit_test(left_behind),
        cmocka_unit_test(losses_are_counted),
        cmocka_unit_test(other_packets_between),
        cmocka_unit_test(groups_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
