/* SPDX-License-Identifier: MIT */
#include "tunnel/switch_routes.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MIN = 16 };

struct skt_switch_route {
    struct skt_switch_route *next; /* in its bucket, or in nets */
    struct skt_ipnet net;          /* masked */
    void *owner;
};

void skt_switch_routes_init(struct skt_switch_routes *t)
{
    *t = (struct skt_switch_routes){NULL, 0, 0, NULL};
}

static void free_list(struct skt_switch_route *r)
{
    while (r) {
        struct skt_switch_route *next = r->next;
        free(r);
        r = next;
    }
}

void skt_switch_routes_dispose(struct skt_switch_routes *t)
{
    for (size_t i = 0; i < t->bucket_count; i++)
        free_list(t->buckets[i]);
    free_list(t->nets);
    free(t->buckets);
    skt_switch_routes_init(t);
}

static bool is_host(const struct skt_ipnet *net)
{
    return net->prefix == (net->family == 4 ? 32 : 128);
}

/* FNV-1a: the addresses are the server's own choice or first come, few and checked. */
static size_t bucket_of(const struct skt_switch_routes *t, uint8_t family, const uint8_t *ip)
{
    uint32_t h = UINT32_C(2166136261) ^ family;
    for (size_t i = 0; i < (family == 4 ? 4u : 16u); i++)
        h = (h ^ ip[i]) * UINT32_C(16777619);
    return (h ^ h >> 15) & (t->bucket_count - 1);
}

static int grow(struct skt_switch_routes *t)
{
    size_t count = t->bucket_count ? 2 * t->bucket_count : BUCKETS_MIN;
    struct skt_switch_routes bigger = {.bucket_count = count};
    bigger.buckets = calloc(count, sizeof(struct skt_switch_route *));
    if (!bigger.buckets)
        return SKT_ERR_NOMEM;
    for (size_t i = 0; i < t->bucket_count; i++) {
        for (struct skt_switch_route *r = t->buckets[i], *next; r; r = next) {
            next = r->next;
            size_t at = bucket_of(&bigger, r->net.family, r->net.ip);
            r->next = bigger.buckets[at];
            bigger.buckets[at] = r;
        }
    }
    free(t->buckets);
    t->buckets = bigger.buckets;
    t->bucket_count = count;
    return SKT_OK;
}

static bool same_net(const struct skt_ipnet *a, const struct skt_ipnet *b)
{
    return a->family == b->family && a->prefix == b->prefix && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static struct skt_switch_route *exact(const struct skt_switch_routes *t, const struct skt_ipnet *masked)
{
    struct skt_switch_route *r = t->nets;
    if (is_host(masked))
        r = t->bucket_count ? t->buckets[bucket_of(t, masked->family, masked->ip)] : NULL;
    while (r && !same_net(&r->net, masked))
        r = r->next;
    return r;
}

void *skt_switch_routes_exact(const struct skt_switch_routes *t, const struct skt_ipnet *net)
{
    struct skt_ipnet masked = skt_ipnet_masked(net);
    const struct skt_switch_route *r = exact(t, &masked);
    return r ? r->owner : NULL;
}

int skt_switch_routes_add(struct skt_switch_routes *t, const struct skt_ipnet *net, void *owner)
{
    struct skt_ipnet masked = skt_ipnet_masked(net);
    const struct skt_switch_route *old = exact(t, &masked);
    if (old)
        return old->owner == owner ? SKT_OK : SKT_ERR_FULL;
    bool host = is_host(&masked);
    if (host && t->host_count >= t->bucket_count && grow(t) != SKT_OK)
        return SKT_ERR_NOMEM;
    struct skt_switch_route *r = malloc(sizeof *r);
    if (!r)
        return SKT_ERR_NOMEM;
    *r = (struct skt_switch_route){NULL, masked, owner};
    struct skt_switch_route **at = &t->nets;
    if (host) {
        at = &t->buckets[bucket_of(t, masked.family, masked.ip)];
        t->host_count++;
    } else {
        while (*at && (*at)->net.prefix > masked.prefix)
            at = &(*at)->next;
    }
    r->next = *at;
    *at = r;
    return SKT_OK;
}

static size_t remove_from(struct skt_switch_route **at, const void *owner)
{
    size_t removed = 0;
    while (*at) {
        struct skt_switch_route *r = *at;
        if (r->owner != owner) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        free(r);
        removed++;
    }
    return removed;
}

void skt_switch_routes_remove(struct skt_switch_routes *t, const void *owner)
{
    for (size_t i = 0; i < t->bucket_count; i++)
        t->host_count -= remove_from(&t->buckets[i], owner);
    (void)remove_from(&t->nets, owner);
}

void *skt_switch_routes_find(const struct skt_switch_routes *t, uint8_t family, const uint8_t *ip)
{
    const struct skt_switch_route *r = NULL;
    size_t len = family == 4 ? 4 : 16;
    if (t->bucket_count)
        r = t->buckets[bucket_of(t, family, ip)];
    for (; r; r = r->next)
        if (r->net.family == family && memcmp(r->net.ip, ip, len) == 0)
            return r->owner;
    for (r = t->nets; r; r = r->next)
        if (skt_ipnet_has(&r->net, family, ip))
            return r->owner;
    return NULL;
}
