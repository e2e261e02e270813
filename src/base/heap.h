/* SPDX-License-Identifier: MIT */
/* A heap of deadlines (a pairing heap). The node is embedded in the object that waits, and holds all that the
 * heap needs: entering takes no memory, so it can't fail. The earliest deadline is there at once; taking it
 * out costs O(log n) on average over all calls. A heap stays where it is in memory while nodes are in it. */
#ifndef SKT_BASE_HEAP_H
#define SKT_BASE_HEAP_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

/* All zero: in no heap. */
struct skt_heap_node {
    skt_us at;                   /* the deadline */
    struct skt_heap_node **self; /* the one pointer of the heap to this node; NULL: it is in none */
    struct skt_heap_node *next;  /* another node with the same parent, or NULL */
    struct skt_heap_node *child; /* the first of those below it, none of them earlier than it, or NULL */
};

struct skt_heap {
    struct skt_heap_node *first; /* the node of the earliest deadline, or NULL */
};

void skt_heap_init(struct skt_heap *h);

/* Sets a node's deadline, entering, moving or (at SKT_NEVER) removing it; node->at says it afterwards. */
void skt_heap_set(struct skt_heap *h, struct skt_heap_node *node, skt_us at);

/* Takes a node out; harmless for one in no heap. */
void skt_heap_remove(struct skt_heap *h, struct skt_heap_node *node);

static inline bool skt_heap_holds(const struct skt_heap_node *node)
{
    return node->self != NULL;
}

/* The node of the earliest deadline, or NULL. */
static inline struct skt_heap_node *skt_heap_first(const struct skt_heap *h)
{
    return h->first;
}

/* The earliest deadline, or SKT_NEVER. */
static inline skt_us skt_heap_expiry(const struct skt_heap *h)
{
    return h->first ? h->first->at : SKT_NEVER;
}

#endif
