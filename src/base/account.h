/* SPDX-License-Identifier: MIT */
/* An account: what one peer (a session) holds of a pool, and what it may still take. Of the budget B
 *
 *     7/8 is shared: an account may take more while   used by it <= (7/8 B - used by the others) / 3,
 *     1/8 is guaranteed: each of n accounts may hold   B / 8 / n   in any case.
 *
 * So one that never gives anything back holds at most 7/24 of B, the next one 2/3 of that, and so on: however
 * many do so, the next that comes finds room at once, and nobody has to be counted as active or be made to
 * give back. (With 1/2 instead of 1/3 five that hold on to all they can would leave the sixth 1/64 of B.) */
#ifndef SKT_BASE_ACCOUNT_H
#define SKT_BASE_ACCOUNT_H

#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>

struct skt_account {
    struct skt_pool *pool; /* where it takes from */
    size_t used;           /* bytes that it holds */
};

/* Opens an account that holds nothing. */
void skt_account_init(struct skt_account *a, struct skt_pool *pool);

/* Closes it; it must hold nothing. Harmless on a zeroed struct. */
void skt_account_dispose(struct skt_account *a);

/* Bytes that it may still take; SIZE_MAX where the pool has no budget. */
size_t skt_account_room(const struct skt_account *a);

/* Is there less room than 1/part of what it may hold in all now? */
bool skt_account_low(const struct skt_account *a, unsigned part);

/* Counts len bytes that are to be, or were, allocated elsewhere; false: they are beyond its share. */
bool skt_account_charge(struct skt_account *a, size_t len);
void skt_account_release(struct skt_account *a, size_t len);

/* vital: beyond its share too, while the shared part of the budget is not spent; for the little that lets
 * something else go on. */

/* A block of the pool, or NULL: no memory, or beyond its share. */
void *skt_account_get(struct skt_account *a, bool vital);

/* Gives a block back; NULL is allowed. */
void skt_account_put(struct skt_account *a, void *block);

/* What it holds, or a part, is the pool's alone from now on. False: more than 1/16 of the budget would be,
 * and nothing is changed: else who begins and ends again and again could make it hold everything. Given back
 * by skt_account_end_orphan, with len, before skt_pool_put or skt_pool_release. */
bool skt_account_hand_over(struct skt_account *a, size_t len);
void skt_account_end_orphan(struct skt_pool *pool, size_t len);

/* calloc, realloc and free of charged memory: the caller says how long the old one is. NULL: no memory, or
 * beyond its share; the old one is then as it was. len 0 is not allowed. */
void *skt_account_alloc(struct skt_account *a, size_t len, bool vital);
void *skt_account_realloc(struct skt_account *a, void *old, size_t old_len, size_t len, bool vital);
void skt_account_free(struct skt_account *a, void *ptr, size_t len);

#endif
