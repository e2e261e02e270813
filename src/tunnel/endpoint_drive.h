/* SPDX-License-Identifier: MIT */
/* Driving sessions at the end of a loop turn: news to their owners, datagrams to the sockets, the next
 * deadline. Handlers may do anything, and end the endpoint; so what would pull the ground from under them
 * waits. */
#ifndef SKT_TUNNEL_ENDPOINT_DRIVE_H
#define SKT_TUNNEL_ENDPOINT_DRIVE_H

#include "tunnel/endpoint_link.h"

/* What happens in the loop turn that is under way. */
struct skt_endpoint_turn {
    struct skt_list touched;       /* links that are to be driven at its end */
    struct skt_loop_task drive;    /* which drives them */
    unsigned depth;                /* handlers that are being called */
    const struct skt_link *ending; /* the one whose on_close is being called; NULL: none */
    uint32_t ending_cid;           /* the cid that this on_close tells of */
    bool freeing;                  /* skt_endpoint_free was called; done when depth is 0 again */
};

/* Around whatever calls handlers. Behind skt_endpoint_leave the endpoint may be gone. */
void skt_endpoint_enter(struct skt_endpoint *ep);
void skt_endpoint_leave(struct skt_endpoint *ep);

/* The task of the turn: drives what was touched. */
void skt_endpoint_drive(struct skt_loop_task *t, skt_us now);

/* A link's timer: its session's expiry has come. */
void skt_endpoint_on_timer(struct skt_loop_timer *t, skt_us now);

/* Tells and sends what one session has; frees it and its link where it is over and nothing is left. */
void skt_endpoint_drive_link(struct skt_link *link, skt_us now);

#endif
