/* SPDX-License-Identifier: MIT */
/* What BBR makes of delays that no queue of ours explains: packets late for themselves, and a path that
 * becomes longer. */
#include "proto/cc/bbr.h"

#define BURST_TIME (16 * SKT_US_PER_MS) /* four times what an ACK frame may wait */

enum {
    LATE_PART = 8, /* of what is acknowledged: more than parity mends and bursts of loss make late */
    /* Of what is longer: the most that round trips of a longer path differ by. measured: with a quarter the
     * queue of a rate that falls slowly is taken for a longer path. */
    STEADY_PART = 10,
};

skt_us skt_bbr_path_rtt(const struct skt_cc_bbr *b)
{
    return b->delays.min + b->reorder.by / 2;
}

skt_us skt_bbr_tolerated(const struct skt_cc_bbr *b, unsigned part)
{
    return skt_us_max(SKT_BBR_QUEUE_TOLERATED, b->delays.min / part) + b->reorder.by / 4;
}

/* What this round says so far. Where delays differ much from packet to packet, many are late; where parity
 * mends losses or acknowledgements are lost, a few. */
static skt_us round_reordering(const struct skt_cc_bbr *b)
{
    return b->reorder.round_late * LATE_PART > b->losses.round_acked ? b->reorder.round_by : 0;
}

skt_us skt_bbr_most_reordering(const struct skt_cc_bbr *b)
{
    return skt_us_max(b->reorder.by, skt_us_max(round_reordering(b), b->reorder.last_by));
}

/* At the end of a round: a path that becomes shorter reorders, too, but only once. */
static void update_reordering(struct skt_cc_bbr *b)
{
    skt_us now = round_reordering(b);
    b->reorder.by = skt_us_min(b->reorder.last_by, now);
    b->reorder.last_by = now;
}

skt_us skt_bbr_standing(const struct skt_cc_bbr *b)
{
    skt_us least = skt_us_min(b->delays.round_min, b->delays.last_min);
    return least == SKT_NEVER || least <= b->delays.min ? 0 : least - b->delays.min;
}

/* What comes at the full rate, in parts, and after the same time each, has no queue before it. */
void skt_bbr_try_longer_path(struct skt_cc_bbr *b, skt_us now)
{
    skt_us more = b->delays.round_min - b->delays.min;
    if (b->burst.best < skt_maxfilter_get(&b->bw) * 3 / 4 ||
        b->delays.round_max - b->delays.round_min > more / STEADY_PART)
        return;
    b->rounds.slow = 0;
    b->delays.min = b->delays.longer = b->delays.round_min;
    b->delays.min_at = b->delays.longer_at = now;
    uint64_t bdp = skt_bbr_bdp(b, SKT_BBR_UNIT);
    if (b->out.cwnd < bdp)
        b->out.cwnd = (size_t)bdp;
}

static void update_burst(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    b->burst.acked += a->acked;
    skt_us time = a->now - b->burst.at;
    if (time < BURST_TIME)
        return;
    if (time < 2 * BURST_TIME && b->burst.acked * SKT_US_PER_SEC / time > b->burst.best)
        b->burst.best = b->burst.acked * SKT_US_PER_SEC / time;
    b->burst.at = a->now;
    b->burst.acked = 0;
}

void skt_bbr_update_delays(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    if (a->rtt) {
        b->delays.round_min = skt_us_min(b->delays.round_min, a->rtt);
        b->delays.round_max = skt_us_max(b->delays.round_max, a->rtt);
    }
    b->reorder.round_late += a->late;
    b->reorder.round_by = skt_us_max(b->reorder.round_by, a->late_by);
    update_burst(b, a);
}

void skt_bbr_end_delays(struct skt_cc_bbr *b)
{
    update_reordering(b);
    b->delays.last_min = b->delays.round_min;
    b->delays.round_min = SKT_NEVER;
    b->delays.round_max = b->burst.best = 0;
    b->reorder.last_late = b->reorder.round_late;
    b->reorder.round_late = b->reorder.round_by = 0;
}
