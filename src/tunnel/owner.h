/* SPDX-License-Identifier: MIT */
/* Who works what a session carries: the owner of a stream, and that of its packets. Owners are embedded in
 * what they stand for (a relay, a port of the switch) and live as long as they are set. */
#ifndef SKT_TUNNEL_OWNER_H
#define SKT_TUNNEL_OWNER_H

#include "proto/kcp/view.h"
#include "proto/session/session.h"

/* What the owner of a stream says of it for the status. */
struct skt_stream_look {
    const char *state;  /* lives for ever */
    const char *target; /* the name that was asked for, "": the default one; the owner's; NULL: not known */
    skt_us active;      /* a byte moved last; 0: not known */
    enum skt_hold in;   /* what keeps it from taking what has come */
    bool unread;        /* it does not read its connection now, since the stream has no room */
};

/* Who works a stream: stream->user points to one of these (embedded in a relay, say) or is NULL. */
struct skt_stream_owner {
    /* The stream has news: a set of enum skt_kcp_event and skt_stream_event. Called from the loop's turn,
     * never from inside a call of the owner's. */
    void (*news)(struct skt_stream_owner *owner, struct skt_stream *st, unsigned events);
    void (*look)(const struct skt_stream_owner *owner, struct skt_stream_look *look); /* or NULL */
};

/* Who carries packets through a session (its flows; see skt_endpoint_set_packets). */
struct skt_packet_owner {
    /* The session is about to send: its flows may have news, or room. Called often; must be cheap when there
     * is nothing to do. The session stays; it may be closed. */
    void (*pump)(struct skt_packet_owner *owner, struct skt_session *s, skt_us now);
};

#endif
