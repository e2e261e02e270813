/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "base/log.h"
#include "io/listener.h"
#include "io/run_for.h"
#include "io/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FILES = 64 };

struct bench {
    struct skt_loop *loop;
    struct skt_listener listener;
    struct skt_loop_timer end;
    struct skt_loop_task turn;
    struct skt_addr addr;
    int accepted[8], count;
    bool close_in_callback;
    unsigned turns;
};

static struct bench *bench_of(struct skt_listener *l)
{
    return SKT_CONTAINER(l, struct bench, listener);
}

static void on_connection(struct skt_listener *l, int fd)
{
    struct bench *b = bench_of(l);
    b->accepted[b->count++] = fd;
    if (b->close_in_callback)
        skt_listener_close(l);
}

static void on_end(struct skt_loop_timer *t, skt_us now)
{
    (void)now;
    skt_loop_stop(SKT_CONTAINER(t, struct bench, end)->loop);
}

static void count_turn(struct ev_loop *ev, ev_check *w, int revents)
{
    (void)ev;
    (void)revents;
    ((struct bench *)w->data)->turns++;
}

/* Until so many have come in, however slow the machine. */
static void await(struct bench *b, int count)
{
    for (int i = 0; i < 600 && b->count < count; i++)
        run_for(b->loop, 100 * SKT_US_PER_MS);
    assert_int_equal(b->count, count);
}

static void run(struct bench *b, skt_us time)
{
    ev_check check;
    ev_check_init(&check, count_turn);
    check.data = b;
    ev_check_start(skt_loop_ev(b->loop), &check);
    skt_loop_timer_set(b->loop, &b->end, skt_loop_update(b->loop) + time);
    skt_loop_run(b->loop);
    unsigned turns = b->turns;
    run_for(b->loop, 0); /* what is due, where the time was over before there was a turn */
    b->turns = turns;
    ev_check_stop(skt_loop_ev(b->loop), &check);
}

static void start(struct bench *b)
{
    memset(b, 0, sizeof *b);
    assert_int_equal(skt_loop_new(&b->loop), SKT_OK);
    skt_loop_timer_init(&b->end, on_end);
    assert_int_equal(skt_addr_parse(&b->addr, "127.0.0.1", 0), SKT_OK);
    int fd = skt_tcp_listen(&b->addr, 16);
    check_that(fd, >=, 0);
    assert_int_equal(skt_tcp_local(fd, &b->addr), SKT_OK);
    skt_listener_init(&b->listener, b->loop, fd, "test connections", on_connection);
    skt_listener_watch(&b->listener, true);
}

static void stop(struct bench *b)
{
    skt_listener_close(&b->listener);
    skt_listener_close(&b->listener);
    assert_false(skt_listener_is_open(&b->listener));
    for (int i = 0; i < b->count; i++)
        close(b->accepted[i]);
    skt_loop_free(b->loop);
}

/* Takes all descriptors there are; returns how many. */
static int exhaust(int fds[FILES])
{
    int n = 0;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = FILES;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (n < FILES && (fds[n] = dup(0)) >= 0)
        n++;
    return n;
}

static void give_back(int fds[FILES], int n)
{
    struct rlimit limit;
    while (n > 0)
        close(fds[--n]);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void connections_come_in(void **state)
{
    (void)state;
    struct bench b;
    start(&b);
    int first = skt_tcp_connect(&b.addr), second = skt_tcp_connect(&b.addr);
    run(&b, 50 * SKT_US_PER_MS);
    assert_int_equal(b.count, 2);
    assert_true(fcntl(b.accepted[0], F_GETFL) & O_NONBLOCK);
    skt_listener_watch(&b.listener, false);
    int third = skt_tcp_connect(&b.addr);
    run(&b, 50 * SKT_US_PER_MS);
    assert_int_equal(b.count, 2);
    b.close_in_callback = true;
    skt_listener_watch(&b.listener, true);
    run(&b, 50 * SKT_US_PER_MS);
    assert_int_equal(b.count, 3);
    assert_false(skt_listener_is_open(&b.listener));
    close(first);
    close(second);
    close(third);
    stop(&b);
}

/* Without descriptors the loop sleeps, and the connection comes in once there is one. */
static void no_descriptors_no_spin(void **state)
{
    (void)state;
    struct bench b;
    int fds[FILES];
    start(&b);
    int client = skt_tcp_connect(&b.addr);
    int n = exhaust(fds);
    run(&b, 1 * SKT_US_PER_SEC);
    assert_int_equal(b.count, 0);
    assert_in_range(b.turns, 1, 60); /* ten retries and little more; it was thousands */
    give_back(fds, n);
    await(&b, 1);
    close(client);
    stop(&b);
}

/* With a reserve one is served even then, and the reserve is there again for the next. */
static void the_reserve_serves_one(void **state)
{
    (void)state;
    struct bench b;
    int fds[FILES];
    start(&b);
    skt_listener_keep_reserve(&b.listener);
    int clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = skt_tcp_connect(&b.addr);
    int n = exhaust(fds);
    run(&b, 500 * SKT_US_PER_MS);
    assert_int_equal(b.count, 1);
    assert_in_range(b.turns, 1, 40);
    close(b.accepted[--b.count]);
    run(&b, 500 * SKT_US_PER_MS);
    assert_int_equal(b.count, 1);
    give_back(fds, n);
    await(&b, 2);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    stop(&b);
}

CHECK_GROUP(listener)
{
    skt_log_set_level(SKT_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_come_in),
        cmocka_unit_test(no_descriptors_no_spin),
        cmocka_unit_test(the_reserve_serves_one),
    };
    return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
