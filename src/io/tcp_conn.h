/* SPDX-License-Identifier: MIT */
/* A TCP connection: one object from the accept, or from the way out (io/dial.h), to its end. It has one owner
 * at a time, who hands it on whole, with its socket, its watcher and its options. All connections have the
 * same options: small writes go out at once, and an idle peer is probed.
 *
 * The object is on the heap and is the owner's; closing it frees it. */
#ifndef SKT_IO_TCP_CONN_H
#define SKT_IO_TCP_CONN_H

#include "base/addr.h"
#include "io/loop.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct skt_tcp_conn {
    struct skt_loop *loop;                         /* that the socket is watched in */
    struct skt_loop_io io;                         /* the socket's; its fd is -1 until a connect has begun */
    void (*on_ready)(void *owner, unsigned ready); /* told of a set of SKT_IO_*; may close the connection */
    void *owner;                                   /* handed to on_ready */
};

/* A connection that was accepted: non-blocking, the object's from now on. NULL: no memory, and fd was reset.
 */
struct skt_tcp_conn *skt_tcp_conn_accepted(struct skt_loop *loop, int fd);

/* A connection that is yet to be made: no memory is needed later on. NULL: no memory. */
struct skt_tcp_conn *skt_tcp_conn_new(struct skt_loop *loop);

/* Begins to connect; a socket of an earlier attempt is reset. It is writable once skt_tcp_conn_connected
 * knows. SKT_ERR_IO with errno. */
int skt_tcp_conn_connect(struct skt_tcp_conn *conn, const struct skt_addr *to);

/* How the connect went: SKT_OK, SKT_ERR_AGAIN (still under way), SKT_ERR_IO with errno. */
int skt_tcp_conn_connected(struct skt_tcp_conn *conn);

/* A new owner, who is told of events. Nothing is watched before it asks for it. */
void skt_tcp_conn_own(struct skt_tcp_conn *conn, void (*on_ready)(void *owner, unsigned ready), void *owner);

/* Watches for a set of SKT_IO_*; 0 stops. */
static inline void skt_tcp_conn_watch(struct skt_tcp_conn *conn, unsigned events)
{
    skt_loop_io_set(conn->loop, &conn->io, events);
}

static inline int skt_tcp_conn_fd(const struct skt_tcp_conn *conn)
{
    return conn->io.w.fd;
}

/* One read: bytes; 0: the peer has ended its direction; SKT_ERR_AGAIN: nothing now (where memory is what
 * lacks, the socket rests for a moment); SKT_ERR_IO: the connection is broken. */
ssize_t skt_tcp_conn_read(struct skt_tcp_conn *conn, const struct iovec *iov, int n);

/* One write: bytes, perhaps less than all; SKT_ERR_AGAIN: no room now; SKT_ERR_IO: the connection is broken.
 */
ssize_t skt_tcp_conn_write(struct skt_tcp_conn *conn, const struct iovec *iov, int n);

/* Reads and drops what has come, a bounded part of it at a time: SKT_OK: the peer has ended its direction;
 * SKT_ERR_AGAIN: it has not; SKT_ERR_IO: the connection is broken. */
int skt_tcp_conn_drop_input(struct skt_tcp_conn *conn);

/* Ends our direction. Fails only where the connection is gone, which reading tells. */
void skt_tcp_conn_shut(struct skt_tcp_conn *conn);

/* The orderly end: the system still delivers what was written, unless there is input that nobody has read.
 * NULL is allowed. */
void skt_tcp_conn_close(struct skt_tcp_conn *conn);

/* Ends it with a reset, whatever is still buffered. NULL is allowed. */
void skt_tcp_conn_reset(struct skt_tcp_conn *conn);

#endif
