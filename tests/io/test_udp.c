/* SPDX-License-Identifier: MIT */
/* Real sockets on loopback, with every combination of the kernel's offloads: what arrives must be the same.
 */
#ifdef __linux__
#include "io/netns.h" /* first: what the system declares goes by it */
#endif

#include "base/check.h"
#include "base/err.h"
#include "io/run_for.h"
#include "io/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SEGMENT_LEN = 1200, ARRIVED_MAX = 400, DATAGRAM_MAX = 2048 };

struct arrived {
    size_t n, bytes;
    size_t calls;
    size_t len[ARRIVED_MAX];
    uint8_t first[ARRIVED_MAX]; /* first byte of each */
    bool intact;                /* every byte equals the first one */
    struct skt_addr from;
    bool echo, close_in_batch;
    skt_us pause; /* that each batch takes */
};

static struct skt_loop *loop;
static struct skt_udp *a, *b;
static struct arrived at_a, at_b;
static uint8_t stream[256 * SEGMENT_LEN];

static void on_batch(void *user, struct skt_udp *udp, struct skt_udp_datagram *d, size_t n)
{
    struct arrived *got = (struct arrived *)user;
    got->calls++;
    for (size_t i = 0; i < n; i++) {
        if (got->n < ARRIVED_MAX) {
            got->len[got->n] = d[i].len;
            got->first[got->n] = d[i].data[0];
        }
        for (size_t j = 1; j < d[i].len; j++)
            got->intact = got->intact && d[i].data[j] == d[i].data[0];
        got->n++;
        got->bytes += d[i].len;
        got->from = d[i].from;
        if (got->echo)
            assert_int_equal(skt_udp_send(udp, &d[i].from, d[i].data, d[i].len, d[i].len, false), SKT_OK);
        d[i].data[0] ^= 0xff; /* writable */
    }
    for (skt_us until = skt_clock_now() + got->pause; skt_clock_now() < until;)
        continue;
    if (got->close_in_batch) {
        skt_udp_close(udp);
        a = udp == a ? NULL : a;
        b = udp == b ? NULL : b;
    }
}

static void open_pair(const char *ip, bool gso, bool gro)
{
    struct skt_addr any;
    memset(&at_a, 0, sizeof at_a);
    memset(&at_b, 0, sizeof at_b);
    at_a.intact = at_b.intact = true;
    assert_int_equal(skt_loop_new(&loop), SKT_OK);
    assert_int_equal(skt_addr_parse(&any, ip, 0), SKT_OK);
    assert_int_equal(skt_udp_set_offload(loop, gso, gro), SKT_OK);
    assert_int_equal(skt_udp_open(&a, loop, &any, on_batch, &at_a), SKT_OK);
    assert_int_equal(skt_udp_open(&b, loop, &any, on_batch, &at_b), SKT_OK);
}

static void close_pair(void)
{
    skt_udp_close(a);
    skt_udp_close(b);
    a = b = NULL;
    skt_loop_free(loop);
}

/* Datagram i of a run is filled with the byte i. */
static void fill_stream(void)
{
    for (size_t i = 0; i < sizeof stream; i++)
        stream[i] = (uint8_t)(i / SEGMENT_LEN);
}

/* Until so many have come, however slow the machine. */
static void await(const size_t *n, size_t expected)
{
    for (int i = 0; i < 5000 && *n < expected; i++)
        run_for(loop, i < 20 ? 0 : 10000);
    assert_int_equal(*n, expected);
}

static void send_and_check(const char *ip, bool gso, bool gro, bool fragment, size_t len)
{
    struct skt_addr to;
    open_pair(ip, gso, gro);
    if (!gso)
        assert_false(skt_udp_has_gso(a));
    if (!gro)
        assert_false(skt_udp_has_gro(a));
    skt_udp_local(b, &to);
    assert_int_not_equal(to.port, 0);
    assert_int_equal(skt_udp_send(a, &to, stream, len, SEGMENT_LEN, fragment), SKT_OK);
    size_t expected = (len + SEGMENT_LEN - 1) / SEGMENT_LEN;
    await(&at_b.n, expected);
    run_for(loop, 0);
    assert_int_equal(at_b.n, expected);
    assert_int_equal(at_b.bytes, len);
    assert_true(at_b.intact);
    for (size_t i = 0; i < expected; i++) {
        assert_int_equal(at_b.first[i], (uint8_t)i);
        assert_int_equal(at_b.len[i], i + 1 < expected ? SEGMENT_LEN : len - i * SEGMENT_LEN);
    }
    struct skt_addr from;
    skt_udp_local(a, &from);
    assert_true(skt_addr_equal(&at_b.from, &from));
    close_pair();
}

static void runs_arrive_alike_with_and_without_offload(void **state)
{
    (void)state;
    static const size_t lens[] = {1, SEGMENT_LEN, 2 * SEGMENT_LEN, 7 * SEGMENT_LEN + 333,
                                  200 * SEGMENT_LEN + 1};
    fill_stream();
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        for (unsigned set = 0; set < 8; set++) {
            send_and_check("127.0.0.1", set & 1, set & 2, set & 4, lens[i]);
            send_and_check("::1", set & 1, set & 2, set & 4, lens[i]);
        }
    }
}

static void datagrams_are_echoed(void **state)
{
    (void)state;
    struct skt_addr to;
    fill_stream();
    open_pair("127.0.0.1", true, true);
    at_b.echo = true;
    skt_udp_local(b, &to);
    assert_int_equal(skt_udp_send(a, &to, stream, 50 * SEGMENT_LEN + 9, SEGMENT_LEN, false), SKT_OK);
    await(&at_a.n, 51);
    assert_int_equal(at_a.bytes, 50 * SEGMENT_LEN + 9);
    assert_true(at_a.intact);
    assert_true(skt_addr_equal(&at_a.from, &to));
    close_pair();
}

/* b is bound to any address, and asked at its second one: the answer comes from there, run by run and singly,
 * though the route back prefers the first. */
static void asked_and_answered_at(const char *any_ip, const char *second, bool gso, bool gro)
{
    struct skt_addr to;
    open_pair(any_ip, gso, gro);
    at_b.echo = true;
    assert_int_equal(skt_udp_track_local(b), SKT_OK);
    skt_udp_local(b, &to);
    assert_int_equal(skt_addr_parse(&to, second, to.port), SKT_OK);
    assert_int_equal(skt_udp_send(a, &to, stream, 20 * SEGMENT_LEN + 9, SEGMENT_LEN, false), SKT_OK);
    await(&at_b.n, 21);
    assert_memory_equal(at_b.from.local, to.ip, sizeof to.ip);
    await(&at_a.n, 21);
    assert_true(skt_addr_same_ip(&at_a.from, &to));
    to = at_b.from;
    assert_int_equal(skt_udp_send(b, &to, stream, 5 * SEGMENT_LEN, SEGMENT_LEN, false), SKT_OK);
    await(&at_a.n, 26);
    assert_memory_equal(at_a.from.ip, to.local, sizeof to.local);
    close_pair();
}

#ifdef __linux__
/* The kernel takes a moment before an address that was added works. */
static void await_address(const char *any_ip, const char *ip)
{
    struct skt_addr to;
    open_pair(any_ip, true, true);
    skt_udp_local(b, &to);
    assert_int_equal(skt_addr_parse(&to, ip, to.port), SKT_OK);
    for (int i = 0; i < 500 && at_b.n == 0; i++) {
        (void)skt_udp_send(a, &to, stream, 1, 1, false);
        run_for(loop, 10000);
    }
    close_pair();
}
#endif

static void answers_leave_from_the_address_that_was_asked(void **state)
{
    (void)state;
    fill_stream();
    for (unsigned set = 0; set < 4; set++)
        asked_and_answered_at("0.0.0.0", "127.0.0.5", set & 1, set & 2);
#ifdef __linux__
    struct skt_ipnet net;
    if (!netns_enter())
        return;
    assert_int_equal(skt_ipnet_parse(&net, "fd00:5::5/64"), SKT_OK);
    assert_int_equal(skt_net_address("lo", &net, NULL, true), SKT_OK);
    await_address("::", "fd00:5::5");
    for (unsigned set = 0; set < 4; set++)
        asked_and_answered_at("::", "fd00:5::5", set & 1, set & 2);
#endif
}

/* Larger than any IP packet, in one piece. */
static void too_large_a_datagram_is_an_error_of_its_own(void **state)
{
    (void)state;
    struct skt_addr to;
    open_pair("127.0.0.1", true, true);
    skt_udp_local(b, &to);
    assert_int_equal(skt_udp_send(a, &to, stream, 66000, 66000, false), SKT_ERR_ARG);
    assert_int_equal(skt_udp_send(a, &to, stream, 65520, 65520, false), SKT_ERR_ARG); /* EMSGSIZE */
    assert_int_equal(skt_udp_send(a, &to, stream, 100, 0, false), SKT_ERR_ARG);
    to.family = 6;
    assert_int_equal(skt_udp_send(a, &to, stream, 100, 100, false), SKT_ERR_ARG);
    run_for(loop, 2000);
    assert_int_equal(at_b.n, 0);
    close_pair();
}

/* Longer than a datagram of the protocol: dropped whole, never cut, and the others still come. */
static void overlong_datagrams_are_dropped_without_gro(void **state)
{
    (void)state;
    struct skt_addr to;
    fill_stream();
    open_pair("127.0.0.1", true, false);
    skt_udp_local(b, &to);
    assert_int_equal(skt_udp_send(a, &to, stream, 9000, 9000, false), SKT_OK);
    assert_int_equal(skt_udp_send(a, &to, stream, SEGMENT_LEN, SEGMENT_LEN, false), SKT_OK);
    run_for(loop, 5000);
    assert_int_equal(at_b.n, 1);
    assert_int_equal(at_b.len[0], SEGMENT_LEN);
    close_pair();
}

/* Nobody listens there: the ICMP answer must not break the socket for others. */
static void an_unreachable_port_does_not_break_the_socket(void **state)
{
    (void)state;
    struct skt_addr gone, to;
    fill_stream();
    open_pair("127.0.0.1", true, true);
    struct skt_udp *other;
    struct skt_addr any;
    assert_int_equal(skt_addr_parse(&any, "127.0.0.1", 0), SKT_OK);
    assert_int_equal(skt_udp_open(&other, loop, &any, on_batch, &at_a), SKT_OK);
    skt_udp_local(other, &gone);
    skt_udp_close(other);
    skt_udp_local(b, &to);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(skt_udp_send(a, &gone, stream, 100, 100, false), SKT_OK);
        run_for(loop, 1000);
        assert_int_equal(skt_udp_send(a, &to, stream, 3 * SEGMENT_LEN, SEGMENT_LEN, false), SKT_OK);
    }
    run_for(loop, 5000);
    assert_int_equal(at_b.n, 15);
    close_pair();
}

static void a_socket_may_be_closed_in_its_batch(void **state)
{
    (void)state;
    struct skt_addr to;
    fill_stream();
    for (int gro = 0; gro < 2; gro++) {
        open_pair("127.0.0.1", true, gro);
        at_b.close_in_batch = true;
        skt_udp_local(b, &to);
        assert_int_equal(skt_udp_send(a, &to, stream, sizeof stream, SEGMENT_LEN, false), SKT_OK);
        run_for(loop, 5000);
        assert_int_equal(at_b.calls, 1);
        assert_null(b);
        close_pair();
    }
}

static void a_taken_port_is_refused_with_errno(void **state)
{
    (void)state;
    struct skt_addr taken;
    struct skt_udp *other = NULL;
    open_pair("127.0.0.1", true, true);
    skt_udp_local(a, &taken);
    assert_int_equal(skt_udp_open(&other, loop, &taken, on_batch, NULL), SKT_ERR_IO);
    assert_int_equal(errno, EADDRINUSE);
    struct skt_addr none = {0};
    assert_int_equal(skt_udp_open(&other, loop, &none, on_batch, NULL), SKT_ERR_ARG);
    assert_null(other);
    close_pair();
}

/* IPv6 sockets leave IPv4's port of the same number alone. */
static void families_do_not_share_a_port(void **state)
{
    (void)state;
    struct skt_addr v4, v6;
    struct skt_udp *other;
    open_pair("0.0.0.0", true, true);
    skt_udp_local(a, &v4);
    assert_int_equal(skt_addr_parse(&v6, "::", v4.port), SKT_OK);
    assert_int_equal(skt_udp_open(&other, loop, &v6, on_batch, &at_b), SKT_OK);
    skt_udp_close(other);
    close_pair();
}

/* Until nothing has come for a while, however slow the machine. */
static void drain(void)
{
    size_t before;
    do {
        before = at_b.n;
        run_for(loop, 50000);
    } while (at_b.n > before);
}

/* A sender faster than the reader: the socket's buffer is limited, and later datagrams still come. */
static void a_flood_loses_datagrams_but_not_the_socket(void **state)
{
    (void)state;
    struct skt_addr to;
    fill_stream();
    open_pair("127.0.0.1", true, true);
    skt_udp_local(b, &to);
    for (int i = 0; i < 100; i++) {
        int err = skt_udp_send(a, &to, stream, sizeof stream, SEGMENT_LEN, false);
        assert_true(err == SKT_OK || err == SKT_ERR_AGAIN);
    }
    drain();
    assert_true(at_b.intact && at_b.n > 256);
    size_t before = at_b.n;
    assert_int_equal(skt_udp_send(a, &to, stream, 10, 10, false), SKT_OK);
    drain();
    assert_int_equal(at_b.n, before + 1);
    close_pair();
}

/* --- one turn of the loop --- */

struct turns {
    struct skt_loop_timer timer;
    size_t calls, bytes;           /* before this turn */
    size_t calls_most, bytes_most; /* in one turn */
};

static void on_turn(struct skt_loop_timer *t, skt_us now)
{
    struct turns *s = SKT_CONTAINER(t, struct turns, timer);
    size_t calls = at_b.calls - s->calls, bytes = at_b.bytes - s->bytes;
    s->calls_most = calls > s->calls_most ? calls : s->calls_most;
    s->bytes_most = bytes > s->bytes_most ? bytes : s->bytes_most;
    s->calls = at_b.calls;
    s->bytes = at_b.bytes;
    skt_loop_timer_set(loop, t, now); /* the next turn's */
}

/* However much waits, other descriptors and timers have their turn after half a megabyte and one batch, or,
 * where the datagrams take long, after the batch with which 5 ms are over. */
static void a_turn_is_bounded(void **state)
{
    (void)state;
    enum { TURN = 512 * 1024, BATCH = 256 * 1024 };
    for (int slow = 0; slow < 2; slow++) {
        struct turns s = {0};
        struct skt_addr to;
        fill_stream();
        open_pair("127.0.0.1", true, true);
        skt_udp_local(b, &to);
        for (int i = 0; i < 10; i++)
            (void)skt_udp_send(a, &to, stream, sizeof stream, SEGMENT_LEN, false);
        at_b.pause = slow ? 3 * SKT_US_PER_MS : 0;
        skt_loop_timer_init(&s.timer, on_turn);
        skt_loop_timer_set(loop, &s.timer, 0);
        drain();
        skt_loop_timer_stop(loop, &s.timer);
        print_message("%zu bytes in all, at most %zu a turn, in %zu batches\n", at_b.bytes, s.bytes_most,
                      s.calls_most);
        assert_in_range(s.bytes_most, 1, TURN + BATCH);
        if (slow)
            assert_in_range(s.calls_most, 1, 2);
        close_pair();
    }
}

CHECK_GROUP(udp)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_arrive_alike_with_and_without_offload),
        cmocka_unit_test(datagrams_are_echoed),
        cmocka_unit_test(too_large_a_datagram_is_an_error_of_its_own),
        cmocka_unit_test(overlong_datagrams_are_dropped_without_gro),
        cmocka_unit_test(an_unreachable_port_does_not_break_the_socket),
        cmocka_unit_test(a_socket_may_be_closed_in_its_batch),
        cmocka_unit_test(a_taken_port_is_refused_with_errno),
        cmocka_unit_test(families_do_not_share_a_port),
        cmocka_unit_test(a_flood_loses_datagrams_but_not_the_socket),
        cmocka_unit_test(a_turn_is_bounded),
        cmocka_unit_test(answers_leave_from_the_address_that_was_asked), /* last: enters a namespace */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
