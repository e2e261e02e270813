/* SPDX-License-Identifier: MIT */
/* The replay cache of handshakes: every accepted initiation, by a hash of its ephemeral key, for as long as
 * its stamp is inside the clock window. It refuses when full and never evicts. Wall-clock time, handed in; a
 * clock that is set back does not make forgotten stamps acceptable again. */
#ifndef SKT_PROTO_STAMPCACHE_H
#define SKT_PROTO_STAMPCACHE_H

#include "proto/handshake.h"
#include "proto/wire.h"

#include <stddef.h>
#include <stdint.h>

enum { SKT_STAMPCACHE_MAX = 1 << 20 }; /* default for max_entries */

struct skt_stamp {
    uint8_t key[SKT_STAMP_KEY_LEN];
    uint32_t stamp_s; /* seconds since 1970; 0: the slot is empty */
};

struct skt_stampcache {
    struct skt_stamp *slots;
    uint32_t cap;        /* slots */
    uint32_t count;      /* entries */
    uint32_t max;        /* entries, at most */
    uint32_t oldest_s;   /* no entry has an earlier stamp */
    uint64_t floor_ms;   /* stamps before this are refused */
    uint64_t rebuild_ms; /* not rebuilt for expiry alone before this time of the clock */
};

/* floor_ms: refuse stamps before this (0: none); the time of the start where the cache of the last run is not
 * kept. max_entries 0 means SKT_STAMPCACHE_MAX. Takes no memory until something is inserted. */
void skt_stampcache_init(struct skt_stampcache *c, uint32_t max_entries, uint64_t floor_ms);
void skt_stampcache_dispose(struct skt_stampcache *c);

/* Would an initiation be accepted at now_ms? 0; SKT_ERR_REPLAY: seen before, or its stamp is outside the
 * window or before the floor. Changes nothing. */
int skt_stampcache_check(const struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN],
                         uint64_t stamp_ms, uint64_t now_ms);

/* Checks and, if acceptable, records it. SKT_ERR_FULL or SKT_ERR_NOMEM: refused, as it can't be remembered.
 */
int skt_stampcache_insert(struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN], uint64_t stamp_ms,
                          uint64_t now_ms);

/* Puts an entry of an earlier run back, whatever the time is now; one already there counts as done.
 * SKT_ERR_FULL, SKT_ERR_NOMEM. */
int skt_stampcache_restore(struct skt_stampcache *c, const struct skt_stamp *entry);

/* Raises the floor, e.g. to the one saved with the entries. Never lowers it. */
void skt_stampcache_raise_floor(struct skt_stampcache *c, uint64_t floor_ms);

/* Forgets what is outside the window at now_ms, raises the floor above it, and gives memory back. Insertion
 * does this by itself now and then; call it before saving. SKT_ERR_NOMEM: nothing changed. */
int skt_stampcache_expire(struct skt_stampcache *c, uint64_t now_ms);

/* Walks the entries: start with *pos = 0; NULL at the end. The cache must not change between the calls. */
const struct skt_stamp *skt_stampcache_next(const struct skt_stampcache *c, uint32_t *pos);

#endif
