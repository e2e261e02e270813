/* SPDX-License-Identifier: MIT */
#include "proto/path/arrival.h"

#include "proto/path/copies.h"
#include "proto/path/flight.h"
#include "proto/path/gate.h"
#include "proto/path/tell.h"
#include "proto/path/waiting.h"

#include <assert.h>

#define GRANULARITY (2 * SKT_US_PER_MS)   /* timers of both ends */
#define RTT_MAX     (60 * SKT_US_PER_SEC) /* a longer one is none: everything was sent again long before */

enum {
    REO_DECAY_RTTS = 16
}; /* RFC 8985, 6.2: as many round trips the window stays that reordering asked for */

void skt_path_take_spurious(struct skt_path *p, struct skt_segment *seg, skt_us now, skt_us late)
{
    p->stats.spurious++;
    skt_trace_tell(&p->trace, spurious, now, seg->sender->conv, seg->sn);
    skt_redundancy_on_spurious(&p->redundancy);
    seg->flags &= (uint8_t)~SKT_SEG_LOST;
    if (late > p->recovery.rack_rtt) {
        skt_us needed = late - p->recovery.rack_rtt;
        needed += needed / 4;
        p->recovery.reo_wnd =
            skt_us_min(skt_us_max(p->recovery.reo_wnd, needed), skt_us_max(p->rtt.srtt, GRANULARITY));
        p->recovery.reo_at = now;
    }
    p->cc->on_spurious(&p->cc_state, now, seg->cost);
}

/* A tail probe brought what its first transmission did not: that one was lost. */
static void take_probe_success(struct skt_path *p, const struct skt_segment *seg, skt_us now)
{
    p->stats.lost++;
    if (skt_path_is_traced(p))
        skt_path_tell_lost(p, now, seg, SKT_TRACE_PROBED);
    skt_redundancy_on_lost(&p->redundancy);
    struct skt_cc_loss loss = {now, seg->cost, p->inflight_bytes, seg->sent_at};
    p->cc->on_lost(&p->cc_state, &loss);
}

/* A queue keeps the order, so what is late by more than RACK's quarter of the least round trip (RFC
 * 8985, 6.2) shows a delay of the path's own. What parity mended looks the same, but that is few: congestion
 * control goes by how many there are. */
void skt_path_note_late(const struct skt_path *p, const struct skt_segment *seg, skt_us took,
                        struct skt_ack_round *round)
{
    if (took <= p->recovery.rack_rtt + p->rtt.min / 4)
        return;
    round->late += seg->cost;
    round->late_by = skt_us_max(round->late_by, skt_us_min(took - p->recovery.rack_rtt, p->rtt.srtt));
}

void skt_path_take_acked(struct skt_path *p, struct skt_segment *seg, struct skt_ack_round *round, bool named)
{
    if (seg->flags & SKT_SEG_FLYING) {
        assert(p->inflight_bytes >= seg->cost);
        p->inflight_bytes -= seg->cost;
        if (named && (seg->flags & SKT_SEG_PROBED))
            take_probe_success(p, seg, round->now);
    } else if (seg->flags & SKT_SEG_LOST) {
        skt_path_take_spurious(p, seg, round->now, named ? round->now - seg->sent_at : 0);
    }
    skt_path_cancel_copies(seg);
    skt_list_remove(&seg->node);
    round->acked += seg->cost;
    p->delivery.bytes += seg->cost;
    p->stats.delivered += seg->len;
    if ((named || seg->xmit == 1) && seg->tx > round->tx) {
        round->tx = seg->tx;
        round->sent_at = seg->sent_at;
        round->delivered_at = seg->delivered_at;
        round->first_sent_at = seg->first_sent_at;
        round->prior_delivered = seg->delivered;
        round->app_limited = seg->flags & SKT_SEG_LIMITED;
    }
}

/* draft-cheng-iccrg-delivery-rate-estimation, 3.3: over the longer of sending and acknowledging. */
static uint64_t rate_sample(struct skt_path *p, const struct skt_ack_round *round)
{
    if (round->tx == 0 || round->delivered_at < p->rtt.epoch_at)
        return 0;
    p->delivery.first_sent_at = round->sent_at;
    skt_us interval = skt_us_max(round->sent_at - round->first_sent_at, round->now - round->delivered_at);
    if (interval == 0 || interval < p->rtt.min)
        return 0;
    uint64_t rate = (p->delivery.bytes - round->prior_delivered) * SKT_US_PER_SEC / interval;
    return rate < SKT_PATH_RATE_MAX ? rate : SKT_PATH_RATE_MAX;
}

static void update_rack(struct skt_path *p, const struct skt_ack_round *round)
{
    if (round->tx <= p->recovery.rack_tx)
        return;
    p->recovery.rack_tx = round->tx;
    p->recovery.rack_rtt = round->now - round->sent_at;
    if (p->recovery.reo_wnd && round->now - p->recovery.reo_at > REO_DECAY_RTTS * p->rtt.srtt) {
        p->recovery.reo_wnd = p->recovery.reo_wnd / 2 > p->rtt.min / 4 ? p->recovery.reo_wnd / 2 : 0;
        p->recovery.reo_at = round->now;
    }
}

void skt_path_end_round(struct skt_path *p, const struct skt_ack_round *round)
{
    skt_us rtt = round->rtt <= RTT_MAX ? round->rtt : 0;
    if (rtt)
        skt_rtt_take(&p->rtt, round->now, rtt);
    if (!round->acked)
        return;
    p->delivery.at = round->now;
    p->recovery.progress_at = round->now;
    p->recovery.timeouts = 0;
    p->recovery.probes = 0;
    if (p->delivery.bytes > p->delivery.limited_until)
        p->delivery.limited_until = 0;
    struct skt_cc_ack ack = {
        .now = round->now,
        .acked = round->acked,
        .inflight = p->inflight_bytes,
        .delivered = p->delivery.bytes,
        .prior_delivered = round->prior_delivered,
        .rate = rate_sample(p, round),
        .app_limited = round->app_limited,
        .brief = !skt_path_is_full(p),
        .sent_at = round->tx ? round->sent_at : 0,
        .rtt = rtt,
        .srtt = p->rtt.srtt,
        .min_rtt = p->rtt.min,
        .late = round->late,
        .late_by = round->late_by,
    };
    update_rack(p, round);
    p->cc->on_acked(&p->cc_state, &ack);
    skt_path_update_pacer(p, round->now);
    skt_trace_tell(&p->trace, acked, round->now, round->acked, ack.rate);
    skt_path_trace_metrics(p, round->now);
}
