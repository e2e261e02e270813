/* SPDX-License-Identifier: MIT */
#include "proto/keys/stampcache.h"

#include "base/bytes.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum {
    CAP_MIN = 64, /* slots: a table of 1 KiB is not worth a smaller one */
    REBUILD_MS =
        10 * 60 * 1000,    /* between rebuilds that only look for what is old: a twelfth of the window */
    NARROW_MS = 10 * 1000, /* between rebuilds for room: each walks the whole table, whoever fills it */
    NARROW_TO_MS = 2 * 60 * 1000, /* stamps that stay then: clocks that are right are not further off */
    /* What has left the window is kept as long as there is no need of the room: a clock that is set back by
     * a day does no harm then. */
    KEEP_S = 24 * 3600,
    KEEP_SHARE = 16, /* what has left the window is at most one entry in so many of `max` */
    SHARE = 16,      /* one network, and stamps from the future, have at most one entry in so many of `max` */
    AGES = 240,      /* steps in which KEEP_S is counted: six minutes each */
};

void skt_stampcache_init(struct skt_stampcache *c, uint32_t max_entries)
{
    memset(c, 0, sizeof *c);
    c->max = max_entries ? max_entries : SKT_STAMPCACHE_MAX;
}

static void free_table(struct skt_stampcache *c)
{
    free(c->slots);
    free(c->nets);
    c->slots = NULL;
    c->nets = NULL;
    c->cap = c->count = c->ahead = 0;
}

void skt_stampcache_dispose(struct skt_stampcache *c)
{
    free_table(c);
    memset(c, 0, sizeof *c);
}

static bool is_refused(const struct skt_stampcache *c, uint64_t stamp_ms, const struct skt_stamp_clock *now)
{
    uint64_t up_ms = now->boot_ms > c->start_boot_ms ? now->boot_ms - c->start_boot_ms : 0;
    if (c->has_start && stamp_ms + up_ms < now->wall_ms)
        return true;
    return skt_stamp_ranges_have(&c->refused, stamp_ms / 1000);
}

void skt_stampcache_set_start(struct skt_stampcache *c, uint64_t boot_ms)
{
    if (!c->has_start || boot_ms > c->start_boot_ms)
        c->start_boot_ms = boot_ms;
    c->has_start = true;
}

/* --- the table: linear probing from a place in proportion to the key, so that any size will do, and a walk
 * over one table fills another from its beginning to its end --- */

static struct skt_stamp *slot_of(struct skt_stampcache *c, struct skt_stamp *slots, uint32_t cap,
                                 const uint8_t key[SKT_STAMP_KEY_LEN])
{
    uint32_t i = (uint32_t)((uint64_t)skt_get_u32(key) * cap >> 32);
    for (c->probes++; slots[i].stamp_s != 0 && memcmp(slots[i].key, key, SKT_STAMP_KEY_LEN) != 0; c->probes++)
        i = i + 1 < cap ? i + 1 : 0;
    return &slots[i];
}

/* Slots for `count` entries: at most 7/8 full after a quarter more came in. */
static uint32_t cap_for(const struct skt_stampcache *c, uint32_t count)
{
    uint64_t entries = (uint64_t)count + count / 4;
    if (entries > c->max)
        entries = c->max;
    uint64_t cap = entries * 8 / 7 + 2;
    return cap < CAP_MIN ? CAP_MIN : (uint32_t)cap;
}

static bool has_room(const struct skt_stampcache *c)
{
    return c->slots && (uint64_t)(c->count + 1) * 8 <= (uint64_t)c->cap * 7;
}

static void count_entry(struct skt_stampcache *c, const struct skt_stamp *e, uint64_t wall_ms)
{
    c->count++;
    c->nets[e->net % SKT_STAMP_NETS]++;
    if ((uint64_t)e->stamp_s * 1000 > wall_ms + SKT_STAMP_AHEAD_MS)
        c->ahead++;
}

/* A new table for `entries` at least, with those whose stamps are not before from_s; the others are forgotten
 * and their stamps refused. */
static int rebuild(struct skt_stampcache *c, uint64_t from_s, uint32_t entries, uint64_t wall_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->cap; i++)
        kept += c->slots[i].stamp_s != 0 && c->slots[i].stamp_s >= from_s;
    uint32_t cap = cap_for(c, kept + 1 > entries ? kept + 1 : entries);
    struct skt_stamp *slots = calloc(cap, sizeof *slots);
    uint32_t *nets = calloc(SKT_STAMP_NETS, sizeof *nets);
    if (!slots || !nets) {
        free(slots);
        free(nets);
        return SKT_ERR_NOMEM;
    }
    struct skt_stamp *old = c->slots;
    uint32_t old_cap = c->cap;
    free(c->nets);
    c->slots = slots;
    c->nets = nets;
    c->cap = cap;
    c->count = c->ahead = 0;
    for (uint32_t i = 0; i < old_cap; i++) {
        const struct skt_stamp *e = &old[i];
        if (e->stamp_s == 0)
            continue;
        if (e->stamp_s < from_s) {
            skt_stamp_ranges_add(&c->refused, (struct skt_stamp_range){e->stamp_s, e->stamp_s});
            continue;
        }
        *slot_of(c, slots, cap, e->key) = *e;
        count_entry(c, e, wall_ms);
    }
    free(old);
    return SKT_OK;
}

/* --- what goes when --- */

/* The earliest second of which a stamp may still be inside the window. */
static uint64_t window_start_s(uint64_t now_ms)
{
    return now_ms > SKT_STAMP_WINDOW_MS ? (now_ms - SKT_STAMP_WINDOW_MS) / 1000 : 0;
}

/* From which second on entries are kept: for KEEP_S beyond the window, the newest KEEP_SHARE of them. */
static uint64_t keep_from(const struct skt_stampcache *c, uint64_t now_ms)
{
    enum { STEP_S = KEEP_S / AGES };
    uint64_t start = window_start_s(now_ms);
    uint32_t ages[AGES] = {0};
    for (uint32_t i = 0; i < c->cap; i++) {
        uint32_t s = c->slots[i].stamp_s;
        if (s != 0 && s < start && start - s <= KEEP_S)
            ages[(start - s - 1) / STEP_S]++;
    }
    uint64_t age = 0;
    for (uint32_t n = 0; age < AGES && (n += ages[age]) <= c->max / KEEP_SHARE;)
        age++;
    return start > age * STEP_S ? start - age * STEP_S : 0;
}

/* Is there an entry that could go? */
static bool is_due(const struct skt_stampcache *c, const struct skt_stamp_clock *now)
{
    return c->slots && now->boot_ms >= c->rebuild_boot_ms;
}

/* Under pressure old stamps are given up, though they are inside the window. */
static void narrow(struct skt_stampcache *c, const struct skt_stamp_clock *now)
{
    if (now->boot_ms < c->narrow_boot_ms || now->wall_ms < NARROW_TO_MS)
        return;
    c->narrow_boot_ms = now->boot_ms + NARROW_MS;
    if (rebuild(c, (now->wall_ms - NARROW_TO_MS) / 1000, 0, now->wall_ms) == SKT_OK)
        c->narrowed++;
}

/* Room for one more entry. */
static int make_room(struct skt_stampcache *c, const struct skt_stamp_clock *now)
{
    if (is_due(c, now)) {
        c->rebuild_boot_ms = now->boot_ms + REBUILD_MS;
        (void)rebuild(c, keep_from(c, now->wall_ms), 0, now->wall_ms); /* no memory: there is the old one */
    }
    if (c->count >= c->max - c->max / 4)
        narrow(c, now);
    if (c->count >= c->max)
        return SKT_ERR_FULL;
    if (has_room(c))
        return SKT_OK;
    return rebuild(c, 0, 0, now->wall_ms);
}

/* Nobody fills the table for others. A network may have more while there is plenty. */
static bool within_shares(const struct skt_stampcache *c, uint16_t net, bool is_ahead)
{
    if (is_ahead && c->ahead >= c->max / SHARE)
        return false;
    return c->count < c->max / 2 || c->nets[net] < c->max / SHARE;
}

/* --- verbs --- */

/* Second 0 marks an empty slot; its stamps are kept as of second 1. */
static uint32_t second_of(uint64_t stamp_ms)
{
    return stamp_ms / 1000 > 0 ? (uint32_t)(stamp_ms / 1000) : 1;
}

bool skt_stampcache_has(struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN])
{
    return c->slots && slot_of(c, c->slots, c->cap, key)->stamp_s != 0;
}

int skt_stampcache_check(struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN], uint64_t stamp_ms,
                         const struct skt_stamp_clock *now)
{
    uint64_t distance = stamp_ms > now->wall_ms ? stamp_ms - now->wall_ms : now->wall_ms - stamp_ms;
    if (distance > SKT_STAMP_WINDOW_MS || stamp_ms / 1000 > UINT32_MAX || is_refused(c, stamp_ms, now))
        return SKT_ERR_REPLAY;
    return skt_stampcache_has(c, key) ? SKT_ERR_REPLAY : SKT_OK;
}

static void put(struct skt_stampcache *c, const struct skt_stamp *e, uint64_t wall_ms)
{
    *slot_of(c, c->slots, c->cap, e->key) = *e;
    count_entry(c, e, wall_ms);
}

int skt_stampcache_insert(struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN], uint16_t net,
                          uint64_t stamp_ms, const struct skt_stamp_clock *now, struct skt_stamp *out)
{
    int err = skt_stampcache_check(c, key, stamp_ms, now);
    if (err)
        return err;
    err = make_room(c, now);
    if (err)
        return err;
    struct skt_stamp e = {.net = net % SKT_STAMP_NETS, .stamp_s = second_of(stamp_ms)};
    memcpy(e.key, key, sizeof e.key);
    /* What making room has forgotten is refused since. */
    if (is_refused(c, stamp_ms, now))
        return SKT_ERR_REPLAY;
    if (!within_shares(c, e.net, stamp_ms > now->wall_ms + SKT_STAMP_AHEAD_MS))
        return SKT_ERR_FULL;
    put(c, &e, now->wall_ms);
    if (out)
        *out = e;
    return SKT_OK;
}

int skt_stampcache_reserve(struct skt_stampcache *c, uint32_t entries)
{
    uint64_t all = (uint64_t)c->count + entries;
    if (all > c->max)
        return SKT_ERR_FULL;
    return all == 0 ? SKT_OK : rebuild(c, 0, (uint32_t)all, UINT64_MAX - SKT_STAMP_AHEAD_MS);
}

int skt_stampcache_restore(struct skt_stampcache *c, const struct skt_stamp *entry)
{
    const uint64_t wall_ms = UINT64_MAX - SKT_STAMP_AHEAD_MS; /* the next rebuild counts those ahead */
    if (entry->stamp_s == 0 || skt_stampcache_has(c, entry->key))
        return SKT_OK;
    if (c->count >= c->max)
        return SKT_ERR_FULL;
    int err = has_room(c) ? SKT_OK : rebuild(c, 0, 0, wall_ms);
    if (!err)
        put(c, entry, wall_ms);
    return err;
}

int skt_stampcache_expire(struct skt_stampcache *c, const struct skt_stamp_clock *now)
{
    if (!c->slots)
        return SKT_OK;
    int err = rebuild(c, keep_from(c, now->wall_ms), 0, now->wall_ms);
    if (!err && c->count == 0)
        free_table(c);
    return err;
}

const struct skt_stamp *skt_stampcache_next(const struct skt_stampcache *c, uint32_t *pos)
{
    while (*pos < c->cap) {
        const struct skt_stamp *e = &c->slots[(*pos)++];
        if (e->stamp_s != 0)
            return e;
    }
    return NULL;
}
