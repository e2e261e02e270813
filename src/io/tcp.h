/* SPDX-License-Identifier: MIT */
/* TCP sockets. Every descriptor made here is non-blocking and closed on exec; it belongs to the caller. A
 * negative result is an enum skt_err; with SKT_ERR_IO errno says why. */
#ifndef SKT_IO_TCP_H
#define SKT_IO_TCP_H

#include "base/addr.h"

#include <stdbool.h>

/* Listens on an address (family 4 or 6; 6 carries IPv6 only). The descriptor, SKT_ERR_ARG, SKT_ERR_IO. */
int skt_tcp_listen(const struct skt_addr *addr, int backlog);

/* Takes the next connection: its descriptor, or SKT_ERR_AGAIN (none is waiting), SKT_ERR_FULL (the process or
 * the system is out of descriptors or memory: stop accepting for a moment, the listener stays readable),
 * SKT_ERR_IO. Connections that died while they waited are passed over. from may be NULL. */
int skt_tcp_accept(int listen_fd, struct skt_addr *from);

/* Begins to connect: the descriptor; it is writable once skt_tcp_connect_result knows. */
int skt_tcp_connect(const struct skt_addr *to);

/* How the connect went: SKT_OK, SKT_ERR_AGAIN (still under way), SKT_ERR_IO with errno. */
int skt_tcp_connect_result(int fd);

/* Probes an idle peer after idle_s seconds, every interval_s, and gives it up after `count` unanswered ones.
 */
int skt_tcp_set_keepalive(int fd, int idle_s, int interval_s, int count);

int skt_tcp_set_nodelay(int fd);

/* Bytes written that the peer's system has not acknowledged; 0 also where that can't be told. */
size_t skt_tcp_unsent(int fd);

/* Closes with a reset instead of an orderly end, whatever is still buffered. */
void skt_tcp_reset(int fd);

/* What became of a connection, without reading from it. */
enum skt_tcp_state {
    SKT_TCP_OPEN,
    SKT_TCP_HALF_CLOSED, /* the peer has ended its direction; data may be left to read */
    SKT_TCP_DEAD,        /* reset or timed out */
};
enum skt_tcp_state skt_tcp_state(int fd);

/* The addresses of both ends; SKT_ERR_IO. */
int skt_tcp_local(int fd, struct skt_addr *addr);
int skt_tcp_peer(int fd, struct skt_addr *addr);

#endif
