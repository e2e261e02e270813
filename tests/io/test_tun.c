/* SPDX-License-Identifier: MIT */
/* Real interfaces, in a network namespace of the test's own. Where two hosts are wanted, the test carries
 * packets between a TUN and itself: it answers, or turns addresses around. */
#ifdef __linux__
#include "io/netns.h"

#include "base/check.h"
#include "base/err.h"
#include "base/ippkt.h"
#include "base/packets.h"
#include "io/run_for.h"
#include "io/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static bool can_run;

static struct skt_loop *loop;

static struct skt_tun *open_tun(const char *name, bool plain, const char *address)
{
    char err[SKT_TUN_ERROR_MAX] = "";
    struct skt_tun *tun = NULL;
    struct skt_ipnet net;
    int result =
        skt_tun_open(&tun, loop, &(struct skt_tun_options){.name = name, .plain = plain}, err, sizeof err);
    if (result)
        fail_msg("%s", err);
    assert_int_equal(skt_ipnet_parse(&net, address), SKT_OK);
    assert_int_equal(skt_tun_set_address(tun, &net, NULL), SKT_OK);
    assert_int_equal(skt_tun_set_up(tun), SKT_OK);
    return tun;
}

static int begin(void **state)
{
    (void)state;
    return can_run ? skt_loop_new(&loop) : 0;
}

static int end(void **state)
{
    (void)state;
    if (can_run)
        skt_loop_free(loop);
    return 0;
}

#define NEEDS_ROOT()                                                                                         \
    do {                                                                                                     \
        if (!can_run)                                                                                        \
            skip();                                                                                          \
    } while (0)

/* --- the interface --- */

static int interface_mtu(const char *name)
{
    struct ifreq ifr = {0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    memcpy(ifr.ifr_name, name, strlen(name));
    int result = ioctl(fd, SIOCGIFMTU, &ifr);
    close(fd);
    return result == 0 ? ifr.ifr_mtu : -1;
}

static void an_interface_comes_and_goes(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct skt_tun *tun = open_tun("skttest", false, "10.9.0.1/24");
    assert_string_equal(skt_tun_name(tun), "skttest");
    assert_int_equal(skt_tun_set_mtu(tun, 1390), SKT_OK);
    assert_int_equal(interface_mtu("skttest"), 1390);
    assert_int_equal(skt_tun_set_mtu(tun, 500), SKT_ERR_ARG);
    struct skt_ipnet v6;
    assert_int_equal(skt_ipnet_parse(&v6, "fd09::1/64"), SKT_OK);
    assert_int_equal(skt_tun_set_address(tun, &v6, NULL), SKT_OK);
    assert_int_equal(skt_tun_set_address(tun, &v6, NULL), SKT_OK); /* again */

    /* The address is there at once (no duplicate detection). */
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 own = {.sin6_family = AF_INET6};
    memcpy(&own.sin6_addr, v6.ip, 16);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    close(fd);
    assert_int_not_equal(fcntl(skt_tun_fd(tun), F_GETFD) & FD_CLOEXEC, 0);
    skt_tun_close(tun);
    assert_int_equal(skt_net_ifindex("skttest"), 0);
}

static void names_are_made_and_checked(void **state)
{
    (void)state;
    NEEDS_ROOT();
    char err[SKT_TUN_ERROR_MAX];
    struct skt_tun *a = open_tun(NULL, false, "10.9.1.1/24"), *b = open_tun("", true, "10.9.2.1/24"),
                   *c = NULL;
    assert_string_equal(skt_tun_name(a), "skt0");
    assert_string_equal(skt_tun_name(b), "skt1");
    assert_int_equal(skt_tun_offloads(b), 0);
    static const char *const bad[] = {"a/b", "far-too-long-a-name", "a b", "x%d", "..", "a:1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(skt_tun_open(&c, loop, &(struct skt_tun_options){.name = bad[i]}, err, sizeof err),
                         SKT_ERR_ARG);
    assert_int_equal(skt_tun_open(&c, loop, &(struct skt_tun_options){.name = "skt0"}, err, sizeof err),
                     SKT_ERR_FULL);
    assert_non_null(strstr(err, "another program uses it"));
    assert_int_equal(skt_tun_open(&c, loop, &(struct skt_tun_options){.name = "lo"}, err, sizeof err),
                     SKT_ERR_FULL);
    assert_non_null(strstr(err, "no TUN"));
    skt_tun_close(a);
    skt_tun_close(b);
}

static void without_the_right_to_it_says_so(void **state)
{
    (void)state;
    NEEDS_ROOT();
    const struct passwd *pw = getpwnam("nobody");
    if (!pw)
        skip();
    pid_t pid = fork();
    if (pid == 0) {
        char err[SKT_TUN_ERROR_MAX] = "";
        struct skt_tun *tun;
        if (setuid(pw->pw_uid))
            _exit(1);
        if (skt_tun_open(&tun, loop, &(struct skt_tun_options){0}, err, sizeof err) != SKT_ERR_AUTH)
            _exit(2);
        _exit(strstr(err, "needs root or CAP_NET_ADMIN") ? 0 : 3);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* --- packets --- */

struct echo {
    struct skt_tun *tun;
    unsigned seen, limit;
    struct skt_tun_packet last;
    uint8_t bytes[2048];
};

/* Sends what comes in back to where it came from. */
static void turn_around(void *user, struct skt_tun_packet *p)
{
    struct echo *e = user;
    struct skt_ippkt ip;
    uint8_t swap[16];
    if (!p || skt_ippkt_parse(&ip, p->data, p->len) || ip.protocol != SKT_IPPKT_UDP)
        return;
    size_t n = ip.version == 4 ? 4 : 16;
    uint8_t *src = p->data + (ip.src - p->data), *dst = p->data + (ip.dst - p->data);
    memcpy(swap, src, n);
    memcpy(src, dst, n);
    memcpy(dst, swap, n);
    uint8_t *ports = p->data + ip.transport;
    memcpy(swap, ports, 2);
    memcpy(ports, ports + 2, 2);
    memcpy(ports + 2, swap, 2);
    e->last = *p;
    e->seen++;
    assert_int_equal(skt_tun_write(e->tun, p), SKT_OK);
    if (e->limit && e->seen >= e->limit)
        skt_tun_set_reader(e->tun, NULL, NULL);
}

static int udp_to(const char *ip, uint16_t port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, ip, &to.sin_addr);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void packets_go_round(void **state)
{
    (void)state;
    NEEDS_ROOT();
    for (int plain = 0; plain < 2; plain++) {
        struct echo e = {.tun = open_tun(NULL, plain, "10.9.0.1/24")};
        skt_tun_set_reader(e.tun, turn_around, &e);
        int fd = udp_to("10.9.0.2", 7);
        char back[64];
        assert_int_equal(send(fd, "hello", 5, 0), 5);
        run_for(loop, 20 * SKT_US_PER_MS);
        assert_int_equal(recv(fd, back, sizeof back, 0), 5);
        assert_memory_equal(back, "hello", 5);
        assert_int_equal(e.seen, 1);
        assert_true(plain ? !e.last.offload.partial : true);
        close(fd);
        skt_tun_close(e.tun);
    }
}

static void a_reader_may_stop_in_the_middle(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct echo e = {.tun = open_tun(NULL, false, "10.9.0.1/24"), .limit = 3};
    int fd = udp_to("10.9.0.2", 7);
    skt_tun_set_reader(e.tun, turn_around, &e);
    for (int i = 0; i < 10; i++)
        assert_int_equal(send(fd, "x", 1, 0), 1);
    run_for(loop, 20 * SKT_US_PER_MS);
    assert_int_equal(e.seen, 3);
    e.limit = 0;
    skt_tun_set_reader(e.tun, turn_around, &e);
    run_for(loop, 20 * SKT_US_PER_MS);
    assert_int_equal(e.seen, 10);
    close(fd);
    skt_tun_close(e.tun);
}

static void close_it(void *user, struct skt_tun_packet *p)
{
    struct skt_tun **tun = user;
    if (p)
        skt_tun_close(*tun);
    *tun = NULL;
}

static void a_reader_may_close_it(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct skt_tun *tun = open_tun(NULL, false, "10.9.0.1/24");
    skt_tun_set_reader(tun, close_it, &tun);
    int fd = udp_to("10.9.0.2", 7);
    for (int i = 0; i < 3; i++)
        assert_int_equal(send(fd, "x", 1, 0), 1);
    run_for(loop, 20 * SKT_US_PER_MS);
    assert_null(tun);
    close(fd);
}

static void count_ready(void *user)
{
    struct echo *e = user;
    struct iovec iov[2] = {{e->bytes, 28}, {e->bytes + 28, sizeof e->bytes - 28}};
    struct skt_tun_packet p = {.data = e->bytes};
    long got;
    while ((got = skt_tun_readv(e->tun, &p.offload, iov, 2)) >= 0) {
        p.len = (size_t)got;
        turn_around(e, &p);
    }
    assert_int_equal(got, SKT_ERR_AGAIN);
}

static void packets_can_be_fetched_in_pieces(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct echo e = {.tun = open_tun(NULL, false, "10.9.0.1/24")};
    int fd = udp_to("10.9.0.2", 7);
    char back[64];
    skt_tun_set_readable(e.tun, count_ready, &e);
    assert_int_equal(send(fd, "pieces", 6, 0), 6);
    run_for(loop, 20 * SKT_US_PER_MS);
    assert_int_equal(recv(fd, back, sizeof back, 0), 6);
    /* Too small a place: the packet is lost, and told so. */
    skt_tun_set_readable(e.tun, NULL, NULL);
    assert_int_equal(send(fd, "pieces", 6, 0), 6);
    struct skt_offload o;
    struct iovec small = {e.bytes, 20};
    assert_int_equal(skt_tun_readv(e.tun, &o, &small, 1), SKT_ERR_TRUNCATED);
    assert_int_equal(skt_tun_readv(e.tun, &o, &small, 1), SKT_ERR_AGAIN);
    close(fd);
    skt_tun_close(e.tun);
}

static void wrong_writes_are_refused_one_by_one(void **state)
{
    (void)state;
    NEEDS_ROOT();
    struct skt_tun *tun = open_tun(NULL, false, "10.9.0.1/24"), *plain = open_tun(NULL, true, "10.9.1.1/24");
    uint8_t buf[200];
    struct packet_spec s = {.version = 4, .protocol = 17, .payload = 100, .partial = true};
    struct skt_tun_packet p = {.data = buf, .len = packet_build(buf, &s)};
    p.offload = (struct skt_offload){.partial = true, .csum_start = 300, .csum_offset = 6};
    assert_int_equal(skt_tun_write(tun, &p), SKT_ERR_ARG);
    assert_int_equal(skt_tun_write(plain, &p), SKT_ERR_ARG);
    assert_int_equal(skt_offload_derive(&p.offload, buf, p.len, 0, true), SKT_OK);
    assert_int_equal(skt_tun_write(tun, &p), SKT_OK);
    assert_int_equal(skt_tun_write_any(plain, &p, 1500), SKT_OK);
    assert_true(skt_ippkt_sums_ok(buf, p.len));
    buf[0] = 0x15; /* no IP version */
    p.offload = (struct skt_offload){0};
    assert_int_equal(skt_tun_write(tun, &p), SKT_ERR_ARG);
    skt_tun_close(tun);

    struct skt_tun *down;
    assert_int_equal(skt_tun_open(&down, loop, &(struct skt_tun_options){0}, NULL, 0), SKT_OK);
    packet_build(buf, &s);
    assert_int_equal(skt_tun_write(down, &p), SKT_ERR_CLOSED);
    skt_tun_close(down);
    skt_tun_close(plain);
}

static void mark_gone(void *user, struct skt_tun_packet *p)
{
    if (!p)
        ++*(int *)user;
}

/* As "ip link del" does it. */
static void a_removed_interface_is_noticed_once(void **state)
{
    (void)state;
    NEEDS_ROOT();
    int gone = 0;
    struct skt_tun *tun = open_tun("sktgone", false, "10.9.0.1/24");
    skt_tun_set_reader(tun, mark_gone, &gone);
    if (system("ip link del sktgone 2>/dev/null") != 0) {
        skt_tun_close(tun);
        skip();
    }
    run_for(loop, 30 * SKT_US_PER_MS);
    assert_int_equal(gone, 1);
    skt_tun_close(tun);
}

/* --- offloads with a kernel's own TCP: two hosts, A (10.9.0.1 on one TUN) and B (10.8.0.1 on the other).
 * What A sends to 10.9.0.2 arrives at B as from 10.8.0.2, and back; so one namespace holds both ends. --- */

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
    if (!p || skt_ippkt_parse(&ip, p->data, p->len) || ip.version != 4 || !ip.has_ports)
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
    assert_true(w.a.gso > 10);
    assert_true(w.a.longest > 20000);
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
        assert_true(w.a.gso > 10);
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
    assert_true(w.a.gso > 10);
    assert_int_equal(w.b.gso, 0);
    close_pair(&w);
    open_pair(&w, true, true, 0);
    transfer();
    assert_int_equal(w.a.gso, 0);
    assert_true(w.a.longest <= 1500);
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

int main(void)
{
    can_run = netns_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_interface_comes_and_goes, begin, end),
        cmocka_unit_test_setup_teardown(names_are_made_and_checked, begin, end),
        cmocka_unit_test_setup_teardown(without_the_right_to_it_says_so, begin, end),
        cmocka_unit_test_setup_teardown(packets_go_round, begin, end),
        cmocka_unit_test_setup_teardown(a_reader_may_stop_in_the_middle, begin, end),
        cmocka_unit_test_setup_teardown(a_reader_may_close_it, begin, end),
        cmocka_unit_test_setup_teardown(packets_can_be_fetched_in_pieces, begin, end),
        cmocka_unit_test_setup_teardown(wrong_writes_are_refused_one_by_one, begin, end),
        cmocka_unit_test_setup_teardown(a_removed_interface_is_noticed_once, begin, end),
        cmocka_unit_test_setup_teardown(large_tcp_packets_are_handed_on, begin, end),
        cmocka_unit_test_setup_teardown(large_tcp_packets_are_cut, begin, end),
        cmocka_unit_test_setup_teardown(small_paths_make_no_black_hole, begin, end),
        cmocka_unit_test_setup_teardown(a_plain_end_gets_plain_packets, begin, end),
        cmocka_unit_test_setup_teardown(large_datagram_runs_are_handed_on_or_cut, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; /* nothing that could be opened without leaving traces */
}

#endif
