/* SPDX-License-Identifier: MIT */
#include "proto/path/gate.h"

#include "proto/path/flight.h"

enum { AHEAD_PART = 8 }; /* of the window, in a round trip */

static size_t ahead_max(const struct skt_path *p)
{
    size_t part = p->cc_state.out.cwnd / AHEAD_PART, least = SKT_CC_MIN_PACKETS * p->payload_limit;
    return part > least ? part : least;
}

bool skt_path_may_send(const struct skt_path *p, skt_us now)
{
    return !skt_path_window_full(p) && skt_pacer_ready(&p->pacer, now);
}

bool skt_path_may_send_ahead(const struct skt_path *p, skt_us now)
{
    bool renewed = now - p->turns.ahead_since >= p->rtt.srtt;
    if (skt_path_window_full(p) && !renewed && p->turns.ahead_bytes >= ahead_max(p))
        return false;
    return skt_pacer_overdraft_expiry(&p->pacer, now) <= now;
}

void skt_path_note_ahead(struct skt_path *p, skt_us now, size_t bytes)
{
    if (!skt_path_window_full(p))
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
    skt_us at = skt_path_window_full(p) ? SKT_NEVER : skt_pacer_expiry(&p->pacer, now);
    if (skt_list_empty(&p->turns.fresh))
        return at;
    skt_us ahead = skt_pacer_overdraft_expiry(&p->pacer, now);
    if (skt_path_window_full(p) && p->turns.ahead_bytes >= ahead_max(p))
        ahead = skt_us_max(ahead, p->turns.ahead_since + p->rtt.srtt);
    return skt_us_min(at, ahead);
}

void skt_path_update_pacer(struct skt_path *p, skt_us now)
{
    uint64_t rate = p->cc_state.out.pacing_rate, most = p->max_rate ? p->max_rate : SKT_PATH_RATE_MAX;
    skt_pacer_set_rate(&p->pacer, now, rate < most ? rate : most);
}
