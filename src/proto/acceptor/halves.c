/* SPDX-License-Identifier: MIT */
/* Half-sessions, and who has how many of them. Half of the slots are for those who prove that they have a
 * session here. In each half nobody has more than a share; when it is full, the newest of whoever has most
 * makes room for the newcomer: who asks once is safe from who asks often, and who has to wait 8 s for an
 * answer does not lose what it waits for by asking again. */
#include "base/err.h"
#include "base/wipe.h"
#include "proto/acceptor/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    POOL_MAX = SKT_HALF_SESSIONS_MAX / 2, /* proven ones; others */
    NETWORK_MAX = POOL_MAX / 8,           /* of one source network, under load */
    SESSION_MAX = 4, /* of one session: as many retries as a client makes in the first 3.75 s (connect.c) */
};

uint64_t skt_half_network(const struct skt_addr *from)
{
    uint64_t net = from->family;
    for (int i = 0; i < (from->family == 6 ? 6 : 3); i++)
        net = net << 8 | from->ip[i];
    return net;
}

bool skt_halves_under_load(const struct skt_acceptor *a)
{
    return a->half_count > SKT_HALF_SESSIONS_MAX / 4;
}

/* Every one of a group knows how many they are. */
static unsigned count_group(struct skt_acceptor *a, uint64_t group, unsigned share)
{
    unsigned n = 0;
    for (struct skt_list *l = a->halves.next; l != &a->halves; l = l->next) {
        struct skt_half *half = SKT_CONTAINER(l, struct skt_half, link);
        if (half->group != group)
            continue;
        n++;
        if (share)
            half->share = share;
    }
    return n;
}

/* After one has come or gone. */
static void recount(struct skt_acceptor *a, uint64_t group)
{
    if (group)
        (void)count_group(a, group, count_group(a, group, 0));
}

static bool is_proven(const struct skt_half *half)
{
    return half->kind == SKT_HALF_PROVEN;
}

void skt_half_free(struct skt_acceptor *a, struct skt_half *half)
{
    skt_list_remove(&half->link);
    a->half_count--;
    a->pools[is_proven(half)]--;
    recount(a, half->group);
    if (half->kp) {
        skt_idmap_remove(&a->ctx->ids, half->kp->local_id);
        skt_keypair_free(a->ctx->crypto, half->kp);
    }
    skt_wipe(half, sizeof *half);
    free(half);
}

/* Is it better that b goes than that a does? Both are of one pool, and a is older. */
static bool goes_before(const struct skt_half *b, const struct skt_half *a)
{
    if (a->refused != b->refused)
        return b->refused;
    if ((a->kind == SKT_HALF_OPEN) != (b->kind == SKT_HALF_OPEN))
        return b->kind == SKT_HALF_OPEN;
    if (a->kind == SKT_HALF_OPEN)
        return false;
    return b->share > a->share || (b->share == a->share && b->share > 1);
}

/* Which one goes for a newcomer of this kind and group; NULL: none has to. */
static struct skt_half *victim(struct skt_acceptor *a, enum skt_half_kind kind, uint64_t group)
{
    const unsigned share = kind == SKT_HALF_PROVEN ? SESSION_MAX : NETWORK_MAX;
    const bool own = group && count_group(a, group, 0) >= share;
    struct skt_half *worst = NULL;
    if (!own && a->pools[kind == SKT_HALF_PROVEN] < POOL_MAX)
        return NULL;
    for (struct skt_list *l = a->halves.next; l != &a->halves; l = l->next) {
        struct skt_half *half = SKT_CONTAINER(l, struct skt_half, link);
        if (is_proven(half) != (kind == SKT_HALF_PROVEN))
            continue;
        if (own && half->group == group && kind != SKT_HALF_PROVEN)
            return half; /* the oldest: it may be another one's in the same network */
        if (own ? half->group == group : !worst || goes_before(half, worst))
            worst = half;
    }
    return worst;
}

struct skt_half *skt_half_new(struct skt_acceptor *a, skt_us now, const struct skt_addr *from,
                              enum skt_half_kind kind, const struct skt_initiation *m, uint32_t *id)
{
    uint64_t group = kind == SKT_HALF_PROVEN   ? UINT64_C(1) << 63 | m->cid
                     : kind == SKT_HALF_COOKIE ? skt_half_network(from)
                                               : 0;
    struct skt_half *old = victim(a, kind, group);
    struct skt_half *half = calloc(1, sizeof *half);
    if (!half)
        return NULL;
    half->slot.kind = SKT_SLOT_HALF;
    if (skt_context_new_id(a->ctx, &half->slot, id) != SKT_OK) {
        free(half);
        return NULL;
    }
    if (old) {
        a->ctx->drops.overload++;
        skt_half_free(a, old);
    }
    half->kind = kind;
    half->group = group;
    half->from = *from;
    half->params = *m;
    half->until = now + SKT_HALF_SESSION_TIME;
    skt_list_append(&a->halves, &half->link);
    a->half_count++;
    a->pools[is_proven(half)]++;
    recount(a, group);
    return half;
}

void skt_halves_forget_client(struct skt_acceptor *a, const struct skt_addr *from)
{
    for (struct skt_list *l = a->halves.next, *next; l != &a->halves; l = next) {
        struct skt_half *half = SKT_CONTAINER(l, struct skt_half, link);
        next = l->next;
        if (skt_addr_equal(&half->from, from))
            skt_half_free(a, half);
    }
}
