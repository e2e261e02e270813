/* SPDX-License-Identifier: MIT */
/* Descriptors for targets: how many each session of an endpoint may have. They are counted in struct
 * skt_shared, over all endpoints of a process. */
#ifndef SKT_TUNNEL_ENDPOINT_FDS_H
#define SKT_TUNNEL_ENDPOINT_FDS_H

#include "tunnel/endpoint.h"

/* A session is about to use a descriptor for a target: false: it has its share, which is as many as are left
 * for all. Each is returned while the session is there. */
bool skt_endpoint_take_fd(struct skt_endpoint *ep, struct skt_session *s);
void skt_endpoint_return_fd(struct skt_endpoint *ep, struct skt_session *s);

/* The session may go, but the descriptor is still in use for a while: to be returned with
 * skt_shared_return_orphan. False: so are an eighth of them all. */
bool skt_endpoint_leave_fd(struct skt_endpoint *ep, struct skt_session *s);

#endif
