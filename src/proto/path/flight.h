/* SPDX-License-Identifier: MIT */
/* What is in flight: transmissions, each of which is to be acknowledged, found lost, or forgotten. */
#ifndef SKT_PROTO_PATH_FLIGHT_H
#define SKT_PROTO_PATH_FLIGHT_H

#include "proto/path/path.h"

#define SKT_PATH_INITIAL_RTO                                                                                 \
    (250 * SKT_US_PER_MS) /* before a round trip was measured: most paths are shorter */
#define SKT_PATH_RATE_MAX UINT64_C(100000000000) /* bytes/s: what the pacer takes, and more than there is */

/* The ts of now. */
static inline uint32_t skt_path_tick(const struct skt_path *p, skt_us now)
{
    return (uint32_t)(now / SKT_KCP_TICK_US) + p->ts_base;
}

/* The oldest transmission in flight, or NULL. */
static inline struct skt_segment *skt_path_oldest(const struct skt_path *p)
{
    return skt_list_empty(&p->inflight) ? NULL : SKT_CONTAINER(p->inflight.next, struct skt_segment, node);
}

/* A transmission of seg is written now, with seg->ts. */
void skt_path_note_sent(struct skt_path *p, struct skt_segment *seg, skt_us now);

/* Takes a transmission out of flight and queues its segment to be sent again, without calling it lost. */
void skt_path_requeue(struct skt_path *p, struct skt_segment *seg);

/* Takes a segment off the path's lists and counts, as one that is dropped. */
void skt_path_forget(struct skt_path *p, struct skt_segment *seg);

#endif
