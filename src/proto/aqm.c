/* SPDX-License-Identifier: MIT */
#include "proto/aqm.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

enum {
    OVERFLOW_BATCH = 64, /* packets dropped at once at the limit (RFC 8290, 4.1) */
    FLOWS_START = 16,
    NAMES_MAX = 8, /* flows that may share a number and still are kept in order */
};

/* A number that has been idle for so long is taken before a new one is: a session's conversations stay as few
 * as its flows are at a time. */
#define REUSE_AFTER (1 * SKT_US_PER_SEC)

struct skt_aqm_flow {
    struct skt_list queue;     /* packets, oldest first */
    struct skt_list link;      /* in fresh, old or idle; in none while it is held or waits for arrival */
    uint32_t names[NAMES_MAX]; /* hashes of the flows that have this number, in by_hash */
    uint8_t name_count;
    uint16_t number;
    bool active; /* in fresh or old */
    bool held;
    bool on_way; /* packets were pulled that have not all arrived */
    size_t bytes;
    uint32_t packets;
    uint32_t largest; /* packet seen, bytes */
    int64_t deficit;
    skt_us idle_since;

    /* CoDel (RFC 8289, 5.3; 0 for no time) */
    skt_us first_above, drop_next;
    uint32_t count, last_count;
    bool dropping;
};

struct skt_aqm_packet *skt_aqm_packet_new(size_t len)
{
    struct skt_aqm_packet *p = (struct skt_aqm_packet *)malloc(sizeof *p + len);
    if (!p)
        return NULL;
    *p = (struct skt_aqm_packet){.len = (uint32_t)len};
    skt_list_init(&p->link);
    return p;
}

void skt_aqm_packet_free(struct skt_aqm_packet *p)
{
    free(p);
}

void skt_aqm_init(struct skt_aqm *q, unsigned max, size_t limit)
{
    *q = (struct skt_aqm){.max = max, .limit = limit};
    skt_idmap_init(&q->by_hash);
    skt_list_init(&q->fresh);
    skt_list_init(&q->old);
    skt_list_init(&q->idle);
}

static struct skt_aqm_packet *head_of(const struct skt_aqm_flow *f)
{
    return skt_list_empty(&f->queue) ? NULL : SKT_CONTAINER(f->queue.next, struct skt_aqm_packet, link);
}

static void take_head(struct skt_aqm *q, struct skt_aqm_flow *f, struct skt_aqm_packet *p)
{
    skt_list_remove(&p->link);
    f->bytes -= p->len;
    f->packets--;
    q->bytes -= p->len;
    q->packets--;
}

void skt_aqm_dispose(struct skt_aqm *q)
{
    for (unsigned i = 0; i < q->count; i++) {
        struct skt_aqm_flow *f = q->flows[i];
        for (struct skt_aqm_packet *p; (p = head_of(f));) {
            take_head(q, f, p);
            skt_aqm_packet_free(p);
        }
        free(f);
    }
    free(q->flows);
    skt_idmap_dispose(&q->by_hash);
    skt_aqm_init(q, q->max, q->limit);
}

/* --- which flow --- */

static void activate(struct skt_list *list, struct skt_aqm_flow *f)
{
    f->active = true;
    skt_list_move_tail(list, &f->link);
}

/* Takes a flow off the lists; it is idle where nothing of it waits or is on its way. */
static void rest(struct skt_aqm *q, struct skt_aqm_flow *f, skt_us now)
{
    f->active = false;
    skt_list_remove(&f->link);
    if (f->on_way || f->packets > 0)
        return;
    f->idle_since = now;
    skt_list_append(&q->idle, &f->link);
}

static void add_name(struct skt_aqm *q, struct skt_aqm_flow *f, uint32_t hash)
{
    if (f->name_count < NAMES_MAX && skt_idmap_put(&q->by_hash, hash, f) == SKT_OK)
        f->names[f->name_count++] = hash;
}

/* The number is this flow's from now on, as if new. */
static void rename_flow(struct skt_aqm *q, struct skt_aqm_flow *f, uint32_t hash)
{
    while (f->name_count > 0)
        (void)skt_idmap_remove(&q->by_hash, f->names[--f->name_count]);
    add_name(q, f, hash);
    f->deficit = 0;
    f->largest = 0;
    f->first_above = f->drop_next = 0;
    f->count = f->last_count = 0;
    f->dropping = false;
}

static struct skt_aqm_flow *new_flow(struct skt_aqm *q)
{
    if (q->count == q->cap) {
        unsigned cap = q->cap ? 2 * q->cap : FLOWS_START;
        void *flows = realloc(q->flows, cap * sizeof(struct skt_aqm_flow *));
        if (!flows)
            return NULL;
        q->flows = (struct skt_aqm_flow **)flows;
        q->cap = cap;
    }
    struct skt_aqm_flow *f = (struct skt_aqm_flow *)calloc(1, sizeof *f);
    if (!f)
        return NULL;
    skt_list_init(&f->queue);
    skt_list_init(&f->link);
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
    for (int tries = 1; q->flows[at]->name_count == NAMES_MAX && tries < NAMES_MAX; tries++)
        at = (at + 1) % q->count;
    q->stats.shared++;
    add_name(q, q->flows[at], hash);
    return q->flows[at];
}

static struct skt_aqm_flow *flow_for(struct skt_aqm *q, skt_us now, uint32_t hash)
{
    struct skt_aqm_flow *f = (struct skt_aqm_flow *)skt_idmap_get(&q->by_hash, hash);
    if (f)
        return f;
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

/* --- in --- */

/* The flow that has most waiting loses half of it, up to a batch, from its head: its sender learns soonest.
 */
static void shorten_longest(struct skt_aqm *q)
{
    struct skt_aqm_flow *longest = q->flows[0];
    for (unsigned i = 1; i < q->count; i++)
        if (q->flows[i]->bytes > longest->bytes)
            longest = q->flows[i];
    size_t enough = longest->bytes / 2;
    for (int i = 0; i < OVERFLOW_BATCH && longest->bytes > enough; i++) {
        struct skt_aqm_packet *p = head_of(longest);
        take_head(q, longest, p);
        skt_aqm_packet_free(p);
        q->stats.overflow++;
    }
}

void skt_aqm_push(struct skt_aqm *q, skt_us now, uint64_t hash, struct skt_aqm_packet *p)
{
    struct skt_aqm_flow *f = flow_for(q, now, (uint32_t)(hash ^ hash >> 32));
    if (!f) {
        q->stats.overflow++;
        skt_aqm_packet_free(p);
        return;
    }
    p->at = now;
    p->marked = false;
    skt_list_append(&f->queue, &p->link);
    f->bytes += p->len;
    f->packets++;
    q->bytes += p->len;
    q->packets++;
    q->stats.pushed++;
    if (p->len > f->largest)
        f->largest = p->len;
    if (!f->held && !f->active) {
        activate(&q->fresh, f);
        f->deficit = SKT_AQM_QUANTUM;
    }
    while (q->bytes > q->limit)
        shorten_longest(q);
}

/* --- CoDel --- */

static uint32_t square_root(uint64_t v)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= v)
            root |= bit;
    return (uint32_t)root;
}

/* When the next packet goes after the count-th: interval / sqrt(count) later. */
static skt_us next_drop(skt_us from, uint32_t count)
{
    return from + (SKT_AQM_INTERVAL << 8) / square_root((uint64_t)count << 16);
}

/* Takes the flow's head. *above: its wait was above the target for a whole interval. A single packet of the
 * largest kind (with GSO that may be 64 KiB) waiting behind is no queue. */
static struct skt_aqm_packet *take(struct skt_aqm *q, struct skt_aqm_flow *f, skt_us now, bool *above)
{
    struct skt_aqm_packet *p = head_of(f);
    *above = false;
    if (!p) {
        f->first_above = 0;
        return NULL;
    }
    take_head(q, f, p);
    if (now - p->at < SKT_AQM_TARGET || f->bytes <= f->largest)
        f->first_above = 0;
    else if (f->first_above == 0)
        f->first_above = now + SKT_AQM_INTERVAL;
    else
        *above = now >= f->first_above;
    return p;
}

/* Marks the packet, which stays, or drops it and takes the next one. */
static struct skt_aqm_packet *punish(struct skt_aqm *q, struct skt_aqm_flow *f, skt_us now,
                                     struct skt_aqm_packet *p, bool *above)
{
    if (p->ecn) {
        p->marked = true;
        q->stats.marked++;
        return p;
    }
    skt_aqm_packet_free(p);
    q->stats.dropped++;
    return take(q, f, now, above);
}

static struct skt_aqm_packet *codel(struct skt_aqm *q, struct skt_aqm_flow *f, skt_us now)
{
    bool above;
    struct skt_aqm_packet *p = take(q, f, now, &above);
    if (f->dropping) {
        f->dropping = p && above;
        while (f->dropping && now >= f->drop_next) {
            f->count++;
            p = punish(q, f, now, p, &above);
            f->dropping = p && above;
            if (f->dropping)
                f->drop_next = next_drop(f->drop_next, f->count);
            if (p && p->marked)
                break;
        }
    } else if (p && above) {
        p = punish(q, f, now, p, &above);
        f->dropping = true;
        uint32_t delta = f->count - f->last_count;
        bool recent = now < f->drop_next || now - f->drop_next < 16 * SKT_AQM_INTERVAL;
        f->count = delta > 1 && recent ? delta : 1;
        f->drop_next = next_drop(now, f->count);
        f->last_count = f->count;
    }
    return p;
}

/* --- out --- */

/* A flow that has run empty: from the first list it goes round once more among the old ones, so that it can't
 * be first again at once (RFC 8290, 4.2). */
static void run_empty(struct skt_aqm *q, struct skt_aqm_flow *f, skt_us now, bool first)
{
    if (first && !skt_list_empty(&q->old))
        skt_list_move_tail(&q->old, &f->link);
    else
        rest(q, f, now);
}

struct skt_aqm_packet *skt_aqm_pull(struct skt_aqm *q, skt_us now)
{
    while (skt_aqm_ready(q)) {
        bool first = !skt_list_empty(&q->fresh);
        struct skt_list *list = first ? &q->fresh : &q->old;
        struct skt_aqm_flow *f = SKT_CONTAINER(list->next, struct skt_aqm_flow, link);
        if (f->deficit <= 0) {
            f->deficit += SKT_AQM_QUANTUM;
            skt_list_move_tail(&q->old, &f->link);
            continue;
        }
        struct skt_aqm_packet *p = codel(q, f, now);
        if (!p) {
            run_empty(q, f, now, first);
            continue;
        }
        f->deficit -= p->len;
        f->on_way = true;
        p->flow = f->number;
        p->bulk = !first || f->packets > 0;
        q->stats.pulled++;
        return p;
    }
    return NULL;
}

void skt_aqm_hold(struct skt_aqm *q, struct skt_aqm_packet *p)
{
    struct skt_aqm_flow *f = q->flows[p->flow];
    skt_list_insert_after(&f->queue, &p->link);
    f->bytes += p->len;
    f->packets++;
    q->bytes += p->len;
    q->packets++;
    q->stats.pulled--;
    f->deficit += p->len;
    f->held = true;
    f->active = false;
    skt_list_remove(&f->link);
}

void skt_aqm_release(struct skt_aqm *q, skt_us now, unsigned flow)
{
    struct skt_aqm_flow *f = flow < q->count ? q->flows[flow] : NULL;
    if (!f || !f->held)
        return;
    f->held = false;
    if (f->packets > 0)
        activate(&q->old, f);
    else
        rest(q, f, now);
}

void skt_aqm_arrived(struct skt_aqm *q, skt_us now, unsigned flow)
{
    struct skt_aqm_flow *f = flow < q->count ? q->flows[flow] : NULL;
    if (!f || !f->on_way)
        return;
    f->on_way = false;
    if (!f->active && !f->held)
        rest(q, f, now);
}
