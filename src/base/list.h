/* SPDX-License-Identifier: MIT */
/* Intrusive doubly linked list. A node that is in no list points to itself (after skt_list_init). */
#ifndef SKT_BASE_LIST_H
#define SKT_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct skt_list {
    struct skt_list *prev; /* the one before; itself where it is in no list, or the list is empty */
    struct skt_list *next; /* the one after, likewise */
};

/* The object of `type` whose `member` is at `ptr`. */
#define SKT_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void skt_list_init(struct skt_list *l)
{
    l->prev = l->next = l;
}

/* For a head: is the list empty? For a node: is it in no list? */
static inline bool skt_list_empty(const struct skt_list *l)
{
    return l->next == l;
}

static inline void skt_list_insert_after(struct skt_list *at, struct skt_list *node)
{
    node->prev = at;
    node->next = at->next;
    at->next->prev = node;
    at->next = node;
}

static inline void skt_list_append(struct skt_list *head, struct skt_list *node)
{
    skt_list_insert_after(head->prev, node);
}

/* Takes the node out of its list; harmless for a node in none. */
static inline void skt_list_remove(struct skt_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    skt_list_init(node);
}

/* Moves the node, in a list or in none, to the end of head's list. */
static inline void skt_list_move_tail(struct skt_list *head, struct skt_list *node)
{
    skt_list_remove(node);
    skt_list_append(head, node);
}

#endif
