/* SPDX-License-Identifier: MIT */
#include "sim/rival_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { INITIAL = 10, ACK_EVERY = 2, BACKOFF_MAX = 6 };

#define RTO_MIN      (200 * SKT_US_PER_MS)
#define RTO_INITIAL  (1 * SKT_US_PER_SEC)
#define DELAYED_ACK  (40 * SKT_US_PER_MS)
#define PACING_BURST (2 * SKT_US_PER_MS)

void sim_rival_init(struct sim_rival *r, enum sim_rival_kind kind, skt_us now, skt_us back)
{
    memset(r, 0, sizeof *r);
    r->kind = kind;
    r->back = back;
    r->cwnd = INITIAL;
    r->ssthresh = 1e9;
    r->ack_due = SKT_NEVER;
    r->delivered_at = r->heard_at = r->first_sent_at = r->min_rtt_at = r->pace_at = now;
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

static void measure(struct sim_rival *r, skt_us rtt)
{
    if (r->srtt == 0) {
        r->srtt = rtt;
        r->rttvar = rtt / 2;
        return;
    }
    skt_us off = rtt > r->srtt ? rtt - r->srtt : r->srtt - rtt;
    r->rttvar = (3 * r->rttvar + off) / 4;
    r->srtt = (7 * r->srtt + rtt) / 8;
}

void sim_rival_set_link_back(struct sim_rival *r, struct sim_link *back, skt_us rtt)
{
    r->acks_over = back;
    measure(r, rtt);
}

/* --- the receiver --- */

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
    memcpy(&tx, data + 1, sizeof tx);
    r->received++;
    r->ring[tx % SIM_RIVAL_RING].acked_at = now + r->back;
    r->acks[r->ack_tail++ % SIM_RIVAL_RING] = tx;
    if (!r->acks_over)
        r->ack_upto = r->ack_tail;
    else if (r->ack_tail >= r->ack_sent + ACK_EVERY)
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

/* --- the sender --- */

static skt_us timeout_of(const struct sim_rival *r)
{
    skt_us rto = r->srtt ? r->srtt + skt_us_max(RTO_MIN, 4 * r->rttvar) : RTO_INITIAL;
    return rto << (r->backoff < BACKOFF_MAX ? r->backoff : BACKOFF_MAX);
}

static void lose(struct sim_rival *r, uint64_t tx)
{
    r->ring[tx % SIM_RIVAL_RING].state = SIM_RIVAL_LOST;
    r->inflight--;
    r->now_lost++;
    r->cycle_lost = true;
    if (tx < r->recover)
        return;
    if (r->kind == SIM_RIVAL_CUBIC)
        sim_cubic_lost(r);
    else
        sim_bbr_lost(r);
    r->recover = r->next;
}

static void lose_before(struct sim_rival *r, skt_us at)
{
    for (; r->oldest < r->next && r->ring[r->oldest % SIM_RIVAL_RING].sent_at < at; r->oldest++)
        if (r->ring[r->oldest % SIM_RIVAL_RING].state == SIM_RIVAL_FLYING)
            lose(r, r->oldest);
}

static void time_out(struct sim_rival *r, skt_us now)
{
    if (r->backoff == 0) {
        r->undo_cwnd = r->cwnd;
        r->undo_ssthresh = r->ssthresh;
        if (r->kind == SIM_RIVAL_CUBIC)
            sim_cubic_lost(r);
        else
            sim_bbr_timed_out(r);
    }
    for (; r->oldest < r->next; r->oldest++) {
        struct sim_rival_packet *p = &r->ring[r->oldest % SIM_RIVAL_RING];
        if (p->state == SIM_RIVAL_FLYING)
            p->state = SIM_RIVAL_TIMED_OUT;
    }
    r->inflight = 0;
    r->cwnd = 1;
    r->recover = r->next;
    r->heard_at = now;
    r->backoff++;
}

/* It comes after the timer had taken it for lost, so the timer was wrong. */
static void undo_timeout(struct sim_rival *r)
{
    if (r->undo_cwnd == 0)
        return;
    r->cwnd = r->undo_cwnd;
    r->ssthresh = r->undo_ssthresh;
    r->undo_cwnd = 0;
    r->epoch = 0;
}

static void take_ack(struct sim_rival *r, skt_us now, uint64_t tx)
{
    struct sim_rival_packet *p = &r->ring[tx % SIM_RIVAL_RING];
    enum sim_rival_state was = p->state;
    if (was == SIM_RIVAL_ARRIVED || tx + SIM_RIVAL_RING <= r->next)
        return;
    p->state = SIM_RIVAL_ARRIVED;
    if (was == SIM_RIVAL_FLYING)
        r->inflight--;
    else if (was == SIM_RIVAL_TIMED_OUT)
        undo_timeout(r);
    r->delivered++;
    measure(r, now - p->sent_at);
    if (r->kind == SIM_RIVAL_BBR)
        sim_bbr_acked(r, now, tx, now - p->sent_at);
    else
        sim_cubic_acked(r, now, tx, now - p->sent_at);
    r->delivered_at = r->heard_at = now;
    r->first_sent_at = p->sent_at;
    r->backoff = 0;
    skt_us late = r->min_rtt / 4;
    if (p->sent_at > late)
        lose_before(r, p->sent_at - late);
}

static bool may_send(const struct sim_rival *r)
{
    return !r->paused && (double)r->inflight < r->cwnd && r->next - r->oldest < SIM_RIVAL_RING;
}

static void send_one(struct sim_rival *r, skt_us now, struct sim_link *link)
{
    uint8_t data[SIM_RIVAL_LEN] = {SIM_RIVAL_MARK};
    memcpy(data + 1, &r->next, sizeof r->next);
    if (r->inflight == 0) {
        if (r->kind == SIM_RIVAL_CUBIC && now > r->heard_at + timeout_of(r) && r->cwnd > INITIAL)
            r->cwnd = INITIAL; /* slow start after idle, as Linux does */
        r->delivered_at = r->first_sent_at = r->heard_at = now;
        r->restarts = true;
    }
    r->ring[r->next % SIM_RIVAL_RING] = (struct sim_rival_packet){
        .state = SIM_RIVAL_FLYING,
        .sent_at = now,
        .delivered = r->delivered,
        .delivered_at = r->delivered_at,
        .first_sent_at = r->first_sent_at,
    };
    r->next++;
    r->inflight++;
    sim_link_send(link, now, data, sizeof data);
    double rate = r->kind == SIM_RIVAL_BBR ? sim_bbr_pacing(r) : 0;
    if (rate > 0)
        r->pace_at = skt_us_max(r->pace_at, now - PACING_BURST) + (skt_us)(1e6 / rate);
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
    if (r->inflight > 0 && now >= r->heard_at + timeout_of(r))
        time_out(r, now);
    while (may_send(r) && (r->kind == SIM_RIVAL_CUBIC || r->pace_at <= now))
        send_one(r, now, link);
}

skt_us sim_rival_expiry(const struct sim_rival *r)
{
    skt_us at = r->ack_due;
    if (r->inflight > 0)
        at = skt_us_min(at, r->heard_at + timeout_of(r));
    if (!r->acks_over && r->ack_head < r->ack_tail)
        at = skt_us_min(at, r->ring[r->acks[r->ack_head % SIM_RIVAL_RING] % SIM_RIVAL_RING].acked_at);
    if (may_send(r))
        at = skt_us_min(at, r->kind == SIM_RIVAL_BBR ? r->pace_at : 0);
    return at;
}
