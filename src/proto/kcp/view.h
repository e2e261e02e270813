/* SPDX-License-Identifier: MIT */
/* A conversation as a status shows it: where it stands, and what it waits for. */
#ifndef SKT_PROTO_KCP_VIEW_H
#define SKT_PROTO_KCP_VIEW_H

#include "proto/kcp/kcp.h"

/* Why what was written does not go, or what has come is not read. What holds the whole path up has the value
 * that trace.h has for it. */
enum skt_hold {
    SKT_HOLD_NONE = SKT_TRACE_NOTHING,
    SKT_HOLD_WINDOW = SKT_TRACE_WINDOW,     /* the session's congestion window is full */
    SKT_HOLD_PACING = SKT_TRACE_PACING,     /* the session's pacer */
    SKT_HOLD_RATE_CAP = SKT_TRACE_RATE_CAP, /* the same, at max_rate_mbit */
    SKT_HOLD_PEER_WINDOW =
        SKT_TRACE_PEER_WINDOW,          /* the peer takes no more of this conversation: its reader is slow */
    SKT_HOLD_MEMORY = SKT_TRACE_MEMORY, /* the writer waits for memory */
    SKT_HOLD_GAP,                       /* what has come stands behind a segment that was lost */
    SKT_HOLD_TARGET,                    /* the connection that it goes to takes no more */
    SKT_HOLD_CONNECT,                   /* that connection is not there yet */
    SKT_HOLD_READER,                    /* nobody has read it: a script, or a stream without an owner */
};

/* "peer_window", "gap", ...; NULL for SKT_HOLD_NONE. */
const char *skt_hold_str(enum skt_hold hold);

struct skt_kcp_view {
    uint32_t conv;
    uint32_t una, nxt, end; /* sending: acknowledged, sent, written before these */
    uint32_t peer_window;   /* segments that the peer takes beyond nxt */
    uint32_t read, got;     /* receiving: taken by the reader, come in order before these */
    uint32_t window;        /* segments taken beyond got */
    uint32_t behind_gap;    /* segments that came and stand behind a missing one */
    size_t unsent;          /* bytes written and not sent, as they count against the writer's limit */
    size_t inflight;        /* bytes sent and not acknowledged */
    size_t unread;          /* bytes in order that the reader has not taken */
    enum skt_hold out, in;  /* in: only SKT_HOLD_GAP is known here */
};

/* Walks the segments that the conversation holds. */
void skt_kcp_look(const struct skt_kcp *k, struct skt_kcp_view *v);

#endif
