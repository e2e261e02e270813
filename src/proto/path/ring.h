/* SPDX-License-Identifier: MIT */
/* Slots for the segments of a window, by sn; which window is the owner's business. */
#ifndef SKT_PROTO_PATH_RING_H
#define SKT_PROTO_PATH_RING_H

#include "base/account.h"
#include "proto/path/segment.h"

struct skt_seg_ring {
    struct skt_segment **slot;
    uint32_t cap; /* a power of two, or 0 */
};

/* Makes room for the sns first..first+span-1, keeping what is there; the ring's memory is the account's.
 * SKT_ERR_NOMEM. */
int skt_seg_ring_reserve(struct skt_seg_ring *r, struct skt_account *a, uint32_t first, uint32_t span);
void skt_seg_ring_free(struct skt_seg_ring *r, struct skt_account *a);

/* The place of sn; the ring must not be empty. */
static inline struct skt_segment **skt_seg_ring_at(const struct skt_seg_ring *r, uint32_t sn)
{
    return &r->slot[sn & (r->cap - 1)];
}

#endif
