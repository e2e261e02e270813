/* SPDX-License-Identifier: MIT */
/* Round trips, after RFC 6298. */
#ifndef SKT_PROTO_PATH_RTT_H
#define SKT_PROTO_PATH_RTT_H

#include "base/clock.h"

struct skt_rtt {
    skt_us srtt;          /* smoothed; 0: not measured yet */
    skt_us rttvar;        /* mean deviation */
    skt_us min;           /* the least of the last 10 s; 0: not measured yet */
    skt_us latest;        /* the newest */
    skt_us at;            /* when one was measured last; 0: never */
    skt_us epoch_at;      /* when the path began: round trips of what was sent before don't count */
    skt_us min_bucket[2]; /* the least of the present 10 s, and of those before */
    skt_us min_at;        /* when the present 10 s began */
};

/* Forgets what was measured. `at` stays. */
void skt_rtt_begin(struct skt_rtt *r, skt_us now);

/* A round trip; 0 counts as 1. */
void skt_rtt_take(struct skt_rtt *r, skt_us now, skt_us rtt);

#endif
