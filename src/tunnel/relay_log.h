/* SPDX-License-Identifier: MIT */
/* What relays say in the log. At level debug the story of a connection, named "SESSION/CONVERSATION" on both
 * ends. */
#ifndef SKT_TUNNEL_RELAY_LOG_H
#define SKT_TUNNEL_RELAY_LOG_H

#include "tunnel/relay_connect.h"
#include "tunnel/relay_internal.h"

/* Server: the target of a relay can't be had; its connect structure knows why. */
void skt_relay_log_no_target(const struct skt_relay *r);

/* Client: the server has no target for us. */
void skt_relay_log_refused(const struct skt_relay *r, int reason);

/* The relay has its stream: remembers its name. */
void skt_relay_trace_begin(struct skt_relay *r);

/* Server: the target has answered. */
void skt_relay_trace_connected(const struct skt_relay *r, const struct skt_tcp_conn *conn);

/* The relay ends; says nothing of one that never had its stream. */
void skt_relay_trace_end(const struct skt_relay *r);

#endif
