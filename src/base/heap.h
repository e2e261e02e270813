/* SPDX-License-Identifier: MIT */
/* A binary heap of deadlines. The node is embedded in the object that waits; the heap owns only its array. */
#ifndef SKT_BASE_HEAP_H
#define SKT_BASE_HEAP_H

#include "base/clock.h"

#include <stddef.h>

struct skt_heap_node {
    skt_us at;    /* the deadline */
    size_t index; /* place in the heap + 1; 0: in none */
};

struct skt_heap {
    struct skt_heap_node **nodes;
    size_t count, cap;
};

void skt_heap_init(struct skt_heap *h);
void skt_heap_dispose(struct skt_heap *h);

/* Sets a node's deadline, entering, moving or (at SKT_NEVER) removing it. SKT_ERR_NOMEM leaves it as it was.
 */
int skt_heap_set(struct skt_heap *h, struct skt_heap_node *node, skt_us at);

/* Takes a node out; harmless for one in no heap. */
void skt_heap_remove(struct skt_heap *h, struct skt_heap_node *node);

/* The node of the earliest deadline, or NULL. */
struct skt_heap_node *skt_heap_first(const struct skt_heap *h);

/* The earliest deadline, or SKT_NEVER. */
skt_us skt_heap_expiry(const struct skt_heap *h);

#endif
