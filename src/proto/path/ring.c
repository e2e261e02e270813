/* SPDX-License-Identifier: MIT */
#include "proto/path/ring.h"

#include "base/err.h"

#include <stdlib.h>

enum { RING_MIN = 16 }; /* slots: 128 bytes, as much as a conversation that sends little needs */

int skt_seg_ring_reserve(struct skt_seg_ring *r, struct skt_account *a, uint32_t first, uint32_t span)
{
    if (span <= r->cap)
        return SKT_OK;
    uint32_t cap = r->cap ? r->cap : RING_MIN;
    while (cap < span)
        cap *= 2;
    struct skt_segment **slot =
        (struct skt_segment **)skt_account_alloc(a, cap * sizeof(struct skt_segment *), cap == RING_MIN);
    if (!slot)
        return SKT_ERR_NOMEM;
    /* What is in use lies within the old capacity from `first` on. */
    for (uint32_t i = 0; i < r->cap; i++)
        slot[(first + i) & (cap - 1)] = *skt_seg_ring_at(r, first + i);
    skt_account_free(a, r->slot, r->cap * sizeof(struct skt_segment *));
    r->slot = slot;
    r->cap = cap;
    return SKT_OK;
}

void skt_seg_ring_free(struct skt_seg_ring *r, struct skt_account *a)
{
    skt_account_free(a, r->slot, r->cap * sizeof(struct skt_segment *));
    r->slot = NULL;
    r->cap = 0;
}
