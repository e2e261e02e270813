/* SPDX-License-Identifier: MIT */
/* A connection as one object: its options, however it was made; handing it on; its ends. */
#include "base/check.h"
#include "base/err.h"
#include "io/dial.h"
#include "io/run_for.h"
#include "io/tcp.h"
#include "io/tcp_conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS     SKT_US_PER_MS
#define SECOND SKT_US_PER_SEC

static struct skt_loop *loop;
static struct skt_tcp_conn *here, *there; /* the accepted one and the one that was dialled */

static void on_dialled(void *user, struct skt_tcp_conn *conn)
{
    (void)user;
    there = conn;
    skt_loop_stop(loop);
}

static int set_up(void **state)
{
    struct skt_addr at;
    struct skt_dial dial = {0};
    (void)state;
    assert_int_equal(skt_loop_new(&loop), SKT_OK);
    assert_int_equal(skt_addr_parse(&at, "127.0.0.1", 0), SKT_OK);
    int listener = skt_tcp_listen(&at, 1);
    check_that(listener, >=, 0);
    assert_int_equal(skt_tcp_local(listener, &at), SKT_OK);
    assert_int_equal(skt_dial_begin(&dial, loop, "127.0.0.1", at.port, 20 * SECOND, on_dialled, NULL),
                     SKT_OK);
    skt_loop_run(loop);
    assert_non_null(there);
    int fd = skt_tcp_accept(listener, NULL);
    check_that(fd, >=, 0);
    close(listener);
    here = skt_tcp_conn_accepted(loop, fd);
    assert_non_null(here);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    skt_tcp_conn_close(here);
    skt_tcp_conn_close(there);
    here = there = NULL;
    skt_loop_free(loop);
    return 0;
}

static int option(const struct skt_tcp_conn *conn, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(skt_tcp_conn_fd(conn), level, name, &value, &len), 0);
    return value;
}

static void all_have_the_same_options(void **state)
{
    (void)state;
    const struct skt_tcp_conn *const both[] = {here, there};
    for (int i = 0; i < 2; i++) {
        assert_true(option(both[i], IPPROTO_TCP, TCP_NODELAY));
        assert_true(option(both[i], SOL_SOCKET, SO_KEEPALIVE));
#ifdef TCP_KEEPIDLE
        assert_int_equal(option(both[i], IPPROTO_TCP, TCP_KEEPIDLE), 120);
#endif
        assert_int_equal(option(both[i], IPPROTO_TCP, TCP_KEEPINTVL), 30);
        assert_int_equal(option(both[i], IPPROTO_TCP, TCP_KEEPCNT), 4);
    }
}

static void count(void *owner, unsigned ready)
{
    ++*(int *)owner;
    assert_int_equal(ready, SKT_IO_READ);
    skt_tcp_conn_watch(here, 0);
}

static ssize_t say(struct skt_tcp_conn *conn, const char *text, size_t len)
{
    const struct iovec iov = {(void *)(uintptr_t)text, len};
    return skt_tcp_conn_write(conn, &iov, 1);
}

static void the_new_owner_is_told_and_the_old_one_is_not(void **state)
{
    (void)state;
    int old = 0, new = 0;
    skt_tcp_conn_own(here, count, &old);
    skt_tcp_conn_watch(here, SKT_IO_READ);
    assert_int_equal(say(there, "one", 3), 3);
    skt_tcp_conn_own(here, count, &new);
    run_for(loop, 20 * MS);
    assert_int_equal(old, 0);
    assert_int_equal(new, 0); /* it has asked for nothing yet */
    skt_tcp_conn_watch(here, SKT_IO_READ);
    run_for(loop, 20 * MS);
    assert_int_equal(old, 0);
    assert_int_equal(new, 1);
    char buf[8];
    const struct iovec iov = {buf, sizeof buf};
    assert_int_equal(skt_tcp_conn_read(here, &iov, 1), 3);
    assert_int_equal(skt_tcp_conn_read(here, &iov, 1), SKT_ERR_AGAIN);
}

static void what_nobody_wants_is_dropped_until_the_end(void **state)
{
    (void)state;
    assert_int_equal(skt_tcp_conn_drop_input(here), SKT_ERR_AGAIN);
    assert_int_equal(say(there, "much", 4), 4);
    skt_tcp_conn_shut(there);
    run_for(loop, 20 * MS);
    assert_int_equal(skt_tcp_conn_drop_input(here), SKT_OK);
    skt_tcp_conn_reset(here);
    here = NULL;
    run_for(loop, 20 * MS);
    assert_int_equal(skt_tcp_conn_drop_input(there), SKT_ERR_IO);
    assert_int_equal(say(there, "x", 1), SKT_ERR_IO);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

CHECK_GROUP(tcp_conn)
{
    const struct CMUnitTest tests[] = {
        CASE(all_have_the_same_options),
        CASE(the_new_owner_is_told_and_the_old_one_is_not),
        CASE(what_nobody_wants_is_dropped_until_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
