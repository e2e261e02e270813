/* SPDX-License-Identifier: MIT */
/* The inside of an endpoint, for endpoint*.c only: each of its parts has a file and a header of its own. */
#ifndef SKT_TUNNEL_ENDPOINT_INTERNAL_H
#define SKT_TUNNEL_ENDPOINT_INTERNAL_H

#include "io/udp.h"
#include "tunnel/endpoint.h"
#include "tunnel/endpoint_drive.h"
#include "tunnel/endpoint_reach.h"
#include "tunnel/endpoint_request.h"
#include "tunnel/endpoint_server.h"

/* The place that the configuration names: where a server listens, or where a client's server is. */
struct skt_endpoint_place {
    char *address;    /* IPv4, IPv6 or a name; the endpoint's */
    uint16_t port_lo; /* the first port */
    uint16_t port_hi; /* the last one; equal to port_lo for a single port */
};

struct skt_endpoint_sockets {
    struct skt_udp **list; /* by skt_addr.via; NULL in it: not open */
    size_t count;          /* of `list` */
};

struct skt_endpoint {
    struct skt_shared *shared;           /* of the process; outlives the endpoint */
    struct skt_loop *loop;               /* that all of it runs on */
    struct skt_endpoint_handler handler; /* who is told what happens */
    void *user;                          /* for the handler */
    bool server;                         /* accepts sessions; else it asks for them */
    struct skt_endpoint_place place;     /* where it listens, or its server is */
    struct skt_context ctx;              /* what its sessions have in common */
    struct skt_endpoint_sockets udp;     /* opened by endpoint_server.c or endpoint_reach.c */
    struct skt_tally *tally;             /* of sessions that are made; NULL: none */
    struct skt_list keys;                /* struct skt_endpoint_key: its pre-shared keys */
    struct skt_list all;                 /* links of all sessions */
    struct skt_endpoint_turn turn;       /* the loop turn that is under way */
    struct skt_endpoint_server serving;  /* server */
    struct skt_endpoint_requests asking; /* client */
    struct skt_endpoint_reach reach;     /* client */
};

/* The wall clock, before any verb of a session. */
void skt_endpoint_refresh(struct skt_endpoint *ep);

/* What a handshake says of us, before it. */
void skt_endpoint_refresh_speaks(struct skt_endpoint *ep);

/* The end that skt_endpoint_free has asked for: no handler is being called. */
void skt_endpoint_end(struct skt_endpoint *ep);

#endif
