/* SPDX-License-Identifier: MIT */
#include "proto/path/waiting.h"

#include "proto/path/flight.h"
#include "proto/path/gate.h"

#define BREAK_TIME (10 * SKT_US_PER_MS) /* shorter breaks don't end a bulk transfer */

/* On shorter paths the queue before an inner flow (25 ms, proto/queue/aqm.c) keeps the path busy while a loss
 * is mended. */
#define LONG_RTT (100 * SKT_US_PER_MS)

enum { LASTING_RTTS = 8 }; /* full for so long, and not by a single inner flow */

void skt_path_note_break(struct skt_path *p, skt_us now)
{
    if (!p->turns.waits && now - p->turns.waited_at > BREAK_TIME)
        p->turns.waiting_since = 0;
}

void skt_path_note_waiting(struct skt_path *p, skt_us now)
{
    bool waits = skt_path_has_data(p) || p->turns.held > 0;
    if (waits && p->turns.waiting_since == 0)
        p->turns.waiting_since = now;
    if (waits || p->turns.waits)
        p->turns.waited_at = now;
    p->turns.waits = waits;
}

static bool is_full_for(const struct skt_path *p, unsigned rtts)
{
    skt_us rtt = p->rtt.srtt ? p->rtt.srtt : SKT_PATH_INITIAL_RTO;
    return p->turns.waiting_since && p->now - p->turns.waiting_since > rtts * rtt;
}

bool skt_path_is_full(const struct skt_path *p)
{
    return is_full_for(p, 1);
}

bool skt_path_spares_parity(const struct skt_path *p)
{
    const struct skt_redundancy *r = &p->redundancy;
    if (r->fixed_data)
        return false;
    if (r->inner && p->rtt.min > LONG_RTT)
        return is_full_for(p, LASTING_RTTS);
    return skt_path_is_full(p) || skt_redundancy_is_bulk(r);
}

bool skt_path_wants_parity(const struct skt_path *p)
{
    return p->uncopied && !skt_path_spares_parity(p);
}
