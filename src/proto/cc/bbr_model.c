/* SPDX-License-Identifier: MIT */
/* The path as BBR sees it: bandwidth, losses, rounds. */
#include "proto/cc/bbr.h"

#define CLUMP_TIME_MAX    (100 * SKT_US_PER_MS)
#define LOSS_PERMILLE_MAX UINT64_C(300)

enum {
    BW_ROUNDS = 10,        /* the bandwidth is the most of so many: more than a cycle */
    CROWDED_BW_ROUNDS = 5, /* beside others the best of ten rounds is well over the share */
    LOSS_FOLDS = 8,
    FULL_ROUNDS = 3,
    CROWDED_ROUNDS = 12,   /* more than a cycle */
    OVERFLOW_PART = 20,    /* of what is acknowledged: more lost than this is no random loss */
    OVERFLOW_LOST_MIN = 8, /* packets: fewer may be reordering that is not known yet */
};

bool skt_bbr_is_crowded(const struct skt_cc_bbr *b)
{
    return b->round - b->quiet_round > CROWDED_ROUNDS;
}

uint64_t skt_bbr_bdp(const struct skt_cc_bbr *b, uint64_t gain)
{
    return skt_maxfilter_get(&b->bw) * skt_bbr_startup_rtt(b) / SKT_US_PER_SEC * gain / SKT_BBR_UNIT;
}

uint64_t skt_bbr_drained_inflight(const struct skt_cc_bbr *b)
{
    uint64_t all = skt_bbr_bdp(b, SKT_BBR_UNIT) * SKT_BBR_UNIT / (SKT_BBR_UNIT - b->loss_permille);
    return all + all * b->loss_permille / (4 * SKT_BBR_UNIT) + 3 * b->mss;
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

/* At the end of a round: did a buffer overflow? Where packets are reordered, what seems lost may come yet, so
 * the round before is judged; and a queue can't be seen. */
static bool overflowed(const struct skt_cc_bbr *b, bool limited, bool queue, bool grown)
{
    bool reorders = !skt_bbr_has_trains(b);
    uint64_t lost = reorders ? b->last_lost : b->round_lost,
             acked = reorders ? b->last_acked : b->round_acked;
    if (lost * OVERFLOW_PART <= acked || ((limited || reorders) && lost <= OVERFLOW_LOST_MIN * b->mss))
        return false;
    return reorders ? !grown && !limited : queue;
}

/* At the end of a round: has the bandwidth stopped growing by a quarter a round? A queue that stood through
 * the whole round says so sooner, and at once where its buffer overflowed. */
static void check_filled(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    uint64_t bw = skt_maxfilter_get(&b->bw), ceiling = skt_maxfilter_get(&b->ceiling);
    bool queue = b->round_min_rtt != SKT_NEVER && b->round_min_rtt > b->min_rtt + skt_bbr_tolerated(b, 16);
    bool grown = bw >= b->full_bw + b->full_bw / 4;
    if (b->filled)
        return;
    b->filled = overflowed(b, a->app_limited, queue, grown);
    if (a->app_limited)
        return;
    if (ceiling && queue && bw >= ceiling - ceiling / 8)
        b->full_rounds = FULL_ROUNDS;
    else if (ceiling && !queue && bw >= ceiling)
        skt_maxfilter_reset(&b->ceiling, b->round, bw + bw / 2); /* the trains were wrong */
    if (grown) {
        b->full_bw = bw;
        b->full_rounds = 0;
    } else {
        b->full_rounds += queue && skt_bbr_has_trains(b) ? 2 : 1;
    }
    b->filled = b->filled || b->full_rounds >= FULL_ROUNDS;
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

/* At the end of a round: a queue of our own would be worked off at the full rate. A longer round trip at a
 * lower rate comes from a longer path, which the window is too small for. */
static void watch_slowness(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    skt_us longer = b->min_rtt + skt_us_max(b->min_rtt / 2, 4 * SKT_BBR_QUEUE_TOLERATED) + b->reordering;
    bool slow = b->round_min_rtt != SKT_NEVER && b->round_min_rtt > longer && !a->app_limited &&
                b->round_bw < skt_maxfilter_get(&b->bw) * 3 / 4 && b->phase == SKT_BBR_PROBE_BW;
    b->slow_rounds = slow ? b->slow_rounds + 1 : 0;
    if (slow && b->round_lost * OVERFLOW_PART <= b->round_acked)
        skt_bbr_try_longer_path(b, a->now);
    if (slow &&
        b->round_lost > b->round_acked) /* the rate has fallen: do not wait until ten rounds are over */
        skt_maxfilter_reset(&b->bw, b->round, b->round_bw);
    b->last_bw = b->round_bw;
    b->round_bw = 0;
    if (b->round_min_rtt <= b->min_rtt + skt_bbr_tolerated(b, 8))
        b->quiet_round = b->round;
}

/* What left a path before it became shorter arrives beside what left it afterwards, faster than the
 * bottleneck lets either through: where there are late ones, no rate counts that is above what was paced. */
static uint64_t bounded_rate(const struct skt_cc_bbr *b, uint64_t rate)
{
    if (b->round_late == 0 && b->last_late == 0)
        return rate;
    uint64_t paced = b->round_pacing > b->last_pacing ? b->round_pacing : b->last_pacing;
    return rate < paced ? rate : paced;
}

static void end_round(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    check_filled(b, a);
    check_regrowth(b, a);
    watch_slowness(b, a);
    skt_bbr_end_delays(b);
    b->last_pacing = b->round_pacing;
    b->round_pacing = b->out.pacing_rate;
    b->last_lost = b->round_lost;
    b->last_acked = b->round_acked;
    b->round_lost = b->round_acked = 0;
}

void skt_bbr_update_round(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    b->acked += a->acked;
    b->round_acked += a->acked;
    skt_bbr_update_delays(b, a);
    if (a->rate == 0)
        return;
    uint64_t rate = bounded_rate(b, a->rate);
    if (rate > b->round_bw)
        b->round_bw = rate;
    bool ended = a->prior_delivered >= b->round_end && a->now - b->round_at >= skt_bbr_startup_rtt(b);
    if (ended) {
        b->round++;
        b->round_at = a->now;
        b->round_end = a->delivered;
        fold_losses(b);
    }
    if (!a->app_limited || rate >= skt_maxfilter_get(&b->bw))
        skt_maxfilter_add(&b->bw, skt_bbr_is_crowded(b) ? CROWDED_BW_ROUNDS : BW_ROUNDS, b->round, rate);
    if (ended)
        end_round(b, a);
}
