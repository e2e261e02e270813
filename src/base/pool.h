/* SPDX-License-Identifier: MIT */
/* Packet buffers: fixed-size blocks with a byte budget, kept on a free list while there is traffic and given
 * back to the system afterwards. One pool per loop; not thread-safe. */
#ifndef SKT_BASE_POOL_H
#define SKT_BASE_POOL_H

#include <stddef.h>

struct skt_pool {
    size_t block_len; /* bytes in a block */
    size_t budget;    /* the most bytes in use; 0: no limit */
    size_t used;      /* bytes handed out now */
    size_t free_count;
    struct skt_pool_block *free_list;
};

/* block_len: bytes in a block, at least a pointer's size. */
void skt_pool_init(struct skt_pool *p, size_t block_len, size_t budget);

/* Frees what is on the free list; every block must have come back. */
void skt_pool_dispose(struct skt_pool *p);

/* A block of block_len bytes with undefined content, or NULL: budget spent or no memory. */
void *skt_pool_get(struct skt_pool *p);

/* Gives a block back; NULL is allowed. */
void skt_pool_put(struct skt_pool *p, void *block);

/* Frees idle blocks until at most `keep` are left on the free list. */
void skt_pool_trim(struct skt_pool *p, size_t keep);

/* Bytes that may still be handed out; SIZE_MAX without a budget. */
size_t skt_pool_room(const struct skt_pool *p);

#endif
