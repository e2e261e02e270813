/* SPDX-License-Identifier: MIT */
/* What the machine does to the process: calls that fail for lack of memory on good descriptors, a clock that
 * jumps as after a suspended hour. The calls are this program's own, in front of the C library's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/check.h"

/* Not musl's: its calls have other names on 32 bits. */
#if defined __linux__ && defined __GLIBC__
#include "io/tun_internal.h"
#include "io/tun_rig.h"
#include "io/udp.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>

static int fail_errno, fail_left, failed;
static time_t suspended_s;

static bool must_fail(void)
{
    if (fail_left == 0)
        return false;
    fail_left--;
    failed++;
    errno = fail_errno;
    return true;
}

ssize_t readv(int fd, const struct iovec *iov, int count)
{
    return must_fail() ? -1 : syscall(SYS_readv, fd, iov, count);
}

int recvmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags, struct timespec *timeout)
{
    return must_fail() ? -1 : (int)syscall(SYS_recvmmsg, fd, msgs, n, flags, timeout);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int err = (int)syscall(SYS_clock_gettime, id, ts);
    if (id == CLOCK_BOOTTIME)
        ts->tv_sec += suspended_s;
    return err;
}

/* --- descriptors --- */

static int lost, packets;

static void on_lost(void *user)
{
    (void)user;
    lost++;
}

static void on_packet(void *user, struct skt_tun_packet *p)
{
    (void)user;
    /* Not the system's own of IPv6. */
    packets += p->data[0] >> 4 == 4;
}

static void a_tun_outlives_calls_that_fail(void **state)
{
    (void)state;
    static const int passing[] = {ENOMEM, ENOBUFS, EINTR, EIO, EFAULT};
    NEEDS_ROOT();
    struct skt_tun *tun = open_tun("trouble", true, "10.44.0.1/24");
    int fd = udp_to("10.44.0.2", 9);
    skt_tun_set_lost(tun, on_lost, NULL);
    skt_tun_set_reader(tun, on_packet, NULL);
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        packets = failed = 0;
        fail_errno = passing[i];
        fail_left = 4;
        assert_int_equal(send(fd, "hello", 5, 0), 5);
        for (int round = 0; round < 300 && packets == 0; round++)
            run_for(loop, 5 * SKT_US_PER_MS);
        assert_int_equal(packets, 1);
        assert_int_equal(lost, 0);
    }
    /* For as long as it fails it is tried some fifty times a second, not all the time. */
    fail_errno = ENOMEM;
    fail_left = 1000000;
    failed = 0;
    assert_int_equal(send(fd, "hello", 5, 0), 5);
    skt_us began = skt_loop_update(loop);
    run_for(loop, 200 * SKT_US_PER_MS);
    assert_in_range(failed, 1, 30 + (skt_loop_update(loop) - began) / (20 * SKT_US_PER_MS));
    fail_left = 0;
    close(fd);
    skt_tun_close(tun);
}

static void only_a_removed_interface_is_lost(void **state)
{
    (void)state;
    static const int gone[] = {EBADFD, EBADF, ENODEV, ENXIO};
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        assert_int_equal(skt_tun_read_error(gone[i]), SKT_ERR_CLOSED);
    assert_int_equal(skt_tun_read_error(EAGAIN), SKT_ERR_AGAIN);
    assert_int_equal(skt_tun_read_error(ENOMEM), SKT_ERR_NOMEM);
}

static void what_passes_is_told_from_what_is_broken(void **state)
{
    (void)state;
    static const int passing[] = {EAGAIN, EINTR, ENOMEM, ENOBUFS},
                     broken[] = {ECONNRESET, EPIPE, ETIMEDOUT, EBADF, EIO};
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        assert_true(skt_io_passes(passing[i]));
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_false(skt_io_passes(broken[i]));
}

/* --- rest --- */

struct watch {
    struct skt_loop_io io;
    int calls;
    bool rests;
};

static void on_watch(struct skt_loop_io *io, unsigned ready)
{
    struct watch *w = SKT_CONTAINER(io, struct watch, io);
    (void)ready;
    w->calls++;
    if (w->rests)
        skt_loop_io_rest(loop, io);
}

static void a_rest_ends_by_itself(void **state)
{
    (void)state;
    struct watch w = {.rests = true};
    int ends[2];
    if (!loop)
        assert_int_equal(skt_loop_new(&loop), SKT_OK);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1); /* never read: always ready */
    skt_loop_io_init(&w.io, ends[0], on_watch);
    skt_loop_io_set(loop, &w.io, SKT_IO_READ);
    skt_us began = skt_loop_update(loop);
    run_for(loop, 100 * SKT_US_PER_MS);
    assert_in_range(w.calls, 2, 3 + (skt_loop_update(loop) - began) / (20 * SKT_US_PER_MS));
    assert_int_equal(skt_loop_io_events(&w.io), SKT_IO_READ);
    /* What is set during a rest counts after it, and nothing ends it but stopping. */
    skt_us before;
    do { /* again where the machine took longer for it than a rest lasts */
        skt_loop_io_set(loop, &w.io, 0);
        skt_loop_io_set(loop, &w.io, SKT_IO_READ);
        w.calls = 0;
        before = skt_loop_update(loop);
        skt_loop_io_rest(loop, &w.io);
        skt_loop_io_set(loop, &w.io, SKT_IO_READ | SKT_IO_WRITE);
        skt_loop_io_set(loop, &w.io, SKT_IO_READ);
        run_for_and(loop, 0, 0);
    } while (w.calls > 0 && skt_loop_now(loop) - before >= 20 * SKT_US_PER_MS);
    assert_int_equal(w.calls, 0);
    skt_loop_io_set(loop, &w.io, 0);
    assert_int_equal(skt_loop_io_events(&w.io), 0);
    run_for(loop, 50 * SKT_US_PER_MS);
    assert_int_equal(w.calls, 0);
    close(ends[0]);
    close(ends[1]);
}

/* --- a suspended hour --- */

static void note_time(struct skt_loop_timer *t, skt_us now)
{
    (void)t;
    lost = now > 0;
}

/* The kernel fires a timer of this clock when the machine wakes; here something else wakes the loop. */
static void what_was_due_meanwhile_is_due_at_once(void **state)
{
    (void)state;
    struct skt_loop_timer hour;
    lost = 0;
    skt_us before = skt_loop_update(loop);
    skt_loop_timer_init(&hour, note_time);
    skt_loop_timer_set(loop, &hour, before + 3600 * SKT_US_PER_SEC);
    run_for(loop, 5 * SKT_US_PER_MS);
    assert_int_equal(lost, 0);
    suspended_s = 3601;
    run_for_and(loop, 0, 0); /* one turn: what the kernel waits for has not been suspended */
    assert_int_equal(lost, 1);
    check_that(skt_loop_now(loop) - before, >, 3600 * SKT_US_PER_SEC);
    suspended_s = 0;
}

CHECK_GROUP(trouble)
{
    can_run = netns_enter();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tun_outlives_calls_that_fail, begin, end),
        cmocka_unit_test(only_a_removed_interface_is_lost),
        cmocka_unit_test(what_passes_is_told_from_what_is_broken),
        cmocka_unit_test_setup_teardown(a_rest_ends_by_itself, begin, end),
        cmocka_unit_test_setup_teardown(what_was_due_meanwhile_is_due_at_once, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

CHECK_GROUP(trouble)
{
    return 0;
}

#endif
