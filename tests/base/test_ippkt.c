/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "base/ippkt.h"
#include "base/packets.h"

/* A valid packet of every kind. */
static const struct packet_spec kinds[] = {
    {.version = 4, .protocol = 6, .sport = 1000, .dport = 80, .options = 12, .payload = 100, .frag = 0x4000},
    {.version = 4, .protocol = 17, .sport = 53, .dport = 5353, .payload = 33, .tos = 2},
    {.version = 4, .protocol = 1, .payload = 56},
    {.version = 6, .protocol = 6, .sport = 1000, .dport = 80, .payload = 7, .tos = 1},
    {.version = 6, .protocol = 17, .sport = 1, .dport = 2, .payload = 0},
    {.version = 6, .protocol = 58, .payload = 56},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void packets_are_read(void **state)
{
    (void)state;
    uint8_t buf[2000];
    struct skt_ippkt p;
    size_t len = packet_build(buf, &kinds[0]);
    assert_int_equal(skt_ippkt_parse(&p, buf, len + 6), SKT_OK); /* with padding */
    assert_int_equal(p.version, 4);
    assert_int_equal(p.protocol, SKT_IPPKT_TCP);
    assert_true(p.df && p.has_ports && !p.fragment);
    assert_int_equal(p.src_port, 1000);
    assert_int_equal(p.dst_port, 80);
    assert_int_equal(p.transport, 20);
    assert_int_equal(p.payload, 52);
    assert_int_equal(p.len, len);
    assert_memory_equal(p.dst, ((uint8_t[]){10, 0, 0, 2}), 4);

    len = packet_build(buf, &kinds[3]);
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
    assert_int_equal(p.version, 6);
    assert_int_equal(p.ecn, 1);
    assert_int_equal(p.ttl, 64);
    assert_int_equal(p.payload, 60);
    assert_int_equal(p.dst[15], 2);
    assert_true(p.df);
    for (size_t i = 0; i < KINDS; i++) {
        len = packet_build(buf, &kinds[i]);
        assert_true(skt_ippkt_sums_ok(buf, len));
        buf[len - 1] ^= 1;
        assert_false(skt_ippkt_sums_ok(buf, len));
    }
}

static void extension_headers_are_skipped(void **state)
{
    (void)state;
    uint8_t buf[400] = {0};
    struct packet_spec s = kinds[4];
    s.payload = 20;
    size_t len = packet_build(buf, &s);
    /* hop-by-hop of 8 bytes and destination options of 16 between the IP and the UDP header */
    memmove(buf + 64, buf + 40, len - 40);
    memset(buf + 40, 0, 24);
    buf[6] = 0;
    buf[40] = 60;
    buf[48] = 17;
    buf[49] = 1;
    len += 24;
    packet_put16(buf + 4, len - 40);
    struct skt_ippkt p;
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
    assert_int_equal(p.protocol, 17);
    assert_int_equal(p.transport, 64);
    assert_int_equal(p.dst_port, 2);
    assert_true(skt_ippkt_sums_ok(buf, len));

    /* a fragment header instead of the first: first piece, later piece, atomic */
    buf[6] = 44;
    packet_put16(buf + 42, 1);
    packet_put16(buf + 46, 0x1234);
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
    assert_true(p.fragment && p.has_ports);
    assert_int_equal(p.id, 0x1234);
    packet_put16(buf + 42, 8 << 3);
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
    assert_true(p.fragment && !p.has_ports);
    packet_put16(buf + 42, 0);
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
    assert_true(!p.fragment && p.has_ports);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    uint8_t buf[2000];
    struct skt_ippkt p;
    size_t len = packet_build(buf, &kinds[0]);
    assert_int_equal(skt_ippkt_parse(&p, buf, 0), SKT_ERR_TRUNCATED);
    buf[0] = 0x44; /* a header shorter than possible */
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_ERR_MALFORMED);
    buf[0] = 0x55;
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_ERR_MALFORMED);
    buf[0] = 0x45;
    packet_put16(buf + 2, 19); /* shorter than its header */
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_ERR_MALFORMED);
    packet_put16(buf + 2, len + 1);
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_ERR_TRUNCATED);
}

/* Everything that reads or changes a packet, on whatever bytes. */
static void exercise(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = packet_exact(bytes, len);
    uint8_t answer[SKT_IPPKT_ICMP_MAX];
    const uint8_t from[16] = {10, 0, 0, 9};
    struct skt_ippkt p;
    assert_non_null(copy);
    skt_ippkt_sums_ok(copy, len);
    if (skt_ippkt_parse(&p, copy, len) == SKT_OK) {
        assert_true(p.len <= len && p.transport <= p.len && p.payload >= p.transport && p.payload <= p.len);
        skt_ippkt_hash(&p, 1);
        for (int e = SKT_IPPKT_TOO_BIG; e <= SKT_IPPKT_TIME_EXCEEDED; e++) {
            size_t n =
                skt_ippkt_icmp_error(answer, sizeof answer, copy, &p, (enum skt_ippkt_error)e, from, 1280);
            check_that(n, <=, sizeof answer);
            assert_true(n == 0 || skt_ippkt_sums_ok(answer, n));
        }
        skt_ippkt_clamp_mss(copy, &p, 500, false);
        skt_ippkt_mark_ce(copy, &p);
        skt_ippkt_hop(copy, &p);
    }
    free(copy);
}

static void hostile_packets_do_no_harm(void **state)
{
    (void)state;
    uint8_t buf[2000], mutated[2000];
    uint64_t rng = 7;
    for (size_t i = 0; i < KINDS; i++) {
        size_t len = packet_build(buf, &kinds[i]);
        for (size_t cut = 0; cut <= len; cut++)
            exercise(buf, cut);
        for (int round = 0; round < 4000; round++) {
            memcpy(mutated, buf, len);
            unsigned changes = 1 + check_random(&rng) % 6;
            for (unsigned c = 0; c < changes; c++)
                mutated[check_random(&rng) % (round % 2 && len > 64 ? 64 : len)] =
                    (uint8_t)check_random(&rng);
            exercise(mutated, round % 4 == 0 ? check_random(&rng) % (len + 1) : len);
        }
    }
    for (int round = 0; round < 20000; round++) { /* extension headers at random */
        size_t len = 40 + check_random(&rng) % 80;
        for (size_t i = 0; i < len; i++)
            mutated[i] = (uint8_t)(check_random(&rng) % 64);
        mutated[0] = 0x60;
        packet_put16(mutated + 4, len - 40);
        exercise(mutated, len);
    }
}

static void sums_agree_with_the_plain_way(void **state)
{
    (void)state;
    uint8_t buf[300];
    uint64_t rng = 3;
    for (int round = 0; round < 3000; round++) {
        size_t len = check_random(&rng) % 260, skew = check_random(&rng) % 8;
        for (size_t i = 0; i < len + skew; i++)
            buf[i] = (uint8_t)(round % 3 ? check_random(&rng) : 0xff);
        uint32_t start = check_random(&rng) & 0xffff;
        assert_int_equal(skt_ippkt_fold(skt_ippkt_sum(start, buf + skew, len)) % 0xffff,
                         packet_sum(start, buf + skew, len) % 0xffff);
    }
    static uint8_t most[65536];
    memset(most, 0xff, sizeof most);
    assert_int_equal(skt_ippkt_fold(skt_ippkt_sum(0, most, sizeof most)), 0xffff);
    assert_int_equal(skt_ippkt_fold(skt_ippkt_sum(0, buf, 0)), 0);
}

static void flows_are_told_apart(void **state)
{
    (void)state;
    uint8_t a[2000], b[2000];
    struct skt_ippkt p, q;
    struct packet_spec s = kinds[0];
    size_t len = packet_build(a, &s);
    s.payload = 3;
    s.seq = 99;
    size_t other = packet_build(b, &s);
    assert_int_equal(skt_ippkt_parse(&p, a, len) | skt_ippkt_parse(&q, b, other), SKT_OK);
    check_that(skt_ippkt_hash(&p, 5), ==, skt_ippkt_hash(&q, 5));
    check_that(skt_ippkt_hash(&p, 5), !=, skt_ippkt_hash(&p, 6));
    q.src_port++;
    check_that(skt_ippkt_hash(&p, 5), !=, skt_ippkt_hash(&q, 5));

    /* each bit of both addresses counts; on a big-endian machine the source once did not */
    for (size_t i = 0; i < KINDS; i++) {
        len = packet_build(a, &kinds[i]);
        assert_int_equal(skt_ippkt_parse(&p, a, len), SKT_OK);
        size_t from = p.version == 4 ? 12 : 8, to = p.version == 4 ? 20 : 40;
        for (size_t bit = from * 8; bit < to * 8; bit++) {
            memcpy(b, a, len);
            b[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (skt_ippkt_parse(&q, b, len) == SKT_OK)
                check_that(skt_ippkt_hash(&p, 5), !=, skt_ippkt_hash(&q, 5));
        }
    }

    /* the pieces of a packet belong together, those of another one do not */
    s = kinds[1];
    s.id = 7;
    s.frag = 0x2000;
    len = packet_build(a, &s);
    s.frag = 0x0004;
    s.sport = 9999; /* payload, really */
    other = packet_build(b, &s);
    assert_int_equal(skt_ippkt_parse(&p, a, len) | skt_ippkt_parse(&q, b, other), SKT_OK);
    assert_true(p.fragment && q.fragment && p.has_ports && !q.has_ports);
    check_that(skt_ippkt_hash(&p, 5), ==, skt_ippkt_hash(&q, 5));
    q.id++;
    check_that(skt_ippkt_hash(&p, 5), !=, skt_ippkt_hash(&q, 5));
}

static void congestion_is_marked(void **state)
{
    (void)state;
    uint8_t buf[2000];
    struct skt_ippkt p;
    for (size_t i = 0; i < KINDS; i++)
        for (uint8_t ecn = 0; ecn < 4; ecn++) {
            struct packet_spec s = kinds[i];
            s.tos = (uint8_t)(0xb8 | ecn);
            size_t len = packet_build(buf, &s);
            assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
            assert_int_equal(p.ecn, ecn);
            assert_int_equal(skt_ippkt_mark_ce(buf, &p), ecn != 0);
            assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
            assert_int_equal(p.ecn, ecn ? 3 : 0);
            assert_true(skt_ippkt_sums_ok(buf, len));
        }
}

static void hops_are_counted(void **state)
{
    (void)state;
    uint8_t buf[2000];
    struct skt_ippkt p;
    for (size_t i = 0; i < KINDS; i++) {
        size_t len = packet_build(buf, &kinds[i]);
        assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
        for (int hop = 63; hop >= 1; hop--) {
            assert_true(skt_ippkt_hop(buf, &p));
            assert_int_equal(p.ttl, hop);
            assert_true(skt_ippkt_sums_ok(buf, len));
        }
        assert_false(skt_ippkt_hop(buf, &p));
    }
}

static void mss_is_lowered_in_syns_only(void **state)
{
    (void)state;
    uint8_t buf[2000];
    struct skt_ippkt p;
    for (int version = 4; version <= 6; version += 2)
        for (size_t skew = 0; skew < 3; skew++) { /* the option at even and odd offsets */
            struct packet_spec s = {.version = version, .protocol = 6, .flags = 0x02, .options = 8};
            size_t len = packet_build(buf, &s);
            uint8_t *option = buf + (version == 4 ? 20 : 40) + 20 + skew;
            memcpy(option, (const uint8_t[]){2, 4, 1460 >> 8, 1460 & 255}, 4);
            uint8_t *check = buf + (version == 4 ? 20 : 40) + 16;
            packet_put16(check, 0);
            packet_put16(check, (uint16_t)~packet_sum(packet_pseudo(buf, 6, 28), check - 16, 28));
            assert_true(skt_ippkt_sums_ok(buf, len));
            assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
            assert_false(skt_ippkt_clamp_mss(buf, &p, 1460, false));
            assert_true(skt_ippkt_clamp_mss(buf, &p, 1300, false));
            assert_int_equal(packet_get16(option + 2), 1300);
            assert_true(skt_ippkt_sums_ok(buf, len));
            assert_true(skt_ippkt_clamp_mss(buf, &p, 1299, true));
            assert_false(skt_ippkt_sums_ok(buf, len)); /* left to be summed */

            s.flags = 0x10;
            packet_build(buf, &s);
            memcpy(option, (const uint8_t[]){2, 4, 1460 >> 8, 1460 & 255}, 4);
            assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
            assert_false(skt_ippkt_clamp_mss(buf, &p, 1300, false));
        }
}

static void too_big_is_answered(void **state)
{
    (void)state;
    uint8_t buf[3000], out[SKT_IPPKT_ICMP_MAX];
    struct skt_ippkt p, q;
    struct packet_spec s = {.version = 4, .protocol = 6, .payload = 1400, .frag = 0x4000};
    size_t len = packet_build(buf, &s);
    const uint8_t from4[] = {10, 0, 0, 9};
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
    size_t n = skt_ippkt_icmp_error(out, sizeof out, buf, &p, SKT_IPPKT_TOO_BIG, from4, 1300);
    assert_int_equal(n, 576);
    assert_true(skt_ippkt_sums_ok(out, n));
    assert_int_equal(skt_ippkt_parse(&q, out, n), SKT_OK);
    assert_int_equal(q.protocol, SKT_IPPKT_ICMP);
    assert_memory_equal(q.dst, p.src, 4);
    assert_memory_equal(q.src, from4, 4);
    assert_memory_equal(out + 20, ((uint8_t[]){3, 4}), 2);
    assert_int_equal(packet_get16(out + 26), 1300);
    assert_memory_equal(out + 28, buf, n - 28);
    /* no answer to an answer, to groups, about later pieces */
    assert_int_equal(skt_ippkt_icmp_error(buf + 2000, 900, out, &q, SKT_IPPKT_TOO_BIG, from4, 1300), 0);
    buf[16] = 224;
    assert_int_equal(skt_ippkt_icmp_error(out, sizeof out, buf, &p, SKT_IPPKT_TOO_BIG, from4, 1300), 0);
    buf[16] = 10;
    packet_put16(buf + 6, 100);
    assert_int_equal(skt_ippkt_icmp_error(out, sizeof out, buf, &p, SKT_IPPKT_TOO_BIG, from4, 1300), 0);

    s.version = 6;
    len = packet_build(buf, &s);
    uint8_t from6[16] = {0xfd, [15] = 9};
    assert_int_equal(skt_ippkt_parse(&p, buf, len), SKT_OK);
    n = skt_ippkt_icmp_error(out, sizeof out, buf, &p, SKT_IPPKT_TOO_BIG, from6, 1280);
    assert_int_equal(n, 1280);
    assert_true(skt_ippkt_sums_ok(out, n));
    assert_int_equal(out[40], 2);
    assert_int_equal(packet_get32(out + 44), 1280);
    assert_memory_equal(out + 48, buf, n - 48);
    n = skt_ippkt_icmp_error(out, sizeof out, buf, &p, SKT_IPPKT_PROHIBITED, from6, 0);
    assert_int_equal(out[40] << 8 | out[41], 1 << 8 | 1);
    assert_int_equal(packet_get32(out + 44), 0);
    buf[24] = 0xff; /* to a group: only "too big" */
    assert_int_equal(skt_ippkt_icmp_error(out, sizeof out, buf, &p, SKT_IPPKT_PROHIBITED, from6, 0), 0);
    assert_int_not_equal(skt_ippkt_icmp_error(out, sizeof out, buf, &p, SKT_IPPKT_TOO_BIG, from6, 1280), 0);
}

static void groups_are_known(void **state)
{
    (void)state;
    assert_true(skt_ippkt_is_multicast(4, (const uint8_t[]){224, 0, 0, 1}));
    assert_true(skt_ippkt_is_multicast(4, (const uint8_t[]){239, 255, 255, 255}));
    assert_false(skt_ippkt_is_multicast(4, (const uint8_t[]){240, 0, 0, 1}));
    assert_true(skt_ippkt_is_multicast(6, (const uint8_t[16]){0xff, 2}));
    assert_false(skt_ippkt_is_multicast(6, (const uint8_t[16]){0xfe, 0x80}));
    assert_true(skt_ippkt_is_broadcast(4, (const uint8_t[]){255, 255, 255, 255}));
    assert_false(skt_ippkt_is_broadcast(4, (const uint8_t[]){255, 255, 255, 254}));
    assert_true(skt_ippkt_is_link_local(6, (const uint8_t[16]){0xfe, 0xbf}));
    assert_true(skt_ippkt_is_link_local(4, (const uint8_t[]){169, 254, 1, 1}));
    assert_false(skt_ippkt_is_link_local(6, (const uint8_t[16]){0xfe, 0xc0}));
}

CHECK_GROUP(ippkt)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_read),
        cmocka_unit_test(extension_headers_are_skipped),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(hostile_packets_do_no_harm),
        cmocka_unit_test(sums_agree_with_the_plain_way),
        cmocka_unit_test(flows_are_told_apart),
        cmocka_unit_test(congestion_is_marked),
        cmocka_unit_test(hops_are_counted),
        cmocka_unit_test(mss_is_lowered_in_syns_only),
        cmocka_unit_test(too_big_is_answered),
        cmocka_unit_test(groups_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
