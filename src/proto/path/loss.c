/* SPDX-License-Identifier: MIT */
#include "proto/path/loss.h"

#include "proto/path/copies.h"
#include "proto/path/flight.h"
#include "proto/path/gate.h"
#include "proto/path/tell.h"

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

enum {
    BACKOFF_MAX = 10,
    MARKED_MAX = 1024, /* in one turn */
};

static skt_us reordering_window(const struct skt_path *p)
{
    return p->recovery.reo_wnd ? p->recovery.reo_wnd : p->rtt.min / 4;
}

/* A thin conversation's loss is not to wait behind those of a bulk transfer, only behind its own. */
static void move_ahead(struct skt_path *p, struct skt_segment *seg)
{
    skt_list_remove(&seg->node);
    struct skt_list *at = &p->lost;
    while (at->next != &p->lost && SKT_CONTAINER(at->next, struct skt_segment, node)->sender == seg->sender)
        at = at->next;
    skt_list_insert_after(at, &seg->node);
}

static void mark_lost(struct skt_path *p, struct skt_segment *seg, skt_us now, enum skt_trace_loss how)
{
    if (skt_path_is_traced(p))
        skt_path_tell_lost(p, now, seg, how);
    skt_path_requeue(p, seg);
    if (skt_sender_is_thin(seg->sender))
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
    const struct skt_segment *seg = skt_path_oldest(p);
    return seg ? skt_us_min(lost_at(p, seg), timeout_at(p, seg)) : SKT_NEVER;
}

/* The first timeout: sends the newest and the oldest again. The newest one's arrival shows what else is
 * missing; the oldest is the likeliest to be. */
static void probe_tail(struct skt_path *p)
{
    struct skt_segment *first = skt_path_oldest(p);
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
    const struct skt_segment *seg = skt_path_oldest(p);
    return seg && seg->tx < p->recovery.lost_tx;
}

static void mark_timed_out(struct skt_path *p, skt_us now)
{
    for (unsigned n = 0; n < MARKED_MAX && skt_path_is_timing_out(p); n++)
        mark_lost(p, skt_path_oldest(p), now, SKT_TRACE_TIMEOUT);
}

/* True: there are more of them than are marked at a time. */
static bool mark_overtaken(struct skt_path *p, skt_us now)
{
    struct skt_segment *seg;
    for (unsigned n = 0; (seg = skt_path_oldest(p)) && lost_at(p, seg) <= now; n++) {
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
    const struct skt_segment *seg = skt_path_oldest(p);
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
    const struct skt_segment *seg = skt_path_oldest(p);
    if (p->recovery.timeouts < 2 || !seg)
        return;
    p->now = skt_us_max(p->now, now);
    p->recovery.timeouts = 1;
    p->recovery.fired_at = seg->sent_at; /* one plain timeout after its sending: most often at once */
}
