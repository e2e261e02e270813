/* SPDX-License-Identifier: MIT */
/* The memory that peers can make a loop hold: a budget in bytes, packet buffers (blocks of one size, kept on
 * a free list while there is traffic and given back to the system afterwards), and whatever else is charged
 * to it. Who holds what is told apart by accounts (base/account.h). One pool per loop; not thread-safe. */
#ifndef SKT_BASE_POOL_H
#define SKT_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct skt_pool {
    size_t block_len;                 /* bytes in a block */
    size_t budget;                    /* the most bytes in use; 0: no limit */
    size_t used;                      /* bytes handed out now: blocks, and what else was charged */
    size_t blocks;                    /* blocks handed out now */
    size_t free_count;                /* blocks on the free list */
    struct skt_pool_block *free_list; /* blocks that came back, kept for the next; NULL: none */
    size_t orphaned;   /* bytes of `used` that no account is charged with any more (skt_account_hand_over) */
    size_t accounts;   /* accounts that are open */
    size_t guaranteed; /* bytes that each of them may hold in any case; see base/account.h */
};

/* block_len: bytes in a block, at least a pointer's size. budget: bytes, 0: no limit; what a size_t can't
 * count with is taken for the most that it can. */
void skt_pool_init(struct skt_pool *p, size_t block_len, size_t budget);

/* Frees what is on the free list; all that was handed out or charged must have come back. */
void skt_pool_dispose(struct skt_pool *p);

/* A block of block_len bytes with undefined content, or NULL: budget spent or no memory. */
void *skt_pool_get(struct skt_pool *p);

/* Gives a block back; NULL is allowed. */
void skt_pool_put(struct skt_pool *p, void *block);

/* Counts len bytes that were got elsewhere; false: the budget is spent. Idle blocks make way for them. */
bool skt_pool_charge(struct skt_pool *p, size_t len);
void skt_pool_release(struct skt_pool *p, size_t len);

/* Frees idle blocks until at most `keep` are left on the free list. */
void skt_pool_trim(struct skt_pool *p, size_t keep);

/* Bytes that may still be handed out; SIZE_MAX without a budget. */
size_t skt_pool_room(const struct skt_pool *p);

#endif
