/* SPDX-License-Identifier: MIT */
#include "proto/stampcache.h"

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    CAP_MIN = 64,
    REBUILD_MS = 10 * 60 * 1000, /* between rebuilds that only look for expired entries */
};

void skt_stampcache_init(struct skt_stampcache *c, uint32_t max_entries, uint64_t floor_ms)
{
    memset(c, 0, sizeof *c);
    c->max = max_entries ? max_entries : SKT_STAMPCACHE_MAX;
    c->floor_ms = floor_ms;
    c->oldest_s = UINT32_MAX;
}

void skt_stampcache_dispose(struct skt_stampcache *c)
{
    free(c->slots);
    memset(c, 0, sizeof *c);
}

/* --- the table: linear probing from a place in proportion to the key, so that any size will do --- */

static uint32_t slot_of(const struct skt_stamp *slots, uint32_t cap, const uint8_t key[SKT_STAMP_KEY_LEN])
{
    uint32_t i = (uint32_t)((uint64_t)skt_get_u32(key) * cap >> 32);
    while (slots[i].stamp_s != 0 && memcmp(slots[i].key, key, SKT_STAMP_KEY_LEN) != 0)
        i = i + 1 < cap ? i + 1 : 0;
    return i;
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

/* A new table with the entries whose stamps are at least from_s and room for one more; the floor goes above
 * those left out. Stamps are kept in whole seconds, so the floor is the end of the second. */
static int rebuild(struct skt_stampcache *c, uint64_t from_s)
{
    uint32_t kept = 0, oldest = UINT32_MAX;
    uint64_t floor_ms = c->floor_ms;
    for (uint32_t i = 0; i < c->cap; i++) {
        uint32_t s = c->slots[i].stamp_s;
        if (s == 0)
            continue;
        if (s >= from_s) {
            kept++;
            oldest = s < oldest ? s : oldest;
        } else if (((uint64_t)s + 1) * 1000 > floor_ms) {
            floor_ms = ((uint64_t)s + 1) * 1000;
        }
    }
    uint32_t cap = cap_for(c, kept + 1);
    struct skt_stamp *slots = calloc(cap, sizeof *slots);
    if (!slots)
        return SKT_ERR_NOMEM;
    for (uint32_t i = 0; i < c->cap; i++) {
        if (c->slots[i].stamp_s != 0 && c->slots[i].stamp_s >= from_s)
            slots[slot_of(slots, cap, c->slots[i].key)] = c->slots[i];
    }
    free(c->slots);
    c->slots = slots;
    c->cap = cap;
    c->count = kept;
    c->oldest_s = oldest;
    c->floor_ms = floor_ms;
    return 0;
}

/* Room for one more entry, all stamps from from_s on being kept. */
static int make_room(struct skt_stampcache *c, uint64_t from_s)
{
    if (c->count < c->max && has_room(c))
        return 0;
    if (c->count >= c->max && c->oldest_s >= from_s)
        return SKT_ERR_FULL;
    int err = rebuild(c, from_s);
    if (err)
        return has_room(c) && c->count < c->max ? 0 : err;
    return c->count < c->max ? 0 : SKT_ERR_FULL;
}

static void put(struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN], uint32_t stamp_s)
{
    struct skt_stamp *slot = &c->slots[slot_of(c->slots, c->cap, key)];
    memcpy(slot->key, key, SKT_STAMP_KEY_LEN);
    slot->stamp_s = stamp_s;
    c->count++;
    if (stamp_s < c->oldest_s)
        c->oldest_s = stamp_s;
}

static bool has(const struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN])
{
    return c->slots && c->slots[slot_of(c->slots, c->cap, key)].stamp_s != 0;
}

/* --- the window --- */

/* The earliest second of which a stamp may still be inside the window. */
static uint64_t window_start_s(uint64_t now_ms)
{
    return now_ms > SKT_STAMP_WINDOW_MS ? (now_ms - SKT_STAMP_WINDOW_MS) / 1000 : 0;
}

/* Second 0 marks an empty slot; its stamps are kept as of second 1, which forgets them later, never earlier.
 */
static uint32_t second_of(uint64_t stamp_ms)
{
    uint64_t s = stamp_ms / 1000;
    return s > UINT32_MAX ? UINT32_MAX : s > 0 ? (uint32_t)s : 1;
}

int skt_stampcache_check(const struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN],
                         uint64_t stamp_ms, uint64_t now_ms)
{
    uint64_t distance = stamp_ms > now_ms ? stamp_ms - now_ms : now_ms - stamp_ms;
    if (distance > SKT_STAMP_WINDOW_MS || stamp_ms < c->floor_ms || stamp_ms / 1000 > UINT32_MAX)
        return SKT_ERR_REPLAY;
    return has(c, key) ? SKT_ERR_REPLAY : 0;
}

int skt_stampcache_insert(struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN], uint64_t stamp_ms,
                          uint64_t now_ms)
{
    int err = skt_stampcache_check(c, key, stamp_ms, now_ms);
    if (err)
        return err;
    uint64_t from_s = window_start_s(now_ms);
    if (c->count > 0 && c->oldest_s < from_s && now_ms >= c->rebuild_ms) {
        c->rebuild_ms = now_ms + REBUILD_MS;
        (void)rebuild(c, from_s); /* without memory for it there is the old table */
    } else if (c->rebuild_ms > now_ms + REBUILD_MS) {
        c->rebuild_ms = now_ms; /* the clock was set back */
    }
    err = make_room(c, from_s);
    if (!err)
        put(c, key, second_of(stamp_ms));
    return err;
}

int skt_stampcache_restore(struct skt_stampcache *c, const struct skt_stamp *entry)
{
    if (entry->stamp_s == 0 || has(c, entry->key))
        return 0;
    int err = make_room(c, 0);
    if (!err)
        put(c, entry->key, entry->stamp_s);
    return err;
}

void skt_stampcache_raise_floor(struct skt_stampcache *c, uint64_t floor_ms)
{
    if (floor_ms > c->floor_ms)
        c->floor_ms = floor_ms;
}

int skt_stampcache_expire(struct skt_stampcache *c, uint64_t now_ms)
{
    if (!c->slots)
        return 0;
    int err = rebuild(c, window_start_s(now_ms));
    if (!err && c->count == 0) {
        free(c->slots);
        c->slots = NULL;
        c->cap = 0;
    }
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
