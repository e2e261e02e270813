/* SPDX-License-Identifier: MIT */
/* Packets of a TUN: a conversation for each flow that has any. */
#ifndef SKT_PROTO_SESSION_FLOWS_H
#define SKT_PROTO_SESSION_FLOWS_H

#include "proto/session/session.h"

struct skt_flows {
    struct skt_idmap map; /* conv -> struct skt_flow */
    struct skt_list news; /* flows with news */
};

void skt_flows_init(struct skt_session *s);
void skt_flows_dispose(struct skt_session *s);
void skt_flows_restart(struct skt_session *s); /* the peer is a new one */
/* The conversation that a flow has, or NULL. */
struct skt_kcp *skt_flows_find(const struct skt_session *s, uint32_t conv);
/* A new one for a segment that has none, where one is to be made; NULL: none, or no memory. */
struct skt_kcp *skt_flows_conversation(struct skt_session *s, const struct skt_kcp_header *h);
void skt_flows_take_news(struct skt_kcp *k, unsigned events); /* of one of its conversations */

#endif
