/* SPDX-License-Identifier: MIT */
/* Real TCP through a real tunnel on loopback: what one end does, the other one sees. */
#include "base/check.h"
#include "base/err.h"
#include "io/tcp.h"
#include "sim/instrumented.h"
#include "tunnel/endpoint_internal.h"
#include "tunnel/relay_internal.h"
#include "tunnel/relay_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND SKT_US_PER_SEC

enum { BULK_LEN = 6 * 1024 * 1024 };

static struct rig rig;
static uint8_t *bulk;

static int set_up(void **state)
{
    (void)state;
    rig_start(&rig, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_stop(&rig);
    return 0;
}

static int fill_bulk(void **state)
{
    (void)state;
    uint64_t seed = 42;
    bulk = malloc(BULK_LEN);
    if (!bulk)
        return -1;
    for (size_t i = 0; i < BULK_LEN; i++)
        bulk[i] = (uint8_t)check_random(&seed);
    return 0;
}

static int free_bulk(void **state)
{
    (void)state;
    free(bulk);
    return 0;
}

/* Everything ended, on both sides once, and no stream is left. */
static void expect_all_closed(unsigned each)
{
    assert_true(rig_all_closed(&rig, 3 * SECOND));
    assert_int_equal(rig.client.closed, each);
    assert_int_equal(rig.server.closed, each);
    struct skt_session *s = skt_endpoint_session(rig.client.ep, rig.cid);
    assert_non_null(s);
    assert_int_equal(skt_session_stream_count(s), 0);
}

/* --- bytes --- */

static void bytes_go_both_ways_and_ends_travel_alone(void **state)
{
    (void)state;
    char buf[16];
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    assert_int_equal(rig_move(&rig, app, target, (const uint8_t *)"request", 7, SECOND), 0);
    assert_int_equal(rig_move(&rig, target, app, bulk, 100, SECOND), 0);
    assert_int_equal(shutdown(app, SHUT_WR), 0);
    assert_int_equal(rig_read(&rig, target, buf, sizeof buf, SECOND), 0);
    /* The target answers after the client's end, and the client still hears it. */
    rig_run(&rig, 20000);
    assert_int_equal(rig_move(&rig, target, app, bulk, BULK_LEN / 4, 10 * SECOND), 0);
    assert_int_equal(rig_read(&rig, app, buf, sizeof buf, 50000), -EAGAIN);
    close(target);
    assert_int_equal(rig_read(&rig, app, buf, sizeof buf, SECOND), 0);
    close(app);
    expect_all_closed(1);
    assert_int_equal(skt_relay_set_stats(rig.client.relays)->closed, 1);
    assert_int_equal(skt_relay_set_stats(rig.client.relays)->refused, 0);
}

static void bulk_arrives_whole_in_both_directions(void **state)
{
    (void)state;
    char buf[4];
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    assert_int_equal(rig_move(&rig, app, target, bulk, BULK_LEN, 20 * SECOND), 0);
    assert_int_equal(rig_move(&rig, target, app, bulk, BULK_LEN, 20 * SECOND), 0);
    assert_int_equal(rig.client.last->in.bytes, BULK_LEN);
    assert_int_equal(rig.client.last->out.bytes, BULK_LEN);
    close(app);
    assert_int_equal(rig_read(&rig, target, buf, sizeof buf, SECOND), 0);
    close(target);
    expect_all_closed(1);
}

/* Written, closed at once, and only then accepted by the target: nothing of it may get lost. */
static void what_was_written_before_a_close_is_delivered(void **state)
{
    (void)state;
    enum { LEN = 60000 };
    static uint8_t got[LEN];
    int app = rig_open(&rig, "");
    assert_int_equal(write(app, bulk, LEN), LEN);
    close(app);
    rig_run(&rig, 20000);
    int target = rig_accept(&rig);
    size_t len = 0;
    long n;
    while ((n = rig_read(&rig, target, got + len, LEN - len, SECOND)) > 0)
        len += (size_t)n;
    assert_int_equal(len, LEN);
    assert_memory_equal(got, bulk, LEN);
    close(target);
    expect_all_closed(1);
}

static void many_connections_do_not_mix(void **state)
{
    (void)state;
    enum { MANY = 120 };
    int apps[MANY], targets[MANY];
    uint8_t hello[4];
    for (int i = 0; i < MANY; i++) {
        apps[i] = rig_open(&rig, "");
        hello[0] = (uint8_t)i;
        assert_int_equal(write(apps[i], hello, 1), 1);
        targets[i] = -1;
    }
    for (int i = 0; i < MANY; i++) {
        int fd = rig_accept(&rig);
        assert_int_equal(rig_read(&rig, fd, hello, sizeof hello, SECOND), 1);
        assert_int_equal(targets[hello[0]], -1);
        targets[hello[0]] = fd;
    }
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(rig_move(&rig, targets[i], apps[i], bulk + i, 5000, SECOND), 0);
        close(apps[i]);
        close(targets[i]);
    }
    expect_all_closed(MANY);
    assert_int_equal(skt_relay_set_stats(rig.server.relays)->accepted, MANY);
}

/* --- backpressure --- */

/* Writes until nothing more is taken for a while; the bytes written. */
static size_t fill(int fd, size_t at_most)
{
    size_t written = 0;
    for (int quiet = 0; quiet < 20 && written < at_most;) {
        size_t at = written % BULK_LEN, piece = BULK_LEN - at < 4096 ? BULK_LEN - at : 4096;
        ssize_t n = send(fd, bulk + at, piece, MSG_NOSIGNAL);
        if (n > 0) {
            written += (size_t)n;
            quiet = 0;
        } else {
            quiet++;
            rig_run(&rig, 2000);
        }
    }
    return written;
}

static void limit_socket_buffers(int fd)
{
    int len = 64 * 1024;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &len, sizeof len), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof len), 0);
}

/* The target does not read: the client is held back, memory stays bounded; then everything flows on. */
static void a_reader_that_stops_holds_its_sender_back(void **state)
{
    (void)state;
    enum { LIMIT = 256 * 1024 * 1024 };
    limit_socket_buffers(rig.listener);
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    size_t written = fill(app, LIMIT);
    assert_true(written > 100000 && written < 60u * 1024 * 1024);
    check_that(rig.shared->pool.used, <=, rig.shared->pool.budget);
    size_t left = written, at = 0;
    static uint8_t got[65536];
    while (left > 0) {
        long n = rig_read(&rig, target, got, sizeof got, 2 * SECOND);
        check_that(n, >, 0);
        for (long i = 0; i < n; i++, at++)
            assert_int_equal(got[i], bulk[at % BULK_LEN]);
        left -= (size_t)n;
    }
    close(app);
    close(target);
    expect_all_closed(1);
}

static bool is_dead(void *arg)
{
    return skt_tcp_state(*(int *)arg) == SKT_TCP_DEAD;
}

/* What fd gives until it breaks; the bytes, which must be bulk's, and the error. */
static size_t read_to_the_end(int fd, long *error)
{
    static uint8_t got[65536];
    size_t len = 0;
    long n;
    while ((n = rig_read(&rig, fd, got, sizeof got, 5 * SECOND)) > 0)
        for (long i = 0; i < n; i++, len++)
            assert_int_equal(got[i], bulk[len % BULK_LEN]);
    *error = n;
    return len;
}

/* A client that is held back is watched in no direction, yet its reset is noticed, and has its place behind
 * what the tunnel had taken. */
static void a_held_back_client_that_vanishes_is_noticed(void **state)
{
    (void)state;
    long error;
    limit_socket_buffers(rig.listener);
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    (void)fill(app, BULK_LEN * 8);
    assert_int_equal(rig.client.closed, 0);
    uint64_t taken = rig.client.last->in.bytes;
    skt_tcp_reset(app);
    assert_true(read_to_the_end(target, &error) >= taken);
    assert_int_equal(error, -ECONNRESET);
    close(target);
    expect_all_closed(1);
}

/* ... which a target that never reads does not hold for ever. */
static void a_target_that_never_reads_holds_no_end_back(void **state)
{
    (void)state;
    limit_socket_buffers(rig.listener);
    rig.client.options.linger = rig.server.options.linger = 200000;
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    (void)fill(app, BULK_LEN * 8);
    skt_tcp_reset(app);
    expect_all_closed(1);
    check_that(rig.shared->pool.used, <, 64 * 1024); /* the sessions' own */
    close(target);
}

/* A half-closed client that waits for an answer is watched for nothing; it too may vanish. */
static void a_half_closed_client_that_vanishes_is_noticed(void **state)
{
    (void)state;
    char buf[4];
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    assert_int_equal(shutdown(app, SHUT_WR), 0);
    assert_int_equal(rig_read(&rig, target, buf, sizeof buf, SECOND), 0);
    assert_false(is_dead(&target));
    skt_tcp_reset(app);
    assert_true(rig_until(&rig, is_dead, &target, 3 * SECOND));
    close(target);
    expect_all_closed(1);
}

/* Little memory for all (both ends share it here) and readers that come late: slow, but everything arrives.
 */
static void a_small_budget_loses_nothing(void **state)
{
    (void)state;
    enum { MANY = 12, EACH = 1024 * 1024 };
    int apps[MANY], targets[MANY];
    rig_stop(&rig);
    rig_start(&rig, 2 * 1024 * 1024);
    limit_socket_buffers(rig.listener);
    for (int i = 0; i < MANY; i++) {
        apps[i] = rig_open(&rig, "");
        targets[i] = rig_accept(&rig);
    }
    size_t sent[MANY];
    for (int i = 0; i < MANY; i++)
        sent[i] = fill(apps[i], EACH);
    check_that(rig.shared->pool.used, <=, rig.shared->pool.budget);
    for (int i = 0; i < MANY; i++) {
        static uint8_t got[65536];
        for (size_t at = 0; at < sent[i];) {
            long n = rig_read(&rig, targets[i], got, sizeof got, 20 * SECOND); /* window probes: to 5 s */
            check_that(n, >, 0);
            assert_memory_equal(got, bulk + at, (size_t)n);
            at += (size_t)n;
        }
        assert_int_equal(rig_move(&rig, targets[i], apps[i], bulk, 100000, 20 * SECOND), 0);
    }
    for (int i = 0; i < MANY; i++) {
        close(apps[i]);
        close(targets[i]);
    }
    expect_all_closed(MANY);
}

/* --- resets --- */

static void a_reset_of_the_client_reaches_the_target(void **state)
{
    (void)state;
    char buf[16];
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    assert_int_equal(rig_move(&rig, app, target, bulk, 1000, SECOND), 0);
    skt_tcp_reset(app);
    assert_int_equal(rig_read(&rig, target, buf, sizeof buf, SECOND), -ECONNRESET);
    close(target);
    expect_all_closed(1);
}

static void a_reset_of_the_target_reaches_the_client(void **state)
{
    (void)state;
    char buf[16];
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    assert_int_equal(rig_move(&rig, app, target, bulk, 1000, SECOND), 0);
    assert_int_equal(write(target, "last", 4), 4);
    rig_run(&rig, 20000);
    skt_tcp_reset(target);
    rig_run(&rig, 20000);
    assert_int_equal(rig_read(&rig, app, buf, sizeof buf, SECOND), 4);
    assert_int_equal(rig_read(&rig, app, buf, sizeof buf, SECOND), -ECONNRESET);
    close(app);
    expect_all_closed(1);
}

/* What a server does that has answered early: it closes with input unread, so that its end is a reset. */
static void an_answer_before_a_reset_arrives_whole(void **state)
{
    (void)state;
    static const size_t lens[] = {300, 10000, 60000, 400000};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        long error;
        int app = rig_open(&rig, "");
        int target = rig_accept(&rig);
        (void)fill(app, 3000000); /* the upload that nobody reads */
        for (size_t at = 0; at < lens[i];) {
            ssize_t n = send(target, bulk + at, lens[i] - at, MSG_NOSIGNAL);
            at += n > 0 ? (size_t)n : 0;
            rig_run(&rig, 500);
        }
        char unread;
        while (skt_tcp_unsent(target) > 0 || /* what its own system drops is not ours to deliver */
               recv(target, &unread, 1, MSG_PEEK | MSG_DONTWAIT) < 1) /* else the end is none but a FIN */
            rig_run(&rig, 500);
        close(target);
        assert_int_equal(read_to_the_end(app, &error), lens[i]);
        assert_int_equal(error, -ECONNRESET);
        close(app);
        expect_all_closed((unsigned)i + 1);
    }
}

/* Acknowledged by the relay's system, not yet read by the relay, whose stream has no room; then a reset. */
static void what_was_acknowledged_before_a_reset_arrives(void **state)
{
    (void)state;
    long error;
    limit_socket_buffers(rig.listener);
    int app = rig_open(&rig, "");
    limit_socket_buffers(app);
    int target = rig_accept(&rig);
    size_t sent = fill(target, BULK_LEN * 8), lost = skt_tcp_unsent(target);
    skt_tcp_reset(target);
    rig_run(&rig, 100000);
    assert_true(read_to_the_end(app, &error) >= sent - lost);
    assert_int_equal(error, -ECONNRESET);
    close(app);
    expect_all_closed(1);
}

/* The peer's session ends with bytes here that TCP has yet to take. */
static void the_end_of_a_session_has_its_place_behind_the_data(void **state)
{
    (void)state;
    long error;
    int app = rig_open(&rig, "");
    limit_socket_buffers(app);
    int target = rig_accept(&rig);
    size_t sent = fill(target, 1000000);
    rig_run(&rig, 300000); /* it is on the client's side */
    assert_int_equal(skt_endpoint_close(rig.client.ep, rig.cid, SKT_CLOSE_LOCAL), SKT_OK);
    rig_run(&rig, 50000);
    assert_int_equal(read_to_the_end(app, &error), sent);
    assert_int_equal(error, -ECONNRESET);
    close(app);
    close(target);
    assert_true(rig_all_closed(&rig, 3 * SECOND));
}

/* The process ends: what was read from TCP is delivered, on both sides. */
static void leaving_delivers_what_was_read(void **state)
{
    (void)state;
    long error;
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    size_t up = fill(app, 100000), down = fill(target, 100000);
    rig_run(&rig, SIM_INSTRUMENTED ? 300000 : 30000); /* all is read, not all delivered */
    skt_relay_set_leave(rig.client.relays);
    assert_int_equal(read_to_the_end(target, &error), up);
    assert_int_equal(error, -ECONNRESET);
    assert_int_equal(read_to_the_end(app, &error), down);
    assert_int_equal(error, -ECONNRESET);
    close(app);
    close(target);
    expect_all_closed(1);
}

/* A request, then a reset, before the target was even looked for. */
static void a_reset_does_not_overtake_the_first_bytes(void **state)
{
    (void)state;
    long error;
    int app = rig_open(&rig, "");
    assert_int_equal(write(app, bulk, 5000), 5000);
    rig_run(&rig, 2000);
    skt_tcp_reset(app);
    int target = rig_accept(&rig);
    assert_int_equal(read_to_the_end(target, &error), 5000);
    assert_int_equal(error, -ECONNRESET);
    close(target);
    expect_all_closed(1);
}

/* The client closes with data of the target's still coming, as browsers do. */
static void a_client_that_closes_during_a_download_stops_the_target(void **state)
{
    (void)state;
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    assert_int_equal(rig_move(&rig, target, app, bulk, 100000, SECOND), 0);
    size_t sent = 0;
    close(app);
    for (int i = 0; i < 2000; i++) {
        ssize_t n = send(target, bulk, 4096, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            break;
        sent += n > 0 ? (size_t)n : 0;
        rig_run(&rig, 1000);
    }
    check_that(sent, <, 8u * 1024 * 1024);
    close(target);
    expect_all_closed(1);
}

static void a_relay_may_be_reset_from_outside_and_from_on_close(void **state)
{
    (void)state;
    char buf[4];
    int first = rig_open(&rig, "");
    struct skt_relay *one = rig.client.last;
    int second = rig_open(&rig, "");
    rig.client.victim = rig.client.last;
    int a = rig_accept(&rig), b = rig_accept(&rig);
    skt_relay_reset(one); /* whose on_close resets the other */
    assert_int_equal(rig.client.closed, 2);
    assert_int_equal(rig_read(&rig, first, buf, sizeof buf, SECOND), -ECONNRESET);
    assert_int_equal(rig_read(&rig, second, buf, sizeof buf, SECOND), -ECONNRESET);
    assert_int_equal(rig_read(&rig, a, buf, sizeof buf, SECOND), -ECONNRESET);
    assert_int_equal(rig_read(&rig, b, buf, sizeof buf, SECOND), -ECONNRESET);
    close(first);
    close(second);
    close(a);
    close(b);
    expect_all_closed(2);
}

/* --- limits and ends --- */

static void an_idle_connection_is_closed_and_a_busy_one_is_not(void **state)
{
    (void)state;
    char buf[4];
    rig.client.options.idle_limit = 2 * SECOND; /* many times a round's length, however late its turns come */
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    for (int i = 0; i < 13; i++) {
        assert_int_equal(rig_move(&rig, i % 2 ? app : target, i % 2 ? target : app, bulk, 10, SECOND), 0);
        rig_run(&rig, 200000);
    }
    assert_int_equal(rig.client.closed, 0);
    assert_int_equal(rig_read(&rig, app, buf, sizeof buf, 2 * SECOND), -ECONNRESET);
    assert_int_equal(rig_read(&rig, target, buf, sizeof buf, SECOND), -ECONNRESET);
    close(app);
    close(target);
    expect_all_closed(1);
}

/* The client's end of the session goes, with relays in every state. */
static void the_end_of_a_session_resets_its_connections(void **state)
{
    (void)state;
    char buf[4];
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    int half = rig_open(&rig, "");
    int half_target = rig_accept(&rig);
    shutdown(half, SHUT_WR);
    int late = rig_open(&rig, ""); /* not yet told to the server */
    rig_run(&rig, 20000);
    assert_int_equal(skt_endpoint_close(rig.client.ep, rig.cid, SKT_CLOSE_LOCAL), SKT_OK);
    assert_int_equal(rig_read(&rig, app, buf, sizeof buf, SECOND), -ECONNRESET);
    assert_int_equal(rig_read(&rig, half, buf, sizeof buf, SECOND), -ECONNRESET);
    assert_int_equal(rig_read(&rig, late, buf, sizeof buf, SECOND), -ECONNRESET);
    assert_int_equal(rig_read(&rig, target, buf, sizeof buf, SECOND), -ECONNRESET);
    assert_true(rig_all_closed(&rig, SECOND));
    close(app);
    close(half);
    close(late);
    close(target);
    close(half_target);
}

/* Nothing may be left or touched afterwards: the sanitizer's to find. */
static void endpoints_may_end_with_open_relays(void **state)
{
    (void)state;
    int app = rig_open(&rig, "");
    int target = rig_accept(&rig);
    int other = rig_open(&rig, "");
    rig_run(&rig, 3000);
    rig_stop(&rig);
    assert_int_equal(rig.client.closed, 2);
    close(app);
    close(target);
    close(other);
    rig_start(&rig, 0);
}

/* The server falls silent: what it has answered stays open, what it never answered is not left to hang. */
static void what_a_silent_server_never_answered_is_reset(void **state)
{
    (void)state;
    char buf[4];
    int old = rig_open(&rig, "");
    int target = rig_accept(&rig);
    assert_int_equal(rig_move(&rig, old, target, bulk, 1000, SECOND), 0);
    int deaf = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(deaf >= 0 && dup2(deaf, skt_udp_fd(rig.server.ep->udp.list[0])) >= 0);
    int app = rig_open(&rig, "");
    assert_int_equal(write(app, "hello", 5), 5);
    assert_int_equal(rig_read(&rig, app, buf, sizeof buf, 10 * SECOND), -ECONNRESET);
    assert_int_equal(rig_read(&rig, old, buf, sizeof buf, 1000), -EAGAIN);
    close(deaf);
    close(app);
    close(old);
    close(target);
}

static void without_a_session_the_socket_is_reset(void **state)
{
    (void)state;
    char buf[4];
    int fds[2];
    struct skt_relay *r = NULL;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct skt_tcp_conn *conn = skt_tcp_conn_accepted(rig.loop, fds[0]);
    assert_non_null(conn);
    assert_int_equal(
        skt_relay_open(rig.client.relays, conn, rig.client.ep, rig.cid + 1, "", &rig.client.options, &r),
        SKT_ERR_NOTFOUND);
    assert_null(r);
    assert_int_equal(read(fds[1], buf, sizeof buf), 0);
    close(fds[1]);
    const struct skt_relay_stats *stats = skt_relay_set_stats(rig.client.relays);
    assert_true(stats->open == 0 && stats->accepted == 1 && stats->refused == 1);
    assert_int_equal(rig.client.closed, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

CHECK_GROUP(relay)
{
    const struct CMUnitTest tests[] = {
        CASE(bytes_go_both_ways_and_ends_travel_alone),
        CASE(bulk_arrives_whole_in_both_directions),
        CASE(what_was_written_before_a_close_is_delivered),
        CASE(many_connections_do_not_mix),
        CASE(a_reader_that_stops_holds_its_sender_back),
        CASE(a_small_budget_loses_nothing),
        CASE(a_held_back_client_that_vanishes_is_noticed),
        CASE(a_target_that_never_reads_holds_no_end_back),
        CASE(a_half_closed_client_that_vanishes_is_noticed),
        CASE(an_answer_before_a_reset_arrives_whole),
        CASE(what_was_acknowledged_before_a_reset_arrives),
        CASE(the_end_of_a_session_has_its_place_behind_the_data),
        CASE(leaving_delivers_what_was_read),
        CASE(a_reset_does_not_overtake_the_first_bytes),
        CASE(a_reset_of_the_client_reaches_the_target),
        CASE(a_reset_of_the_target_reaches_the_client),
        CASE(a_client_that_closes_during_a_download_stops_the_target),
        CASE(a_relay_may_be_reset_from_outside_and_from_on_close),
        CASE(an_idle_connection_is_closed_and_a_busy_one_is_not),
        CASE(the_end_of_a_session_resets_its_connections),
        CASE(endpoints_may_end_with_open_relays),
        CASE(what_a_silent_server_never_answered_is_reset),
        CASE(without_a_session_the_socket_is_reset),
    };
    return cmocka_run_group_tests(tests, fill_bulk, free_bulk);
}
