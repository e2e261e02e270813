/* SPDX-License-Identifier: MIT */
#include "proto/keys/stamp_ranges.h"

#include "proto/wire.h"

#include <string.h>

/* Ranges closer than this become one, at the price of what lies between them: a quarter of what the stamps
 * that may come at one time span. */
enum { RANGE_GAP_S = 2 * SKT_STAMP_WINDOW_MS / 1000 / 4 };

/* Neighbours that overlap or are close become one; where there are too many, the closest do. */
static void join_ranges(struct skt_stamp_ranges *all)
{
    struct skt_stamp_range *r = all->list;
    for (;;) {
        unsigned best = 0;
        uint32_t least = UINT32_MAX;
        for (unsigned i = 0; i + 1 < all->count; i++) {
            uint32_t gap = r[i + 1].from_s > r[i].to_s ? r[i + 1].from_s - r[i].to_s : 0;
            if (gap < least) {
                least = gap;
                best = i;
            }
        }
        if (all->count < 2 || (least > RANGE_GAP_S && all->count <= SKT_STAMP_RANGES))
            return;
        if (r[best + 1].from_s < r[best].from_s)
            r[best].from_s = r[best + 1].from_s;
        if (r[best + 1].to_s > r[best].to_s)
            r[best].to_s = r[best + 1].to_s;
        all->count--;
        memmove(&r[best + 1], &r[best + 2], (all->count - best - 1) * sizeof r[0]);
    }
}

void skt_stamp_ranges_add(struct skt_stamp_ranges *all, struct skt_stamp_range range)
{
    struct skt_stamp_range *r = all->list;
    unsigned i = 0;
    if (range.from_s > range.to_s)
        return;
    while (i < all->count && r[i].to_s < range.from_s)
        i++;
    if (i < all->count && r[i].from_s <= range.from_s && range.to_s <= r[i].to_s)
        return;
    memmove(&r[i + 1], &r[i], (all->count - i) * sizeof r[0]);
    r[i] = range;
    all->count++;
    join_ranges(all);
}

bool skt_stamp_ranges_have(const struct skt_stamp_ranges *all, uint64_t stamp_s)
{
    for (unsigned i = 0; i < all->count; i++)
        if (stamp_s >= all->list[i].from_s && stamp_s <= all->list[i].to_s)
            return true;
    return false;
}
