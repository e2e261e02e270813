/* SPDX-License-Identifier: MIT */
/* The two names of a connection that is taken out of a TUN. */
#include "base/err.h"
#include "base/packets.h"
#include "tunnel/taker_pairs.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static struct skt_addr addr(const char *ip, uint16_t port)
{
    struct skt_addr a;
    assert_int_equal(skt_addr_parse(&a, ip, port), SKT_OK);
    return a;
}

static struct skt_taker_pairs table(void)
{
    struct skt_taker_pairs t;
    assert_int_equal(skt_taker_pairs_init(&t, 12345), SKT_OK);
    t.listeners[0] = addr("10.77.0.2", 40000);
    t.listeners[1] = addr("fd00:77::2", 40001);
    return t;
}

/* The packets of tests/base/packets.h go from 10.0.0.1 to 10.0.0.2, from fd00::1 to fd00::2. */
static struct skt_taker_pair pair_of(int version)
{
    struct skt_taker_pair p = {0};
    p.app = addr(version == 4 ? "10.0.0.1" : "fd00:0:0:0:0:0:0:100", 1000);
    p.far = addr(version == 4 ? "10.0.0.2" : "fd00::2", 80);
    return p;
}

static struct skt_ippkt parsed(const uint8_t *packet, size_t len)
{
    struct skt_ippkt p;
    assert_int_equal(skt_ippkt_parse(&p, packet, len), SKT_OK);
    return p;
}

static void there_and_back(int version)
{
    struct skt_taker_pairs t = table();
    struct skt_taker_pair pair = pair_of(version);
    uint8_t buf[200], before[200];
    struct packet_spec s = {.version = version, .protocol = 6, .sport = 1000, .dport = 80, .payload = 33};
    size_t len = packet_build(buf, &s);
    struct skt_ippkt ip = parsed(buf, len);
    memcpy(pair.app.ip, ip.src, version == 4 ? 4 : 16);
    memcpy(before, buf, len);
    assert_null(skt_taker_pairs_of_app(&t, &ip));
    assert_int_equal(skt_taker_pairs_add(&t, &pair), SKT_OK);
    assert_ptr_equal(skt_taker_pairs_of_app(&t, &ip), &pair);
    assert_null(skt_taker_pairs_of_near(&t, &ip));
    assert_false(skt_taker_pairs_for_listener(&t, &ip));

    /* What the listener gets: from the destination, at the port that names the connection. */
    skt_taker_pairs_to_near(&t, &pair, buf, &ip, false);
    assert_true(skt_ippkt_sums_ok(buf, len));
    ip = parsed(buf, len);
    assert_true(skt_taker_pairs_for_listener(&t, &ip));
    struct skt_addr peer = pair.far;
    peer.port = ip.src_port;
    assert_ptr_equal(skt_taker_pairs_from(&t, &peer), &pair);
    peer.port++;
    assert_null(skt_taker_pairs_from(&t, &peer));

    /* What it answers, which is the same the other way round. */
    struct skt_tcp_ends turned = {ip.dst, ip.src, ip.dst_port, ip.src_port};
    uint8_t ends[32];
    memcpy(ends, ip.dst, version == 4 ? 4 : 16);
    memcpy(ends + 16, ip.src, version == 4 ? 4 : 16);
    turned.src = ends;
    turned.dst = ends + 16;
    skt_ippkt_readdress(buf, &ip, &turned, false);
    ip = parsed(buf, len);
    assert_ptr_equal(skt_taker_pairs_of_near(&t, &ip), &pair);
    skt_taker_pairs_to_app(&pair, buf, &ip, false);
    assert_true(skt_ippkt_sums_ok(buf, len));
    ip = parsed(buf, len);
    assert_int_equal(ip.src_port, 80);
    assert_int_equal(ip.dst_port, 1000);
    struct skt_ippkt was = parsed(before, len);
    assert_memory_equal(ip.src, was.dst, version == 4 ? 4 : 16);
    assert_memory_equal(ip.dst, was.src, version == 4 ? 4 : 16);

    skt_taker_pairs_remove(&t, &pair);
    assert_int_equal(t.count, 0);
    assert_null(skt_taker_pairs_of_app(&t, &was));
    skt_taker_pairs_dispose(&t);
}

static void packets_go_there_and_back(void **state)
{
    (void)state;
    there_and_back(4);
    there_and_back(6);
}

static void ports_are_used_once_and_again_last(void **state)
{
    (void)state;
    struct skt_taker_pairs t = table();
    struct skt_taker_pair *pairs = calloc(1000, sizeof *pairs);
    assert_non_null(pairs);
    uint16_t last = 0;
    for (unsigned i = 0; i < 1000; i++) {
        pairs[i] = pair_of(4);
        pairs[i].app.port = (uint16_t)(2000 + i);
        assert_int_equal(skt_taker_pairs_add(&t, &pairs[i]), SKT_OK);
        assert_true(pairs[i].near_port >= 1024);
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(pairs[i].near_port, pairs[j].near_port);
        last = pairs[i].near_port;
    }
    skt_taker_pairs_remove(&t, &pairs[0]);
    uint16_t freed = pairs[0].near_port;
    assert_int_equal(skt_taker_pairs_add(&t, &pairs[0]), SKT_OK);
    assert_int_not_equal(pairs[0].near_port, freed);
    assert_int_not_equal(pairs[0].near_port, last);
    free(pairs);
    skt_taker_pairs_dispose(&t);
}

static void there_is_an_end_to_them(void **state)
{
    (void)state;
    struct skt_taker_pairs t = table();
    struct skt_taker_pair *pairs = calloc(SKT_TAKER_PAIRS_MAX + 1, sizeof *pairs);
    assert_non_null(pairs);
    for (unsigned i = 0; i <= SKT_TAKER_PAIRS_MAX; i++) {
        pairs[i] = pair_of(4);
        pairs[i].app.port = (uint16_t)(i + 1);
        assert_int_equal(skt_taker_pairs_add(&t, &pairs[i]), i < SKT_TAKER_PAIRS_MAX ? SKT_OK : SKT_ERR_FULL);
    }
    for (unsigned i = 0; i < SKT_TAKER_PAIRS_MAX; i++)
        skt_taker_pairs_remove(&t, &pairs[i]);
    assert_int_equal(t.count, 0);
    free(pairs);
    skt_taker_pairs_dispose(&t);
}

static void without_a_listener_nothing_is_its(void **state)
{
    (void)state;
    struct skt_taker_pairs t = table();
    struct skt_taker_pair pair = pair_of(4);
    t.listeners[1] = (struct skt_addr){0};
    assert_int_equal(skt_taker_pairs_add(&t, &pair), SKT_OK);
    struct skt_addr peer = addr("fd00::2", pair.near_port);
    assert_null(skt_taker_pairs_from(&t, &peer));
    assert_null(skt_taker_pairs_from(&t, &(struct skt_addr){0}));
    uint8_t buf[100];
    struct packet_spec s = {.version = 6, .protocol = 6, .sport = 0, .dport = 0};
    struct skt_ippkt ip = parsed(buf, packet_build(buf, &s));
    assert_null(skt_taker_pairs_of_near(&t, &ip));
    assert_false(skt_taker_pairs_for_listener(&t, &ip));
    skt_taker_pairs_dispose(&t);
}

/* A later piece of a packet has no ports, and might still be for the listener. */
static void fragments_for_the_listener_are_known(void **state)
{
    (void)state;
    struct skt_taker_pairs t = table();
    t.listeners[0] = addr("10.0.0.2", 40000);
    uint8_t buf[100];
    struct packet_spec s = {.version = 4, .protocol = 6, .frag = 3, .payload = 20};
    struct skt_ippkt ip = parsed(buf, packet_build(buf, &s));
    assert_true(skt_taker_pairs_for_listener(&t, &ip));
    s = (struct packet_spec){.version = 4, .protocol = 6, .dport = 22};
    ip = parsed(buf, packet_build(buf, &s));
    assert_false(skt_taker_pairs_for_listener(&t, &ip));
    skt_taker_pairs_dispose(&t);
}

/* A router says to the destination (10.0.0.1 here) that what it sent to the application was too big. */
static void too_big_is_for_the_listener(void **state)
{
    (void)state;
    struct skt_taker_pairs t = table();
    struct skt_taker_pair pair = {.app = addr("10.0.0.2", 1000), .far = addr("10.0.0.1", 80)};
    uint8_t segment[1500], icmp[SKT_IPPKT_ICMP_MAX], out[SKT_IPPKT_TOO_BIG_MAX];
    struct packet_spec s = {
        .version = 4, .protocol = 6, .frag = 0x4000, .sport = 80, .dport = 1000, .payload = 1300};
    struct skt_ippkt ip = parsed(segment, packet_build(segment, &s));
    size_t len = skt_ippkt_icmp_error(icmp, sizeof icmp, segment, &ip, SKT_IPPKT_TOO_BIG,
                                      (const uint8_t[]){10, 9, 9, 9}, 1200);
    ip = parsed(icmp, len);
    assert_int_equal(skt_taker_pairs_too_big(&t, out, icmp, &ip), 0);
    assert_int_equal(skt_taker_pairs_add(&t, &pair), SKT_OK);
    len = skt_taker_pairs_too_big(&t, out, icmp, &ip);
    assert_true(len > 0);
    ip = parsed(out, len);
    struct skt_tcp_too_big about;
    assert_true(skt_ippkt_read_too_big(&about, out, &ip));
    assert_memory_equal(ip.dst, t.listeners[0].ip, 4);
    assert_memory_equal(about.ends.src, t.listeners[0].ip, 4);
    assert_int_equal(about.ends.src_port, t.listeners[0].port);
    assert_memory_equal(about.ends.dst, pair.far.ip, 4);
    assert_int_equal(about.ends.dst_port, pair.near_port);
    assert_int_equal(about.mtu, 1200);
    skt_taker_pairs_dispose(&t);
}

CHECK_GROUP(taker_pairs)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_go_there_and_back),
        cmocka_unit_test(ports_are_used_once_and_again_last),
        cmocka_unit_test(there_is_an_end_to_them),
        cmocka_unit_test(without_a_listener_nothing_is_its),
        cmocka_unit_test(fragments_for_the_listener_are_known),
        cmocka_unit_test(too_big_is_for_the_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
