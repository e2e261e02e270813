/* SPDX-License-Identifier: MIT */
#include "proto/keys/ratelimit.h"

#include <stdlib.h>

enum { WAYS = 4 }; /* slots that a source may have */

#define INTERVAL (SKT_US_PER_SEC / SKT_RATELIMIT_PER_S)

bool skt_ratelimit_take_one(struct skt_ratelimit_slot *slot, skt_us now)
{
    if (slot->due > now + (SKT_RATELIMIT_BURST - 1) * INTERVAL)
        return false;
    slot->due = skt_us_max(slot->due, now) + INTERVAL;
    return true;
}

bool skt_ratelimit_take(struct skt_ratelimit *r, skt_us now, uint64_t source)
{
    if (!r->slots)
        r->slots = calloc(SKT_RATELIMIT_SLOTS, sizeof *r->slots);
    if (!r->slots)
        return true;
    uint64_t h = source * UINT64_C(0x9e3779b97f4a7c15);
    struct skt_ratelimit_slot *set = &r->slots[(h >> 40) % (SKT_RATELIMIT_SLOTS / WAYS) * WAYS];
    struct skt_ratelimit_slot *slot = &set[0];
    for (int i = 0; i < WAYS; i++) {
        if (set[i].source == source)
            return skt_ratelimit_take_one(&set[i], now);
        if (set[i].due < slot->due)
            slot = &set[i];
    }
    *slot = (struct skt_ratelimit_slot){.source = source};
    return skt_ratelimit_take_one(slot, now);
}

void skt_ratelimit_dispose(struct skt_ratelimit *r)
{
    free(r->slots);
    r->slots = NULL;
}
