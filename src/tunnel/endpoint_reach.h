/* SPDX-License-Identifier: MIT */
/* Where a client's server is, and whether it answers: its name and addresses, the sockets to it, what the
 * system says of the way there. */
#ifndef SKT_TUNNEL_ENDPOINT_REACH_H
#define SKT_TUNNEL_ENDPOINT_REACH_H

#include "io/resolve.h"
#include "tunnel/endpoint.h"

/* A client's sockets in endpoint->udp; a server's are numbered as they were opened. */
enum {
    SKT_VIA_V4 = 0,
    SKT_VIA_V6 = 1,
    SKT_CLIENT_SOCKETS = 2,
};

struct skt_endpoint_reach {
    struct skt_addr candidates[SKT_CANDIDATES_MAX]; /* where the server may be */
    size_t candidate_count;                         /* of `candidates` */
    struct skt_resolve *resolve;                    /* a look-up under way; NULL: none */
    skt_us resolve_next;                            /* no other look-up before this */
    skt_us net_error_at; /* when the system said last that the server is not reached; 0: never */
    bool was_silent;     /* the server has not answered, and that was said */
};

/* Makes room for the sockets and begins to look for the server. SKT_ERR_NOMEM. */
int skt_endpoint_reach_init(struct skt_endpoint *ep);

/* Ends a look-up. The sockets are the endpoint's, to be closed with it. */
void skt_endpoint_reach_dispose(struct skt_endpoint *ep);

/* Looks the name up (not too often), or takes the address as it stands; tells the sessions. */
void skt_endpoint_reach_resolve(struct skt_endpoint *ep);

/* No answer at all comes: says so, and the second time tries another local port. */
void skt_endpoint_reach_silent(struct skt_endpoint *ep);

/* The server answers again. */
void skt_endpoint_reach_heard(struct skt_endpoint *ep);

/* The system says that an address is not reached (errno). Ignored on a server. */
void skt_endpoint_reach_failed(struct skt_endpoint *ep, const struct skt_addr *to, int error);

#endif
