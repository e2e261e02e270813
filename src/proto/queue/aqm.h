/* SPDX-License-Identifier: MIT */
/* The managed queue of packets before a session: fair between flows and short for each (CoDel, codel.h). It
 * marks packets that are capable of ECN, and drops others.
 *
 * Fair by start times (Goyal, Vin, Cheng, "Start-time Fair Queueing", 1996): every packet has a place on a
 * line that counts the bytes which each flow with packets waiting was served. A flow's next packet stands
 * where its last one ended, but not far behind the place that is being served now. So a flow that takes less
 * than its share goes next whenever it has something, as often as it likes, and one that takes more goes in
 * turns. None gains by running empty, beyond the four packets' worth of its share that it may make up for.
 *
 * Flows get numbers, 0..max-1, for the conversations that carry them. A number is used for another flow only
 * when it is idle: its queue is empty, and the owner has said that what was taken from it has arrived
 * (skt_aqm_arrived); so packets of a flow never overtake each other. When no number is idle, flows share. */
#ifndef SKT_PROTO_QUEUE_AQM_H
#define SKT_PROTO_QUEUE_AQM_H

#include "base/clock.h"
#include "base/heap.h"
#include "base/idmap.h"
#include "base/list.h"
#include "proto/queue/codel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SKT_AQM_QUANTUM = 1514, /* bytes of a full packet */
};

/* A packet; the queue owns it from push to pull. */
struct skt_aqm_packet {
    struct skt_list link;
    skt_us at;     /* when it was pushed */
    bool ecn;      /* set by the owner: it may be marked */
    bool ack;      /* set by the owner: a bare acknowledgement, the next one says as much and more */
    bool once;     /* set by pull: not worth duplicates: an acknowledgement behind another one */
    bool marked;   /* set by pull: it is to be marked (CE) */
    bool bulk;     /* set by pull: its flow takes half of its share, or more, now or for long */
    uint16_t flow; /* set by pull: the flow's number */
    uint32_t len;  /* bytes of data */
    uint8_t data[];
};

/* NULL without memory. */
struct skt_aqm_packet *skt_aqm_packet_new(size_t len);
void skt_aqm_packet_free(struct skt_aqm_packet *p);

struct skt_aqm_stats {
    uint64_t pushed, pulled, marked;
    uint64_t dropped;  /* by CoDel */
    uint64_t overflow; /* at the limit, or without memory */
    uint64_t shared;   /* flows that came when no number was idle */
};

struct skt_aqm_flow;

struct skt_aqm {
    struct skt_aqm_flow **flows; /* by number */
    unsigned count, cap, max;
    struct skt_idmap by_hash;
    struct skt_heap turns; /* all flows by the place of their next packet; those without one at the end */
    uint64_t place;        /* that is served now; bytes */
    uint64_t furthest;     /* where the packet ended that was furthest ahead */
    struct skt_list idle;  /* flows whose numbers may be used for others, the longest idle first */
    struct skt_codel_times times;
    uint64_t rate;  /* of the way that it stands before, bytes/s; 0: not known */
    unsigned users; /* flows of which packets wait or are on their way */
    size_t bytes, limit;
    uint32_t packets;
    struct skt_aqm_stats stats;
};

/* max: numbers, at most 65536; limit: bytes that may wait. Holds no memory before it is used. */
void skt_aqm_init(struct skt_aqm *q, unsigned max, size_t limit);

/* The round trip of the way that the queue stands before, 0 for unknown: what TCP needs to learn of a drop,
 * and what a path needs to find out that it may send faster, are multiples of it. */
void skt_aqm_set_rtt(struct skt_aqm *q, skt_us rtt);

/* The rate of that way, bytes/s, 0 for unknown. Where nothing waits, it is what shows whether a flow takes
 * half of its share: of many flows with a packet a round trip each no single one looks like bulk. */
void skt_aqm_set_rate(struct skt_aqm *q, uint64_t rate);

/* Frees what waits. */
void skt_aqm_dispose(struct skt_aqm *q);

/* Queues a packet of the flow that the hash names; takes it over. Above the limit the longest flow loses
 * packets from its head. */
void skt_aqm_push(struct skt_aqm *q, skt_us now, uint64_t hash, struct skt_aqm_packet *p);

/* The next packet, the caller's from now on, or NULL: none, or only of flows that are held. */
struct skt_aqm_packet *skt_aqm_pull(struct skt_aqm *q, skt_us now);

/* Would pull give a packet of a flow that takes less than half of its share? Where there are any they come
 * first. */
bool skt_aqm_next_is_thin(const struct skt_aqm *q, skt_us now);

/* Puts a packet that could not be sent after all back to where it came from, and holds its flow: nothing of
 * it is pulled before skt_aqm_release. */
void skt_aqm_hold(struct skt_aqm *q, struct skt_aqm_packet *p);
void skt_aqm_release(struct skt_aqm *q, skt_us now, unsigned flow);

/* All that was pulled of the flow has arrived. */
void skt_aqm_arrived(struct skt_aqm *q, skt_us now, unsigned flow);

/* Takes a packet of any flow, held or not, without judging it, those of a flow in their order: the queue is
 * being given up. *pos = 0 at first. NULL: none waits any more. */
struct skt_aqm_packet *skt_aqm_take(struct skt_aqm *q, unsigned *pos);

/* Can anything be pulled? */
bool skt_aqm_ready(const struct skt_aqm *q);

#endif
