/* SPDX-License-Identifier: MIT */
/* How often each of many sources may ask: 20 times a second, 5 at once. A table of fixed size that forgets
 * who has been quiet first. */
#ifndef SKT_PROTO_KEYS_RATELIMIT_H
#define SKT_PROTO_KEYS_RATELIMIT_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SKT_RATELIMIT_SLOTS = 2048, /* sources that are told apart: 32 KiB */
    /* Of one source: as much as five clients that retry at their fastest, 4 a second. */
    SKT_RATELIMIT_PER_S = 20,
    SKT_RATELIMIT_BURST = 5, /* at once: one of each of these five */
};

struct skt_ratelimit_slot {
    uint64_t source; /* 0: free */
    skt_us due;      /* when it would have asked next, had it kept to the rate */
};

struct skt_ratelimit {
    struct skt_ratelimit_slot *slots; /* NULL until somebody asks */
};

/* May this source (a key, not 0) ask now? Zero-initialise r. Without memory: yes. */
bool skt_ratelimit_take(struct skt_ratelimit *r, skt_us now, uint64_t source);

/* Frees the table; it may be used again. */
void skt_ratelimit_dispose(struct skt_ratelimit *r);

/* The same for a single source. */
bool skt_ratelimit_take_one(struct skt_ratelimit_slot *slot, skt_us now);

#endif
