/* SPDX-License-Identifier: MIT */
/* Receiving data: order, and what is taken at all. */
#include "base/err.h"
#include "proto/kcp/internal.h"
#include "proto/path/work.h"

#include <limits.h>
#include <string.h>

enum { AHEAD = 4 }; /* segments that are fetched ahead where a hole has closed before many */

static bool is_held(const struct skt_kcp *k, uint32_t sn)
{
    return sn - k->rcv.read < k->rcv.ring.cap && *skt_seg_ring_at(&k->rcv.ring, sn);
}

/* Takes the segment at rcv_nxt into order. Returns whether that is news for the reader. */
static bool take_in_order(struct skt_kcp *k, struct skt_segment **slot)
{
    struct skt_segment *seg = *slot;
    k->rcv.nxt++;
    if (!k->stream) {
        k->rcv.next_frg = seg->frg;
        k->rcv.messages += seg->frg == 0;
        return seg->frg == 0;
    }
    if (seg->len > 0 && !k->rcv.fin_received)
        return true;
    if (!k->rcv.fin_received)
        k->rcv.fin_sn = seg->sn;
    k->rcv.fin_received = true;
    skt_account_put(&k->path->account, seg);
    *slot = NULL;
    return true;
}

/* Is the segment at rcv_nxt there, and to be taken? A peer that breaks its own messages is not read further.
 */
static inline bool is_next_held(const struct skt_kcp *k)
{
    if (!is_held(k, k->rcv.nxt))
        return false;
    const struct skt_segment *seg = *skt_seg_ring_at(&k->rcv.ring, k->rcv.nxt);
    return k->stream || k->rcv.next_frg == 0 || seg->frg == k->rcv.next_frg - 1;
}

bool skt_kcp_next_is_held(const struct skt_kcp *k)
{
    return is_next_held(k);
}

void skt_kcp_take_held(struct skt_kcp *k)
{
    if (k->rcv.held == 0)
        return;
    bool news = false;
    unsigned n = 0, most = (k->path->work + SKT_WORK_ORDER - 1) / SKT_WORK_ORDER;
    for (; n < most && k->rcv.held > 0 && is_next_held(k); n++) {
        skt_seg_prefetch(*skt_seg_ring_at(&k->rcv.ring, k->rcv.nxt + AHEAD));
        news |= take_in_order(k, skt_seg_ring_at(&k->rcv.ring, k->rcv.nxt));
        k->rcv.held--;
    }
    skt_path_charge_work(k->path, n * SKT_WORK_ORDER);
    if (news)
        skt_kcp_notify(k, SKT_KCP_READABLE);
}

void skt_kcp_take_all(struct skt_kcp *k)
{
    unsigned left = k->path->work;
    k->path->work = INT_MAX;
    skt_kcp_take_held(k);
    k->path->work = left;
}

/* May a segment be taken though the session has its share? One in order is read at once where the stream's
 * reader waits for it. Of half-built messages one at a time may grow, so that not all wait for each other. */
static bool is_vital(struct skt_kcp *k, const struct skt_kcp_header *h)
{
    struct skt_path *p = k->path;
    if (h->sn != k->rcv.nxt)
        return false;
    if (k->stream || k->rcv.read == k->rcv.nxt)
        return k->rcv.read == k->rcv.nxt;
    if (k->rcv.messages > 0 || (p->completing && p->completing != k))
        return false;
    if (skt_account_room(&p->account) < p->account.pool->block_len)
        p->completing = k;
    return true;
}

static int insert(struct skt_kcp *k, const struct skt_kcp_header *h, const uint8_t *data)
{
    struct skt_account *a = &k->path->account;
    if (skt_seg_ring_reserve(&k->rcv.ring, a, k->rcv.read, h->sn - k->rcv.read + 1) != SKT_OK)
        return SKT_ERR_NOMEM;
    struct skt_segment *seg = skt_account_get(a, is_vital(k, h));
    if (!seg)
        return SKT_ERR_NOMEM;
    skt_list_init(&seg->node);
    skt_list_init(&seg->copy_node);
    seg->sn = h->sn;
    seg->len = (uint16_t)h->len;
    seg->frg = h->frg;
    seg->flags = 0;
    if (h->len > 0)
        memcpy(seg->data, data, h->len);
    *skt_seg_ring_at(&k->rcv.ring, h->sn) = seg;
    return SKT_OK;
}

/* Is there memory for a segment so far ahead? Readers that stand still must not take the last of it: it is
 * for those that read, else these would stand still, too. */
static bool has_memory(const struct skt_kcp *k, int32_t ahead)
{
    if (ahead > 0)
        return !skt_account_low(&k->path->account, SKT_KCP_RESERVED_PART);
    return skt_kcp_reader_waits(k) || !skt_account_low(&k->path->account, SKT_KCP_LAST_PART);
}

int skt_kcp_take_push(struct skt_kcp *k, const struct skt_kcp_header *h, const uint8_t *data)
{
    int32_t ahead = skt_serial_diff(h->sn, k->rcv.nxt);
    if (ahead >= (int32_t)k->rcv.wnd || (ahead >= 0 && h->sn - k->rcv.read >= 2 * k->rcv.wnd))
        return SKT_OK;
    if (ahead == 0 && !k->stream && k->rcv.next_frg && h->frg != k->rcv.next_frg - 1)
        return SKT_ERR_MALFORMED;
    skt_kcp_stop_telling(k);
    k->path->data_at = k->path->now;
    if (ahead < 0 || is_held(k, h->sn)) {
        skt_kcp_owe(k, h, SKT_ARRIVAL_AGAIN);
        return SKT_OK;
    }
    if (!has_memory(k, ahead) || insert(k, h, data) != SKT_OK)
        return SKT_OK; /* no memory: not acknowledged, so it comes again */
    k->path->stats.payload_rx += h->len;
    skt_kcp_grow_window(k, h->sn);
    bool late = skt_serial_before(h->sn, k->rcv.top);
    if (!late)
        k->rcv.top = h->sn + 1;
    skt_kcp_owe(k, h, late ? SKT_ARRIVAL_LATE : ahead > 0 ? SKT_ARRIVAL_BEYOND : SKT_ARRIVAL_IN_ORDER);
    if (ahead > 0) {
        k->rcv.held++;
        return SKT_OK;
    }
    if (take_in_order(k, skt_seg_ring_at(&k->rcv.ring, k->rcv.nxt)))
        skt_kcp_notify(k, SKT_KCP_READABLE);
    skt_kcp_take_held(k);
    return SKT_OK;
}
