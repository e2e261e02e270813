/* SPDX-License-Identifier: MIT */
/* What arrived and what did not: rate samples, RACK by transmission (RFC 8985, 6), tail probe (7), RTO. */
#include "proto/kcp/internal.h"

#include <assert.h>

#define PROBE_TIME_MIN (10 * SKT_US_PER_MS)
#define SPREAD_MIN     (8 * SKT_US_PER_MS)
#define RTO_MIN        (50 * SKT_US_PER_MS)
#define GRANULARITY    (2 * SKT_US_PER_MS) /* timers of both ends */

/* An outage is probed this often, so that its end is noticed soon; a long one more seldom. */
#define RTO_MAX_SHORT (200 * SKT_US_PER_MS)
#define SHORT_OUTAGE  (5 * SKT_US_PER_SEC)
#define RTO_MAX       (2 * SKT_US_PER_SEC)
#define RTO_MAX_LONG  (5 * SKT_US_PER_SEC)
#define LONG_OUTAGE   (120 * SKT_US_PER_SEC)

#define RTT_MAX (60 * SKT_US_PER_SEC) /* a longer one is none: everything was sent again long before */

enum {
    REO_DECAY_RTTS = 16,
    BACKOFF_MAX = 10,
    MARKED_MAX = 1024, /* in one turn */
};

static struct skt_segment *oldest(const struct skt_path *p)
{
    return skt_list_empty(&p->inflight) ? NULL : SKT_CONTAINER(p->inflight.next, struct skt_segment, node);
}

/* --- arrivals --- */

void skt_path_take_spurious(struct skt_path *p, struct skt_segment *seg, skt_us now, skt_us late)
{
    p->stats.spurious++;
    skt_trace_tell(&p->trace, spurious, now, seg->kcp->conv, seg->sn);
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
        skt_path_take_rtt(p, round->now, rtt);
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

/* --- losses --- */

static skt_us reordering_window(const struct skt_path *p)
{
    return p->recovery.reo_wnd ? p->recovery.reo_wnd : p->rtt.min / 4;
}

/* A thin conversation's loss is not to wait behind those of a bulk transfer, only behind its own. */
static void move_ahead(struct skt_path *p, struct skt_segment *seg)
{
    skt_list_remove(&seg->node);
    struct skt_list *at = &p->lost;
    while (at->next != &p->lost && SKT_CONTAINER(at->next, struct skt_segment, node)->kcp == seg->kcp)
        at = at->next;
    skt_list_insert_after(at, &seg->node);
}

static void mark_lost(struct skt_path *p, struct skt_segment *seg, skt_us now, enum skt_trace_loss how)
{
    if (skt_path_is_traced(p))
        skt_path_tell_lost(p, now, seg, how);
    skt_path_requeue(p, seg);
    if (skt_kcp_is_thin(seg->kcp))
        move_ahead(p, seg);
    seg->flags |= SKT_SEG_LOST;
    p->stats.lost++;
}

/* Only where a later transmission has arrived. That one may have been fast by chance, so the mean round trip
 * counts where it is longer (as in RFC 9002, 6.1.2). */
static skt_us lost_at(const struct skt_path *p, const struct skt_segment *seg)
{
    skt_us rtt = skt_us_max(p->recovery.rack_rtt, p->rtt.srtt);
    return seg->tx < p->recovery.rack_tx ? seg->sent_at + rtt + reordering_window(p) : SKT_NEVER;
}

static skt_us timeout_at(const struct skt_path *p, const struct skt_segment *seg)
{
    skt_us since =
        skt_us_max(skt_path_last_sent_at(p, seg), skt_us_max(p->recovery.progress_at, p->recovery.fired_at));
    skt_us time = SKT_PATH_INITIAL_RTO;
    if (p->rtt.srtt) {
        skt_us spread = skt_us_max(4 * p->rtt.rttvar, skt_us_max(p->rtt.srtt / 16, SPREAD_MIN));
        time = skt_us_min(p->rtt.srtt + spread, 2 * p->rtt.srtt + p->rtt.rttvar) + GRANULARITY;
    }
    skt_us floor = p->recovery.timeouts ? RTO_MIN : PROBE_TIME_MIN;
    time =
        skt_us_max(time, floor) << (p->recovery.timeouts < BACKOFF_MAX ? p->recovery.timeouts : BACKOFF_MAX);
    skt_us silence = since - p->recovery.progress_at, most = RTO_MAX;
    if (silence < SHORT_OUTAGE)
        most = skt_us_min(skt_us_max(RTO_MAX_SHORT, 2 * p->rtt.srtt), RTO_MAX);
    else if (silence > LONG_OUTAGE)
        most = RTO_MAX_LONG;
    return since + skt_us_min(time, most);
}

skt_us skt_path_loss_expiry(const struct skt_path *p)
{
    const struct skt_segment *seg = oldest(p);
    return seg ? skt_us_min(lost_at(p, seg), timeout_at(p, seg)) : SKT_NEVER;
}

/* The first timeout: sends the newest and the oldest again. The newest one's arrival shows what else is
 * missing; the oldest is the likeliest to be. */
static void probe_tail(struct skt_path *p)
{
    struct skt_segment *first = oldest(p);
    struct skt_segment *last = SKT_CONTAINER(p->inflight.prev, struct skt_segment, node);
    skt_path_requeue(p, first);
    first->flags |= SKT_SEG_PROBED;
    skt_list_remove(&first->node);
    p->recovery.probes = 1;
    if (last != first) {
        skt_path_requeue(p, last);
        last->flags |= SKT_SEG_PROBED;
        skt_list_remove(&last->node);
        skt_list_insert_after(&p->lost, &last->node);
        p->recovery.probes = 2;
    }
    skt_list_insert_after(&p->lost, &first->node);
}

bool skt_path_is_timing_out(const struct skt_path *p)
{
    const struct skt_segment *seg = oldest(p);
    return seg && seg->tx < p->recovery.lost_tx;
}

static void mark_timed_out(struct skt_path *p, skt_us now)
{
    for (unsigned n = 0; n < MARKED_MAX && skt_path_is_timing_out(p); n++)
        mark_lost(p, oldest(p), now, SKT_TRACE_TIMEOUT);
}

/* True: there are more of them than are marked at a time. */
static bool mark_overtaken(struct skt_path *p, skt_us now)
{
    struct skt_segment *seg;
    for (unsigned n = 0; (seg = oldest(p)) && lost_at(p, seg) <= now; n++) {
        if (n == MARKED_MAX)
            return true;
        mark_lost(p, seg, now, SKT_TRACE_OVERTAKEN);
        skt_redundancy_on_lost(&p->redundancy);
        struct skt_cc_loss loss = {now, seg->cost, p->inflight_bytes, seg->sent_at};
        p->cc->on_lost(&p->cc_state, &loss);
        skt_path_update_pacer(p, now);
    }
    return false;
}

/* All that is in flight is lost; it is marked so in parts. */
static void time_out(struct skt_path *p, skt_us now)
{
    p->recovery.lost_tx = p->recovery.next_tx;
    mark_timed_out(p, now);
    p->left_over = true;
    p->recovery.probes = 1;
    p->cc->on_timeout(&p->cc_state, now);
    skt_path_update_pacer(p, now);
}

void skt_path_detect_losses(struct skt_path *p, skt_us now)
{
    if (p->left_over && !skt_list_empty(&p->turns.lagging))
        return; /* what is acknowledged is not all known yet */
    if (p->left_over) {
        mark_timed_out(p, now);
        if (skt_path_is_timing_out(p))
            return;
    }
    if (mark_overtaken(p, now))
        return;
    const struct skt_segment *seg = oldest(p);
    if (!seg || timeout_at(p, seg) > now)
        return;
    if (p->recovery.timeouts == 0)
        probe_tail(p);
    else
        time_out(p, now);
    p->recovery.timeouts++;
    p->recovery.fired_at = now;
    skt_trace_tell(&p->trace, timeout, now, p->recovery.timeouts);
    skt_path_trace_metrics(p, now);
}

void skt_path_on_alive(struct skt_path *p, skt_us now)
{
    const struct skt_segment *seg = oldest(p);
    if (p->recovery.timeouts < 2 || !seg)
        return;
    p->now = skt_us_max(p->now, now);
    p->recovery.timeouts = 1;
    p->recovery.fired_at = seg->sent_at; /* one plain timeout after its sending: most often at once */
}
