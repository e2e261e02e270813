/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "base/ippkt.h"
#include "base/offload.h"
#include "base/packets.h"

enum { PACKET_MAX = 65535 + 40 };

static uint8_t big[PACKET_MAX];

/* A large TCP packet of 4000 bytes of payload with every flag that cutting must treat. */
static const struct packet_spec tcp4 = {.version = 4,
                                        .protocol = 6,
                                        .id = 0xfffe,
                                        .frag = 0x4000,
                                        .flags = 0x80 | 0x10 | 0x08 | 0x01,
                                        .seq = 0xfffffc00u,
                                        .options = 12,
                                        .payload = 4000,
                                        .partial = true};

static struct skt_tun_packet gso_packet(const struct packet_spec *s, size_t size)
{
    struct skt_tun_packet p = {.data = big, .len = packet_build(big, s)};
    assert_int_equal(skt_offload_derive(&p.offload, p.data, p.len, size, true), SKT_OK);
    return p;
}

/* How many packets it has to be altogether. */
static size_t cut_count(const struct skt_offload_cutter *c)
{
    if (c->whole || c->len <= c->headers)
        return 1;
    return (c->len - c->headers + c->piece - 1) / c->piece;
}

/* Cuts it all, checks each piece, and that the pieces' payloads are the whole's. Returns their number. */
static size_t cut_all(const struct skt_tun_packet *p, size_t mtu, size_t headers)
{
    struct skt_offload_cutter c;
    uint8_t *out = malloc(mtu);
    size_t n = 0, done = 0, len;
    assert_non_null(out);
    assert_int_equal(skt_offload_cut(&c, p, mtu), SKT_OK);
    size_t expected = cut_count(&c);
    while ((len = skt_offload_cut_next(&c, out)) > 0) {
        assert_true(len <= mtu && len > headers);
        assert_true(skt_ippkt_sums_ok(out, len));
        assert_memory_equal(out + headers, big + headers + done, len - headers);
        done += len - headers;
        n++;
    }
    assert_int_equal(headers + done, p->len);
    assert_int_equal(n, expected);
    free(out);
    return n;
}

static void tcp_is_cut_with_right_headers(void **state)
{
    (void)state;
    struct skt_tun_packet p = gso_packet(&tcp4, 1000);
    assert_int_equal(p.offload.gso, SKT_GSO_TCP4);
    assert_int_equal(p.offload.hdr_len, 52);
    assert_int_equal(cut_all(&p, 1500, 52), 4);

    struct skt_offload_cutter c;
    uint8_t out[1500];
    static const uint8_t flags[] = {0x80 | 0x10, 0x10, 0x10, 0x10 | 0x08 | 0x01};
    static const uint16_t ids[] = {0xfffe, 0xffff, 0, 1};
    assert_int_equal(skt_offload_cut(&c, &p, 1500), SKT_OK);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(skt_offload_cut_next(&c, out), 1052);
        assert_int_equal(packet_get16(out + 2), 1052);
        assert_int_equal(packet_get16(out + 4), ids[i]);
        assert_int_equal(packet_get32(out + 24), (uint32_t)(0xfffffc00u + i * 1000));
        assert_int_equal(out[33], flags[i]);
    }
    assert_int_equal(skt_offload_cut_next(&c, out), 0);
    assert_int_equal(skt_offload_cut_next(&c, out), 0);
}

static void tcp_is_cut_finer_where_the_mtu_asks_for_it(void **state)
{
    (void)state;
    struct skt_tun_packet p = gso_packet(&tcp4, 1448);
    assert_int_equal(cut_all(&p, 1500, 52), 3);
    assert_int_equal(cut_all(&p, 1280, 52), 4);
    assert_int_equal(cut_all(&p, 576, 52), 8);
    assert_int_equal(cut_all(&p, 53, 52), 4000);
    struct skt_offload_cutter c;
    assert_int_equal(skt_offload_cut(&c, &p, 52), SKT_ERR_FULL);
    struct packet_spec s = tcp4;
    s.version = 6;
    p = gso_packet(&s, 1428);
    assert_int_equal(p.offload.gso, SKT_GSO_TCP6);
    assert_int_equal(cut_all(&p, 1280, 72), 4);
}

static void datagrams_keep_their_borders(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version += 2) {
        struct packet_spec s = {
            .version = version, .protocol = 17, .payload = 5001, .partial = true, .id = 3};
        size_t headers = version == 4 ? 28 : 48;
        struct skt_tun_packet p = gso_packet(&s, 1200);
        assert_int_equal(p.offload.gso, SKT_GSO_UDP);
        assert_int_equal(cut_all(&p, 1500, headers), 5);
        struct skt_offload_cutter c;
        uint8_t out[1500];
        assert_int_equal(skt_offload_cut(&c, &p, 1500), SKT_OK);
        assert_int_equal(skt_offload_cut_next(&c, out), 1200 + headers);
        assert_int_equal(packet_get16(out + headers - 4), 1208);
        for (int i = 0; i < 4; i++)
            skt_offload_cut_next(&c, out);
        assert_int_equal(packet_get16(out + headers - 4), 201 + 8);
        assert_int_equal(skt_offload_cut(&c, &p, 1200 + headers - 1), SKT_ERR_FULL);
    }
}

static void a_plain_packet_passes_as_it_is(void **state)
{
    (void)state;
    struct packet_spec s = {.version = 4, .protocol = 17, .payload = 100, .partial = true};
    uint8_t out[1500];
    struct skt_offload_cutter c;
    struct skt_tun_packet p = gso_packet(&s, 0);
    assert_true(p.offload.partial && p.offload.gso == SKT_GSO_NONE);
    assert_int_equal(skt_offload_cut(&c, &p, 128), SKT_OK);
    assert_int_equal(cut_count(&c), 1);
    assert_int_equal(skt_offload_cut_next(&c, out), 128);
    assert_true(skt_ippkt_sums_ok(out, 128));
    assert_false(skt_ippkt_sums_ok(big, 128)); /* the original is as it was */
    assert_int_equal(skt_offload_cut_next(&c, out), 0);
    assert_int_equal(skt_offload_cut(&c, &p, 127), SKT_ERR_FULL);

    assert_int_equal(skt_offload_complete(&p), SKT_OK);
    assert_false(p.offload.partial);
    assert_memory_equal(big, out, 128);
    /* what fits one piece is no gso packet */
    s.protocol = 6;
    p = gso_packet(&s, 100);
    assert_int_equal(p.offload.gso, SKT_GSO_NONE);
    assert_true(p.offload.partial);
}

/* A datagram whose sum comes out as 0 must not say "no checksum". */
static void udp_checksums_of_zero_are_written_otherwise(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version += 2) {
        struct packet_spec s = {.version = version, .protocol = 17, .payload = 2, .partial = true};
        struct skt_tun_packet p = gso_packet(&s, 0);
        size_t ip = version == 4 ? 20 : 40;
        uint8_t *data = big + ip + 8;
        memset(data, 0, 2);
        packet_put16(data, (uint16_t)~packet_sum(0, big + ip, 10));
        assert_int_equal(skt_offload_complete(&p), SKT_OK);
        assert_int_equal(packet_get16(big + ip + 6), 0xffff);
        assert_true(skt_ippkt_sums_ok(big, p.len));
    }
}

static void odd_offloads_of_the_kernel_become_plain(void **state)
{
    (void)state;
    /* the checksum of something inside a datagram */
    struct packet_spec s = {.version = 4, .protocol = 17, .payload = 100};
    struct skt_tun_packet p = {.data = big, .len = packet_build(big, &s)};
    packet_put16(big + 80, 0x1234);
    p.offload = (struct skt_offload){.partial = true, .csum_start = 60, .csum_offset = 20};
    uint16_t expected = (uint16_t)~packet_sum(0, big + 60, p.len - 60);
    assert_int_equal(skt_offload_normalize(&p), SKT_OK);
    assert_false(p.offload.partial);
    assert_int_equal(packet_get16(big + 80), expected);

    p.offload = (struct skt_offload){.partial = true, .csum_start = 60, .csum_offset = 70};
    assert_int_equal(skt_offload_normalize(&p), SKT_ERR_MALFORMED);
    p.offload = (struct skt_offload){.partial = true, .csum_start = 0xffff, .csum_offset = 0xffff};
    assert_int_equal(skt_offload_normalize(&p), SKT_ERR_MALFORMED);
    p.offload = (struct skt_offload){.gso = SKT_GSO_TCP4, .partial = true, .size = 10};
    assert_int_equal(skt_offload_normalize(&p), SKT_ERR_MALFORMED); /* it is UDP */

    /* a usual one stays, its header length corrected */
    p = gso_packet(&tcp4, 1000);
    struct skt_offload right = p.offload;
    p.offload.hdr_len = 128;
    assert_int_equal(skt_offload_normalize(&p), SKT_OK);
    assert_memory_equal(&p.offload, &right, sizeof right);
}

static void what_peers_claim_is_checked(void **state)
{
    (void)state;
    struct skt_offload o;
    struct packet_spec s = tcp4;
    size_t len = packet_build(big, &s);
    assert_int_equal(skt_offload_derive(&o, big, len + 1, 1000, true), SKT_ERR_MALFORMED);
    assert_int_equal(skt_offload_derive(&o, big, len, 70000, true), SKT_ERR_MALFORMED);
    packet_put16(big + 6, 0x2000);
    assert_int_equal(skt_offload_derive(&o, big, len, 1000, true), SKT_ERR_MALFORMED);
    s = (struct packet_spec){.version = 4, .protocol = 1, .payload = 3000};
    len = packet_build(big, &s);
    assert_int_equal(skt_offload_derive(&o, big, len, 1000, true), SKT_ERR_MALFORMED);
    assert_int_equal(skt_offload_derive(&o, big, len, 0, true), SKT_ERR_MALFORMED);
    assert_int_equal(skt_offload_derive(&o, big, len, 0, false), SKT_OK);
    assert_false(o.partial);
}

/* Hostile bytes with hostile offloads. */
static void nothing_hostile_does_harm(void **state)
{
    (void)state;
    uint64_t rng = 11;
    uint8_t base[700];
    for (int round = 0; round < 30000; round++) {
        struct packet_spec s = {.version = round % 2 ? 4 : 6,
                                .protocol = round % 3 ? 6 : 17,
                                .payload = check_random(&rng) % 500,
                                .options = check_random(&rng) % 11 * 4,
                                .partial = true};
        if (s.protocol == 17)
            s.options = 0;
        size_t len = packet_build(base, &s);
        for (unsigned c = check_random(&rng) % 4; c > 0; c--)
            base[check_random(&rng) % len] = (uint8_t)check_random(&rng);
        if (round % 5 == 0)
            len = check_random(&rng) % (len + 1);
        uint8_t *copy = packet_exact(base, len);
        assert_non_null(copy);
        struct skt_tun_packet p = {.data = copy, .len = len};
        p.offload = (struct skt_offload){.gso = (enum skt_gso)(check_random(&rng) % 4),
                                         .partial = check_random(&rng) % 4 != 0,
                                         .size = (uint16_t)(check_random(&rng) % 600),
                                         .hdr_len = (uint16_t)check_random(&rng),
                                         .csum_start = (uint16_t)(check_random(&rng) % 700),
                                         .csum_offset = (uint16_t)(check_random(&rng) % 700)};
        if (round % 2)
            (void)skt_offload_normalize(&p);
        struct skt_offload_cutter c;
        size_t mtu = check_random(&rng) % 700 + 1, piece, total = 0;
        if (skt_offload_cut(&c, &p, mtu) == SKT_OK) {
            uint8_t *out = malloc(mtu);
            assert_non_null(out);
            size_t count = cut_count(&c), n = 0;
            while ((piece = skt_offload_cut_next(&c, out)) > 0 && piece <= mtu && n <= count) {
                total += piece;
                n++;
            }
            assert_true(piece <= mtu && total <= len + n * len);
            assert_true(n == count || len == 0);
            free(out);
        }
        (void)skt_offload_complete(&p);
        free(copy);
    }
}

CHECK_GROUP(offload)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_is_cut_with_right_headers),
        cmocka_unit_test(tcp_is_cut_finer_where_the_mtu_asks_for_it),
        cmocka_unit_test(datagrams_keep_their_borders),
        cmocka_unit_test(a_plain_packet_passes_as_it_is),
        cmocka_unit_test(udp_checksums_of_zero_are_written_otherwise),
        cmocka_unit_test(odd_offloads_of_the_kernel_become_plain),
        cmocka_unit_test(what_peers_claim_is_checked),
        cmocka_unit_test(nothing_hostile_does_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
