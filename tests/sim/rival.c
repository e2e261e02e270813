/* SPDX-License-Identifier: MIT */
#include "sim/rival.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { INITIAL = 10, DUPTHRESH = 3, BW_ROUNDS = 10, CYCLE = 8, FULL_ROUNDS = 3 };

#define RTO         (400 * SKT_US_PER_MS)
#define DELAYED_ACK (40 * SKT_US_PER_MS)
#define SECONDS(us) ((double)(us) / 1e6)

void sim_rival_init(struct sim_rival *r, enum sim_rival_kind kind, skt_us now, skt_us back)
{
    memset(r, 0, sizeof(*r));
    r->kind = kind;
    r->back = back;
    r->cwnd = INITIAL;
    r->ssthresh = 1e9;
    r->ack_due = SKT_NEVER;
    r->delivered_at = r->heard_at = r->min_rtt_at = r->pace_at = now;
    if (kind == SIM_RIVAL_NONE)
        return;
    r->ring = calloc(SIM_RIVAL_RING, sizeof *r->ring);
    r->acks = calloc(SIM_RIVAL_RING, sizeof *r->acks);
    assert(r->ring && r->acks);
}

void sim_rival_dispose(struct sim_rival *r)
{
    free(r->ring);
    free(r->acks);
    r->ring = NULL;
    r->acks = NULL;
}

static void acknowledge(struct sim_rival *r, skt_us now)
{
    uint8_t data[SIM_RIVAL_ACK_LEN] = {SIM_RIVAL_MARK};
    memcpy(data + 1, &r->ack_tail, sizeof r->ack_tail);
    r->ack_sent = r->ack_tail;
    r->ack_due = SKT_NEVER;
    sim_link_send(r->acks_over, now, data, sizeof data);
}

void sim_rival_arrived(struct sim_rival *r, skt_us now, const uint8_t *data)
{
    uint64_t tx;
    memcpy(&tx, data + 1, sizeof(tx));
    r->received++;
    struct sim_rival_packet *p = &r->ring[tx % SIM_RIVAL_RING];
    p->acked_at = now + r->back;
    r->acks[r->ack_tail++ % SIM_RIVAL_RING] = tx;
    if (!r->acks_over) {
        r->ack_upto = r->ack_tail;
        return;
    }
    if (r->ack_tail >= r->ack_sent + 2)
        acknowledge(r, now);
    else
        r->ack_due = now + DELAYED_ACK;
}

void sim_rival_acked(struct sim_rival *r, const uint8_t *data)
{
    uint64_t upto;
    memcpy(&upto, data + 1, sizeof upto);
    r->ack_upto = upto > r->ack_upto ? upto : r->ack_upto;
}

/* --- CUBIC --- */

static double cube_root(double x)
{
    double y = x > 1 ? x : 1;
    for (int i = 0; i < 60; i++)
        y = (2 * y + x / (y * y)) / 3;
    return y;
}

static void cubic_acked(struct sim_rival *r, skt_us now, skt_us rtt)
{
    if (r->cwnd < r->ssthresh) {
        r->cwnd += 1;
        skt_us slack = skt_us_min(skt_us_max(r->min_rtt / 8, 4 * SKT_US_PER_MS), 16 * SKT_US_PER_MS);
        if (rtt > r->min_rtt + slack)
            r->ssthresh = r->cwnd;
        return;
    }
    if (r->epoch == 0) {
        r->epoch = now;
        r->w_est = r->cwnd;
        if (r->w_max < r->cwnd)
            r->w_max = r->cwnd;
        r->k = cube_root((r->w_max - r->cwnd) / 0.4);
    }
    double t = SECONDS(now - r->epoch + r->min_rtt) - r->k;
    double target = r->w_max + 0.4 * t * t * t;
    r->w_est += 0.53 / r->cwnd;
    if (target > r->cwnd * 1.5)
        target = r->cwnd * 1.5;
    if (target > r->cwnd)
        r->cwnd += (target - r->cwnd) / r->cwnd;
    if (r->cwnd < r->w_est)
        r->cwnd = r->w_est;
}

static void cubic_lost(struct sim_rival *r)
{
    r->w_max = r->cwnd < r->w_max ? r->cwnd * 0.85 : r->cwnd;
    r->cwnd = r->cwnd * 0.7 > 2 ? r->cwnd * 0.7 : 2;
    r->ssthresh = r->cwnd;
    r->epoch = 0;
}

/* --- BBR --- */

static double best_bw(const struct sim_rival *r)
{
    double best = 0;
    for (int i = 0; i < BW_ROUNDS; i++)
        best = r->bw[i] > best ? r->bw[i] : best;
    return best;
}

static double bbr_gain(const struct sim_rival *r)
{
    static const double gains[CYCLE] = {1.25, 0.75, 1, 1, 1, 1, 1, 1};
    if (r->probe_until)
        return 1;
    return r->filled ? gains[r->cycle] : 2.885;
}

static void bbr_round(struct sim_rival *r)
{
    double bw = best_bw(r);
    r->round++;
    r->round_end = r->delivered;
    r->bw[r->round % BW_ROUNDS] = 0;
    if (bw >= r->full_bw * 1.25) {
        r->full_bw = bw;
        r->full_rounds = 0;
    } else if (++r->full_rounds >= FULL_ROUNDS) {
        r->filled = true;
    }
}

static void bbr_acked(struct sim_rival *r, skt_us now, const struct sim_rival_packet *p, skt_us rtt)
{
    double rate = (double)(r->delivered - p->delivered) / SECONDS(now - p->delivered_at);
    if (p->delivered >= r->round_end)
        bbr_round(r);
    double *slot = &r->bw[r->round % BW_ROUNDS];
    *slot = rate > *slot ? rate : *slot;
    bool expired = now - r->min_rtt_at > 10 * SKT_US_PER_SEC;
    if (rtt <= r->min_rtt || expired) {
        r->min_rtt = rtt;
        r->min_rtt_at = now;
    }
    if (expired && r->filled)
        r->probe_until = now + 200 * SKT_US_PER_MS + rtt;
    if (r->probe_until && now >= r->probe_until) {
        r->probe_until = 0;
        r->min_rtt_at = now;
    }
    if (now - r->cycle_at > r->min_rtt) {
        r->cycle = (r->cycle + 1) % CYCLE;
        r->cycle_at = now;
    }
    double bdp = best_bw(r) * SECONDS(r->min_rtt);
    double target = r->probe_until ? 4 : bdp * (r->filled ? 2 : 2.885) + 3;
    r->cwnd = r->cwnd + 1 < target || (!r->filled && !r->probe_until) ? r->cwnd + 1 : target;
}

/* --- both --- */

static void lose(struct sim_rival *r, uint64_t below)
{
    for (; r->oldest < below; r->oldest++) {
        struct sim_rival_packet *p = &r->ring[r->oldest % SIM_RIVAL_RING];
        if (!p->flying)
            continue;
        p->flying = false;
        r->inflight--;
        if (r->kind == SIM_RIVAL_CUBIC && r->oldest >= r->recover) {
            cubic_lost(r);
            r->recover = r->next;
        }
    }
}

static void lose_before(struct sim_rival *r, skt_us at)
{
    uint64_t below = r->oldest;
    while (below < r->next && r->ring[below % SIM_RIVAL_RING].sent_at < at)
        below++;
    lose(r, below);
}

static void take_ack(struct sim_rival *r, skt_us now, uint64_t tx)
{
    struct sim_rival_packet *p = &r->ring[tx % SIM_RIVAL_RING];
    if (!p->flying)
        return;
    p->flying = false;
    r->inflight--;
    r->delivered++;
    skt_us rtt = now - p->sent_at;
    if (r->min_rtt == 0)
        r->min_rtt = rtt;
    r->srtt = r->srtt ? (7 * r->srtt + rtt) / 8 : rtt;
    if (r->kind == SIM_RIVAL_BBR) {
        bbr_acked(r, now, p, rtt);
    } else {
        r->min_rtt = skt_us_min(r->min_rtt, rtt);
        cubic_acked(r, now, rtt);
    }
    r->delivered_at = r->heard_at = now;
    if (r->acks_over)
        lose_before(r, p->sent_at - skt_us_min(p->sent_at, r->min_rtt / 4));
    else if (tx > DUPTHRESH)
        lose(r, tx - DUPTHRESH);
}

static bool may_send(const struct sim_rival *r)
{
    return !r->paused && (double)r->inflight < r->cwnd && r->next - r->oldest < SIM_RIVAL_RING;
}

static void send_one(struct sim_rival *r, skt_us now, struct sim_link *link)
{
    uint8_t data[SIM_RIVAL_LEN] = {SIM_RIVAL_MARK};
    memcpy(data + 1, &r->next, sizeof(r->next));
    if (r->inflight == 0) {
        if (r->kind == SIM_RIVAL_CUBIC && now > r->heard_at + RTO + r->srtt && r->cwnd > INITIAL)
            r->cwnd = INITIAL; /* slow start after idle, as Linux does */
        r->delivered_at = r->heard_at = now;
    }
    r->ring[r->next % SIM_RIVAL_RING] = (struct sim_rival_packet){
        .flying = true, .sent_at = now, .delivered = r->delivered, .delivered_at = r->delivered_at};
    r->next++;
    r->inflight++;
    sim_link_send(link, now, data, sizeof(data));
    double bw = best_bw(r);
    if (r->kind == SIM_RIVAL_BBR && bw > 0)
        r->pace_at = skt_us_max(r->pace_at, now - 2 * SKT_US_PER_MS) + (skt_us)(1e6 / (bw * bbr_gain(r)));
}

void sim_rival_turn(struct sim_rival *r, skt_us now, struct sim_link *link)
{
    if (r->ack_due <= now)
        acknowledge(r, now);
    while (r->ack_head < r->ack_upto) {
        uint64_t tx = r->acks[r->ack_head % SIM_RIVAL_RING];
        if (!r->acks_over && r->ring[tx % SIM_RIVAL_RING].acked_at > now)
            break;
        r->ack_head++;
        take_ack(r, now, tx);
    }
    if (r->inflight > 0 && now >= r->heard_at + RTO + r->srtt) {
        lose(r, r->next);
        r->cwnd = 4;
        r->heard_at = now;
    }
    while (may_send(r) && (r->kind == SIM_RIVAL_CUBIC || r->pace_at <= now))
        send_one(r, now, link);
}

skt_us sim_rival_expiry(const struct sim_rival *r)
{
    skt_us at = r->heard_at + RTO + r->srtt;
    at = skt_us_min(at, r->ack_due);
    if (r->acks_over && r->inflight == 0 && !may_send(r))
        return r->ack_due;
    if (!r->acks_over && r->ack_head < r->ack_tail)
        at = skt_us_min(at, r->ring[r->acks[r->ack_head % SIM_RIVAL_RING] % SIM_RIVAL_RING].acked_at);
    if (r->kind == SIM_RIVAL_BBR && may_send(r))
        at = skt_us_min(at, r->pace_at);
    return at;
}
