/* SPDX-License-Identifier: MIT */
/* Datagrams that came in: unmasked, looked up, handed to the acceptor or the session. */
#ifndef SKT_TUNNEL_ENDPOINT_INPUT_H
#define SKT_TUNNEL_ENDPOINT_INPUT_H

#include "io/udp.h"

/* For skt_udp_open; user: the endpoint. */
void skt_endpoint_on_batch(void *user, struct skt_udp *udp, struct skt_udp_datagram *d, size_t n);

#endif
