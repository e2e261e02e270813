/* SPDX-License-Identifier: MIT */
#include "proto/path/flight.h"

#include "proto/path/copies.h"

#include <assert.h>

/* A retransmission's ts is always later than those before it, so that an ACK tells them apart. */
static uint32_t next_ts(const struct skt_path *p, const struct skt_segment *seg, skt_us now)
{
    uint32_t ts = skt_path_tick(p, now);
    return seg->xmit > 0 && !skt_serial_before(seg->copy_ts, ts) ? seg->copy_ts + 1 : ts;
}

void skt_path_note_sent(struct skt_path *p, struct skt_segment *seg, skt_us now)
{
    seg->cost = (uint16_t)(SKT_KCP_HEADER_LEN + seg->len + p->overhead);
    p->cc->on_sent(&p->cc_state, now, seg->cost, p->inflight_bytes);
    if (skt_list_empty(&p->inflight)) {
        p->delivery.first_sent_at = p->delivery.at = now;
        if (p->recovery.timeouts == 0)
            p->recovery.progress_at = now;
    }
    seg->ts = seg->copy_ts = next_ts(p, seg, now);
    seg->copies_sent = 0;
    if (seg->xmit == 0)
        seg->first_ts = seg->ts;
    if (seg->xmit < UINT8_MAX)
        seg->xmit++;
    seg->tx = p->recovery.next_tx++;
    seg->sent_at = now;
    seg->delivered = p->delivery.bytes;
    seg->delivered_at = p->delivery.at;
    seg->first_sent_at = p->delivery.first_sent_at;
    seg->flags |= SKT_SEG_FLYING;
    if (p->delivery.limited_until)
        seg->flags |= SKT_SEG_LIMITED;
    else
        seg->flags &= (uint8_t)~SKT_SEG_LIMITED;
    skt_list_move_tail(&p->inflight, &seg->node);
    p->inflight_bytes += seg->cost;
}

void skt_path_requeue(struct skt_path *p, struct skt_segment *seg)
{
    assert(seg->flags & SKT_SEG_FLYING);
    assert(p->inflight_bytes >= seg->cost);
    p->inflight_bytes -= seg->cost;
    seg->flags &= (uint8_t) ~(SKT_SEG_FLYING | SKT_SEG_LOST | SKT_SEG_PROBED);
    skt_path_cancel_copies(seg);
    skt_list_move_tail(&p->lost, &seg->node);
}

void skt_path_forget(struct skt_path *p, struct skt_segment *seg)
{
    if (seg->flags & SKT_SEG_FLYING)
        p->inflight_bytes -= seg->cost;
    seg->flags = 0;
    skt_path_cancel_copies(seg);
    skt_list_remove(&seg->node);
}
