/* SPDX-License-Identifier: MIT */
/* BBR's phases: STARTUP to DRAIN to PROBE_BW and its cycle of gains, PROBE_RTT now and then. */
#include "proto/cc/bbr.h"

/* BBRv1 has 1 / 2.885: a little more, since with trains there is less to drain. */
#define DRAIN_GAIN UINT64_C(400)
/* Beside others: a quarter more in each cycle would take it from them for good. */
#define CROWDED_GAIN   UINT64_C(1100)
#define MIN_RTT_WINDOW (10 * SKT_US_PER_SEC) /* BBRv1 */
#define LONG_TIME      (10 * SKT_US_PER_SEC) /* as MIN_RTT_WINDOW: a path that was longer may be again */
#define PROBE_RTT_TIME (200 * SKT_US_PER_MS) /* BBRv1 */

enum {
    CYCLE_LEN = 8,       /* BBRv1: one round of eight probes, so 1/32 of the rate is asked for beyond it */
    CAUTIOUS_ROUNDS = 2, /* in the second a queue would show that the first one's rate makes */
    DRAIN_RTTS = 3,      /* the longest that a queue is worked off for: a quarter more of one takes one */
    SLOW_ROUNDS = 3, /* in a row, then the least round trip is measured anew; two may be bursts of others */
};

/* BBRv1. */
static const uint16_t cycle_gain[CYCLE_LEN] = {1250, 750, 1000, 1000, 1000, 1000, 1000, 1000};

uint64_t skt_bbr_pacing_gain(const struct skt_cc_bbr *b)
{
    switch (b->phase) {
    case SKT_BBR_STARTUP:
        return SKT_BBR_STARTUP_GAIN;
    case SKT_BBR_DRAIN:
        return DRAIN_GAIN;
    case SKT_BBR_PROBE_RTT:
        return SKT_BBR_UNIT;
    case SKT_BBR_PROBE_BW:
        break;
    }
    if (b->cycle.index == 0 && skt_bbr_is_crowded(b))
        return CROWDED_GAIN;
    return cycle_gain[b->cycle.index];
}

static void enter_probe_bw(struct skt_cc_bbr *b, skt_us now)
{
    b->phase = SKT_BBR_PROBE_BW;
    b->cycle.index = 2 + (unsigned)(b->rounds.n % (CYCLE_LEN - 2)); /* any but those that change the queue */
    b->cycle.at = now;
    b->cycle.lost = 0;
    b->cycle.bw = skt_maxfilter_get(&b->bw);
}

/* At the end of a probe for more bandwidth, which shows what the one before found: where there is much more,
 * and the last round still had it (ACKs that were held up and come together look like more for one round),
 * by quarters it would take long. But what has come back may be all there is: the first rounds go on as the
 * probe did, and end with the first sign of a queue. */
static void watch_growth(struct skt_cc_bbr *b)
{
    uint64_t before = b->cycle.bw, bw = skt_maxfilter_get(&b->bw);
    b->cycle.bw = bw;
    if (before == 0 || b->rounds.last_bw < before + before / 5)
        return;
    b->phase = SKT_BBR_STARTUP;
    b->startup.filled = false;
    b->startup.full_bw = bw;
    b->startup.full_rounds = 0;
    b->startup.cautious_until = b->rounds.n + CAUTIOUS_ROUNDS;
    b->startup.cautious_bw = bw;
    b->startup.cautious_srtt = b->delays.srtt;
    skt_maxfilter_reset(&b->trains.ceiling, b->rounds.n, 0);
}

static void update_cycle(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    skt_us rtt = skt_bbr_path_rtt(b);
    bool passed = a->now - b->cycle.at > rtt;
    uint64_t gain = skt_bbr_pacing_gain(b);
    if (gain > SKT_BBR_UNIT)
        passed = passed && (b->cycle.lost > 0 || a->inflight + a->acked >= skt_bbr_bdp(b, gain));
    else if (gain < SKT_BBR_UNIT)
        passed = a->inflight <= skt_bbr_drained_inflight(b) || a->now - b->cycle.at > DRAIN_RTTS * rtt;
    if (!passed)
        return;
    if (b->cycle.index == 0)
        watch_growth(b);
    b->cycle.index = (b->cycle.index + 1) % CYCLE_LEN;
    b->cycle.at = a->now;
    b->cycle.lost = 0;
}

static void update_min_rtt(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    bool expired = b->delays.min && a->now - b->delays.min_at > MIN_RTT_WINDOW;
    if (b->rounds.slow >= SLOW_ROUNDS) {
        b->rounds.slow = 0;
        expired = true;
    }
    if (a->rtt && (b->delays.min == 0 || a->rtt <= b->delays.min || expired)) {
        b->delays.min = a->rtt;
        b->delays.min_at = a->now;
    } else if (a->rtt && a->rtt <= b->delays.min + b->delays.min / 64) {
        b->delays.min_at = a->now; /* nearly no queue: no need to make one vanish */
    }
    if (expired && b->phase != SKT_BBR_PROBE_RTT && !b->idle_restart && b->startup.filled) {
        b->phase = SKT_BBR_PROBE_RTT;
        b->saved_cwnd = b->out.cwnd;
        b->delays.probe_until = 0;
    }
    b->idle_restart = false;
    if (b->delays.min >= b->delays.longer - b->delays.longer / 8)
        b->delays.longer_at = a->now;
    else if (a->now - b->delays.longer_at > LONG_TIME)
        b->delays.longer = 0;
}

static void update_probe_rtt(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    if (b->delays.probe_until == 0) {
        uint64_t half = skt_bbr_bdp(b, SKT_BBR_UNIT / 2);
        if (a->inflight <= (half > skt_bbr_min_cwnd(b) ? half : skt_bbr_min_cwnd(b)))
            b->delays.probe_until = a->now + skt_us_max(PROBE_RTT_TIME, b->delays.min);
    } else if (a->now >= b->delays.probe_until) {
        b->delays.min_at = a->now;
        if (b->out.cwnd < b->saved_cwnd)
            b->out.cwnd = b->saved_cwnd;
        enter_probe_bw(b, a->now);
    }
}

void skt_bbr_update_phase(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    if (skt_bbr_is_cautious(b) && b->delays.srtt > b->startup.cautious_srtt + skt_bbr_tolerated(b, 8))
        b->startup.filled = true;
    if (b->phase == SKT_BBR_STARTUP && b->startup.filled)
        b->phase = SKT_BBR_DRAIN;
    if (b->phase == SKT_BBR_DRAIN && a->inflight <= skt_bbr_bdp(b, SKT_BBR_UNIT))
        enter_probe_bw(b, a->now);
    if (b->phase == SKT_BBR_PROBE_BW)
        update_cycle(b, a);
    update_min_rtt(b, a);
    if (b->phase == SKT_BBR_PROBE_RTT)
        update_probe_rtt(b, a);
}
