/* SPDX-License-Identifier: MIT */
#include "sim/link.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sim_packet {
    skt_us at;
    uint64_t order;
    size_t len;
    uint8_t tag;
    uint8_t data[];
};

static bool sooner(const struct sim_packet *a, const struct sim_packet *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct sim_link *l, struct sim_packet *packet)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->heap = realloc(l->heap, l->cap * sizeof *l->heap);
        assert(l->heap);
    }
    size_t i = l->count++;
    for (; i > 0 && sooner(packet, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = packet;
}

static struct sim_packet *pop(struct sim_link *l)
{
    struct sim_packet *first = l->heap[0], *last = l->heap[--l->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= l->count)
            break;
        if (child + 1 < l->count && sooner(l->heap[child + 1], l->heap[child]))
            child++;
        if (!sooner(l->heap[child], last))
            break;
        l->heap[i] = l->heap[child];
        i = child;
    }
    l->heap[i] = last;
    return first;
}

void sim_link_init(struct sim_link *l, const struct sim_link_config *config, uint64_t seed)
{
    memset(l, 0, sizeof *l);
    l->config = *config;
    l->rng = sim_rng_of(seed);
}

void sim_link_dispose(struct sim_link *l)
{
    while (l->count > 0)
        free(pop(l));
    free(l->heap);
    free(l->queue.ring);
    memset(l, 0, sizeof *l);
}

static bool is_lost(struct sim_link *l, skt_us now)
{
    const struct sim_link_config *c = &l->config;
    if (c->burst_len && l->bad)
        l->bad = now < l->bad_until;
    else if (l->bad)
        l->bad = !sim_rng_chance(&l->rng, c->burst_leave);
    else
        l->bad = sim_rng_chance(&l->rng, c->burst_enter);
    if (l->bad && c->burst_len && l->bad_until <= now)
        l->bad_until = now + sim_rng_below(&l->rng, 2 * c->burst_len);
    bool burst = l->bad && sim_rng_chance(&l->rng, c->burst_loss);
    bool chance = sim_rng_chance(&l->rng, c->loss);
    bool outage = c->outage_len && now >= c->outage_at && now < c->outage_at + c->outage_len;
    return burst || chance || outage;
}

double sim_link_loss(const struct sim_link_config *c)
{
    double enter = c->burst_enter / 10000.0, leave = c->burst_leave / 10000.0;
    double burst = enter > 0 ? enter / (enter + leave) * c->burst_loss / 10000.0 : 0;
    return 1 - (1 - burst) * (1 - c->loss / 10000.0);
}

/* Twelve uniform parts come near enough to a normal one: mean 0, variance 1, in millionths. */
static int64_t normal(struct sim_rng *rng)
{
    int64_t sum = -6000000;
    for (int i = 0; i < 12; i++)
        sum += (int64_t)sim_rng_below(rng, 1000001);
    return sum;
}

static skt_us delay_of(struct sim_link *l)
{
    const struct sim_link_config *c = &l->config;
    skt_us delay = c->delay + sim_rng_below(&l->rng, c->jitter + 1);
    if (c->deviation == 0)
        return delay;
    int64_t part = normal(&l->rng) * (int64_t)c->deviation / 1000000;
    return part < -(int64_t)delay ? 0 : (skt_us)((int64_t)delay + part);
}

static void deliver(struct sim_link *l, skt_us leaves, const void *data, size_t len)
{
    const struct sim_link_config *c = &l->config;
    struct sim_packet *packet = malloc(sizeof *packet + len);
    assert(packet);
    packet->at = leaves + delay_of(l);
    if (c->in_order)
        packet->at = l->last_at = skt_us_max(packet->at, l->last_at);
    if (sim_rng_chance(&l->rng, c->reorder))
        packet->at += c->reorder_delay;
    packet->order = l->order++;
    packet->len = len;
    packet->tag = l->tag;
    memcpy(packet->data, data, len);
    if (sim_rng_chance(&l->rng, c->mutate)) {
        for (uint64_t n = sim_rng_range(&l->rng, 1, 4); n > 0; n--)
            packet->data[sim_rng_below(&l->rng, len)] ^= (uint8_t)sim_rng_range(&l->rng, 1, 255);
    }
    push(l, packet);
}

/* --- rate --- */

enum { FINE = 1024 }; /* of sim_link.idle_at */

static skt_us rate_time(const struct sim_link_config *c, size_t len)
{
    return c->rate ? (len * SKT_US_PER_SEC + c->rate - 1) / c->rate : 0;
}

static skt_us rate_wait(const struct sim_link *l, skt_us now)
{
    return l->idle_at > now * FINE ? (l->idle_at - now * FINE) / FINE : 0;
}

/* When the packet has left, or SKT_NEVER: there was no room for it. */
static skt_us pass_rate(struct sim_link *l, skt_us now, size_t len)
{
    const struct sim_link_config *c = &l->config;
    if (!c->rate)
        return now;
    skt_us wait = rate_wait(l, now);
    if (c->buffer && wait * c->rate / SKT_US_PER_SEC + len > c->buffer)
        return SKT_NEVER;
    uint64_t begin = l->idle_at > now * FINE ? l->idle_at : now * FINE;
    l->idle_at = begin + len * SKT_US_PER_SEC * FINE / c->rate;
    return (l->idle_at + FINE - 1) / FINE;
}

/* --- opportunities --- */

/* Takes what a packet of `len` bytes offered now needs; when it has left. */
static skt_us take(const struct sim_link_config *c, struct sim_queue *q, skt_us now, size_t len)
{
    const struct sim_capacity *s = c->capacity;
    skt_us t = now - c->capacity_from;
    /* What is left of an opportunity that came before the packet is gone. */
    if (sim_capacity_at(s, q->opportunity) < t) {
        q->opportunity = sim_capacity_next(s, t);
        q->used = 0;
    }
    for (; len > s->bytes - q->used; q->used = 0) {
        len -= s->bytes - q->used;
        q->opportunity++;
    }
    q->used += len;
    skt_us leaves = c->capacity_from + sim_capacity_at(s, q->opportunity);
    if (q->used == s->bytes) {
        q->opportunity++;
        q->used = 0;
    }
    return leaves;
}

static void wait_in(struct sim_queue *q, skt_us leaves, size_t len)
{
    if (q->count == q->cap) {
        size_t cap = q->cap ? 2 * q->cap : 64;
        struct sim_waiting *ring = calloc(cap, sizeof *ring);
        assert(ring);
        for (size_t i = 0; i < q->count; i++)
            ring[i] = q->ring[(q->first + i) & (q->cap - 1)];
        free(q->ring);
        q->ring = ring;
        q->cap = cap;
        q->first = 0;
    }
    q->ring[(q->first + q->count++) & (q->cap - 1)] = (struct sim_waiting){leaves, len};
    q->bytes += len;
}

static skt_us pass_capacity(struct sim_link *l, skt_us now, size_t len)
{
    struct sim_queue *q = &l->queue;
    for (; q->count > 0 && q->ring[q->first].leaves <= now; q->count--) {
        q->bytes -= q->ring[q->first].len;
        q->first = (q->first + 1) & (q->cap - 1);
    }
    if (l->config.buffer && q->bytes + len > l->config.buffer)
        return SKT_NEVER;
    skt_us leaves = take(&l->config, q, now, len);
    wait_in(q, leaves, len);
    return leaves;
}

skt_us sim_link_alone(const struct sim_link_config *c, skt_us now, size_t len)
{
    struct sim_queue q = {0};
    return c->capacity ? take(c, &q, now, len) : now + rate_time(c, len);
}

skt_us sim_link_wait(const struct sim_link *l, skt_us now, size_t len)
{
    const struct sim_link_config *c = &l->config;
    if (!c->capacity)
        return c->rate ? rate_wait(l, now) : 0;
    struct sim_queue q = l->queue;
    return take(c, &q, now, len) - sim_link_alone(c, now, len);
}

void sim_link_send(struct sim_link *l, skt_us now, const void *data, size_t len)
{
    const struct sim_link_config *c = &l->config;
    size_t ip_len = len + SIM_IP_OVERHEAD;
    l->stats.sent++;
    l->stats.sent_bytes += ip_len;
    skt_us leaves = c->capacity ? pass_capacity(l, now, ip_len) : pass_rate(l, now, ip_len);
    if (leaves == SKT_NEVER) {
        l->stats.dropped++;
        return;
    }
    if (is_lost(l, now) || (c->mtu && len > c->mtu)) {
        l->stats.lost++;
        return;
    }
    deliver(l, leaves, data, len);
    if (sim_rng_chance(&l->rng, c->duplicate))
        deliver(l, leaves, data, len);
}

skt_us sim_link_expiry(const struct sim_link *l)
{
    return l->count > 0 ? l->heap[0]->at : SKT_NEVER;
}

size_t sim_link_receive(struct sim_link *l, skt_us now, void *buf, size_t cap)
{
    if (l->count == 0 || l->heap[0]->at > now)
        return 0;
    struct sim_packet *packet = pop(l);
    size_t len = packet->len;
    assert(len <= cap);
    memcpy(buf, packet->data, len);
    l->tag = packet->tag;
    free(packet);
    l->stats.delivered++;
    return len;
}
