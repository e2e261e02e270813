/* SPDX-License-Identifier: MIT */
/* What a server has beside its sessions: the sockets it listens on, and who decides about handshakes. */
#ifndef SKT_TUNNEL_ENDPOINT_SERVER_H
#define SKT_TUNNEL_ENDPOINT_SERVER_H

#include "io/loop.h"
#include "proto/acceptor/acceptor.h"
#include "tunnel/endpoint.h"

struct skt_endpoint_server {
    struct skt_acceptor acceptor; /* handshakes and the sessions of all clients; ctx NULL: not there yet */
    struct skt_loop_timer timer;  /* for the acceptor's expiry */
    uint64_t cookies_told;        /* acceptor.cookies_given, as last told in the log */
};

/* Opens the sockets and begins to accept. SKT_ERR_ARG: the address, or too many ports; SKT_ERR_IO with errno;
 * SKT_ERR_NOMEM, SKT_ERR_CRYPTO. */
int skt_endpoint_server_init(struct skt_endpoint *ep, const struct skt_endpoint_conf *conf);

/* The sockets are the endpoint's, to be closed with it. Harmless where the beginning has failed. */
void skt_endpoint_server_dispose(struct skt_endpoint *ep);

#endif
