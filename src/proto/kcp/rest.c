/* SPDX-License-Identifier: MIT */
#include "proto/kcp/rest.h"

#include <assert.h>
#include <stdlib.h>

static void put_slot(const struct skt_kcp_rest *rest, uint32_t sn)
{
    struct skt_segment **slot = skt_seg_ring_at(&rest->ring, sn);
    skt_account_end_orphan(rest->pool, rest->pool->block_len);
    skt_pool_put(rest->pool, *slot);
    *slot = NULL;
}

static size_t ring_len(const struct skt_kcp_rest *rest)
{
    return rest->ring.cap * sizeof *rest->ring.slot;
}

static void free_ring(struct skt_kcp_rest *rest)
{
    if (!rest->ring.slot)
        return;
    skt_account_end_orphan(rest->pool, ring_len(rest));
    skt_pool_release(rest->pool, ring_len(rest));
    free(rest->ring.slot);
    rest->ring = (struct skt_seg_ring){NULL, 0};
}

/* What lies behind a hole is dropped. */
static void drop_beyond(struct skt_kcp *k, uint32_t end)
{
    for (uint32_t i = end - k->rcv.read; i < k->rcv.ring.cap; i++) {
        struct skt_segment **slot = skt_seg_ring_at(&k->rcv.ring, k->rcv.read + i);
        skt_account_put(&k->path->account, *slot);
        *slot = NULL;
    }
}

void skt_kcp_rest_take(struct skt_kcp_rest *rest, struct skt_kcp *k)
{
    struct skt_account *account = &k->path->account;
    skt_kcp_take_all(k);
    uint32_t end = k->rcv.fin_received ? k->rcv.fin_sn : k->rcv.nxt;
    *rest = (struct skt_kcp_rest){k->rcv.ring, account->pool, k->rcv.read, end, k->rcv.read_off};
    if (end == k->rcv.read ||
        !skt_account_hand_over(account,
                               ring_len(rest) + (size_t)(end - k->rcv.read) * account->pool->block_len)) {
        *rest = (struct skt_kcp_rest){0};
        return;
    }
    drop_beyond(k, end);
    k->rcv.ring = (struct skt_seg_ring){NULL, 0};
    k->rcv.read = k->rcv.nxt = k->rcv.top;
    k->rcv.held = 0;
    k->rcv.read_off = 0;
}

void skt_kcp_rest_drop(struct skt_kcp_rest *rest)
{
    while (!skt_kcp_rest_is_empty(rest))
        put_slot(rest, rest->next++);
    free_ring(rest);
}

int skt_kcp_rest_begin(const struct skt_kcp_rest *rest, struct iovec *iov, int max)
{
    int n = 0;
    uint16_t off = rest->off;
    for (uint32_t sn = rest->next; sn != rest->end && n < max; sn++) {
        struct skt_segment *seg = *skt_seg_ring_at(&rest->ring, sn);
        iov[n++] = (struct iovec){seg->data + off, (size_t)(seg->len - off)};
        off = 0;
    }
    return n;
}

void skt_kcp_rest_consume(struct skt_kcp_rest *rest, size_t len)
{
    while (len > 0) {
        assert(!skt_kcp_rest_is_empty(rest));
        const struct skt_segment *seg = *skt_seg_ring_at(&rest->ring, rest->next);
        size_t left = (size_t)(seg->len - rest->off);
        if (len < left) {
            rest->off = (uint16_t)(rest->off + len);
            return;
        }
        len -= left;
        rest->off = 0;
        put_slot(rest, rest->next++);
    }
    if (skt_kcp_rest_is_empty(rest))
        free_ring(rest);
}
