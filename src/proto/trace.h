/* SPDX-License-Identifier: MIT */
/* What happens inside a session, told to whoever listens: a table of callbacks. Nobody listening (`on` is
 * NULL) costs a load and a branch that is always taken the same way. Nothing of it changes what the session
 * does; a callback must call nothing of the session's. `now` is the time that the verb was given; where one
 * has none at hand it is the last that the path was given. Lengths are bytes. No key, no ticket and no
 * payload is ever told. qlog/qlog.h writes it down. */
#ifndef SKT_PROTO_TRACE_H
#define SKT_PROTO_TRACE_H

#include "base/addr.h"
#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a datagram that was sent is for. */
enum skt_trace_datagram {
    SKT_TRACE_DATA,      /* segments and acknowledgements, control frames */
    SKT_TRACE_PARITY,    /* a packet of parity */
    SKT_TRACE_PROBE,     /* for the datagram size */
    SKT_TRACE_HANDSHAKE, /* message 1, ATTACH, ACCEPT, a challenge */
};

/* Why a segment goes. */
enum skt_trace_cause {
    SKT_TRACE_FIRST, /* its first transmission */
    SKT_TRACE_AGAIN, /* since the last one was found lost */
    SKT_TRACE_TAIL,  /* the tail probe: to see whether the last one was lost */
    SKT_TRACE_COPY,  /* a duplicate, unasked */
};

struct skt_trace_segment {
    uint32_t conv, sn;
    uint16_t len;  /* of the data */
    uint8_t cause; /* enum skt_trace_cause */
};

/* How a transmission was found lost. */
enum skt_trace_loss {
    SKT_TRACE_OVERTAKEN, /* a later one arrived, and the time for reordering has passed */
    SKT_TRACE_TIMEOUT,   /* the retransmission timer fired */
    SKT_TRACE_PROBED,    /* the tail probe brought what it had not */
};

/* What holds the path up when it has sent all that it may. */
enum skt_trace_limit {
    SKT_TRACE_NOTHING,     /* there is nothing to send: the application's turn */
    SKT_TRACE_WINDOW,      /* the congestion window is full */
    SKT_TRACE_PACING,      /* the pacer, at the rate that congestion control finds right */
    SKT_TRACE_RATE_CAP,    /* the pacer, at max_rate_mbit */
    SKT_TRACE_PEER_WINDOW, /* the peer's windows: its reader is slow */
    SKT_TRACE_MEMORY,      /* a writer waits for memory, and nothing else is there to send */
};

/* The path's state, told after each acknowledgement, timeout and measured round trip. */
struct skt_trace_metrics {
    size_t cwnd, inflight;
    uint64_t pacing_rate;             /* bytes/s */
    uint64_t delivered;               /* bytes acknowledged so far, as counted in flight */
    skt_us srtt, min_rtt, latest_rtt; /* 0: not measured */
    skt_us rttvar;
    const char *phase; /* of congestion control; lives for ever */
};

/* What became of keys. */
enum skt_trace_keys {
    SKT_TRACE_KEYS_ASKED,     /* client: message 1 was sent */
    SKT_TRACE_KEYS_ANSWERED,  /* client: message 2 was good */
    SKT_TRACE_KEYS_NEW,       /* the ticket was accepted: a new session begins */
    SKT_TRACE_KEYS_CONTINUED, /* new keys for the session that is there (rekeying, or after a silence) */
};

/* "again", "overtaken", "window", ...: as traces and the status have them (doc/trace.md). */
const char *skt_trace_datagram_str(enum skt_trace_datagram what);
const char *skt_trace_cause_str(enum skt_trace_cause cause);
const char *skt_trace_loss_str(enum skt_trace_loss how);
const char *skt_trace_limit_str(enum skt_trace_limit what);
const char *skt_trace_keys_str(enum skt_trace_keys what);

struct skt_trace_group {
    unsigned data, parity; /* packets */
    unsigned len;          /* of its longest packet */
};

/* The managed queue of a TUN's packets before the session. */
struct skt_trace_queue {
    size_t bytes;
    uint32_t packets;
    uint64_t dropped, marked; /* so far; dropped: also for want of room */
};

struct skt_trace_events {
    /* A session begins; `user` is that of skt_context.trace. What it returns is `user` of all that follows of
     * this session; NULL: nothing of it is to be told. */
    void *(*begin)(void *user, skt_us now, bool client);
    void (*end)(void *user, skt_us now); /* it is freed */

    /* state: enum skt_session_state; cid 0: none yet; reason: enum skt_close where it is closed. */
    void (*state)(void *user, skt_us now, int state, uint32_t cid, int reason);
    void (*keys)(void *user, skt_us now, enum skt_trace_keys what, const char *cipher);
    void (*path)(void *user, skt_us now, const struct skt_addr *peer); /* the peer's address from now on */
    void (*mtu)(void *user, skt_us now, size_t mtu);                   /* of datagrams, from now on */

    void (*sent)(void *user, skt_us now, size_t len, enum skt_trace_datagram what);
    void (*received)(void *user, skt_us now, size_t len);
    void (*dropped)(void *user, skt_us now, size_t len, int err); /* one that came; err: why, base/err.h */

    void (*segment)(void *user, skt_us now, const struct skt_trace_segment *seg);
    void (*acked)(void *user, skt_us now, size_t bytes, uint64_t rate); /* rate: sample, bytes/s; 0: none */
    void (*lost)(void *user, skt_us now, const struct skt_trace_segment *seg, enum skt_trace_loss how);
    void (*spurious)(void *user, skt_us now, uint32_t conv, uint32_t sn); /* it was not lost after all */
    void (*timeout)(void *user, skt_us now, unsigned count); /* 1: the tail probe; then the RTO, again */
    void (*metrics)(void *user, skt_us now, const struct skt_trace_metrics *m);
    void (*limit)(void *user, skt_us now, enum skt_trace_limit what); /* told also where it is the same */

    void (*group)(void *user, skt_us now,
                  const struct skt_trace_group *g);              /* of parity: closed, to be sent */
    void (*recovered)(void *user, skt_us now, unsigned packets); /* the peer's, by its parity */
    void (*mended)(void *user, skt_us now, uint32_t packets);    /* ours that were lost, says the peer */

    void (*queue)(void *user, skt_us now,
                  const struct skt_trace_queue *q); /* told also where it is the same */

    void (*opened)(void *user, skt_us now, uint32_t conv, bool by_peer);           /* a stream */
    void (*closed)(void *user, skt_us now, uint32_t conv, bool reset, int reason); /* enum skt_reset */
};

struct skt_trace {
    const struct skt_trace_events *on; /* NULL: nobody listens */
    void *user;
};

/* skt_trace_tell(trace, sent, now, len): one event, where somebody listens. */
#define skt_trace_tell(trace, event, ...)                                                                    \
    do {                                                                                                     \
        if (__builtin_expect((trace)->on != NULL, 0))                                                        \
            (trace)->on->event((trace)->user, __VA_ARGS__);                                                  \
    } while (0)

#endif
