/* SPDX-License-Identifier: MIT */
#include "proto/queue/aqm.h"

#include "base/err.h"
#include "proto/queue/aqm_internal.h"

#include <assert.h>
#include <stdlib.h>

enum {
    OVERFLOW_BATCH = 64, /* packets dropped at once at the limit (RFC 8290, 4.1) */
};

/* CoDel's constants (RFC 8289, 4.2 to 4.4) for a path of known round trip. The interval is the least one that
 * the RFC has where that suffices; a path looks for more bandwidth once in eight round trips, and a queue
 * that stands until it has found some is no reason to slow a sender down. */
#define INTERVAL_MIN (100 * SKT_US_PER_MS)
#define INTERVAL_MAX (500 * SKT_US_PER_MS)

enum {
    INTERVAL_RTTS = 16, /* twice those eight */
    TARGET_PART = 20,   /* of the interval: 5 % of it (RFC 8289: 5 to 10 %) */
};

/* How much longer than its share explains a flow must go on to be bulk where nothing waits. A reader's pages
 * are shorter. */
#define BULK_TIME (500 * SKT_US_PER_MS)

/* Bytes a second: beyond any link, and few enough for products with it. */
#define RATE_MAX UINT64_C(1000000000000)

struct skt_aqm_packet *skt_aqm_packet_new(size_t len)
{
    struct skt_aqm_packet *p = malloc(sizeof *p + len);
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
    *q = (struct skt_aqm){.max = max, .limit = limit, .furthest = SKT_AQM_LAG_MAX};
    skt_idmap_init(&q->by_hash);
    skt_heap_init(&q->turns);
    skt_list_init(&q->idle);
    skt_aqm_set_rtt(q, 0);
}

void skt_aqm_set_rtt(struct skt_aqm *q, skt_us rtt)
{
    skt_us interval = skt_us_min(skt_us_max(INTERVAL_RTTS * rtt, INTERVAL_MIN), INTERVAL_MAX);
    q->times = (struct skt_codel_times){.target = interval / TARGET_PART, .interval = interval};
}

void skt_aqm_set_rate(struct skt_aqm *q, uint64_t rate)
{
    q->rate = rate < RATE_MAX ? rate : RATE_MAX;
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
    struct skt_aqm_flow *f = skt_aqm_flow_for(q, now, (uint32_t)(hash ^ hash >> 32));
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
    if (!f->held && !f->active)
        skt_aqm_activate(q, f);
    while (q->bytes > q->limit)
        shorten_longest(q);
}

/* --- out --- */

/* The flow's next packet that is not dropped. A single packet of the largest kind (with GSO that may be 64
 * KiB) waiting behind is no queue. */
static struct skt_aqm_packet *take(struct skt_aqm *q, struct skt_aqm_flow *f, skt_us now)
{
    struct skt_aqm_packet *p;
    while ((p = head_of(f)) != NULL) {
        take_head(q, f, p);
        if (!skt_codel_judge(&f->codel, &q->times, now, now - p->at, f->bytes <= f->largest))
            return p;
        if (p->ecn) {
            p->marked = true;
            q->stats.marked++;
            return p;
        }
        skt_aqm_packet_free(p);
        q->stats.dropped++;
    }
    skt_codel_on_empty(&f->codel);
    return NULL;
}

static struct skt_aqm_flow *next_flow(const struct skt_aqm *q)
{
    struct skt_heap_node *node = skt_heap_first(&q->turns);
    return node && node->at < SKT_AQM_NO_TURN ? SKT_CONTAINER(node, struct skt_aqm_flow, turn) : NULL;
}

bool skt_aqm_ready(const struct skt_aqm *q)
{
    return next_flow(q) != NULL;
}

/* Half of what each of the users would have of the rate, bytes/s. */
static uint64_t half_share(const struct skt_aqm *q)
{
    return q->rate / 2 / (q->users ? q->users : 1);
}

static uint64_t taken_by_now(const struct skt_aqm *q, const struct skt_aqm_flow *f, skt_us now)
{
    skt_us passed = skt_us_min(now > f->taken_at ? now - f->taken_at : 0, SKT_US_PER_SEC);
    uint64_t share = half_share(q) * passed / SKT_US_PER_SEC;
    return f->taken > share ? f->taken - share : 0;
}

static uint64_t taken_most(const struct skt_aqm *q)
{
    uint64_t most = half_share(q) * BULK_TIME / SKT_US_PER_SEC;
    return most > SKT_AQM_LAG_MAX ? most : SKT_AQM_LAG_MAX;
}

/* Bulk is what has more waiting than half of its share comes to, or took more for long. */
static bool is_bulk(const struct skt_aqm *q, const struct skt_aqm_flow *f, skt_us now, uint64_t waiting)
{
    return 2 * waiting > f->spare || (q->rate && taken_by_now(q, f, now) > taken_most(q));
}

static void count_taken(const struct skt_aqm *q, struct skt_aqm_flow *f, skt_us now, size_t len)
{
    uint64_t taken = taken_by_now(q, f, now) + len, most = 2 * taken_most(q);
    f->taken = taken < most ? taken : most;
    f->taken_at = now;
    f->spare -= len < f->spare ? len : f->spare;
}

bool skt_aqm_next_is_thin(const struct skt_aqm *q, skt_us now)
{
    const struct skt_aqm_flow *f = next_flow(q);
    return f && !is_bulk(q, f, now, f->bytes);
}

struct skt_aqm_packet *skt_aqm_pull(struct skt_aqm *q, skt_us now)
{
    for (struct skt_aqm_flow *f; (f = next_flow(q)) != NULL;) {
        uint64_t start = f->turn.at;
        if (start > q->place)
            q->place = start;
        struct skt_aqm_packet *p = take(q, f, now);
        if (!p) {
            skt_aqm_rest(q, f, now);
            continue;
        }
        f->end = start + p->len;
        if (f->end > q->furthest)
            q->furthest = f->end;
        f->on_way = true;
        p->flow = f->number;
        p->bulk = is_bulk(q, f, now, (uint64_t)p->len + f->bytes);
        count_taken(q, f, now, p->len);
        p->once = p->ack && f->ack;
        f->ack = p->ack;
        if (f->packets > 0)
            skt_aqm_set_turn(q, f, f->end);
        else
            skt_aqm_rest(q, f, now);
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
    f->end -= p->len;
    f->held = true;
    f->active = false;
    skt_aqm_set_turn(q, f, SKT_AQM_NO_TURN);
}

void skt_aqm_release(struct skt_aqm *q, skt_us now, unsigned flow)
{
    struct skt_aqm_flow *f = flow < q->count ? q->flows[flow] : NULL;
    if (!f || !f->held)
        return;
    f->held = false;
    if (f->packets > 0)
        skt_aqm_activate(q, f);
    else
        skt_aqm_rest(q, f, now);
}

void skt_aqm_arrived(struct skt_aqm *q, skt_us now, unsigned flow)
{
    struct skt_aqm_flow *f = flow < q->count ? q->flows[flow] : NULL;
    if (!f || !f->on_way)
        return;
    f->on_way = false;
    if (!f->active && !f->held)
        skt_aqm_rest(q, f, now);
}

struct skt_aqm_packet *skt_aqm_take(struct skt_aqm *q, unsigned *pos)
{
    for (; *pos < q->count; ++*pos) {
        struct skt_aqm_flow *f = q->flows[*pos];
        struct skt_aqm_packet *p = head_of(f);
        if (!p)
            continue;
        take_head(q, f, p);
        return p;
    }
    return NULL;
}
