/* SPDX-License-Identifier: MIT */
/* The replay cache of handshakes: every accepted initiation, by a hash of its ephemeral key. It refuses when
 * full and never forgets what it could be asked about again: what it forgets lies in ranges of stamps that it
 * refuses from then on (`refused`; more may be added to it at any time, as those saved with the entries).
 * Times are handed in: the wall clock, which may be set, and the time since the machine was started, which
 * only grows. */
#ifndef SKT_PROTO_KEYS_STAMPCACHE_H
#define SKT_PROTO_KEYS_STAMPCACHE_H

#include "proto/keys/handshake.h"
#include "proto/keys/stamp_ranges.h"
#include "proto/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SKT_STAMPCACHE_MAX = 1 << 20, /* default for max_entries: 18 MiB of table */
    SKT_STAMP_NETS = 1024, /* source networks are told apart by a hash of so many values: 4 KiB of counters */
    SKT_STAMP_AHEAD_MS = 5 * 60 * 1000, /* stamps further ahead of the clock have a share of their own */
};

struct skt_stamp {
    uint8_t key[SKT_STAMP_KEY_LEN];
    uint16_t net;     /* below SKT_STAMP_NETS: where it came from */
    uint32_t stamp_s; /* seconds since 1970; 0: the slot is empty */
};

/* What time it is. */
struct skt_stamp_clock {
    uint64_t wall_ms; /* since 1970 */
    uint64_t boot_ms; /* since the machine was started, suspended time included */
};

struct skt_stampcache {
    struct skt_stamp *slots;
    uint32_t cap;             /* slots */
    uint32_t count;           /* entries */
    uint32_t max;             /* entries, at most */
    uint32_t *nets;           /* SKT_STAMP_NETS: entries of each; NULL with slots */
    uint32_t ahead;           /* entries whose stamps were more than SKT_STAMP_AHEAD_MS ahead of the clock */
    bool has_start;           /* start_boot_ms counts */
    uint64_t start_boot_ms;   /* what was accepted before is not known: stamps of then, by today's clock, are
                                 refused */
    uint64_t rebuild_boot_ms; /* not rebuilt for age alone before this */
    uint64_t narrow_boot_ms;  /* not narrowed again before this */
    unsigned narrowed;        /* times that old stamps were given up for room */
    uint64_t probes;          /* slots looked at: what it has cost */
    struct skt_stamp_ranges refused; /* of what was forgotten, or was refused from outside */
};

/* max_entries 0 means SKT_STAMPCACHE_MAX. Takes no memory until something is inserted. */
void skt_stampcache_init(struct skt_stampcache *c, uint32_t max_entries);
void skt_stampcache_dispose(struct skt_stampcache *c);

/* Would an initiation be accepted? 0; SKT_ERR_REPLAY: seen before, or its stamp is outside the window or
 * refused. Changes nothing but `probes`. */
int skt_stampcache_check(struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN], uint64_t stamp_ms,
                         const struct skt_stamp_clock *now);

/* Was it accepted before, whatever its stamp? */
bool skt_stampcache_has(struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN]);

/* Checks and, if acceptable, records it; *out is what to write down. SKT_ERR_FULL: the table, or the share of
 * it that one network or stamps from the future may have, is full. SKT_ERR_NOMEM. Both: refused. */
int skt_stampcache_insert(struct skt_stampcache *c, const uint8_t key[SKT_STAMP_KEY_LEN], uint16_t net,
                          uint64_t stamp_ms, const struct skt_stamp_clock *now, struct skt_stamp *out);

/* Room for so many entries more at once, before they are restored. SKT_ERR_NOMEM, SKT_ERR_FULL. */
int skt_stampcache_reserve(struct skt_stampcache *c, uint32_t entries);

/* Puts an entry of an earlier run back, whatever the time is now; one already there counts as done.
 * SKT_ERR_FULL, SKT_ERR_NOMEM. */
int skt_stampcache_restore(struct skt_stampcache *c, const struct skt_stamp *entry);

/* What was accepted before this moment is not known. Held against the time since the machine's start, so that
 * a wall clock that is set right later moves it along. The latest one counts. */
void skt_stampcache_set_start(struct skt_stampcache *c, uint64_t boot_ms);

/* Forgets what is too old, and gives memory back. Insertion does this by itself now and then; call it before
 * saving. SKT_ERR_NOMEM: nothing changed. */
int skt_stampcache_expire(struct skt_stampcache *c, const struct skt_stamp_clock *now);

/* Walks the entries: start with *pos = 0; NULL at the end. The cache must not change between the calls. */
const struct skt_stamp *skt_stampcache_next(const struct skt_stampcache *c, uint32_t *pos);

#endif
