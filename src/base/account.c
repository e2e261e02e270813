/* SPDX-License-Identifier: MIT */
#include "base/account.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    GUARANTEED_PART = 8, /* of the budget, for all accounts together */
    ORPHANS_PART = 16,   /* of the budget, for what no account is charged with */
    SHARE = 3,           /* an account may hold 1/SHARE of what the others leave */
};

static void update_guaranteed(struct skt_pool *p)
{
    p->guaranteed = p->accounts ? p->budget / GUARANTEED_PART / p->accounts : 0;
}

void skt_account_init(struct skt_account *a, struct skt_pool *pool)
{
    *a = (struct skt_account){pool, 0};
    pool->accounts++;
    update_guaranteed(pool);
}

void skt_account_dispose(struct skt_account *a)
{
    if (!a->pool)
        return;
    assert(a->used == 0);
    a->pool->accounts--;
    update_guaranteed(a->pool);
    a->pool = NULL;
}

/* The part of the budget that is shared. */
static size_t shared(const struct skt_pool *p)
{
    return p->budget - p->budget / GUARANTEED_PART;
}

/* May it take len bytes more? The sums stay below a size_t's limit: skt_pool_init sees to that. */
static bool fits(const struct skt_account *a, size_t len, bool vital)
{
    const struct skt_pool *p = a->pool;
    if (!p->budget)
        return true;
    if (len > p->budget)
        return false;
    if (p->used + (SHARE - 1) * a->used + SHARE * len <= shared(p))
        return true;
    if (vital && p->used + len <= shared(p))
        return true;
    return a->used + len <= p->guaranteed && p->used + len <= p->budget;
}

size_t skt_account_room(const struct skt_account *a)
{
    const struct skt_pool *p = a->pool;
    if (!p->budget)
        return SIZE_MAX;
    size_t taken = p->used + (SHARE - 1) * a->used;
    size_t share = taken < shared(p) ? (shared(p) - taken) / SHARE : 0;
    size_t own = a->used < p->guaranteed ? p->guaranteed - a->used : 0;
    size_t left = skt_pool_room(p);
    if (own > left)
        own = left;
    return share > own ? share : own;
}

bool skt_account_low(const struct skt_account *a, unsigned part)
{
    if (!a->pool->budget)
        return false;
    size_t room = skt_account_room(a);
    return room < (a->used + room) / part;
}

static bool charge(struct skt_account *a, size_t len, bool vital)
{
    if (!fits(a, len, vital) || !skt_pool_charge(a->pool, len))
        return false;
    a->used += len;
    return true;
}

bool skt_account_charge(struct skt_account *a, size_t len)
{
    return charge(a, len, false);
}

void skt_account_release(struct skt_account *a, size_t len)
{
    assert(a->used >= len);
    a->used -= len;
    skt_pool_release(a->pool, len);
}

void *skt_account_get(struct skt_account *a, bool vital)
{
    struct skt_pool *p = a->pool;
    if (!fits(a, p->block_len, vital))
        return NULL;
    void *block = skt_pool_get(p);
    if (block)
        a->used += p->block_len;
    return block;
}

void skt_account_put(struct skt_account *a, void *block)
{
    if (!block)
        return;
    assert(a->used >= a->pool->block_len);
    a->used -= a->pool->block_len;
    skt_pool_put(a->pool, block);
}

bool skt_account_hand_over(struct skt_account *a, size_t len)
{
    struct skt_pool *p = a->pool;
    assert(a->used >= len);
    if (p->budget && p->orphaned + len > p->budget / ORPHANS_PART)
        return false;
    a->used -= len;
    p->orphaned += len;
    return true;
}

void skt_account_end_orphan(struct skt_pool *pool, size_t len)
{
    assert(pool->orphaned >= len);
    pool->orphaned -= len;
}

void *skt_account_alloc(struct skt_account *a, size_t len, bool vital)
{
    if (!charge(a, len, vital))
        return NULL;
    void *ptr = calloc(1, len);
    if (!ptr)
        skt_account_release(a, len);
    return ptr;
}

void *skt_account_realloc(struct skt_account *a, void *old, size_t old_len, size_t len, bool vital)
{
    if (len > old_len && !charge(a, len - old_len, vital))
        return NULL;
    void *ptr = realloc(old, len);
    if (ptr && len < old_len)
        skt_account_release(a, old_len - len);
    if (!ptr && len > old_len)
        skt_account_release(a, len - old_len);
    return ptr;
}

void skt_account_free(struct skt_account *a, void *ptr, size_t len)
{
    if (!ptr)
        return;
    skt_account_release(a, len);
    free(ptr);
}
