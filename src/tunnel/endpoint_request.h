/* SPDX-License-Identifier: MIT */
/* A client's requests for sessions. Its sessions are here before they have a cid, and while they get the next
 * one; after a refusal requests wait longer and longer. */
#ifndef SKT_TUNNEL_ENDPOINT_REQUEST_H
#define SKT_TUNNEL_ENDPOINT_REQUEST_H

#include "base/idmap.h"
#include "tunnel/endpoint.h"

struct skt_link;

enum { SKT_ENDPOINT_SESSIONS_MAX = 4096 /* 8 KiB each while idle */ };

struct skt_endpoint_requests {
    struct skt_idmap links; /* number -> struct skt_link, whether or not it has a cid */
    struct skt_idmap cids;  /* told_cid -> struct skt_link */
    uint32_t last_link;     /* the number given out last */
    bool probing;        /* sessions measure the way now and then: there are other servers to choose from */
    skt_us ask_at;       /* no session asks before this */
    skt_us refused_wait; /* after a session was ended by a refusal: how much later the next one asks */
};

/* Client: asks for a cid, and for another one where sessions are there. Starts nothing (SKT_OK) while a
 * request is under way, or while on_close tells of a session that on_cid is about to replace: one at a time;
 * what is under way goes on with this ticket. SKT_ERR_FULL: SKT_ENDPOINT_SESSIONS_MAX are open. */
int skt_endpoint_request(struct skt_endpoint *ep, const uint8_t ticket[SKT_TICKET_LEN]);

/* Client: how is the server doing? Lower is better: mean round trip in us, the least of its sessions';
 * SKT_NEVER: none is usable now. */
skt_us skt_endpoint_score(const struct skt_endpoint *ep);

/* --- for endpoint*.c --- */

void skt_endpoint_requests_init(struct skt_endpoint *ep);
void skt_endpoint_requests_dispose(struct skt_endpoint *ep);

/* A session has ended: if it was refused, the next request waits. */
void skt_endpoint_requests_ended(struct skt_endpoint *ep, const struct skt_session *s);

/* A session has got its cid, or has lost it (0). SKT_ERR_NOMEM, SKT_ERR_ARG: another one has the same; it has
 * none then. */
int skt_endpoint_requests_told_cid(struct skt_link *link, uint32_t cid);

#endif
