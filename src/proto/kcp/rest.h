/* SPDX-License-Identifier: MIT */
/* What a conversation has in order and nobody has read, taken out of it: so that it can still be delivered
 * when the conversation, or its session, is gone. The bytes stay in the pool's blocks and in its budget. */
#ifndef SKT_PROTO_KCP_REST_H
#define SKT_PROTO_KCP_REST_H

#include "proto/kcp/kcp.h"

struct skt_kcp_rest {
    struct skt_seg_ring ring;
    struct skt_pool *pool; /* NULL: nothing was taken */
    uint32_t next, end;    /* segments that are left */
    uint16_t off;          /* bytes of the first one that are consumed */
};

/* Takes it, or nothing where too much is held so already (skt_account_hand_over); what is out of order is
 * dropped. The conversation can only be disposed of afterwards. */
void skt_kcp_rest_take(struct skt_kcp_rest *rest, struct skt_kcp *k);

/* Drops what is left; harmless where nothing is, or was taken. */
void skt_kcp_rest_drop(struct skt_kcp_rest *rest);

/* As skt_kcp_read_begin and skt_kcp_read_consume. */
int skt_kcp_rest_begin(const struct skt_kcp_rest *rest, struct iovec *iov, int max);
void skt_kcp_rest_consume(struct skt_kcp_rest *rest, size_t len);

static inline bool skt_kcp_rest_is_empty(const struct skt_kcp_rest *rest)
{
    return rest->next == rest->end;
}

#endif
