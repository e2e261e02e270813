/* SPDX-License-Identifier: MIT */
/* The path as BBR sees it, round by round: bandwidth, losses, clumps of ACKs. */
#include "proto/cc/bbr.h"

/* As Linux's BBR: what comes after a longer pause is no clump. */
#define CLUMP_TIME_MAX (100 * SKT_US_PER_MS)
/* The rate is raised by 43 % at most: beyond is congestion. */
#define LOSS_PERMILLE_MAX UINT64_C(300)

enum {
    BW_ROUNDS = 10,        /* the bandwidth is the most of so many: more than a cycle */
    CROWDED_BW_ROUNDS = 5, /* beside others the best of ten rounds is well over the share */
    LOSS_FOLDS = 8,        /* rounds that the share of losses is smoothed over: about a cycle */
    LOSS_PACKETS_MIN = 32, /* fewer say nothing of a share of some in a hundred */
    CROWDED_ROUNDS = 12,   /* more than a cycle, which has a round that drains */
    SLOW_LOSS_PART = 20,   /* of what is acknowledged: with more lost a longer round trip is a queue */
};

bool skt_bbr_is_crowded(const struct skt_cc_bbr *b)
{
    return !b->supply.varies && b->rounds.n - b->rounds.quiet > CROWDED_ROUNDS;
}

void skt_bbr_set_crowded(struct skt_cc_bbr *b)
{
    b->rounds.quiet = b->rounds.n - CROWDED_ROUNDS - 1; /* below 0, too: only the distance is asked for */
}

uint64_t skt_bbr_bdp(const struct skt_cc_bbr *b, uint64_t gain)
{
    return skt_maxfilter_get(&b->bw) * skt_bbr_startup_rtt(b) / SKT_US_PER_SEC * gain / SKT_BBR_UNIT;
}

uint64_t skt_bbr_drained_inflight(const struct skt_cc_bbr *b)
{
    uint64_t all = skt_bbr_bdp(b, SKT_BBR_UNIT) * SKT_BBR_UNIT / (SKT_BBR_UNIT - b->losses.permille);
    return all + all * b->losses.permille / (4 * SKT_BBR_UNIT) + 3 * b->mss;
}

/* The share of packets lost, smoothed over rounds; the first rounds count alike. */
static void fold_losses(struct skt_cc_bbr *b)
{
    uint64_t all = b->losses.acked + b->losses.lost;
    if (all < LOSS_PACKETS_MIN * b->mss)
        return;
    uint64_t permille = b->losses.lost * SKT_BBR_UNIT / all;
    if (permille > LOSS_PERMILLE_MAX)
        permille = LOSS_PERMILLE_MAX;
    if (b->losses.folds < LOSS_FOLDS)
        b->losses.folds++;
    b->losses.permille =
        (uint32_t)(((b->losses.folds - 1) * b->losses.permille + permille) / b->losses.folds);
    b->losses.lost = b->losses.acked = 0;
}

void skt_bbr_update_extra(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    uint64_t bw = skt_maxfilter_get(&b->bw);
    uint64_t expected = bw * (a->now - b->clumps.at) / SKT_US_PER_SEC;
    if (b->clumps.acked <= expected) {
        b->clumps.acked = expected = 0;
        b->clumps.at = a->now;
    }
    b->clumps.acked += a->acked;
    uint64_t extra = b->clumps.acked - expected, most = bw * CLUMP_TIME_MAX / SKT_US_PER_SEC;
    if (extra > b->out.cwnd)
        extra = b->out.cwnd;
    skt_maxfilter_add(&b->clumps.extra, BW_ROUNDS, b->rounds.n, extra < most ? extra : most);
}

/* At the end of a round: a queue of our own would be worked off at the full rate. A longer round trip at a
 * lower rate comes from a longer path, which the window is too small for. */
static void watch_slowness(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    skt_us longer = b->delays.min + skt_us_max(b->delays.min / 2, 4 * SKT_BBR_QUEUE_TOLERATED) +
                    b->reorder.by + 2 * skt_bbr_room(b);
    bool slow = b->delays.round_min != SKT_NEVER && b->delays.round_min > longer && !a->app_limited &&
                b->rounds.bw < skt_maxfilter_get(&b->bw) * 3 / 4 && b->phase == SKT_BBR_PROBE_BW &&
                !b->supply.varies;
    b->rounds.slow = slow ? b->rounds.slow + 1 : 0;
    if (slow && b->losses.round_lost * SLOW_LOSS_PART <= b->losses.round_acked)
        skt_bbr_try_longer_path(b, a->now);
    if (slow && b->losses.round_lost >
                    b->losses.round_acked) /* the rate has fallen: do not wait until ten rounds are over */
        skt_maxfilter_reset(&b->bw, b->rounds.n, b->rounds.bw);
    b->rounds.last_bw = b->rounds.bw;
    b->rounds.bw = 0;
    if (b->delays.round_min <= b->delays.min + skt_bbr_tolerated(b, 8) + skt_bbr_room(b))
        b->rounds.quiet = b->rounds.n;
}

/* What left a path before it became shorter arrives beside what left it afterwards, faster than the
 * bottleneck lets either through: where there are late ones, no rate counts that is above what was paced. */
static uint64_t bounded_rate(const struct skt_cc_bbr *b, uint64_t rate)
{
    if (b->reorder.round_late == 0 && b->reorder.last_late == 0)
        return rate;
    uint64_t paced = b->rounds.pacing > b->rounds.last_pacing ? b->rounds.pacing : b->rounds.last_pacing;
    return rate < paced ? rate : paced;
}

static void end_round(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    skt_bbr_check_filled(b, a);
    skt_bbr_check_regrowth(b, a);
    watch_slowness(b, a);
    skt_bbr_end_delays(b);
    b->rounds.last_pacing = b->rounds.pacing;
    b->rounds.pacing = b->out.pacing_rate;
    b->losses.last_lost = b->losses.round_lost;
    b->losses.last_acked = b->losses.round_acked;
    b->losses.round_lost = b->losses.round_acked = 0;
}

void skt_bbr_update_round(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    b->losses.acked += a->acked;
    b->losses.round_acked += a->acked;
    skt_bbr_update_delays(b, a);
    if (a->rate == 0)
        return;
    uint64_t rate = bounded_rate(b, a->rate);
    if (rate > b->rounds.bw)
        b->rounds.bw = rate;
    bool ended = a->prior_delivered >= b->rounds.end && a->now - b->rounds.at >= skt_bbr_startup_rtt(b);
    if (ended) {
        skt_bbr_end_supply(b, a);
        b->rounds.n++;
        b->rounds.at = a->now;
        b->rounds.end = a->delivered;
        fold_losses(b);
    }
    if (!a->app_limited || rate >= skt_maxfilter_get(&b->bw))
        skt_maxfilter_add(&b->bw, skt_bbr_is_crowded(b) ? CROWDED_BW_ROUNDS : BW_ROUNDS, b->rounds.n, rate);
    if (ended)
        end_round(b, a);
}
