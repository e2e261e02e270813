/* SPDX-License-Identifier: MIT */
/* What BBR makes of delays that no queue of ours explains: packets late for themselves, a path that becomes
 * longer, and the trains whose dispersion shows the bottleneck's rate where there is none of that. */
#include "proto/cc/bbr.h"

#define BURST_TIME     (16 * SKT_US_PER_MS) /* four times what an ACK frame may wait */
#define TRAIN_RTT_MIN  (20 * SKT_US_PER_MS) /* on shorter paths timers say more than dispersion */
#define TRAIN_TIME_MIN (3 * SKT_US_PER_MS)
#define TRAIN_GAP_MAX  (4 * SKT_US_PER_MS)

enum {
    LATE_PART = 8,         /* of what is acknowledged: more than parity mends and bursts of loss make late */
    TRAIN_ROUNDS = 3,      /* the ceiling is the most of so many */
    TRAIN_LEN_MIN = 16,    /* packets */
    TRAIN_PART = 4,        /* of the least round trip: the longest train */
    TRAIN_REORDERINGS = 4, /* a train that is not much longer than reordering was spread by that */
    TRAIN_FALL_PART = 4,   /* a queue that a train fills does not become shorter by so much of its time */
    UNEVEN_ROUNDS = 2,     /* that trains are not believed after one that was not spread by a queue */
    STEADY_PART = 4,       /* of what is longer: the most that round trips of a longer path differ by */
};

skt_us skt_bbr_path_rtt(const struct skt_cc_bbr *b)
{
    return b->min_rtt + b->reordering / 2;
}

skt_us skt_bbr_tolerated(const struct skt_cc_bbr *b, unsigned part)
{
    return skt_us_max(SKT_BBR_QUEUE_TOLERATED, b->min_rtt / part) + b->reordering / 4;
}

/* What this round says so far. Where delays differ much from packet to packet, many are late; where parity
 * mends losses or acknowledgements are lost, a few. */
static skt_us round_reordering(const struct skt_cc_bbr *b)
{
    return b->round_late * LATE_PART > b->round_acked ? b->round_late_by : 0;
}

/* For what must not wait for a second round. */
static skt_us most_reordering(const struct skt_cc_bbr *b)
{
    return skt_us_max(b->reordering, skt_us_max(round_reordering(b), b->last_reordering));
}

/* At the end of a round: a path that becomes shorter reorders, too, but only once. */
static void update_reordering(struct skt_cc_bbr *b)
{
    skt_us now = round_reordering(b);
    b->reordering = skt_us_min(b->last_reordering, now);
    b->last_reordering = now;
}

bool skt_bbr_has_trains(const struct skt_cc_bbr *b)
{
    bool uneven = b->uneven_round && b->round + 1 - b->uneven_round <= UNEVEN_ROUNDS;
    return !uneven && TRAIN_REORDERINGS * most_reordering(b) <= b->min_rtt / TRAIN_PART;
}

skt_us skt_bbr_startup_rtt(const struct skt_cc_bbr *b)
{
    skt_us rtt = skt_bbr_path_rtt(b);
    if (b->phase != SKT_BBR_STARTUP || skt_bbr_has_trains(b))
        return rtt;
    return skt_us_max(rtt, skt_us_min(b->srtt, b->min_rtt + most_reordering(b)));
}

skt_us skt_bbr_standing(const struct skt_cc_bbr *b)
{
    skt_us least = skt_us_min(b->round_min_rtt, b->last_min_rtt);
    return least == SKT_NEVER || least <= b->min_rtt ? 0 : least - b->min_rtt;
}

void skt_bbr_update_train(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    struct skt_train *t = &b->train;
    if (b->filled || a->sent_at == 0 || b->min_rtt < TRAIN_RTT_MIN)
        return;
    if (a->rtt == 0) /* it tells of what was to be acknowledged long before, as by the next request */
        return;
    bool follows = t->first_acked && a->sent_at >= t->last_sent && a->sent_at - t->last_sent <= TRAIN_GAP_MAX;
    if (!follows || a->sent_at - t->first_sent > b->min_rtt / TRAIN_PART) {
        *t = (struct skt_train){.first_sent = a->sent_at, .last_sent = a->sent_at, .first_acked = a->now};
        t->most_rtt = a->rtt;
        return;
    }
    t->last_sent = a->sent_at;
    t->most_rtt = skt_us_max(t->most_rtt, a->rtt);
    t->fall = skt_us_max(t->fall, t->most_rtt - a->rtt);
    t->bytes += a->acked;
    skt_us sending = t->last_sent - t->first_sent, arriving = a->now - t->first_acked;
    if (t->bytes < TRAIN_LEN_MIN * b->mss || arriving < TRAIN_TIME_MIN || arriving < sending + sending / 4)
        return;
    if (t->fall > arriving / TRAIN_FALL_PART)
        b->uneven_round = b->round + 1;
    else if (arriving >= TRAIN_REORDERINGS * most_reordering(b))
        skt_maxfilter_add(&b->ceiling, TRAIN_ROUNDS, b->round, t->bytes * SKT_US_PER_SEC / arriving);
}

/* What comes at the full rate, in parts, and after the same time each, has no queue before it. */
void skt_bbr_try_longer_path(struct skt_cc_bbr *b, skt_us now)
{
    skt_us more = b->round_min_rtt - b->min_rtt;
    if (b->round_burst < skt_maxfilter_get(&b->bw) * 3 / 4 ||
        b->round_max_rtt - b->round_min_rtt > more / STEADY_PART)
        return;
    b->slow_rounds = 0;
    b->min_rtt = b->long_rtt = b->round_min_rtt;
    b->min_rtt_at = b->long_at = now;
    uint64_t bdp = skt_bbr_bdp(b, SKT_BBR_UNIT);
    if (b->out.cwnd < bdp)
        b->out.cwnd = (size_t)bdp;
}

static void update_burst(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    b->burst_acked += a->acked;
    skt_us time = a->now - b->burst_at;
    if (time < BURST_TIME)
        return;
    if (time < 2 * BURST_TIME && b->burst_acked * SKT_US_PER_SEC / time > b->round_burst)
        b->round_burst = b->burst_acked * SKT_US_PER_SEC / time;
    b->burst_at = a->now;
    b->burst_acked = 0;
}

void skt_bbr_update_delays(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    if (a->rtt) {
        b->round_min_rtt = skt_us_min(b->round_min_rtt, a->rtt);
        b->round_max_rtt = skt_us_max(b->round_max_rtt, a->rtt);
    }
    b->round_late += a->late;
    b->round_late_by = skt_us_max(b->round_late_by, a->late_by);
    update_burst(b, a);
}

void skt_bbr_end_delays(struct skt_cc_bbr *b)
{
    update_reordering(b);
    b->last_min_rtt = b->round_min_rtt;
    b->round_min_rtt = SKT_NEVER;
    b->round_max_rtt = b->round_burst = 0;
    b->last_late = b->round_late;
    b->round_late = b->round_late_by = 0;
}
