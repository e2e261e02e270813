/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The random choices made for each packet, each from a number of its own. */
enum draw { DRAW_LOSS, DRAW_BURST, DRAW_BURST_LOSS, DRAW_JITTER, DRAW_REORDER, DRAW_DUP, DRAWS };

bool link_pool_init(struct link_pool *pool, unsigned mtu, uint32_t slots)
{
    pool->slot_len = ((size_t)mtu + 63) & ~(size_t)63;
    pool->slots = slots;
    pool->memory = malloc(pool->slot_len * slots);
    pool->free_slots = malloc(sizeof *pool->free_slots * slots);
    pool->free_count = 0;
    if (!pool->memory || !pool->free_slots)
        return false;
    while (pool->free_count < slots) {
        pool->free_slots[pool->free_count] = slots - 1 - pool->free_count;
        pool->free_count++;
    }
    return true;
}

void link_pool_dispose(struct link_pool *pool)
{
    free(pool->memory);
    free(pool->free_slots);
    memset(pool, 0, sizeof *pool);
}

uint8_t *link_pool_at(const struct link_pool *pool, uint32_t slot)
{
    return pool->memory + (size_t)slot * pool->slot_len;
}

bool link_pool_take(struct link_pool *pool, uint32_t *slot)
{
    if (pool->free_count == 0)
        return false;
    *slot = pool->free_slots[--pool->free_count];
    return true;
}

void link_pool_give(struct link_pool *pool, uint32_t slot)
{
    pool->free_slots[pool->free_count++] = slot;
}

bool link_dir_init(struct link_dir *d, struct link_pool *pool, uint64_t seed)
{
    memset(d, 0, sizeof *d);
    link_settings_init(&d->set);
    d->seed = seed;
    d->pool = pool;
    d->out_fd = -1;
    d->fifo = malloc(sizeof *d->fifo * pool->slots);
    d->late = malloc(sizeof *d->late * pool->slots);
    return d->fifo && d->late;
}

void link_dir_dispose(struct link_dir *d)
{
    link_settings_dispose(&d->set);
    free(d->fifo);
    free(d->late);
}

/* splitmix64 (Steele, Lea, Flood 2014) as a function of the packet's index; 0 <= result < 1. */
static double draw(const struct link_dir *d, enum draw what)
{
    uint64_t x = d->seed + (d->index * DRAWS + what + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return (double)(x >> 11) * 0x1p-53;
}

static bool is_lost(struct link_dir *d)
{
    const struct link_settings *s = &d->set;
    if (draw(d, DRAW_BURST) < (d->bad ? s->burst_leave : s->burst_enter))
        d->bad = !d->bad;
    if (d->bad && draw(d, DRAW_BURST_LOSS) < s->burst_loss)
        return true;
    return draw(d, DRAW_LOSS) < s->loss;
}

static int64_t pass_trace(struct link_dir *d, size_t len, int64_t now)
{
    int64_t left = link_trace_pass(d->set.trace, len, d->set.queue_bytes, now);
    if (left != LINK_NEVER)
        link_times_add(&d->waited, left - now);
    return left;
}

/* When the last byte of a packet leaves the bottleneck, or LINK_NEVER if its buffer is full. */
static int64_t pass_bottleneck(struct link_dir *d, size_t len, int64_t now)
{
    if (d->set.trace)
        return pass_trace(d, len, now);
    if (d->set.ns_per_byte <= 0)
        return now;
    if (d->busy_until < now)
        d->busy_until = now;
    if (d->busy_until - now > d->set.buffer_ns)
        return LINK_NEVER;
    link_times_add(&d->waited, d->busy_until - now);
    d->busy_until += (int64_t)((double)len * d->set.ns_per_byte);
    return d->busy_until;
}

static void late_push(struct link_dir *d, struct link_entry e)
{
    uint32_t i = d->late_count++;
    for (; i > 0 && d->late[(i - 1) / 2].due > e.due; i = (i - 1) / 2)
        d->late[i] = d->late[(i - 1) / 2];
    d->late[i] = e;
}

static struct link_entry late_pop(struct link_dir *d)
{
    struct link_entry top = d->late[0], e = d->late[--d->late_count];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= d->late_count)
            break;
        if (child + 1 < d->late_count && d->late[child + 1].due < d->late[child].due)
            child++;
        if (d->late[child].due >= e.due)
            break;
        d->late[i] = d->late[child];
        i = child;
    }
    d->late[i] = e;
    return top;
}

static void enqueue(struct link_dir *d, struct link_entry e, bool held_back)
{
    if (held_back) {
        late_push(d, e);
        return;
    }
    if (e.due < d->last_due)
        e.due = d->last_due;
    d->last_due = e.due;
    d->fifo[d->tail++ & (d->pool->slots - 1)] = e;
}

void link_dir_admit(struct link_dir *d, uint32_t slot, size_t len, int64_t now)
{
    const struct link_settings *s = &d->set;
    d->index++;
    int64_t left = pass_bottleneck(d, len, now);
    if (left == LINK_NEVER) {
        d->count.overflow++;
        link_pool_give(d->pool, slot);
        return;
    }
    if (is_lost(d)) {
        d->count.lost++;
        link_pool_give(d->pool, slot);
        return;
    }
    struct link_entry e = {.slot = slot, .len = (uint32_t)len};
    e.due = left + s->delay_ns + (int64_t)((2 * draw(d, DRAW_JITTER) - 1) * (double)s->jitter_ns);
    if (e.due < left)
        e.due = left;
    bool held_back = draw(d, DRAW_REORDER) < s->reorder;
    if (held_back) {
        e.due += s->reorder_ns;
        d->count.reordered++;
    }
    enqueue(d, e, held_back);
    struct link_entry twin = e;
    if (draw(d, DRAW_DUP) < s->dup && link_pool_take(d->pool, &twin.slot)) {
        memcpy(link_pool_at(d->pool, twin.slot), link_pool_at(d->pool, slot), len);
        d->count.duplicated++;
        enqueue(d, twin, held_back);
    }
}

static int64_t fifo_due(const struct link_dir *d)
{
    return d->head == d->tail ? LINK_NEVER : d->fifo[d->head & (d->pool->slots - 1)].due;
}

static int64_t late_due(const struct link_dir *d)
{
    return d->late_count == 0 ? LINK_NEVER : d->late[0].due;
}

int64_t link_dir_expiry(const struct link_dir *d)
{
    int64_t a = fifo_due(d), b = late_due(d);
    return a < b ? a : b;
}

uint32_t link_dir_queued(const struct link_dir *d)
{
    return d->tail - d->head + d->late_count;
}

unsigned link_dir_deliver(struct link_dir *d, int64_t now)
{
    unsigned n = 0;
    while (link_dir_expiry(d) <= now) {
        struct link_entry e;
        if (fifo_due(d) <= late_due(d))
            e = d->fifo[d->head++ & (d->pool->slots - 1)];
        else
            e = late_pop(d);
        const uint8_t *packet = link_pool_at(d->pool, e.slot);
        link_times_add(&d->lateness, now - e.due);
        if (write(d->out_fd, packet, e.len) == (ssize_t)e.len) {
            d->count.out_packets++;
            d->count.out_bytes += e.len;
            d->count.out_udp += link_ip_is_udp(packet, e.len);
        } else {
            d->count.unwritten++;
        }
        link_pool_give(d->pool, e.slot);
        n++;
    }
    return n;
}
