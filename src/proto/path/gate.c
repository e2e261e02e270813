/* SPDX-License-Identifier: MIT */
/* When data may go: as window and pacer say, and a little of what thin conversations send in spite of both.
 * Where the window was made smaller, all would stand still until enough of what is in flight has arrived;
 * those that have next to nothing in flight are not to wait for that. */
#include "proto/kcp/internal.h"

enum { AHEAD_PART = 8 }; /* of the window, in a round trip */

static size_t ahead_max(const struct skt_path *p)
{
    size_t part = p->cc_state.out.cwnd / AHEAD_PART, least = SKT_CC_MIN_PACKETS * p->payload_limit;
    return part > least ? part : least;
}

static bool window_full(const struct skt_path *p)
{
    return p->inflight_bytes >= p->cc_state.out.cwnd;
}

bool skt_path_may_send(const struct skt_path *p, skt_us now)
{
    return !window_full(p) && skt_pacer_ready(&p->pacer, now);
}

bool skt_path_may_send_ahead(const struct skt_path *p, skt_us now)
{
    bool renewed = now - p->turns.ahead_since >= p->rtt.srtt;
    if (window_full(p) && !renewed && p->turns.ahead_bytes >= ahead_max(p))
        return false;
    return skt_pacer_overdraft_expiry(&p->pacer, now) <= now;
}

void skt_path_note_ahead(struct skt_path *p, skt_us now, size_t bytes)
{
    if (!window_full(p))
        return;
    if (now - p->turns.ahead_since >= p->rtt.srtt) {
        p->turns.ahead_since = now;
        p->turns.ahead_bytes = 0;
    }
    p->turns.ahead_bytes += bytes;
}

skt_us skt_path_gate_expiry(const struct skt_path *p, skt_us now)
{
    if (!skt_path_has_data(p))
        return SKT_NEVER;
    if (p->recovery.probes > 0 && !skt_list_empty(&p->lost))
        return now;
    skt_us at = window_full(p) ? SKT_NEVER : skt_pacer_expiry(&p->pacer, now);
    if (skt_list_empty(&p->turns.fresh))
        return at;
    skt_us ahead = skt_pacer_overdraft_expiry(&p->pacer, now);
    if (window_full(p) && p->turns.ahead_bytes >= ahead_max(p))
        ahead = skt_us_max(ahead, p->turns.ahead_since + p->rtt.srtt);
    return skt_us_min(at, ahead);
}

/* Data that the window admits waits for the pacer, be it only until its owner has the next turn. */
enum skt_trace_limit skt_path_limit(const struct skt_path *p)
{
    if (skt_path_has_data(p)) {
        if (window_full(p))
            return SKT_TRACE_WINDOW;
        return p->max_rate && p->max_rate < p->cc_state.out.pacing_rate ? SKT_TRACE_RATE_CAP
                                                                        : SKT_TRACE_PACING;
    }
    if (!skt_list_empty(&p->turns.starved))
        return SKT_TRACE_MEMORY;
    /* Those that wait with nothing in flight ask for the window now and then. */
    const struct skt_heap_node *first = skt_heap_first(&p->turns.timers);
    bool asks = first && SKT_CONTAINER(first, const struct skt_kcp, timer)->snd.probe_at != SKT_NEVER;
    return p->turns.held > 0 || asks ? SKT_TRACE_PEER_WINDOW : SKT_TRACE_NOTHING;
}
