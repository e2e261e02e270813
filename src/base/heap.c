/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

#include "base/err.h"

#include <stdlib.h>

static void place(struct skt_heap *h, size_t i, struct skt_heap_node *node)
{
    h->nodes[i] = node;
    node->index = i + 1;
}

static void sift_up(struct skt_heap *h, size_t i, struct skt_heap_node *node)
{
    while (i > 0 && node->at < h->nodes[(i - 1) / 2]->at) {
        place(h, i, h->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(h, i, node);
}

static void sift_down(struct skt_heap *h, size_t i, struct skt_heap_node *node)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && h->nodes[child + 1]->at < h->nodes[child]->at)
            child++;
        if (node->at <= h->nodes[child]->at)
            break;
        place(h, i, h->nodes[child]);
        i = child;
    }
    place(h, i, node);
}

static void resettle(struct skt_heap *h, size_t i, struct skt_heap_node *node)
{
    if (i > 0 && node->at < h->nodes[(i - 1) / 2]->at)
        sift_up(h, i, node);
    else
        sift_down(h, i, node);
}

void skt_heap_init(struct skt_heap *h)
{
    *h = (struct skt_heap){NULL, 0, 0};
}

void skt_heap_dispose(struct skt_heap *h)
{
    free(h->nodes);
    skt_heap_init(h);
}

int skt_heap_set(struct skt_heap *h, struct skt_heap_node *node, skt_us at)
{
    if (at == SKT_NEVER) {
        skt_heap_remove(h, node);
        return SKT_OK;
    }
    if (node->index) {
        node->at = at;
        resettle(h, node->index - 1, node);
        return SKT_OK;
    }
    if (h->count == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 8;
        void *nodes = realloc(h->nodes, cap * sizeof(struct skt_heap_node *));
        if (!nodes)
            return SKT_ERR_NOMEM;
        h->nodes = nodes;
        h->cap = cap;
    }
    node->at = at;
    h->count++;
    sift_up(h, h->count - 1, node);
    return SKT_OK;
}

void skt_heap_remove(struct skt_heap *h, struct skt_heap_node *node)
{
    if (!node->index)
        return;
    size_t i = node->index - 1;
    struct skt_heap_node *last = h->nodes[--h->count];
    node->index = 0;
    if (last != node)
        resettle(h, i, last);
}

struct skt_heap_node *skt_heap_first(const struct skt_heap *h)
{
    return h->count ? h->nodes[0] : NULL;
}

skt_us skt_heap_expiry(const struct skt_heap *h)
{
    return h->count ? h->nodes[0]->at : SKT_NEVER;
}
