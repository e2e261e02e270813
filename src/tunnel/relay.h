/* SPDX-License-Identifier: MIT */
/* A relay moves bytes between a TCP connection and a stream, both ways, without copying through Lua: readable
 * TCP goes straight into segments, data in order straight to the TCP write. Each side's end travels on by
 * itself (half-close), a reset of either side resets the other behind the data that came before it, and a
 * side that does not read holds the other one back. */
#ifndef SKT_TUNNEL_RELAY_H
#define SKT_TUNNEL_RELAY_H

#include "io/tcp_conn.h"
#include "tunnel/endpoint.h"
#include "tunnel/relay_set.h"

struct skt_relay;

/* Long enough for a path that is interrupted, short enough for who waits for the descriptor. */
#define SKT_RELAY_LINGER_US (30 * SKT_US_PER_SEC)

struct skt_relay_options {
    skt_us
        idle_limit; /* no byte in either direction for this long: closed; SKT_NEVER: never (tcp_keepalive) */
    skt_us
        connect_timeout; /* the look-up of the target's name and all attempts to connect (tcp_recv_timeout) */
    skt_us linger;       /* at its end nobody takes a byte for this long: the rest is dropped; 0:
                            SKT_RELAY_LINGER_US */
    /* Told once when the relay has ended (its connection is closed, its stream released); may be NULL. */
    void (*on_close)(void *user, struct skt_relay *relay);
    void *user; /* handed to on_close */
};

/* Client side: relays a connection (the relay's from now on, whatever the result) into a new stream of the
 * session to the named target ("": the default). SKT_ERR_CLOSED, SKT_ERR_NOTFOUND, SKT_ERR_NOMEM: it was
 * reset. */
int skt_relay_open(struct skt_relay_set *set, struct skt_tcp_conn *conn, struct skt_endpoint *ep,
                   uint32_t cid, const char *target, const struct skt_relay_options *options,
                   struct skt_relay **out);

/* Client side: the same into a stream that was opened by its owner, who lets go of it: what the peer had to
 * say before the bytes of the connection was read. name: for the log, what it leads to. SKT_ERR_NOMEM: the
 * connection and the stream were reset. The relay may have ended on return; on_close was called then, after
 * *out was set. */
int skt_relay_join(struct skt_relay_set *set, struct skt_tcp_conn *conn, struct skt_endpoint *ep,
                   struct skt_stream *st, const char *name, const struct skt_relay_options *options,
                   struct skt_relay **out);

/* Server side: connects to host (numeric or a name, resolved without blocking) and port, then relays the
 * stream. Failure resets the stream with a reason that the client is told. The stream is the relay's from now
 * on, whatever the result: SKT_ERR_CLOSED (it was reset already), SKT_ERR_ARG (host), SKT_ERR_NOMEM,
 * SKT_ERR_FULL (the session has its share of descriptors), SKT_ERR_IO. */
int skt_relay_connect(struct skt_relay_set *set, struct skt_endpoint *ep, struct skt_stream *st,
                      const char *host, uint16_t port, const struct skt_relay_options *options,
                      struct skt_relay **out);

/* Ends a relay at once: TCP reset, stream reset. on_close is called. */
void skt_relay_reset(struct skt_relay *relay);

#endif
