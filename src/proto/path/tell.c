/* SPDX-License-Identifier: MIT */
#include "proto/path/tell.h"

void skt_path_tell_metrics(const struct skt_path *p, skt_us now)
{
    struct skt_trace_metrics m = {
        .cwnd = p->cc_state.out.cwnd,
        .inflight = p->inflight_bytes,
        .pacing_rate = p->cc_state.out.pacing_rate,
        .delivered = p->delivery.bytes,
        .srtt = p->rtt.srtt,
        .min_rtt = p->rtt.min,
        .latest_rtt = p->rtt.latest,
        .rttvar = p->rtt.rttvar,
        .phase = p->cc->phase(&p->cc_state),
    };
    if (p->max_rate && p->max_rate < m.pacing_rate)
        m.pacing_rate = p->max_rate;
    p->trace.on->metrics(p->trace.user, now, &m);
}

static struct skt_trace_segment told(const struct skt_segment *seg, enum skt_trace_cause cause)
{
    return (struct skt_trace_segment){seg->sender->conv, seg->sn, seg->len, (uint8_t)cause};
}

void skt_path_tell_segment(const struct skt_path *p, skt_us now, const struct skt_segment *seg,
                           enum skt_trace_cause cause)
{
    if (cause == SKT_TRACE_AGAIN && (seg->flags & SKT_SEG_PROBED))
        cause = SKT_TRACE_TAIL;
    struct skt_trace_segment s = told(seg, cause);
    p->trace.on->segment(p->trace.user, now, &s);
}

void skt_path_tell_lost(const struct skt_path *p, skt_us now, const struct skt_segment *seg,
                        enum skt_trace_loss how)
{
    struct skt_trace_segment s = told(seg, seg->xmit > 1 ? SKT_TRACE_AGAIN : SKT_TRACE_FIRST);
    p->trace.on->lost(p->trace.user, now, &s, how);
}
