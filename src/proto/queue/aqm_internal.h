/* SPDX-License-Identifier: MIT */
/* The inside of the queue, for aqm.c (packets in and out) and aqm_flows.c (which flow a packet is of, and
 * when it is that flow's turn). */
#ifndef SKT_PROTO_QUEUE_AQM_INTERNAL_H
#define SKT_PROTO_QUEUE_AQM_INTERNAL_H

#include "proto/queue/aqm.h"

enum {
    SKT_AQM_NAMES_MAX = 8,                 /* flows that may share a number and still are kept in order */
    SKT_AQM_LAG_MAX = 4 * SKT_AQM_QUANTUM, /* bytes of its share that a flow may make up for */
};

/* The place of a flow that has no packet; last in the heap. */
#define SKT_AQM_NO_TURN (SKT_NEVER - 1)

struct skt_aqm_flow {
    struct skt_list queue;             /* packets, oldest first */
    struct skt_list link;              /* in idle; in none while packets of it wait or are on their way */
    struct skt_heap_node turn;         /* the place of its next packet */
    uint32_t names[SKT_AQM_NAMES_MAX]; /* hashes of the flows that have this number, in by_hash */
    uint8_t name_count;                /* of `names` */
    uint16_t number;                   /* the session's flow that its packets go to */
    bool active;                       /* it has a turn */
    bool held;                         /* its conversation takes no more (SKT_FLOW_WRITABLE ends it) */
    bool on_way;                       /* packets were pulled that have not all arrived */
    bool ack;                          /* the last packet pulled was a bare acknowledgement */
    size_t bytes;                      /* that wait in `queue` */
    uint32_t packets;                  /* that wait in `queue` */
    uint32_t largest;                  /* bytes of the largest packet seen */
    uint64_t end;                      /* the place where its last packet ended */
    uint64_t
        spare; /* bytes of its share that it has not used; of what waits all beyond half of them is bulk */
    uint64_t taken;         /* bytes beyond half of its share, as counted at taken_at */
    skt_us taken_at;        /* when `taken` was counted */
    bool used;              /* it is one of the users */
    skt_us idle_since;      /* since when nothing of it waits or is on its way */
    struct skt_codel codel; /* how long its packets have waited */
};

/* The flow that a packet of this hash belongs to, which is about to get it. NULL: no memory for any flow. */
struct skt_aqm_flow *skt_aqm_flow_for(struct skt_aqm *q, skt_us now, uint32_t hash);

/* A flow that has got a packet takes its place: where its last packet ended, but not far behind. */
void skt_aqm_activate(struct skt_aqm *q, struct skt_aqm_flow *f);

/* The place of the flow's next packet. */
void skt_aqm_set_turn(struct skt_aqm *q, struct skt_aqm_flow *f, uint64_t place);

/* A flow gives up its place; it is idle where nothing of it waits or is on its way. */
void skt_aqm_rest(struct skt_aqm *q, struct skt_aqm_flow *f, skt_us now);

#endif
