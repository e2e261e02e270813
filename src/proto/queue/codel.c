/* SPDX-License-Identifier: MIT */
#include "proto/queue/codel.h"

enum { RECENT_INTERVALS = 16 }; /* a queue that stood this shortly ago is soon as fast at dropping again */

static uint32_t square_root(uint64_t v)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= v)
            root |= bit;
    return (uint32_t)root;
}

/* When the next packet goes after the count-th: interval / sqrt(count) later. */
static skt_us next_drop(const struct skt_codel_times *t, skt_us from, uint32_t count)
{
    return from + (t->interval << 8) / square_root((uint64_t)count << 16);
}

/* Was the wait above the target for a whole interval? */
static bool is_above(struct skt_codel *c, const struct skt_codel_times *t, skt_us now, skt_us wait,
                     bool short_queue)
{
    if (wait < t->target || short_queue) {
        c->first_above = 0;
        return false;
    }
    if (c->first_above == 0) {
        c->first_above = now + t->interval;
        return false;
    }
    return now >= c->first_above;
}

bool skt_codel_judge(struct skt_codel *c, const struct skt_codel_times *t, skt_us now, skt_us wait,
                     bool short_queue)
{
    if (!is_above(c, t, now, wait, short_queue)) {
        c->dropping = false;
        return false;
    }
    if (c->dropping) {
        if (now < c->drop_next)
            return false;
        c->count++;
        c->drop_next = next_drop(t, c->drop_next, c->count);
        return true;
    }
    c->dropping = true;
    uint32_t delta = c->count - c->last_count;
    bool recent = now < c->drop_next || now - c->drop_next < RECENT_INTERVALS * t->interval;
    c->count = delta > 1 && recent ? delta : 1;
    c->drop_next = next_drop(t, now, c->count);
    c->last_count = c->count;
    return true;
}

void skt_codel_on_empty(struct skt_codel *c)
{
    c->first_above = 0;
    c->dropping = false;
}
