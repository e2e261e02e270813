/* SPDX-License-Identifier: MIT */
/* How long a session's datagrams are, and what fits into one. */
#ifndef SKT_PROTO_SESSION_SIZE_H
#define SKT_PROTO_SESSION_SIZE_H

#include "proto/session/session.h"

/* KCP bytes that fit a datagram of `mtu` bytes; parity: and fit one of their parity as well. */
size_t skt_session_payload_limit(size_t mtu, bool parity);

/* s->mtu.current has changed, or whether there is parity: the path is told. */
void skt_session_set_mtu(struct skt_session *s);

/* On a new path: the search begins anew. peer_mtu: the longest datagram that the peer takes, in bytes. */
void skt_session_search_mtu(struct skt_session *s, skt_us now, size_t peer_mtu);

#endif
