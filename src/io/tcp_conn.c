/* SPDX-License-Identifier: MIT */
#include "io/tcp_conn.h"

#include "base/err.h"
#include "io/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* A peer that vanished without a word is found within 120 + 4 * 30 s = four minutes: soon enough for who
     * waits at the other end, and an idle connection over a metered link costs a packet in two minutes. */
    PROBE_IDLE_S = 120,
    PROBE_INTERVAL_S = 30,
    PROBE_COUNT = 4,
    /* 256 KiB of unwanted input a call, so that a peer that floods leaves the others their turn. */
    DROP_LEN = 16 * 1024,
    DROPS_A_CALL = 16,
};

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set where this is missing */
#endif

static void on_io(struct skt_loop_io *io, unsigned ready)
{
    struct skt_tcp_conn *conn = SKT_CONTAINER(io, struct skt_tcp_conn, io);
    conn->on_ready(conn->owner, ready);
}

/* They fail on what is no TCP socket, which may be relayed, too. */
static void set_options(int fd)
{
    (void)skt_tcp_set_nodelay(fd);
    (void)skt_tcp_set_keepalive(fd, PROBE_IDLE_S, PROBE_INTERVAL_S, PROBE_COUNT);
}

struct skt_tcp_conn *skt_tcp_conn_new(struct skt_loop *loop)
{
    struct skt_tcp_conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        return NULL;
    conn->loop = loop;
    skt_loop_io_init(&conn->io, -1, on_io);
    return conn;
}

struct skt_tcp_conn *skt_tcp_conn_accepted(struct skt_loop *loop, int fd)
{
    struct skt_tcp_conn *conn = skt_tcp_conn_new(loop);
    if (!conn) {
        skt_tcp_reset(fd);
        return NULL;
    }
    skt_loop_io_init(&conn->io, fd, on_io);
    set_options(fd);
    return conn;
}

/* With a reset: what of it has connected nobody will ever use. */
static void drop_socket(struct skt_tcp_conn *conn)
{
    int fd = skt_tcp_conn_fd(conn);
    if (fd < 0)
        return;
    skt_tcp_conn_watch(conn, 0);
    skt_loop_io_init(&conn->io, -1, on_io);
    skt_tcp_reset(fd);
}

int skt_tcp_conn_connect(struct skt_tcp_conn *conn, const struct skt_addr *to)
{
    drop_socket(conn);
    int fd = skt_tcp_connect(to);
    if (fd < 0)
        return fd;
    skt_loop_io_init(&conn->io, fd, on_io);
    return SKT_OK;
}

int skt_tcp_conn_connected(struct skt_tcp_conn *conn)
{
    int err = skt_tcp_connect_result(skt_tcp_conn_fd(conn));
    if (err == SKT_OK)
        set_options(skt_tcp_conn_fd(conn));
    return err;
}

void skt_tcp_conn_own(struct skt_tcp_conn *conn, void (*on_ready)(void *owner, unsigned ready), void *owner)
{
    skt_tcp_conn_watch(conn, 0);
    conn->on_ready = on_ready;
    conn->owner = owner;
}

static ssize_t failed(struct skt_tcp_conn *conn, int error)
{
    if (!skt_io_passes(error))
        return SKT_ERR_IO;
    if (skt_io_lacks(error))
        skt_loop_io_rest(conn->loop, &conn->io);
    return SKT_ERR_AGAIN;
}

ssize_t skt_tcp_conn_read(struct skt_tcp_conn *conn, const struct iovec *iov, int n)
{
    ssize_t got = readv(skt_tcp_conn_fd(conn), iov, n);
    return got < 0 ? failed(conn, errno) : got;
}

ssize_t skt_tcp_conn_write(struct skt_tcp_conn *conn, const struct iovec *iov, int n)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov};
    msg.msg_iovlen = (uint16_t)n; /* an int here, a size_t there */
    ssize_t put = sendmsg(skt_tcp_conn_fd(conn), &msg, MSG_NOSIGNAL);
    return put < 0 ? failed(conn, errno) : put;
}

int skt_tcp_conn_drop_input(struct skt_tcp_conn *conn)
{
    uint8_t buf[DROP_LEN];
    const struct iovec iov = {buf, sizeof buf};
    for (int i = 0; i < DROPS_A_CALL; i++) {
        ssize_t n = skt_tcp_conn_read(conn, &iov, 1);
        if (n <= 0)
            return (int)n;
    }
    return SKT_ERR_AGAIN;
}

void skt_tcp_conn_shut(struct skt_tcp_conn *conn)
{
    (void)shutdown(skt_tcp_conn_fd(conn), SHUT_WR);
}

void skt_tcp_conn_close(struct skt_tcp_conn *conn)
{
    if (!conn)
        return;
    skt_tcp_conn_watch(conn, 0);
    if (skt_tcp_conn_fd(conn) >= 0)
        close(skt_tcp_conn_fd(conn));
    free(conn);
}

void skt_tcp_conn_reset(struct skt_tcp_conn *conn)
{
    if (!conn)
        return;
    drop_socket(conn);
    free(conn);
}
