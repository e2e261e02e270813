/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

static void put(struct skt_heap_node **place, struct skt_heap_node *node)
{
    *place = node;
    if (node)
        node->self = place;
}

/* Of two nodes without siblings the later one goes below the earlier one, which is returned. */
static struct skt_heap_node *join(struct skt_heap_node *a, struct skt_heap_node *b)
{
    struct skt_heap_node *first = b->at < a->at ? b : a, *second = first == a ? b : a;
    put(&second->next, first->child);
    put(&first->child, second);
    return first;
}

/* Makes one of a list of siblings: by twos from the left, then all of these from the right. That order is
 * what keeps taking out cheap on average. */
static struct skt_heap_node *join_all(struct skt_heap_node *list)
{
    struct skt_heap_node *pairs = NULL, *all = NULL;
    while (list) {
        struct skt_heap_node *a = list, *b = a->next;
        list = b ? b->next : NULL;
        a->next = NULL;
        if (b) {
            b->next = NULL;
            a = join(a, b);
        }
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct skt_heap_node *a = pairs;
        pairs = a->next;
        a->next = NULL;
        all = all ? join(all, a) : a;
    }
    return all;
}

static void enter(struct skt_heap *h, struct skt_heap_node *node)
{
    put(&h->first, h->first ? join(h->first, node) : node);
}

/* Takes a node out, with all that is below it. */
static void cut(struct skt_heap_node *node)
{
    put(node->self, node->next);
    node->next = NULL;
    node->self = NULL;
}

void skt_heap_init(struct skt_heap *h)
{
    h->first = NULL;
}

void skt_heap_set(struct skt_heap *h, struct skt_heap_node *node, skt_us at)
{
    bool was_in = node->self != NULL, earlier = at <= node->at;
    bool stays = was_in && at != SKT_NEVER && (earlier ? h->first == node : !node->child);
    if (was_in && !stays && earlier)
        cut(node); /* all below it is later still */
    else if (was_in && !stays)
        skt_heap_remove(h, node);
    node->at = at;
    if (!stays && at != SKT_NEVER)
        enter(h, node);
}

void skt_heap_remove(struct skt_heap *h, struct skt_heap_node *node)
{
    if (!node->self)
        return;
    cut(node);
    struct skt_heap_node *below = join_all(node->child);
    node->child = NULL;
    if (below)
        enter(h, below);
}
