/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

/* A block that is free. */
struct skt_pool_block {
    struct skt_pool_block *next; /* of the free ones, or NULL */
};

/* Small multiples of it are computed in a size_t. */
#define BUDGET_MAX (SIZE_MAX / 8)

void skt_pool_init(struct skt_pool *p, size_t block_len, size_t budget)
{
    assert(block_len >= sizeof(struct skt_pool_block));
    *p = (struct skt_pool){.block_len = block_len, .budget = budget < BUDGET_MAX ? budget : BUDGET_MAX};
}

void skt_pool_dispose(struct skt_pool *p)
{
    assert(p->used == 0);
    skt_pool_trim(p, 0);
}

void *skt_pool_get(struct skt_pool *p)
{
    if (skt_pool_room(p) < p->block_len)
        return NULL;
    struct skt_pool_block *block = p->free_list;
    if (block) {
        p->free_list = block->next;
        p->free_count--;
        if (p->free_list) /* long unused, and next to be written: its line is on the way when it is wanted */
            __builtin_prefetch(p->free_list, 1);
    } else {
        block = malloc(p->block_len);
        if (!block)
            return NULL;
    }
    p->used += p->block_len;
    p->blocks++;
    return block;
}

void skt_pool_put(struct skt_pool *p, void *ptr)
{
    if (!ptr)
        return;
    assert(p->used >= p->block_len);
    struct skt_pool_block *block = ptr;
    block->next = p->free_list;
    p->free_list = block;
    p->free_count++;
    p->used -= p->block_len;
    p->blocks--;
}

bool skt_pool_charge(struct skt_pool *p, size_t len)
{
    size_t room = skt_pool_room(p);
    if (room < len)
        return false;
    p->used += len;
    room -= len;
    /* What is idle is memory, too. */
    if (p->budget && p->free_count > room / p->block_len)
        skt_pool_trim(p, room / p->block_len);
    return true;
}

void skt_pool_release(struct skt_pool *p, size_t len)
{
    assert(p->used >= len);
    p->used -= len;
}

void skt_pool_trim(struct skt_pool *p, size_t keep)
{
    while (p->free_count > keep) {
        struct skt_pool_block *block = p->free_list;
        p->free_list = block->next;
        p->free_count--;
        free(block);
    }
}

size_t skt_pool_room(const struct skt_pool *p)
{
    if (!p->budget)
        return SIZE_MAX;
    return p->used < p->budget ? p->budget - p->used : 0;
}
