/* SPDX-License-Identifier: MIT */
/* The flows of the queue: their numbers, and the heap of their turns. */
#include "base/err.h"
#include "proto/queue/aqm_internal.h"

#include <stdlib.h>

enum { FLOWS_START = 16 }; /* places of the first array; it doubles */

/* A number that has been idle for so long is taken before a new one is: a session's conversations stay as few
 * as its flows are at a time. */
#define REUSE_AFTER (1 * SKT_US_PER_SEC)

void skt_aqm_set_turn(struct skt_aqm *q, struct skt_aqm_flow *f, uint64_t place)
{
    skt_heap_set(&q->turns, &f->turn, place);
}

void skt_aqm_activate(struct skt_aqm *q, struct skt_aqm_flow *f)
{
    bool alone = !skt_aqm_ready(q);
    if (alone)
        q->place = q->furthest;
    uint64_t least = q->place > SKT_AQM_LAG_MAX ? q->place - SKT_AQM_LAG_MAX : 0,
             start = f->end > least ? f->end : least;
    f->spare = alone ? SKT_AQM_LAG_MAX : q->place > start ? q->place - start : 0;
    f->active = true;
    if (!f->used)
        q->users++;
    f->used = true;
    skt_aqm_set_turn(q, f, start);
}

void skt_aqm_rest(struct skt_aqm *q, struct skt_aqm_flow *f, skt_us now)
{
    f->active = false;
    skt_aqm_set_turn(q, f, SKT_AQM_NO_TURN);
    if (f->on_way || f->packets > 0)
        return;
    if (f->used)
        q->users--;
    f->used = false;
    f->idle_since = now;
    skt_list_move_tail(&q->idle, &f->link);
}

static void add_name(struct skt_aqm *q, struct skt_aqm_flow *f, uint32_t hash)
{
    if (f->name_count < SKT_AQM_NAMES_MAX && skt_idmap_put(&q->by_hash, hash, f) == SKT_OK)
        f->names[f->name_count++] = hash;
}

/* The number is this flow's from now on, as if new. */
static void rename_flow(struct skt_aqm *q, struct skt_aqm_flow *f, uint32_t hash)
{
    while (f->name_count > 0)
        (void)skt_idmap_remove(&q->by_hash, f->names[--f->name_count]);
    add_name(q, f, hash);
    f->end = 0;
    f->largest = 0;
    f->taken = 0;
    f->ack = false;
    f->codel = (struct skt_codel){0};
}

static struct skt_aqm_flow *new_flow(struct skt_aqm *q)
{
    if (q->count == q->cap) {
        unsigned cap = q->cap ? 2 * q->cap : FLOWS_START;
        void *flows = realloc(q->flows, cap * sizeof(struct skt_aqm_flow *));
        if (!flows)
            return NULL;
        q->flows = flows;
        q->cap = cap;
    }
    struct skt_aqm_flow *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    skt_list_init(&f->queue);
    skt_list_init(&f->link);
    skt_heap_set(&q->turns, &f->turn, SKT_AQM_NO_TURN);
    f->number = (uint16_t)q->count;
    q->flows[q->count++] = f;
    return f;
}

/* No number is idle. One with few names, so that this flow keeps to it while it is in use. */
static struct skt_aqm_flow *share(struct skt_aqm *q, uint32_t hash)
{
    if (q->count == 0)
        return NULL;
    unsigned at = hash % q->count;
    for (int tries = 1; q->flows[at]->name_count == SKT_AQM_NAMES_MAX && tries < SKT_AQM_NAMES_MAX; tries++)
        at = (at + 1) % q->count;
    q->stats.shared++;
    add_name(q, q->flows[at], hash);
    return q->flows[at];
}

struct skt_aqm_flow *skt_aqm_flow_for(struct skt_aqm *q, skt_us now, uint32_t hash)
{
    struct skt_aqm_flow *f = skt_idmap_get(&q->by_hash, hash);
    if (f) {
        skt_list_remove(&f->link); /* it is about to get a packet */
        return f;
    }
    struct skt_aqm_flow *idle =
        skt_list_empty(&q->idle) ? NULL : SKT_CONTAINER(q->idle.next, struct skt_aqm_flow, link);
    bool rested = idle && now - idle->idle_since >= REUSE_AFTER;
    if (!rested && q->count < q->max)
        f = new_flow(q);
    if (!f)
        f = idle;
    if (!f)
        return share(q, hash);
    skt_list_remove(&f->link);
    rename_flow(q, f, hash);
    return f;
}
