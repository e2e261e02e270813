/* SPDX-License-Identifier: MIT */
/* UDP sockets that take and give datagrams in batches. Where the kernel can, a run of datagrams is one send
 * (UDP_SEGMENT) and many arrive as one (UDP_GRO); elsewhere the same calls do it one by one. */
#ifndef SKT_IO_UDP_H
#define SKT_IO_UDP_H

#include "base/addr.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_udp;

struct skt_udp_datagram {
    uint8_t *data; /* writable */
    size_t len;
    struct skt_addr from; /* `local` is filled in after skt_udp_track_local only */
};

/* Datagrams have come. Their buffers are valid and writable during the call. The socket may be closed in it.
 */
typedef void (*skt_udp_batch_fn)(void *user, struct skt_udp *udp, struct skt_udp_datagram *d, size_t n);

/* Switches off what a kernel or a driver does wrong, for the sockets that this loop opens from now on. Both
 * are on at first; a send offload that fails at run time is switched off by itself. Nothing in the program
 * asks for it: tests do, to take the way that other kernels take. */
int skt_udp_set_offload(struct skt_loop *loop, bool gso, bool gro);

/* Opens and binds a socket: family 4 or 6 (6 carries IPv6 only), ip all zero: any address, port 0: any. Its
 * datagrams are not fragmented on the way. SKT_ERR_ARG (family), SKT_ERR_NOMEM, SKT_ERR_IO (errno). */
int skt_udp_open(struct skt_udp **out, struct skt_loop *loop, const struct skt_addr *bind_to,
                 skt_udp_batch_fn fn, void *user);

/* NULL is allowed. */
void skt_udp_close(struct skt_udp *udp);

/* From now on each datagram comes with the one of our own addresses that it was sent to (from.local), so that
 * an answer to `from` leaves from there, whatever the route back would choose. For servers that are bound to
 * any address; costs a little on each receive and send. SKT_ERR_IO: the system can't. */
int skt_udp_track_local(struct skt_udp *udp);

/* The system says that what was sent to an address did not get there (an ICMP error): errno, ECONNREFUSED for
 * a port where nobody listens. The socket may not be closed in it. */
typedef void (*skt_udp_error_fn)(void *user, const struct skt_addr *to, int error);

/* Tells fn of such errors, NULL: nobody. While somebody is told, a send may fail for what was sent before, so
 * it is for sockets that wait for a first answer. Where the system does not tell (macOS) fn is not called. */
void skt_udp_watch_errors(struct skt_udp *udp, skt_udp_error_fn fn);

int skt_udp_fd(const struct skt_udp *udp);

/* The address that the socket is bound to, the port included; for tests, which bind to port 0. */
void skt_udp_local(const struct skt_udp *udp, struct skt_addr *local);

/* Sends len bytes as datagrams of segment_len bytes each, the last one what is left. fragment: routers may
 * cut them. They leave from to->local unless that is zero. SKT_OK; SKT_ERR_AGAIN: the socket's buffer is
 * full, and what did not fit counts as lost; SKT_ERR_ARG: larger than the interface or the system allows
 * (some may have gone); SKT_ERR_IO (errno). */
int skt_udp_send(struct skt_udp *udp, const struct skt_addr *to, const uint8_t *buf, size_t len,
                 size_t segment_len, bool fragment);

/* Is UDP_SEGMENT, UDP_GRO in use on this socket? For tests. */
bool skt_udp_has_gso(const struct skt_udp *udp);
bool skt_udp_has_gro(const struct skt_udp *udp);

#endif
