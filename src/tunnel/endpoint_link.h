/* SPDX-License-Identifier: MIT */
/* A session at work: what its endpoint keeps beside it (skt_session_user). */
#ifndef SKT_TUNNEL_ENDPOINT_LINK_H
#define SKT_TUNNEL_ENDPOINT_LINK_H

#include "io/loop.h"
#include "tunnel/endpoint.h"
#include "tunnel/tally.h"

struct skt_link {
    struct skt_endpoint *ep;          /* that it belongs to */
    struct skt_session *session;      /* the link's: freed with it */
    struct skt_loop_timer timer;      /* for the session's expiry */
    struct skt_list link;             /* in ep->all */
    struct skt_list touched;          /* in ep->turn.touched when it is to be driven this turn */
    struct skt_packet_owner *packets; /* who carries packets through it; NULL: nobody */
    size_t fds;                       /* descriptors that connections to its targets use (endpoint_fds.h) */
    struct skt_tally *tally;          /* where it is counted; NULL: nowhere */
    bool held;                        /* messages wait (skt_endpoint_hold) */
    bool resumed;                     /* messages that have waited may be told again, and were not yet */
    bool told_narrow;                 /* that its path carries little was said */
    bool ended_here;                  /* skt_endpoint_close was called: nothing more of it is wanted */
    uint32_t number;                  /* client: its key in ep->asking.links */
    uint32_t told_cid; /* client: its key in ep->asking.cids, as last told by on_cid; 0: none yet */
};

/* Takes a session over; on failure it stays the caller's. SKT_ERR_NOMEM. */
int skt_endpoint_link_new(struct skt_endpoint *ep, struct skt_session *s);

/* Forgets a link wherever the endpoint knows it. The caller frees the session, then the link. */
void skt_endpoint_link_forget(struct skt_link *link);

#endif
