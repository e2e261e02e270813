/* SPDX-License-Identifier: MIT */
/* CoDel (RFC 8289): which packets of a queue are to be dropped, or marked, so that none waits for long. It
 * judges by the time that each has waited when it is taken, in the order of the queue. */
#ifndef SKT_PROTO_QUEUE_CODEL_H
#define SKT_PROTO_QUEUE_CODEL_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

struct skt_codel_times {
    skt_us target;   /* what a packet may wait */
    skt_us interval; /* how long all may wait longer before the first one is dropped */
};

/* Of one queue; all zero to begin with. */
struct skt_codel {
    skt_us first_above, drop_next; /* 0: none */
    uint32_t count, last_count;
    bool dropping;
};

/* A packet was taken that had waited so long; short_queue: what is left behind it is no queue worth to be
 * shortened. True: it is to be dropped or marked; where it is dropped, the next one is judged. */
bool skt_codel_judge(struct skt_codel *c, const struct skt_codel_times *t, skt_us now, skt_us wait,
                     bool short_queue);

/* The queue is empty. */
void skt_codel_on_empty(struct skt_codel *c);

#endif
