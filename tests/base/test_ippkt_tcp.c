/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "base/ippkt_tcp.h"
#include "base/offload.h"
#include "base/packets.h"

#include <string.h>

static const uint8_t new_src[16] = {203, 0, 113, 9, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
                     new_dst[16] = {0, 0, 0xff, 0xff, 0xfe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const struct skt_tcp_ends ends = {new_src, new_dst, 65535, 1};

static struct skt_ippkt parsed(const uint8_t *packet, size_t len)
{
    struct skt_ippkt p;
    assert_int_equal(skt_ippkt_parse(&p, packet, len), SKT_OK);
    return p;
}

static void has_new_ends(const uint8_t *packet, size_t len)
{
    struct skt_ippkt p = parsed(packet, len);
    size_t ip_len = p.version == 4 ? 4 : 16;
    assert_memory_equal(p.src, new_src, ip_len);
    assert_memory_equal(p.dst, new_dst, ip_len);
    assert_int_equal(p.src_port, 65535);
    assert_int_equal(p.dst_port, 1);
    assert_true(skt_ippkt_sums_ok(packet, len));
}

static void packets_get_other_ends(void **state)
{
    (void)state;
    uint8_t buf[2000];
    for (int version = 4; version <= 6; version += 2) {
        for (size_t payload = 0; payload < 40; payload++) {
            struct packet_spec s = {.version = version,
                                    .protocol = 6,
                                    .sport = (uint16_t)(payload * 1777),
                                    .dport = 80,
                                    .flags = SKT_TCP_ACK,
                                    .seq = 0xfffffff0,
                                    .payload = payload};
            size_t len = packet_build(buf, &s);
            struct skt_ippkt p = parsed(buf, len);
            assert_true(skt_ippkt_is_plain_tcp(&p));
            skt_ippkt_readdress(buf, &p, &ends, false);
            has_new_ends(buf, len);
        }
    }
}

/* A checksum that the kernel left open is right once it is completed. */
static void open_checksums_stay_open(void **state)
{
    (void)state;
    uint8_t buf[2000];
    for (int version = 4; version <= 6; version += 2) {
        struct packet_spec s = {
            .version = version, .protocol = 6, .sport = 1, .dport = 80, .payload = 1001, .partial = true};
        struct skt_tun_packet t = {.data = buf, .len = packet_build(buf, &s)};
        assert_int_equal(skt_offload_derive(&t.offload, buf, t.len, 0, true), SKT_OK);
        struct skt_ippkt p = parsed(buf, t.len);
        skt_ippkt_readdress(buf, &p, &ends, true);
        assert_int_equal(skt_offload_complete(&t), SKT_OK);
        has_new_ends(buf, t.len);
    }
}

static void only_plain_tcp_is_changed(void **state)
{
    (void)state;
    uint8_t buf[200];
    struct packet_spec udp = {.version = 4, .protocol = 17, .sport = 1, .dport = 2, .payload = 30};
    struct packet_spec piece = {.version = 4, .protocol = 6, .frag = 0x2000, .payload = 30};
    struct skt_ippkt p = parsed(buf, packet_build(buf, &udp));
    assert_false(skt_ippkt_is_plain_tcp(&p));
    p = parsed(buf, packet_build(buf, &piece));
    assert_false(skt_ippkt_is_plain_tcp(&p));
    assert_int_equal(skt_ippkt_tcp_refusal(buf + 100, buf, &p), 0);

    struct packet_spec tcp6 = {.version = 6, .protocol = 6, .sport = 1, .dport = 2, .payload = 8};
    size_t len = packet_build(buf, &tcp6);
    memmove(buf + 48, buf + 40, len - 40); /* destination options before TCP */
    memset(buf + 40, 0, 8);
    buf[6] = 60;
    buf[40] = 6;
    packet_put16(buf + 4, len + 8 - 40);
    p = parsed(buf, len + 8);
    assert_int_equal(p.protocol, SKT_IPPKT_TCP);
    assert_false(skt_ippkt_is_plain_tcp(&p));
}

static void syns_are_refused(void **state)
{
    (void)state;
    uint8_t buf[200], out[SKT_IPPKT_RESET_MAX];
    for (int version = 4; version <= 6; version += 2) {
        struct packet_spec s = {.version = version,
                                .protocol = 6,
                                .sport = 4321,
                                .dport = 80,
                                .seq = 0xffffffff,
                                .options = 20,
                                .flags = SKT_TCP_SYN};
        struct skt_ippkt p = parsed(buf, packet_build(buf, &s));
        size_t len = skt_ippkt_tcp_refusal(out, buf, &p);
        assert_int_equal(len, version == 4 ? 40 : 60);
        assert_true(skt_ippkt_sums_ok(out, len));
        struct skt_ippkt r = parsed(out, len);
        assert_memory_equal(r.src, p.dst, version == 4 ? 4 : 16);
        assert_memory_equal(r.dst, p.src, version == 4 ? 4 : 16);
        assert_int_equal(r.src_port, 80);
        assert_int_equal(r.dst_port, 4321);
        assert_int_equal(r.tcp_flags, SKT_TCP_RST | SKT_TCP_ACK);
        assert_int_equal(packet_get32(out + r.transport + 4), 0);
        assert_int_equal(packet_get32(out + r.transport + 8), 0); /* 0xffffffff and the SYN */
    }
}

static void others_are_refused_where_they_are(void **state)
{
    (void)state;
    uint8_t buf[200], out[SKT_IPPKT_RESET_MAX];
    struct packet_spec s = {.version = 4, .protocol = 6, .sport = 1, .dport = 2, .flags = SKT_TCP_ACK};
    struct skt_ippkt p = parsed(buf, packet_build(buf, &s));
    memcpy(buf + p.transport + 8, "\x01\x02\x03\x04", 4); /* what it acknowledges */
    assert_int_equal(skt_ippkt_tcp_refusal(out, buf, &p), 40);
    struct skt_ippkt r = parsed(out, 40);
    assert_int_equal(r.tcp_flags, SKT_TCP_RST);
    assert_int_equal(packet_get32(out + r.transport + 4), 0x01020304);
    s.flags = SKT_TCP_RST;
    p = parsed(buf, packet_build(buf, &s));
    assert_int_equal(skt_ippkt_tcp_refusal(out, buf, &p), 0);
}

/* What is written is read again; the quoted segment of a real answer, too. */
static void too_big_goes_in_and_out(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version += 2) {
        uint8_t out[SKT_IPPKT_TOO_BIG_MAX], buf[2000], answer[SKT_IPPKT_ICMP_MAX];
        struct skt_tcp_too_big about = {.ends = ends, .seq = {1, 2, 3, 4}, .mtu = 1280}, got;
        size_t len = skt_ippkt_write_too_big(out, (uint8_t)version, &about);
        assert_true(len > 0 && len <= sizeof out && skt_ippkt_sums_ok(out, len));
        struct skt_ippkt p = parsed(out, len);
        assert_true(skt_ippkt_read_too_big(&got, out, &p));
        assert_memory_equal(got.ends.src, new_src, version == 4 ? 4 : 16);
        assert_memory_equal(got.ends.dst, new_dst, version == 4 ? 4 : 16);
        assert_int_equal(got.ends.src_port, 65535);
        assert_int_equal(got.ends.dst_port, 1);
        assert_memory_equal(got.seq, about.seq, 4);
        assert_int_equal(got.mtu, 1280);
        assert_memory_equal(p.dst, new_src, version == 4 ? 4 : 16); /* to who sent it */

        struct packet_spec s = {.version = version,
                                .protocol = 6,
                                .frag = 0x4000,
                                .sport = 7,
                                .dport = 9,
                                .seq = 0xfedcba98,
                                .payload = 1400};
        p = parsed(buf, packet_build(buf, &s));
        len = skt_ippkt_icmp_error(answer, sizeof answer, buf, &p, SKT_IPPKT_TOO_BIG, new_dst, 1300);
        p = parsed(answer, len);
        assert_true(skt_ippkt_read_too_big(&got, answer, &p));
        assert_int_equal(got.ends.src_port, 7);
        assert_memory_equal(got.seq, ((uint8_t[]){0xfe, 0xdc, 0xba, 0x98}), 4);
        assert_int_equal(got.mtu, 1300);

        for (size_t cut = 0; cut < (version == 4 ? 56 : 96);
             cut++) { /* shorter than what every router quotes */
            uint8_t *copy = packet_exact(answer, cut);
            assert_true(skt_ippkt_parse(&p, copy, cut) != SKT_OK || !skt_ippkt_read_too_big(&got, copy, &p));
            free(copy);
        }
    }
}

static void other_errors_are_not_too_big(void **state)
{
    (void)state;
    for (int version = 4; version <= 6; version += 2) {
        uint8_t buf[2000], answer[SKT_IPPKT_ICMP_MAX];
        struct skt_tcp_too_big got;
        struct packet_spec s = {.version = version, .protocol = 6, .sport = 7, .dport = 9, .payload = 100};
        struct packet_spec udp = {.version = version, .protocol = 17, .sport = 7, .dport = 9, .payload = 100};
        struct skt_ippkt p = parsed(buf, packet_build(buf, &s));
        assert_false(skt_ippkt_read_too_big(&got, buf, &p));
        size_t len = skt_ippkt_icmp_error(answer, sizeof answer, buf, &p, SKT_IPPKT_UNREACHABLE, new_dst, 0);
        p = parsed(answer, len);
        assert_false(skt_ippkt_read_too_big(&got, answer, &p));
        p = parsed(buf, packet_build(buf, &udp));
        len = skt_ippkt_icmp_error(answer, sizeof answer, buf, &p, SKT_IPPKT_TOO_BIG, new_dst, 1280);
        p = parsed(answer, len);
        assert_false(skt_ippkt_read_too_big(&got, answer, &p));
    }
}

CHECK_GROUP(ippkt_tcp)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_get_other_ends),
        cmocka_unit_test(open_checksums_stay_open),
        cmocka_unit_test(only_plain_tcp_is_changed),
        cmocka_unit_test(syns_are_refused),
        cmocka_unit_test(others_are_refused_where_they_are),
        cmocka_unit_test(too_big_goes_in_and_out),
        cmocka_unit_test(other_errors_are_not_too_big),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
