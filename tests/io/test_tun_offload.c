/* SPDX-License-Identifier: MIT */
/* Offloads with a kernel's own TCP: two hosts, A (10.9.0.1 on one TUN) and B (10.8.0.1 on the other).
 * What A sends to 10.9.0.2 arrives at B as from 10.8.0.2, and back; so one namespace holds both ends. */
#ifdef __linux__
#include "io/tun_rig.h"

#include "base/ippkt.h"
#include "base/packets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <stdlib.h>

struct wire {
    struct skt_tun *tun, *other;

    size_t cut_mtu; /* 0: offloads are handed on */
    unsigned packets, gso, udp_gso, too_big;
    size_t longest;
    int errors;
};

/* A 32-bit address word changed in a packet with a full or partial checksum. */
static void replace_address(struct skt_tun_packet *p, const struct skt_ippkt *ip, size_t at, uint8_t second)
{
    uint8_t *field = p->data + at;
    uint16_t old_word = packet_get16(field);
    field[1] = second;
    uint16_t new_word = packet_get16(field);
    skt_ippkt_sum_replace(p->data + 10, old_word, new_word);
    uint8_t *check = p->data + ip->transport + (ip->protocol == SKT_IPPKT_TCP ? 16 : 6);
    if (p->offload.partial) { /* not complemented yet */
        uint32_t sum = packet_get16(check) + (uint32_t)(uint16_t)~old_word + new_word;
        packet_put16(check, skt_ippkt_fold(sum));
    } else {
        skt_ippkt_sum_replace(check, old_word, new_word);
    }
}

/* The way a router does it: the sender's kernel then sends smaller ones. */
static bool refuse_too_big(struct wire *w, const struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    struct skt_offload_cutter c;
    uint8_t icmp[SKT_IPPKT_ICMP_MAX];
    if (!w->cut_mtu || skt_offload_cut(&c, p, w->cut_mtu) != SKT_ERR_FULL)
        return false;
    struct skt_tun_packet answer = {.data = icmp};
    answer.len = skt_ippkt_icmp_error(icmp, sizeof icmp, p->data, ip, SKT_IPPKT_TOO_BIG, ip->dst, w->cut_mtu);
    w->errors += answer.len == 0 || skt_tun_write(w->tun, &answer) != SKT_OK;
    w->too_big++;
    return true;
}

static void carry(void *user, struct skt_tun_packet *p)
{
    struct wire *w = user;
    struct skt_ippkt ip;
    if (skt_ippkt_parse(&ip, p->data, p->len) || ip.version != 4 || !ip.has_ports)
        return;
    w->packets++;
    w->gso += p->offload.gso == SKT_GSO_TCP4;
    w->udp_gso += p->offload.gso == SKT_GSO_UDP;
    if (p->len > w->longest)
        w->longest = p->len;
    if (skt_offload_normalize(p))
        w->errors++;
    if (refuse_too_big(w, p, &ip))
        return;
    /* 10.9.0.1 -> 10.9.0.2 becomes 10.8.0.2 -> 10.8.0.1 */
    uint8_t net = p->data[13] == 9 ? 8 : 9;
    replace_address(p, &ip, 12, net);
    replace_address(p, &ip, 16, net);
    uint8_t host = p->data[15];
    p->data[15] = p->data[19]; /* the sum of both stays */
    p->data[19] = host;
    if (!w->cut_mtu) {
        w->errors += skt_tun_write_any(w->other, p, 1500) != SKT_OK;
        return;
    }
    struct skt_offload_cutter c;
    uint8_t piece[1500];
    if (skt_offload_cut(&c, p, w->cut_mtu)) {
        w->errors++;
        return;
    }
    struct skt_tun_packet plain = {.data = piece};
    while ((plain.len = skt_offload_cut_next(&c, piece)) > 0) {
        w->errors += !skt_ippkt_sums_ok(piece, plain.len);
        w->errors += skt_tun_write(w->other, &plain) != SKT_OK;
    }
}

struct pair {
    struct wire a, b;
};

static void open_pair(struct pair *w, bool plain_a, bool plain_b, size_t cut_mtu)
{
    *w = (struct pair){0};
    w->a.tun = w->b.other = open_tun("skta", plain_a, "10.9.0.1/24");
    w->b.tun = w->a.other = open_tun("sktb", plain_b, "10.8.0.1/24");
    w->a.cut_mtu = w->b.cut_mtu = cut_mtu;
    skt_tun_set_reader(w->a.tun, carry, &w->a);
    skt_tun_set_reader(w->b.tun, carry, &w->b);
}

static void close_pair(struct pair *w)
{
    assert_int_equal(w->a.errors + w->b.errors, 0);
    skt_tun_close(w->a.tun);
    skt_tun_close(w->b.tun);
}

enum { STREAM_LEN = 3 * 1024 * 1024 };

static uint8_t stream_byte(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

/* Sends STREAM_LEN bytes from 10.9.0.1 to 10.8.0.1 through the pair and checks every one. */
static void transfer(void)
{
    int on = 1;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(5001)};
    inet_pton(AF_INET, "10.8.0.1", &at.sin_addr);
    assert_int_equal(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(server, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(server, 1), 0);
    inet_pton(AF_INET, "10.9.0.2", &at.sin_addr);
    fcntl(client, F_SETFL, O_NONBLOCK);
    assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof at), -1);
    uint8_t *buf = malloc(65536);
    assert_non_null(buf);
    int conn = -1;
    size_t sent = 0, received = 0;
    for (int turn = 0; turn < 5000 && received < STREAM_LEN; turn++) {
        run_for(loop, SKT_US_PER_MS);
        if (conn < 0)
            conn = accept4(server, NULL, NULL, SOCK_NONBLOCK);
        for (ssize_t n = 1; n > 0 && sent<STREAM_LEN; sent += n> 0 ? (size_t)n : 0) {
            size_t len = STREAM_LEN - sent < 65536 ? STREAM_LEN - sent : 65536;
            for (size_t i = 0; i < len; i++)
                buf[i] = stream_byte(sent + i);
            n = send(client, buf, len, MSG_NOSIGNAL);
        }
        for (ssize_t n = 1; conn >= 0 && n > 0;) {
            n = recv(conn, buf, 65536, 0);
            for (ssize_t i = 0; i < n; i++, received++)
                if (buf[i] != stream_byte(received))
                    fail_msg("byte %zu is wrong", received);
        }
    }
    assert_int_equal(received, STREAM_LEN);
    free(buf);
    close(conn);
    close(client);
    close(server);
}

static void large_tcp_packets_are_handed_on(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct pair w;
    open_pair(&w, false, false, 0);
    assert_int_equal(skt_tun_offloads(w.a.tun) & (SKT_TUN_CSUM | SKT_TUN_TSO), SKT_TUN_CSUM | SKT_TUN_TSO);
    transfer();
    check_that(w.a.gso, >, 10);
    check_that(w.a.longest, >, 20000);
    close_pair(&w);
}

static void large_tcp_packets_are_cut(void **state)
{
    (void)state;
    NEEDS_ROOT();
    static const size_t mtus[] = {1500, 1280, 600};
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        struct pair w;
        open_pair(&w, false, true, mtus[i]);
        transfer();
        check_that(w.a.gso, >, 10);
        assert_true(w.a.too_big == 0 || mtus[i] < 1500);
        close_pair(&w);
    }
}

/* What fits no path is answered with ICMP, which the kernel believes. */
static void small_paths_make_no_black_hole(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct pair w;
    open_pair(&w, true, true, 1280);
    transfer();
    assert_in_range(w.a.too_big, 1, 100);
    close_pair(&w);
}

static void a_plain_end_gets_plain_packets(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct pair w;
    open_pair(&w, false, true, 0); /* skt_tun_write_any cuts */
    transfer();
    check_that(w.a.gso, >, 10);
    assert_int_equal(w.b.gso, 0);
    close_pair(&w);
    open_pair(&w, true, true, 0);
    transfer();
    assert_int_equal(w.a.gso, 0);
    check_that(w.a.longest, <=, 1500);
    close_pair(&w);
}

static void large_datagram_runs_are_handed_on_or_cut(void **state)
{
    (void)state;
    NEEDS_ROOT();
    for (int cut = 0; cut < 2; cut++) {
        struct pair w;
        open_pair(&w, false, cut, cut ? 1500 : 0);
        bool uso = (skt_tun_offloads(w.a.tun) & SKT_TUN_USO) != 0;
        int to = udp_to("10.9.0.2", 5002), from = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 1000;
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(5002)};
        assert_int_equal(bind(from, (struct sockaddr *)&at, sizeof at), 0);
        uint8_t run[10500], got[2000];
        for (size_t i = 0; i < sizeof run; i++)
            run[i] = stream_byte(i);
        if (setsockopt(to, IPPROTO_UDP, 103 /* UDP_SEGMENT */, &size, sizeof size) == 0) {
            assert_int_equal(send(to, run, sizeof run, 0), sizeof run);
            run_for(loop, 30 * SKT_US_PER_MS);
            for (size_t i = 0; i < 11; i++) {
                size_t len = i < 10 ? 1000 : 500;
                assert_int_equal(recv(from, got, sizeof got, 0), len);
                assert_memory_equal(got, run + i * 1000, len);
            }
            assert_int_equal(w.a.udp_gso, uso ? 1 : 0);
        }
        close(to);
        close(from);
        close_pair(&w);
    }
}

CHECK_GROUP(tun_offload)
{
    can_run = netns_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(large_tcp_packets_are_handed_on, begin, end),
        cmocka_unit_test_setup_teardown(large_tcp_packets_are_cut, begin, end),
        cmocka_unit_test_setup_teardown(small_paths_make_no_black_hole, begin, end),
        cmocka_unit_test_setup_teardown(a_plain_end_gets_plain_packets, begin, end),
        cmocka_unit_test_setup_teardown(large_datagram_runs_are_handed_on_or_cut, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

CHECK_GROUP(tun_offload)
{
    return 0; /* nothing that could be opened without leaving traces */
}

#endif
