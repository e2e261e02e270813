/* SPDX-License-Identifier: MIT */
/* What an endpoint says: each thing once, in words, then rarely (base/log.h). */
#ifndef SKT_TUNNEL_ENDPOINT_LOG_H
#define SKT_TUNNEL_ENDPOINT_LOG_H

#include "tunnel/endpoint.h"

enum { SKT_CLIENT_TEXT_MAX = 160 };

/* A session for a line: "session 3 (alice, 192.0.2.1:4000)"; a client's: "session 3". Returns buf. */
const char *skt_endpoint_session_text(const struct skt_endpoint *ep, const struct skt_session *s,
                                      char buf[SKT_CLIENT_TEXT_MAX]);

/* Whose lines they are: a server's client by its ticket, a client's server by its entry. */
uint64_t skt_endpoint_log_key(const struct skt_endpoint *ep, const struct skt_session *s);

/* what: "is up", "goes on". */
void skt_endpoint_log_up(const struct skt_endpoint *ep, const struct skt_session *s, const char *what);
void skt_endpoint_log_lost(const struct skt_endpoint *ep, const struct skt_session *s);
void skt_endpoint_log_closed(const struct skt_endpoint *ep, const struct skt_session *s);

/* Server: a client is refused. */
void skt_endpoint_log_refusing(const struct skt_endpoint *ep, const uint8_t *ticket,
                               const struct skt_addr *from, const char *why);

/* Server: a datagram that can't be one of a client of ours. err: why, an enum skt_err. */
void skt_endpoint_log_foreign(const struct skt_endpoint *ep, const struct skt_addr *from, int err);

/* --- at level debug: the story of handshakes, and what is dropped --- */

/* Client: what its handshakes have done since the last call; to: where that was sent, NULL: it came in. */
void skt_endpoint_trace_handshake(const struct skt_endpoint *ep, struct skt_session *s,
                                  const struct skt_addr *to);

/* Server: a message 1. result: of skt_acceptor_initiation. */
void skt_endpoint_trace_initiation(const struct skt_addr *from, long result);

/* A datagram that was dropped, and why (enum skt_err). s: the session that it was for, or NULL. */
void skt_endpoint_trace_dropped(const struct skt_session *s, const struct skt_addr *from, int err);

/* --- a client's troubles --- */

/* Client: the server has refused us. */
void skt_endpoint_log_refused(const struct skt_endpoint *ep, const struct skt_session *s);

/* Client: the server's name is not found, its address is not reached (errno), it does not answer. */
void skt_endpoint_log_unresolved(const struct skt_endpoint *ep, const char *error);
void skt_endpoint_log_unreached(struct skt_endpoint *ep, const struct skt_addr *to, int error);
void skt_endpoint_log_silent(struct skt_endpoint *ep);

#endif
