/* SPDX-License-Identifier: MIT */
/* A stream: one proxied connection, one KCP conversation inside a session. Bytes are written to and read from
 * skt_stream_kcp(); opening, resetting and news go through the session (session.h). */
#ifndef SKT_PROTO_SESSION_STREAM_H
#define SKT_PROTO_SESSION_STREAM_H

#include "base/addr.h"
#include "proto/kcp/kcp.h"
#include "proto/wire.h"

struct skt_session;

/* News of a stream, a set: enum skt_kcp_event's and these. */
enum skt_stream_event {
    SKT_STREAM_OPENED = 16, /* the peer opened it; kind and name are known, the owner is to decide */
    /* The peer, or the loss of the session, ended it (reset_reason). What came before is in order and may
     * still be read; else only release is left. */
    SKT_STREAM_RESET = 32,
    SKT_STREAM_DEAF = 64, /* the peer reads no more; its reset follows when all before it has come */
};

struct skt_stream {
    struct skt_kcp kcp;
    struct skt_session *session;
    uint32_t conv;
    uint8_t kind;         /* enum skt_stream_kind */
    uint8_t reset_reason; /* enum skt_reset, with SKT_STREAM_RESET */
    uint8_t name_len;
    uint8_t to_len; /* bytes of a destination behind the name's zero (SKT_STREAM_TCP_TO); else 0 */
    bool by_peer;   /* opened by the peer */
    bool opened;    /* its header is complete and its owner was told */
    bool reset;     /* by the peer or with its session; only reading and release are left */
    bool leaving;   /* skt_session_leave_stream: only acknowledgements are waited for */
    bool has_end;   /* the peer has ended it, behind end_sn */
    uint32_t end_sn;
    unsigned news;        /* a set of enum skt_kcp_event and skt_stream_event */
    struct skt_list link; /* in one of the session's lists: news, quiet, unopened */
    skt_us header_until;  /* opened by the peer: reset then, unless its header is complete */
    char *name;           /* of a stream opened by the peer: the target's name, zero-terminated; else NULL */
    void *user;           /* the owner's */
};

static inline struct skt_kcp *skt_stream_kcp(struct skt_stream *st)
{
    return &st->kcp;
}

/* The address that the peer asks for; false: by its kind it asks for a name only. */
bool skt_stream_destination(const struct skt_stream *st, struct skt_addr *to);

/* Is there anything in order to be read? */
static inline bool skt_stream_has_unread(struct skt_stream *st)
{
    struct iovec iov;
    return skt_kcp_read_begin(&st->kcp, &iov, 1) > 0;
}

#endif
