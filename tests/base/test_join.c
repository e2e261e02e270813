/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "base/join.h"
#include "base/packets.h"

enum { MANY = 64, MTU = 1500 };

static uint8_t buf[SKT_JOIN_LEN_MAX], big[SKT_JOIN_LEN_MAX];
static uint8_t cut[MANY][MTU];
static size_t cut_len[MANY];

static const struct packet_spec spec4 = {.version = 4,
                                         .protocol = 6,
                                         .id = 0xfffe,
                                         .frag = 0x4000,
                                         .flags = 0x10,
                                         .sport = 1,
                                         .dport = 2,
                                         .seq = 0xfffff000u,
                                         .options = 12,
                                         .payload = 10000,
                                         .partial = true};

/* The plain packets that a large one is cut into; how many. */
static size_t cut_up(const struct skt_tun_packet *p)
{
    struct skt_offload_cutter c;
    size_t n = 0;
    assert_int_equal(skt_offload_cut(&c, p, MTU), SKT_OK);
    while (n < MANY && (cut_len[n] = skt_offload_cut_next(&c, cut[n])) > 0)
        n++;
    return n;
}

static size_t make(const struct packet_spec *s, size_t piece)
{
    struct skt_tun_packet p = {.data = big, .len = packet_build(big, s)};
    assert_int_equal(skt_offload_derive(&p.offload, p.data, p.len, piece, true), SKT_OK);
    return cut_up(&p);
}

static bool add(struct skt_join *j, const uint8_t *packet, size_t len)
{
    struct skt_ippkt ip;
    if (len == 0)
        return false;
    uint8_t *exact = packet_exact(packet, len);
    assert_non_null(exact);
    struct skt_tun_packet p = {.data = exact, .len = len};
    bool taken = skt_ippkt_parse(&ip, exact, len) == SKT_OK && skt_join_add(j, &p, &ip);
    assert_memory_equal(exact, packet, len);
    free(exact);
    return taken;
}

/* Joins all that was cut; the result must be what it was cut from, to the last bit. */
static void expect_whole(const struct packet_spec *s, size_t piece)
{
    struct skt_join j;
    struct skt_tun_packet out;
    size_t n = make(s, piece);
    check_that(n, >, 1);
    skt_join_init(&j, buf, true);
    for (size_t i = 0; i < n; i++)
        assert_true(add(&j, cut[i], cut_len[i]));
    assert_int_equal(j.count, n);
    assert_true(skt_join_take(&j, &out));
    assert_int_equal(out.len, packet_build(big, s));
    assert_memory_equal(out.data, big, out.len);
    assert_int_equal(out.offload.gso, s->protocol == 17 ? SKT_GSO_UDP
                                      : s->version == 4 ? SKT_GSO_TCP4
                                                        : SKT_GSO_TCP6);
    assert_int_equal(out.offload.size, piece);
    assert_true(out.offload.partial);
    assert_false(skt_join_take(&j, &out));
}

static void joining_undoes_cutting(void **state)
{
    (void)state;
    static const size_t pieces[] = {512, 1000, 1368, 1448};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct packet_spec s = spec4;
        s.payload = 10 * pieces[i] - (i % 2) * 100; /* the last one full, or short */
        expect_whole(&s, pieces[i]);
        s.flags |= 0x08; /* PSH: on the last one only */
        expect_whole(&s, pieces[i]);
        s.frag = 0; /* without DF: identifications go on counting, over their end */
        expect_whole(&s, pieces[i]);
        s.version = 6;
        if (pieces[i] <= 1428)
            expect_whole(&s, pieces[i]);
    }
}

static const struct packet_spec spec_udp = {
    .version = 4, .protocol = 17, .id = 0xfffe, .frag = 0x4000, .sport = 1, .dport = 2, .partial = true};

static void joining_undoes_cutting_of_datagrams(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 100, 512, 1400};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct packet_spec s = spec_udp;
        s.payload = 10 * pieces[i] - (i % 2) * pieces[i] / 3;
        expect_whole(&s, pieces[i]);
        s.frag = 0;
        expect_whole(&s, pieces[i]);
        s.version = 6;
        expect_whole(&s, pieces[i]);
    }
}

static void datagrams_are_joined_where_they_are_alike(void **state)
{
    (void)state;
    static const struct {
        size_t at;     /* byte of the second that changes */
        uint8_t bits;  /* how */
        bool repaired; /* its checksums are right again */
    } reasons[] = {{1, 0x01, true},  {8, 0x01, true},   {15, 0x01, true},  {19, 0x01, true}, {21, 1, true},
                   {23, 0x01, true}, {25, 0x01, false}, {26, 0x01, false}, {29, 1, false}};
    struct skt_join j;
    struct packet_spec s = spec_udp;
    s.payload = 400;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        assert_int_equal(make(&s, 100), 4);
        cut[1][reasons[i].at] ^= reasons[i].bits;
        if (reasons[i].repaired) {
            size_t len = cut_len[1];
            packet_put16(cut[1] + 10, 0);
            packet_put16(cut[1] + 10, (uint16_t)~packet_sum(0, cut[1], 20));
            packet_put16(cut[1] + 26, 0);
            packet_put16(cut[1] + 26,
                         (uint16_t)~packet_sum(packet_pseudo(cut[1], 17, len - 20), cut[1] + 20, len - 20));
            assert_true(skt_ippkt_sums_ok(cut[1], len));
        }
        skt_join_init(&j, buf, true);
        assert_true(add(&j, cut[0], cut_len[0]));
        if (add(&j, cut[1], cut_len[1]))
            fail_msg("reason %zu", i);
        assert_true(add(&j, cut[2], cut_len[2])); /* what was left out changes nothing */
    }
}

static void datagrams_that_are_not_joined(void **state)
{
    (void)state;
    struct skt_join j;
    struct packet_spec s = spec_udp;
    s.payload = 100;
    s.partial = false;
    size_t len = packet_build(big, &s);
    skt_join_init(&j, buf, false);
    assert_false(add(&j, big, len)); /* the TUN takes none */
    skt_join_init(&j, buf, true);
    packet_put16(big + 26, 0);
    assert_false(add(&j, big, len)); /* no checksum */
    s.payload = 0;
    assert_false(add(&j, big, packet_build(big, &s))); /* no data */
    s.payload = 100;
    for (unsigned i = 0; i < SKT_JOIN_DATAGRAMS; i++)
        assert_true(add(&j, big, packet_build(big, &s)));
    assert_false(add(&j, big, packet_build(big, &s))); /* as many as may be */
    skt_join_init(&j, buf, true);
    assert_true(add(&j, big, packet_build(big, &s)));
    s.payload = 99;
    assert_true(add(&j, big, packet_build(big, &s)));
    assert_false(add(&j, big, packet_build(big, &s))); /* behind a shorter one */
    struct packet_spec tcp = spec4;
    tcp.payload = 600;
    tcp.partial = false;
    skt_join_init(&j, buf, true);
    assert_true(add(&j, big, packet_build(big, &tcp)));
    assert_false(add(&j, big, packet_build(big, &s))); /* another protocol */
}

static void a_single_packet_stays_as_it_is(void **state)
{
    (void)state;
    struct skt_join j;
    struct skt_tun_packet out;
    make(&spec4, 1448);
    skt_join_init(&j, buf, true);
    assert_false(skt_join_take(&j, &out));
    assert_true(add(&j, cut[0], cut_len[0]));
    assert_true(skt_join_take(&j, &out));
    assert_int_equal(out.len, cut_len[0]);
    assert_memory_equal(out.data, cut[0], out.len);
    assert_false(out.offload.partial);
    assert_int_equal(out.offload.gso, SKT_GSO_NONE);
}

/* Right again after a change: only what was meant is the reason. */
static void fix_sums(uint8_t *packet, size_t len)
{
    size_t ip = packet[0] >> 4 == 4 ? 20 : 40;
    if (ip == 20) {
        packet_put16(packet + 10, 0);
        packet_put16(packet + 10, (uint16_t)~packet_sum(0, packet, 20));
    }
    packet_put16(packet + ip + 16, 0);
    packet_put16(packet + ip + 16,
                 (uint16_t)~packet_sum(packet_pseudo(packet, 6, len - ip), packet + ip, len - ip));
}

/* Two packets that would be joined, but for a byte of the second (or both); its offset. */
struct reason {
    int version;
    size_t at;
    uint8_t bits;
    bool both;
};

static void every_reason_not_to_join(void **state)
{
    (void)state;
    static const struct reason reasons[] = {
        {4, 1, 0x10, false},                        /* type of service */
        {4, 1, 0x01, false},                        /* ECN */
        {4, 6, 0x40, false},                        /* DF */
        {4, 8, 0x01, false},                        /* TTL */
        {4, 15, 0x01, false},                       /* source */
        {4, 19, 0x01, false},                       /* destination */
        {4, 21, 0x01, false},                       /* ports */
        {4, 23, 0x01, false}, {4, 27, 0x01, false}, /* sequence number */
        {4, 31, 0x01, false},                       /* acknowledgement */
        {4, 33, 0x01, false},                       /* FIN, SYN, RST, URG, ECE, CWR */
        {4, 33, 0x02, false}, {4, 33, 0x04, false}, {4, 33, 0x20, false}, {4, 33, 0x40, false},
        {4, 33, 0x80, false}, {4, 33, 0x01, true},  {4, 33, 0x80, true},  {4, 33, 0x10, true},
        {4, 35, 0x01, false}, /* window */
        {4, 39, 0x01, false}, /* urgent pointer */
        {4, 45, 0x05, false}, /* an option */
        {6, 1, 0x10, false},  /* traffic class, flow label */
        {6, 3, 0x01, false},  {6, 7, 0x01, false},  {6, 9, 0x01, false},  {6, 30, 0x01, false},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        const struct reason *r = &reasons[i];
        struct packet_spec s = spec4;
        struct skt_join j;
        s.version = r->version;
        check_that(make(&s, 1000), >, 2);
        skt_join_init(&j, buf, true);
        for (int k = r->both ? 0 : 1; k < 2; k++) {
            cut[k][r->at] ^= r->bits;
            fix_sums(cut[k], cut_len[k]);
        }
        assert_int_equal(add(&j, cut[0], cut_len[0]), !r->both);
        if (add(&j, cut[1], cut_len[1]))
            fail_msg("reason %zu", i);
        assert_int_equal(j.count, r->both ? 0 : 1);
    }
}

static void reasons_of_order_and_size(void **state)
{
    (void)state;
    struct skt_join j;
    struct packet_spec s = spec4;
    s.payload = 3500;
    assert_int_equal(make(&s, 1000), 4);
    skt_join_init(&j, buf, true);
    assert_true(add(&j, cut[0], cut_len[0]));
    assert_false(add(&j, cut[2], cut_len[2])); /* a hole */
    assert_false(add(&j, cut[0], cut_len[0])); /* again */
    assert_true(add(&j, cut[1], cut_len[1]));
    assert_true(add(&j, cut[2], cut_len[2]));
    assert_true(add(&j, cut[3], cut_len[3])); /* shorter: the last one */
    s.seq += 3500;
    s.payload = 600;
    s.partial = false;
    assert_false(add(&j, big, packet_build(big, &s)));
    skt_join_init(&j, buf, true);
    s.payload = SKT_JOIN_PIECE_MIN - 1; /* too short to begin with, and to be waited for */
    assert_false(add(&j, big, packet_build(big, &s)));
    s.payload = 0; /* an acknowledgement */
    assert_false(add(&j, big, packet_build(big, &s)));
    s.payload = 600;
    assert_true(add(&j, big, packet_build(big, &s)));
    s.seq += 600;
    s.payload = 601; /* longer than those before */
    assert_false(add(&j, big, packet_build(big, &s)));
    s.payload = 600;
    s.flags |= 0x08;
    assert_true(add(&j, big, packet_build(big, &s)));
    s.seq += 600;
    assert_false(add(&j, big, packet_build(big, &s))); /* behind a PSH */
    s.protocol = 17;
    skt_join_init(&j, buf, false);
    assert_false(add(&j, big, packet_build(big, &s)));
    s.protocol = 6;
    s.frag = 0x2000; /* a fragment */
    assert_false(add(&j, big, packet_build(big, &s)));
}

static void wrong_checksums_are_not_made_right(void **state)
{
    (void)state;
    struct skt_join j;
    struct skt_tun_packet out;
    for (int bad = 0; bad < 3; bad++) {
        make(&spec4, 1000);
        cut[bad][500] ^= 1;
        skt_join_init(&j, buf, true);
        assert_true(add(&j, cut[0], cut_len[0])); /* a single one passes as it is */
        assert_int_equal(add(&j, cut[1], cut_len[1]), bad == 2);
        assert_int_equal(add(&j, cut[2], cut_len[2]), false);
        assert_true(skt_join_take(&j, &out));
        assert_int_equal(out.len, bad == 2 ? cut_len[0] + 1000 : cut_len[0]);
        assert_int_equal(skt_ippkt_sums_ok(out.data, out.len), bad == 1);
    }
}

/* Of a peer whose own system left them open. */
static void open_checksums_are_joined_among_themselves(void **state)
{
    (void)state;
    struct skt_join j;
    struct skt_tun_packet out;
    struct packet_spec s = spec4;
    s.payload = 1000;
    skt_join_init(&j, buf, true);
    for (int i = 0; i < 4; i++) {
        struct skt_tun_packet p = {.data = big};
        struct skt_ippkt ip;
        s.partial = i < 3;
        p.len = packet_build(big, &s);
        assert_int_equal(skt_offload_derive(&p.offload, p.data, p.len, 0, s.partial), SKT_OK);
        assert_int_equal(skt_ippkt_parse(&ip, p.data, p.len), SKT_OK);
        assert_int_equal(skt_join_add(&j, &p, &ip), i < 3);
        s.seq += 1000;
    }
    assert_true(skt_join_take(&j, &out));
    assert_int_equal(cut_up(&out), 3);
    for (int i = 0; i < 3; i++)
        assert_true(skt_ippkt_sums_ok(cut[i], cut_len[i]));
}

static void identifications_count_where_routers_may_fragment(void **state)
{
    (void)state;
    for (int df = 0; df <= 1; df++) {
        struct skt_join j;
        struct packet_spec s = spec4;
        s.frag = df ? 0x4000 : 0;
        make(&s, 1000);
        skt_join_init(&j, buf, true);
        assert_true(add(&j, cut[0], cut_len[0]));
        packet_put16(cut[1] + 4, s.id);
        fix_sums(cut[1], cut_len[1]);
        assert_int_equal(add(&j, cut[1], cut_len[1]), df);
    }
}

static void a_joined_packet_has_a_longest(void **state)
{
    (void)state;
    struct skt_join j;
    struct skt_tun_packet out;
    struct packet_spec s = spec4;
    s.payload = 1400;
    s.partial = false;
    skt_join_init(&j, buf, true);
    size_t n = 0;
    for (; add(&j, big, packet_build(big, &s)); n++)
        s.seq += 1400;
    assert_int_equal(n, (SKT_JOIN_LEN_MAX - 52) / 1400);
    assert_true(skt_join_take(&j, &out));
    assert_int_equal(out.len, 52 + n * 1400);
    assert_int_equal(cut_up(&out), n);
    assert_true(skt_ippkt_sums_ok(cut[n - 1], cut_len[n - 1]));
}

/* Whatever is joined can be cut again into what came. */
static void hostile_packets_come_out_as_they_went_in(void **state)
{
    (void)state;
    uint64_t seed = 7;
    unsigned joined = 0;
    for (int round = 0; round < 20000; round++) {
        struct skt_join j;
        struct skt_tun_packet out;
        struct packet_spec s = spec4;
        static uint8_t kept[8][MTU];
        size_t kept_len[8], n = 0;
        s.version = round % 3 == 0 ? 6 : 4;
        s.frag = round % 5 == 0 ? 0 : 0x4000;
        s.payload = 3700;
        size_t count = make(&s, 600);
        skt_join_init(&j, buf, true);
        for (size_t i = 0; i < count && n < 8; i++) {
            if (check_random(&seed) % 4 == 0) {
                cut[i][check_random(&seed) % 52] ^= (uint8_t)(1u << check_random(&seed) % 8);
                if (check_random(&seed) % 2)
                    fix_sums(cut[i], cut_len[i]);
            }
            size_t len = check_random(&seed) % 16 ? cut_len[i] : check_random(&seed) % cut_len[i];
            if (!add(&j, cut[i], len))
                continue;
            memcpy(kept[n], cut[i], len);
            kept_len[n++] = len;
        }
        if (!skt_join_take(&j, &out))
            continue;
        joined += n > 1;
        assert_int_equal(cut_up(&out), n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(cut_len[i], kept_len[i]);
            if (s.frag && s.version == 4) { /* with DF they mean nothing, and count up */
                packet_put16(kept[i] + 4, packet_get16(cut[i] + 4));
                packet_put16(kept[i] + 10, packet_get16(cut[i] + 10));
            }
            assert_memory_equal(cut[i], kept[i], cut_len[i]);
        }
    }
    check_that(joined, >, 5000);
}

CHECK_GROUP(join)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joining_undoes_cutting),
        cmocka_unit_test(joining_undoes_cutting_of_datagrams),
        cmocka_unit_test(datagrams_are_joined_where_they_are_alike),
        cmocka_unit_test(datagrams_that_are_not_joined),
        cmocka_unit_test(a_single_packet_stays_as_it_is),
        cmocka_unit_test(every_reason_not_to_join),
        cmocka_unit_test(reasons_of_order_and_size),
        cmocka_unit_test(wrong_checksums_are_not_made_right),
        cmocka_unit_test(open_checksums_are_joined_among_themselves),
        cmocka_unit_test(identifications_count_where_routers_may_fragment),
        cmocka_unit_test(a_joined_packet_has_a_longest),
        cmocka_unit_test(hostile_packets_come_out_as_they_went_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
