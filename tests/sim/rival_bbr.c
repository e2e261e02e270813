/* SPDX-License-Identifier: MIT */
#include "sim/rival_internal.h"

enum { CYCLE = 8, FULL_ROUNDS = 3, MIN_CWND = 4, QUANTA = 3 /* packets that a target has room for beyond */ };

#define HIGH_GAIN     2.885
#define CWND_GAIN     2.0
#define MIN_RTT_FOR   (10 * SKT_US_PER_SEC)
#define PROBE_RTT_FOR (200 * SKT_US_PER_MS)

static double best_bw(const struct sim_rival *r)
{
    double best = 0;
    for (int i = 0; i < SIM_RIVAL_BW_ROUNDS; i++)
        best = r->bw[i] > best ? r->bw[i] : best;
    return best;
}

static double bdp(const struct sim_rival *r)
{
    return best_bw(r) * SIM_SECONDS(r->min_rtt);
}

static double pacing_gain(const struct sim_rival *r)
{
    static const double gains[CYCLE] = {1.25, 0.75, 1, 1, 1, 1, 1, 1};
    switch (r->phase) {
    case SIM_BBR_STARTUP:
        return HIGH_GAIN;
    case SIM_BBR_DRAIN:
        return 1 / HIGH_GAIN;
    case SIM_BBR_CYCLE:
        return gains[r->cycle];
    case SIM_BBR_PROBE_RTT:
        break;
    }
    return 1;
}

double sim_bbr_pacing(const struct sim_rival *r)
{
    double bw = best_bw(r);
    if (bw == 0 && r->srtt)
        bw = r->cwnd / SIM_SECONDS(r->srtt);
    return 0.99 * bw * pacing_gain(r);
}

static void begin_cycle(struct sim_rival *r, skt_us now)
{
    r->phase = SIM_BBR_CYCLE;
    r->cycle = 2 + (unsigned)(r->round % (CYCLE - 2)); /* any but the two that move the queue */
    r->cycle_at = now;
    r->cycle_lost = false;
}

static void end_round(struct sim_rival *r)
{
    double bw = best_bw(r);
    r->round++;
    r->round_end = r->delivered;
    r->bw[r->round % SIM_RIVAL_BW_ROUNDS] = 0;
    if (r->filled)
        return;
    if (bw >= r->full_bw * 1.25) {
        r->full_bw = bw;
        r->full_rounds = 0;
    } else if (++r->full_rounds >= FULL_ROUNDS) {
        r->filled = true;
    }
}

static void update_bw(struct sim_rival *r, skt_us now, const struct sim_rival_packet *p)
{
    skt_us acked = now - p->delivered_at, sent = p->sent_at - p->first_sent_at;
    double rate = (double)(r->delivered - p->delivered) / SIM_SECONDS(skt_us_max(acked, sent));
    if (p->delivered >= r->round_end)
        end_round(r);
    double *slot = &r->bw[r->round % SIM_RIVAL_BW_ROUNDS];
    *slot = rate > *slot ? rate : *slot;
}

static void update_phase(struct sim_rival *r, skt_us now)
{
    if (r->phase == SIM_BBR_STARTUP && r->filled)
        r->phase = SIM_BBR_DRAIN;
    if (r->phase == SIM_BBR_DRAIN && r->inflight <= bdp(r))
        begin_cycle(r, now);
    if (r->phase != SIM_BBR_CYCLE)
        return;
    double gain = pacing_gain(r);
    bool over = now - r->cycle_at > r->min_rtt;
    if (gain > 1)
        over = over && (r->cycle_lost || r->inflight >= gain * bdp(r));
    else if (gain < 1)
        over = over || r->inflight <= bdp(r);
    if (over) {
        r->cycle = (r->cycle + 1) % CYCLE;
        r->cycle_at = now;
        r->cycle_lost = false;
    }
}

static void update_min_rtt(struct sim_rival *r, skt_us now, skt_us rtt)
{
    bool expired = now - r->min_rtt_at > MIN_RTT_FOR;
    if (r->min_rtt == 0 || rtt <= r->min_rtt || expired) {
        r->min_rtt = rtt;
        r->min_rtt_at = now;
    }
    if (expired && !r->restarts && r->phase != SIM_BBR_PROBE_RTT) {
        r->prior_cwnd = r->prior_cwnd > r->cwnd ? r->prior_cwnd : r->cwnd;
        r->phase = SIM_BBR_PROBE_RTT;
        r->probe_until = 0;
    }
    r->restarts = false;
    if (r->phase != SIM_BBR_PROBE_RTT)
        return;
    if (r->probe_until == 0 && r->inflight <= MIN_CWND)
        r->probe_until = now + skt_us_max(PROBE_RTT_FOR, rtt);
    if (r->probe_until == 0 || now < r->probe_until)
        return;
    r->min_rtt_at = now;
    r->cwnd = r->cwnd > r->prior_cwnd ? r->cwnd : r->prior_cwnd;
    r->prior_cwnd = 0;
    if (r->filled)
        begin_cycle(r, now);
    else
        r->phase = SIM_BBR_STARTUP;
}

static void update_cwnd(struct sim_rival *r, uint64_t tx)
{
    if (r->recovering && tx >= r->recover) {
        r->recovering = false;
        r->cwnd = r->cwnd > r->prior_cwnd ? r->cwnd : r->prior_cwnd;
        r->prior_cwnd = 0;
    }
    double target = bdp(r) * (r->filled ? CWND_GAIN : HIGH_GAIN) + QUANTA;
    if (r->recovering && r->now_lost)
        r->cwnd = r->cwnd > r->now_lost + 1 ? r->cwnd - r->now_lost : 1;
    if (r->recovering && r->delivered < r->conserve_to)
        r->cwnd = r->cwnd > r->inflight + 1 ? r->cwnd : r->inflight + 1;
    else if (r->filled)
        r->cwnd = r->cwnd + 1 < target ? r->cwnd + 1 : target;
    else if (r->cwnd < target)
        r->cwnd += 1;
    r->cwnd = r->cwnd > MIN_CWND ? r->cwnd : MIN_CWND;
    if (r->phase == SIM_BBR_PROBE_RTT)
        r->cwnd = MIN_CWND;
}

void sim_bbr_acked(struct sim_rival *r, skt_us now, uint64_t tx, skt_us rtt)
{
    update_bw(r, now, &r->ring[tx % SIM_RIVAL_RING]);
    update_phase(r, now);
    update_min_rtt(r, now, rtt);
    update_cwnd(r, tx);
    r->now_lost = 0;
}

void sim_bbr_lost(struct sim_rival *r)
{
    if (r->recovering)
        return;
    r->recovering = true;
    r->prior_cwnd = r->prior_cwnd > r->cwnd ? r->prior_cwnd : r->cwnd;
    r->cwnd = r->inflight + 1;
    r->conserve_to = r->delivered + r->inflight;
}

void sim_bbr_timed_out(struct sim_rival *r)
{
    r->prior_cwnd = r->prior_cwnd > r->cwnd ? r->prior_cwnd : r->cwnd;
    r->recovering = true;
    r->conserve_to = 0;
    r->full_bw = 0;
}
