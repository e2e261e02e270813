/* SPDX-License-Identifier: MIT */
#include "proto/path/rubble.h"

enum { RUBBLE_MIN = 16 }; /* slots; smaller rings go at once */

struct rubble {
    struct skt_list node;
    struct skt_seg_ring ring;
    uint32_t at; /* the next slot to be cleared */
};

bool skt_path_take_rubble(struct skt_path *p, struct skt_seg_ring *ring)
{
    struct rubble *r = ring->cap > RUBBLE_MIN ? skt_account_alloc(&p->account, sizeof *r, true) : NULL;
    if (!r)
        return false;
    r->ring = *ring;
    r->at = 0;
    *ring = (struct skt_seg_ring){0};
    skt_list_init(&r->node);
    skt_list_append(&p->rubble, &r->node);
    p->left_over = true;
    return true;
}

void skt_path_clear_rubble(struct skt_path *p, uint32_t slots)
{
    while (slots > 0 && !skt_list_empty(&p->rubble)) {
        struct rubble *r = SKT_CONTAINER(p->rubble.next, struct rubble, node);
        for (; r->at < r->ring.cap && slots > 0; r->at++, slots--)
            if (r->ring.slot[r->at])
                skt_account_put(&p->account, r->ring.slot[r->at]);
        if (r->at < r->ring.cap)
            return;
        skt_list_remove(&r->node);
        skt_seg_ring_free(&r->ring, &p->account);
        skt_account_free(&p->account, r, sizeof *r);
    }
}
