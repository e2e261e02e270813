/* SPDX-License-Identifier: MIT */
/* The inside of an endpoint, for endpoint*.c only. */
#ifndef SKT_TUNNEL_ENDPOINT_INTERNAL_H
#define SKT_TUNNEL_ENDPOINT_INTERNAL_H

#include "base/log.h"
#include "io/resolve.h"
#include "io/udp.h"
#include "proto/acceptor/acceptor.h"
#include "tunnel/endpoint.h"
#include "tunnel/stamps.h"

enum {
    SKT_VIA_V4 = 0, /* a client's sockets; a server's are numbered as they were opened */
    SKT_VIA_V6 = 1,
    SKT_CLIENT_SOCKETS = 2,
};

/* A session at work: what the endpoint keeps beside it (skt_session_user). */
struct skt_link {
    struct skt_endpoint *ep;
    struct skt_session *session;
    struct skt_loop_timer timer;
    struct skt_list link;    /* in ep->all */
    struct skt_list touched; /* in ep->touched when it is to be driven this turn */
    struct skt_packet_owner *packets;
    size_t fds;         /* that its targets' connections use */
    bool held, resumed; /* messages wait for skt_endpoint_hold; they may go on again */
    bool told_narrow;   /* that its path carries little was said */
    bool ended_here;    /* skt_endpoint_close was called: nothing more of it is wanted */
    uint32_t number;    /* client: its key in ep->links */
    uint32_t told_cid;  /* client: its key in ep->cids, as last told by on_cid; 0: none yet */
};

struct skt_endpoint {
    struct skt_shared *shared;
    struct skt_loop *loop;
    struct skt_endpoint_handler handler;
    void *user;
    bool server, probing;
    char *address;
    uint16_t port_lo, port_hi;
    struct skt_context ctx;

    struct skt_udp **sockets;
    size_t socket_count;
    struct skt_list all;     /* links of all sessions */
    struct skt_list touched; /* of those that are to be driven this turn */
    struct skt_loop_task drive;
    unsigned depth;                /* handlers that are being called */
    const struct skt_link *ending; /* the one whose on_close is being called; NULL: none */
    uint32_t ending_cid;           /* the cid that this on_close tells of */
    bool freeing;                  /* skt_endpoint_free was called; done when depth is 0 again */

    /* server */
    struct skt_acceptor acceptor;
    struct skt_stamps *stamps;
    uint64_t cookies_told; /* acceptor.cookies_given, as last told in the log */
    unsigned narrowed;     /* stamps->cache.narrowed, as last told in the log */
    struct skt_loop_timer acceptor_timer;

    /* client */
    struct skt_idmap links; /* number -> struct skt_link, whether or not it has a cid */
    struct skt_idmap cids;  /* told_cid -> struct skt_link */
    skt_us refused_wait;    /* after a session was ended by a refusal: how much later the next one asks */
    skt_us ask_at;          /* no session asks before this */
    uint32_t last_link;     /* the number given out last */
    struct skt_resolve *resolve; /* a look-up under way */
    struct skt_addr candidates[SKT_CANDIDATES_MAX];
    size_t candidate_count;
    skt_us resolve_next; /* not more often than this */
    bool was_silent;     /* the server has not answered, and that was said */
    skt_us net_error_at; /* when the system said last that the server is not reached; 0: never */
};

/* endpoint.c */
int skt_endpoint_link_new(struct skt_endpoint *ep, struct skt_session *s);
void skt_endpoint_link_forget(struct skt_link *link); /* the session is about to be freed, and link with it */
void skt_endpoint_enter(struct skt_endpoint *ep);
void skt_endpoint_leave(struct skt_endpoint *ep);          /* the endpoint may be gone afterwards */
void skt_endpoint_refresh(struct skt_endpoint *ep);        /* the wall clock, before any verb */
void skt_endpoint_refresh_speaks(struct skt_endpoint *ep); /* what a handshake says of us, before it */

/* endpoint_input.c: datagrams that came in */
void skt_endpoint_on_batch(void *user, struct skt_udp *udp, struct skt_udp_datagram *d, size_t n);

/* endpoint_drive.c: news out to the owners, datagrams out to the sockets, timers */
void skt_endpoint_drive(struct skt_loop_task *t, skt_us now);
void skt_endpoint_on_timer(struct skt_loop_timer *t, skt_us now);
void skt_endpoint_drive_link(struct skt_link *link, skt_us now);

/* endpoint_client.c: names and sockets of a client */
int skt_endpoint_client_init(struct skt_endpoint *ep);
void skt_endpoint_client_dispose(struct skt_endpoint *ep);
void skt_endpoint_client_resolve(struct skt_endpoint *ep);
/* A session has ended: if it was refused, the next request waits. */
void skt_endpoint_client_note_end(struct skt_endpoint *ep, const struct skt_session *s);
/* A session has got its cid, or has lost it (0). SKT_ERR_NOMEM, SKT_ERR_ARG: another one has the same; it has
 * none then. */
int skt_endpoint_client_note_cid(struct skt_link *link, uint32_t cid);
void skt_endpoint_client_silent(struct skt_endpoint *ep); /* no answer at all; tries another local port */
void skt_endpoint_client_heard(struct skt_endpoint *ep);  /* the server answers again */
/* The system says that an address is not reached (errno). Ignored on a server. */
void skt_endpoint_client_unreached(struct skt_endpoint *ep, const struct skt_addr *to, int error);

#endif
