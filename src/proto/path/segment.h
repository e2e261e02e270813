/* SPDX-License-Identifier: MIT */
/* A segment in a pool block: what a conversation cuts, and what a path sends, counts in flight and finds
 * lost. */
#ifndef SKT_PROTO_PATH_SEGMENT_H
#define SKT_PROTO_PATH_SEGMENT_H

#include "base/clock.h"
#include "base/list.h"
#include "proto/path/sender.h"
#include "proto/wire.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SKT_SEG_LOST = 1,    /* its transmission before the last was found lost */
    SKT_SEG_PROBED = 2,  /* sent again by the tail probe, before it was known to be lost */
    SKT_SEG_FLYING = 4,  /* in path->inflight and counted there */
    SKT_SEG_LIMITED = 8, /* sent while the application offered too little */
    SKT_SEG_FIN = 16,    /* ends the stream: nothing is joined to it */
    SKT_SEG_COPIED = 32, /* a transmission of it was duplicated */
};

struct skt_segment {
    struct skt_list node;      /* in path->inflight or path->lost once sent */
    struct skt_list copy_node; /* in path->copies while a duplicate is due */
    struct skt_sender *sender; /* of the conversation that it belongs to */
    uint32_t sn;
    uint32_t ts, first_ts; /* of the last and the first transmission */
    uint32_t copy_ts;      /* of the last duplicate of the last transmission; ts: none was sent */
    uint16_t len;          /* data bytes */
    uint16_t cost;         /* bytes this transmission takes in flight */
    uint8_t frg;
    uint8_t flags;                   /* SKT_SEG_* */
    uint8_t xmit;                    /* transmissions so far, without duplicates; stays at 255 */
    uint8_t copies_sent, copies_due; /* duplicates of the last transmission */
    uint64_t tx;                     /* number of the last transmission on its path */
    skt_us sent_at;
    skt_us copy_at; /* when the next duplicate is due, or when the last one was sent */
    /* The path's counters when it was sent, for the delivery rate. */
    uint64_t delivered;
    skt_us delivered_at, first_sent_at;
    uint8_t data[];
};

enum {
    SKT_KCP_HEADER_LEN = 24, /* before the data, on the wire */
    SKT_KCP_TICK_US = 32,    /* unit of ts */
    SKT_KCP_DATA_MAX = SKT_MTU_MAX,
    /* Block length of the pool that a path is given. */
    SKT_KCP_BLOCK_LEN = sizeof(struct skt_segment) + SKT_KCP_DATA_MAX,
};

/* Where a window is larger than the cache each segment's fields come from memory, and the work on one is
 * shorter than that takes: so the next one's are asked for before. NULL is allowed. */
static inline void skt_seg_prefetch(const struct skt_segment *seg)
{
    if (!seg)
        return;
    __builtin_prefetch(seg, 1);
    __builtin_prefetch((const char *)seg + 64, 1);
}

#endif
