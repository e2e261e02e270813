/* SPDX-License-Identifier: MIT */
#include "proto/kcp/view.h"

#include "proto/kcp/internal.h"
#include "proto/kcp/turns.h"

const char *skt_hold_str(enum skt_hold hold)
{
    switch (hold) {
    case SKT_HOLD_NONE:
        break;
    case SKT_HOLD_WINDOW:
    case SKT_HOLD_PACING:
    case SKT_HOLD_RATE_CAP:
    case SKT_HOLD_PEER_WINDOW:
    case SKT_HOLD_MEMORY:
        return skt_trace_limit_str((enum skt_trace_limit)hold);
    case SKT_HOLD_GAP:
        return "gap";
    case SKT_HOLD_TARGET:
        return "target";
    case SKT_HOLD_CONNECT:
        return "connect";
    case SKT_HOLD_READER:
        return "reader";
    }
    return NULL;
}

static size_t bytes_in(const struct skt_seg_ring *r, uint32_t from, uint32_t to)
{
    size_t sum = 0;
    for (; r->cap > 0 && from != to; from++) {
        const struct skt_segment *seg = *skt_seg_ring_at(r, from);
        sum += seg ? seg->len : 0;
    }
    return sum;
}

static enum skt_hold hold_of(const struct skt_kcp *k)
{
    if (k->snd.nxt == k->snd.end)
        return k->queue.want_write && !skt_list_empty(&k->starved_node) ? SKT_HOLD_MEMORY : SKT_HOLD_NONE;
    if (!skt_kcp_window_open(k))
        return SKT_HOLD_PEER_WINDOW;
    switch (skt_turns_limit(k->path)) {
    case SKT_TRACE_WINDOW:
        return SKT_HOLD_WINDOW;
    case SKT_TRACE_PACING:
        return SKT_HOLD_PACING;
    case SKT_TRACE_RATE_CAP:
        return SKT_HOLD_RATE_CAP;
    default:
        return SKT_HOLD_NONE; /* it is about to go */
    }
}

void skt_kcp_look(const struct skt_kcp *k, struct skt_kcp_view *v)
{
    *v = (struct skt_kcp_view){
        .conv = k->snd.conv,
        .una = k->snd.una,
        .nxt = k->snd.nxt,
        .end = k->snd.end,
        .read = k->rcv.read,
        .got = k->rcv.nxt,
        .window = k->rcv.wnd > k->rcv.nxt - k->rcv.read ? k->rcv.wnd - (k->rcv.nxt - k->rcv.read) : 0,
        .behind_gap = k->rcv.held,
        .unsent = k->queue.unsent,
        .inflight = bytes_in(&k->queue.ring, k->snd.una, k->snd.nxt),
        .unread = bytes_in(&k->rcv.ring, k->rcv.read, k->rcv.nxt),
        .out = hold_of(k),
        .in = k->rcv.held > 0 ? SKT_HOLD_GAP : SKT_HOLD_NONE,
    };
    if (skt_kcp_window_open(k))
        v->peer_window = k->window.una + k->window.size - k->snd.nxt;
    v->unread -= v->unread < k->rcv.read_off ? v->unread : k->rcv.read_off;
}
