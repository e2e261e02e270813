/* SPDX-License-Identifier: MIT */
/* The path as BBR sees it. */
#include "proto/cc/bbr.h"

#define CLUMP_TIME_MAX    (100 * SKT_US_PER_MS)
#define BW_ROUNDS         10
#define CROWDED_BW_ROUNDS 5 /* beside others the best of ten rounds is well over the share */
#define TRAIN_ROUNDS      3
#define TRAIN_RTT_MIN     (20 * SKT_US_PER_MS) /* on shorter paths timers say more than dispersion */
#define TRAIN_TIME_MIN    (3 * SKT_US_PER_MS)
#define TRAIN_GAP_MAX     (4 * SKT_US_PER_MS)
#define TRAIN_LEN_MIN     16 /* packets */
#define LOSS_PERMILLE_MAX UINT64_C(300)

enum {
    LOSS_FOLDS = 8,
    FULL_ROUNDS = 3,
    CROWDED_ROUNDS = 12,   /* more than a cycle */
    LATE_PART = 8,         /* of what is acknowledged: more than parity mends and bursts of loss make late */
    OVERFLOW_LOST_MIN = 8, /* packets: fewer may be reordering that is not known yet */
    TRAIN_PART = 4,        /* of the least round trip: the longest train */
    TRAIN_REORDERINGS = 4, /* a train that is not much longer than reordering was spread by that */
};

bool skt_bbr_is_crowded(const struct skt_cc_bbr *b)
{
    return b->round - b->quiet_round > CROWDED_ROUNDS;
}

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
    b->round_late = b->round_late_by = 0;
}

bool skt_bbr_has_trains(const struct skt_cc_bbr *b)
{
    return TRAIN_REORDERINGS * most_reordering(b) <= b->min_rtt / TRAIN_PART;
}

uint64_t skt_bbr_bdp(const struct skt_cc_bbr *b, uint64_t gain)
{
    return skt_maxfilter_get(&b->bw) * skt_bbr_path_rtt(b) / SKT_US_PER_SEC * gain / SKT_BBR_UNIT;
}

uint64_t skt_bbr_drained_inflight(const struct skt_cc_bbr *b)
{
    uint64_t all = skt_bbr_bdp(b, SKT_BBR_UNIT) * SKT_BBR_UNIT / (SKT_BBR_UNIT - b->loss_permille);
    return all + all * b->loss_permille / (4 * SKT_BBR_UNIT) + 3 * b->mss;
}

skt_us skt_bbr_standing(const struct skt_cc_bbr *b)
{
    skt_us least = skt_us_min(b->round_min_rtt, b->last_min_rtt);
    return least == SKT_NEVER || least <= b->min_rtt ? 0 : least - b->min_rtt;
}

bool skt_bbr_is_cautious(const struct skt_cc_bbr *b)
{
    return b->phase == SKT_BBR_STARTUP && b->round < b->regrow_until;
}

/* Bandwidth that came back may be all there is: only where it goes on growing without a queue STARTUP is
 * worth what it costs others. */
static void check_regrowth(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    uint64_t bw = skt_maxfilter_get(&b->bw);
    bool grown = bw >= b->regrow_bw + b->regrow_bw / 8;
    if (b->phase != SKT_BBR_STARTUP || b->regrow_until == 0 || (b->round < b->regrow_until && !grown))
        return;
    b->regrow_until = 0;
    b->full_bw = bw;
    b->full_rounds = 0;
    b->filled = b->filled || a->app_limited || !grown;
}

/* At the end of a round: has the bandwidth stopped growing by a quarter a round? A queue that stood through
 * the whole round says so sooner, and at once where its buffer overflowed. */
static void check_filled(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    if (b->filled || a->app_limited)
        return;
    uint64_t bw = skt_maxfilter_get(&b->bw), ceiling = skt_maxfilter_get(&b->ceiling);
    bool queue = b->round_min_rtt != SKT_NEVER && b->round_min_rtt > b->min_rtt + skt_bbr_tolerated(b, 16);
    bool grown = bw >= b->full_bw + b->full_bw / 4, reorders = !skt_bbr_has_trains(b);
    bool overflow = b->round_lost * 20 > b->round_acked &&
                    (reorders ? !grown && b->round_lost > OVERFLOW_LOST_MIN * b->mss : queue);
    if (ceiling && queue && bw >= ceiling - ceiling / 8)
        b->full_rounds = FULL_ROUNDS;
    else if (ceiling && !queue && bw >= ceiling)
        skt_maxfilter_reset(&b->ceiling, b->round, bw + bw / 2); /* the trains were wrong */
    if (grown) {
        b->full_bw = bw;
        b->full_rounds = 0;
    } else {
        b->full_rounds += queue && !reorders ? 2 : 1;
    }
    b->filled = overflow || b->full_rounds >= FULL_ROUNDS;
}

/* The share of packets lost, smoothed over rounds; the first rounds count alike. */
static void fold_losses(struct skt_cc_bbr *b)
{
    uint64_t all = b->acked + b->lost;
    if (all < 32 * b->mss)
        return;
    uint64_t permille = b->lost * SKT_BBR_UNIT / all;
    if (permille > LOSS_PERMILLE_MAX)
        permille = LOSS_PERMILLE_MAX;
    if (b->loss_folds < LOSS_FOLDS)
        b->loss_folds++;
    b->loss_permille = (uint32_t)(((b->loss_folds - 1) * b->loss_permille + permille) / b->loss_folds);
    b->lost = b->acked = 0;
}

void skt_bbr_update_extra(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    uint64_t bw = skt_maxfilter_get(&b->bw);
    uint64_t expected = bw * (a->now - b->clump_at) / SKT_US_PER_SEC;
    if (b->clump_acked <= expected) {
        b->clump_acked = expected = 0;
        b->clump_at = a->now;
    }
    b->clump_acked += a->acked;
    uint64_t extra = b->clump_acked - expected, most = bw * CLUMP_TIME_MAX / SKT_US_PER_SEC;
    if (extra > b->out.cwnd)
        extra = b->out.cwnd;
    skt_maxfilter_add(&b->extra, BW_ROUNDS, b->round, extra < most ? extra : most);
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
        *t = (struct skt_train){a->sent_at, a->sent_at, a->now, 0};
        return;
    }
    t->last_sent = a->sent_at;
    t->bytes += a->acked;
    skt_us sending = t->last_sent - t->first_sent, arriving = a->now - t->first_acked;
    if (t->bytes >= TRAIN_LEN_MIN * b->mss && arriving >= TRAIN_TIME_MIN &&
        arriving >= sending + sending / 4 && arriving >= TRAIN_REORDERINGS * most_reordering(b))
        skt_maxfilter_add(&b->ceiling, TRAIN_ROUNDS, b->round, t->bytes * SKT_US_PER_SEC / arriving);
}

/* At the end of a round: a queue of our own would be worked off at the full rate. A longer round trip at a
 * lower rate comes from a longer path, which the window is too small for. */
static void watch_slowness(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    skt_us longer = b->min_rtt + skt_us_max(b->min_rtt / 2, 4 * SKT_BBR_QUEUE_TOLERATED) + b->reordering;
    bool slow = b->round_min_rtt != SKT_NEVER && b->round_min_rtt > longer && !a->app_limited &&
                b->round_bw < skt_maxfilter_get(&b->bw) * 3 / 4 && b->phase == SKT_BBR_PROBE_BW;
    b->slow_rounds = slow ? b->slow_rounds + 1 : 0;
    if (slow &&
        b->round_lost > b->round_acked) /* the rate has fallen: do not wait until ten rounds are over */
        skt_maxfilter_reset(&b->bw, b->round, b->round_bw);
    b->last_bw = b->round_bw;
    b->round_bw = 0;
    if (b->round_min_rtt <= b->min_rtt + skt_bbr_tolerated(b, 8))
        b->quiet_round = b->round;
}

void skt_bbr_update_round(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    b->acked += a->acked;
    b->round_acked += a->acked;
    if (a->rtt)
        b->round_min_rtt = skt_us_min(b->round_min_rtt, a->rtt);
    b->round_late += a->late;
    b->round_late_by = skt_us_max(b->round_late_by, a->late_by);
    if (a->rate == 0)
        return;
    if (a->rate > b->round_bw)
        b->round_bw = a->rate;
    bool ended = a->prior_delivered >= b->round_end;
    if (ended) {
        b->round++;
        b->round_end = a->delivered;
        fold_losses(b);
    }
    if (!a->app_limited || a->rate >= skt_maxfilter_get(&b->bw))
        skt_maxfilter_add(&b->bw, skt_bbr_is_crowded(b) ? CROWDED_BW_ROUNDS : BW_ROUNDS, b->round, a->rate);
    if (ended) {
        check_filled(b, a);
        check_regrowth(b, a);
        watch_slowness(b, a);
        b->last_min_rtt = b->round_min_rtt;
        b->round_min_rtt = SKT_NEVER;
        update_reordering(b);
        b->round_lost = b->round_acked = 0;
    }
}
