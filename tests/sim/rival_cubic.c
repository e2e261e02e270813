/* SPDX-License-Identifier: MIT */
#include "sim/rival_internal.h"

enum { HYSTART_SAMPLES = 8, HYSTART_LOW = 16 };

#define MS SKT_US_PER_MS

static double cube_root(double x)
{
    double y = x > 1 ? x : 1;
    for (int i = 0; i < 60; i++)
        y = (2 * y + x / (y * y)) / 3;
    return y;
}

static void hystart(struct sim_rival *r, uint64_t tx, skt_us rtt)
{
    if (tx >= r->hystart_end) {
        r->hystart_end = r->next;
        r->hystart_samples = 0;
        r->hystart_rtt = SKT_NEVER;
    }
    if (++r->hystart_samples > HYSTART_SAMPLES)
        return;
    r->hystart_rtt = skt_us_min(r->hystart_rtt, rtt);
    skt_us slack = skt_us_min(skt_us_max(r->min_rtt / 8, 4 * MS), 16 * MS);
    if (r->hystart_samples == HYSTART_SAMPLES && r->cwnd >= HYSTART_LOW &&
        r->hystart_rtt > r->min_rtt + slack)
        r->ssthresh = r->cwnd;
}

void sim_cubic_acked(struct sim_rival *r, skt_us now, uint64_t tx, skt_us rtt)
{
    r->min_rtt = r->min_rtt ? skt_us_min(r->min_rtt, rtt) : rtt;
    if (r->cwnd < r->ssthresh) {
        r->cwnd += 1;
        hystart(r, tx, rtt);
        return;
    }
    if (r->epoch == 0) {
        r->epoch = now;
        r->w_est = r->cwnd;
        if (r->w_max < r->cwnd)
            r->w_max = r->cwnd;
        r->k = cube_root((r->w_max - r->cwnd) / 0.4);
    }
    double t = SIM_SECONDS(now - r->epoch + r->min_rtt) - r->k;
    double target = r->w_max + 0.4 * t * t * t;
    r->w_est += 0.53 / r->cwnd;
    if (target > r->cwnd * 1.5)
        target = r->cwnd * 1.5;
    if (target > r->cwnd)
        r->cwnd += (target - r->cwnd) / r->cwnd;
    if (r->cwnd < r->w_est)
        r->cwnd = r->w_est;
}

void sim_cubic_lost(struct sim_rival *r)
{
    r->w_max = r->cwnd < r->w_max ? r->cwnd * 0.85 : r->cwnd;
    r->cwnd = r->cwnd * 0.7 > 2 ? r->cwnd * 0.7 : 2;
    r->ssthresh = r->cwnd;
    r->epoch = 0;
}
