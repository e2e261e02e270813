/* SPDX-License-Identifier: MIT */
/* A controller shaped as BBRv1 (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016;
 * draft-cardwell-iccrg-bbr-congestion-control-00): it models the path by its bandwidth and its least round
 * trip and takes no loss as a sign of congestion. Beyond it: the rate is raised by the share of packets that
 * random loss takes (facts: v1 delivers C(1-p)^2 else), PROBE_RTT keeps half a BDP in flight, cruising works
 * off what stands in the queue, and STARTUP sends its windows as trains whose dispersion shows the
 * bottleneck's rate before its buffer is full. */
#include "proto/cc/bbr.h"

#include <string.h>

#define STARTUP_GAIN      UINT64_C(2885)
#define STARTUP_CWND_GAIN UINT64_C(3000)
#define DRAIN_GAIN        UINT64_C(400)
#define CROWDED_CWND_GAIN UINT64_C(1850)
#define CROWDED_GAIN      UINT64_C(1100)
#define CWND_GAIN         UINT64_C(2000)
#define MIN_RTT_WINDOW    (10 * SKT_US_PER_SEC)
#define LONG_TIME         (10 * SKT_US_PER_SEC) /* a path that was longer may be again */
#define YIELD_MAX         UINT64_C(63)
#define YIELD_SLACK       SKT_US_PER_MS
#define PROBE_RTT_TIME    (200 * SKT_US_PER_MS)

enum {
    CYCLE_LEN = 8,
    STARTUP_GROWTH = 2,       /* the window grows by so many times what was acknowledged */
    STARTUP_GROWTH_KNOWN = 4, /* the same where trains have shown where the growth ends */
    FLIGHT_PART = 8,
    UNEVEN_FLIGHT_PART = 2, /* where trains would show nothing, they are not sent */
    CAUTIOUS_ROUNDS = 2,    /* in the second a queue would show that the first one's rate makes */
    DRAIN_RTTS = 3,         /* the longest that a queue is worked off for */
    SLOW_ROUNDS = 3,        /* in a row, then the least round trip is measured anew */
    YIELD_PART = 64,        /* of the least round trip, with YIELD_SLACK: a shorter queue is none */
    YIELD_RTTS = 2,         /* round trips in which a longer queue is worked off */
};

static const uint16_t cycle_gain[CYCLE_LEN] = {1250, 750, 1000, 1000, 1000, 1000, 1000, 1000};

static uint64_t pacing_gain(const struct skt_cc_bbr *b)
{
    switch (b->phase) {
    case SKT_BBR_STARTUP:
        return STARTUP_GAIN;
    case SKT_BBR_DRAIN:
        return DRAIN_GAIN;
    case SKT_BBR_PROBE_RTT:
        return SKT_BBR_UNIT;
    case SKT_BBR_PROBE_BW:
        break;
    }
    if (b->cycle == 0 && skt_bbr_is_crowded(b))
        return CROWDED_GAIN;
    return cycle_gain[b->cycle];
}

static uint64_t min_cwnd(const struct skt_cc_bbr *b)
{
    return (uint64_t)SKT_CC_MIN_PACKETS * b->mss;
}

static uint64_t initial_cwnd(const struct skt_cc_bbr *b)
{
    return (uint64_t)SKT_CC_INITIAL_PACKETS * b->mss;
}

/* STARTUP sends a window in an eighth of a round trip, so that a bottleneck spreads it and shows its rate;
 * then little faster than that rate. */
static uint64_t startup_rate(const struct skt_cc_bbr *b)
{
    if (skt_bbr_is_cautious(b))
        return skt_maxfilter_get(&b->bw) * cycle_gain[0] / SKT_BBR_UNIT;
    uint64_t ceiling = skt_maxfilter_get(&b->ceiling),
             rate = skt_maxfilter_get(&b->bw) * STARTUP_GAIN / SKT_BBR_UNIT;
    skt_us rtt = b->min_rtt ? skt_bbr_startup_rtt(b) : b->srtt ? b->srtt : SKT_CC_INITIAL_RTT;
    unsigned part = skt_bbr_has_trains(b) ? FLIGHT_PART : UNEVEN_FLIGHT_PART;
    uint64_t flight = b->out.cwnd * SKT_US_PER_SEC / (skt_us_max(rtt, SKT_US_PER_MS) / part);
    if (rate < flight)
        rate = flight;
    if (ceiling && rate > ceiling + ceiling / 4)
        rate = ceiling + ceiling / 4;
    return rate;
}

/* Cruising, the best of ten rounds is a little more than there is, and duplicates go past the pacer: a queue
 * would grow from one probe to the next. So what stands is worked off, but where others keep it standing. */
static uint64_t yield(const struct skt_cc_bbr *b, uint64_t rate)
{
    skt_us standing = skt_bbr_standing(b),
           tolerated = YIELD_SLACK + b->min_rtt / YIELD_PART + b->reordering / 4;
    if (standing <= tolerated || b->cycle < 2 || skt_bbr_is_crowded(b))
        return rate;
    uint64_t part = (standing - tolerated) * SKT_BBR_UNIT / (YIELD_RTTS * b->min_rtt);
    return rate - rate * (part < YIELD_MAX ? part : YIELD_MAX) / SKT_BBR_UNIT;
}

static void set_rate(struct skt_cc_bbr *b)
{
    uint64_t bw = skt_maxfilter_get(&b->bw), rate;
    if (b->phase == SKT_BBR_STARTUP) {
        rate = startup_rate(b);
    } else {
        rate = bw * pacing_gain(b) / SKT_BBR_UNIT;
        bool queue = b->srtt > skt_bbr_path_rtt(b) + skt_us_max(SKT_BBR_QUEUE_TOLERATED, b->min_rtt / 8);
        if (b->phase == SKT_BBR_PROBE_BW && !queue)
            rate = rate * SKT_BBR_UNIT / (SKT_BBR_UNIT - b->loss_permille);
        if (b->phase == SKT_BBR_PROBE_BW)
            rate = yield(b, rate);
    }
    uint64_t floor = min_cwnd(b); /* a window a second */
    b->out.pacing_rate = rate > floor ? rate : floor;
    if (b->round_pacing < b->out.pacing_rate)
        b->round_pacing = b->out.pacing_rate;
}

static void set_cwnd(struct skt_cc_bbr *b, size_t acked)
{
    uint64_t cwnd = b->out.cwnd;
    if (b->timed_out) {
        b->timed_out = false;
        if (cwnd < b->saved_cwnd)
            cwnd = b->saved_cwnd;
    }
    bool startup = b->phase == SKT_BBR_STARTUP && !skt_bbr_is_cautious(b);
    uint64_t target = skt_bbr_bdp(b, startup ? (skt_bbr_has_trains(b) ? STARTUP_CWND_GAIN : CWND_GAIN)
                                     : skt_bbr_is_crowded(b) ? CROWDED_CWND_GAIN
                                                             : CWND_GAIN);
    uint64_t most = skt_maxfilter_get(&b->ceiling) * skt_bbr_path_rtt(b) / SKT_US_PER_SEC;
    if (startup && most)
        target = most;
    if (b->phase == SKT_BBR_PROBE_BW && b->long_rtt > skt_bbr_path_rtt(b)) /* pacing keeps it from use */
        target += skt_maxfilter_get(&b->bw) * (b->long_rtt - skt_bbr_path_rtt(b)) / SKT_US_PER_SEC;
    if (target > 0) {
        target += 3 * b->mss + skt_maxfilter_get(&b->bw) / 1000; /* what batches of 1 ms keep on the way */
        target += skt_maxfilter_get(&b->extra);
    }
    if (startup && !b->timed_out)
        acked *= most ? STARTUP_GROWTH_KNOWN : STARTUP_GROWTH;
    if (target == 0 || cwnd + acked < target)
        cwnd += acked;
    else if (b->filled || cwnd < target)
        cwnd = target;
    if (b->phase == SKT_BBR_PROBE_RTT) {
        uint64_t half = skt_bbr_bdp(b, SKT_BBR_UNIT / 2);
        if (cwnd > half)
            cwnd = half;
    }
    b->out.cwnd = (size_t)(cwnd > min_cwnd(b) ? cwnd : min_cwnd(b));
}

static void enter_probe_bw(struct skt_cc_bbr *b, skt_us now)
{
    b->phase = SKT_BBR_PROBE_BW;
    b->cycle = 2 + (unsigned)(b->round % (CYCLE_LEN - 2)); /* any but those that change the queue */
    b->cycle_at = now;
    b->cycle_lost = 0;
    b->cycle_bw = skt_maxfilter_get(&b->bw);
}

/* At the end of a probe for more bandwidth, which shows what the one before found: where there is much more,
 * and the last round still had it (ACKs that were held up and come together look like more for one round),
 * by quarters it would take long. But what has come back may be all there is: the first rounds go on as the
 * probe did, and end with the first sign of a queue. */
static void watch_growth(struct skt_cc_bbr *b)
{
    uint64_t before = b->cycle_bw, bw = skt_maxfilter_get(&b->bw);
    b->cycle_bw = bw;
    if (before == 0 || b->last_bw < before + before / 5)
        return;
    b->phase = SKT_BBR_STARTUP;
    b->filled = false;
    b->full_bw = bw;
    b->full_rounds = 0;
    b->regrow_until = b->round + CAUTIOUS_ROUNDS;
    b->regrow_bw = bw;
    b->regrow_srtt = b->srtt;
    skt_maxfilter_reset(&b->ceiling, b->round, 0);
}

static void update_cycle(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    skt_us rtt = skt_bbr_path_rtt(b);
    bool passed = a->now - b->cycle_at > rtt;
    uint64_t gain = pacing_gain(b);
    if (gain > SKT_BBR_UNIT)
        passed = passed && (b->cycle_lost > 0 || a->inflight + a->acked >= skt_bbr_bdp(b, gain));
    else if (gain < SKT_BBR_UNIT)
        passed = a->inflight <= skt_bbr_drained_inflight(b) || a->now - b->cycle_at > DRAIN_RTTS * rtt;
    if (!passed)
        return;
    if (b->cycle == 0)
        watch_growth(b);
    b->cycle = (b->cycle + 1) % CYCLE_LEN;
    b->cycle_at = a->now;
    b->cycle_lost = 0;
}

static void update_min_rtt(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    bool expired = b->min_rtt && a->now - b->min_rtt_at > MIN_RTT_WINDOW;
    if (b->slow_rounds >= SLOW_ROUNDS) {
        b->slow_rounds = 0;
        expired = true;
    }
    if (a->rtt && (b->min_rtt == 0 || a->rtt <= b->min_rtt || expired)) {
        b->min_rtt = a->rtt;
        b->min_rtt_at = a->now;
    } else if (a->rtt && a->rtt <= b->min_rtt + b->min_rtt / 64) {
        b->min_rtt_at = a->now; /* nearly no queue: no need to make one vanish */
    }
    if (expired && b->phase != SKT_BBR_PROBE_RTT && !b->idle_restart && b->filled) {
        b->phase = SKT_BBR_PROBE_RTT;
        b->saved_cwnd = b->out.cwnd;
        b->probe_rtt_until = 0;
    }
    b->idle_restart = false;
    if (b->min_rtt >= b->long_rtt - b->long_rtt / 8)
        b->long_at = a->now;
    else if (a->now - b->long_at > LONG_TIME)
        b->long_rtt = 0;
}

static void update_probe_rtt(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    if (b->probe_rtt_until == 0) {
        uint64_t half = skt_bbr_bdp(b, SKT_BBR_UNIT / 2);
        if (a->inflight <= (half > min_cwnd(b) ? half : min_cwnd(b)))
            b->probe_rtt_until = a->now + skt_us_max(PROBE_RTT_TIME, b->min_rtt);
    } else if (a->now >= b->probe_rtt_until) {
        b->min_rtt_at = a->now;
        if (b->out.cwnd < b->saved_cwnd)
            b->out.cwnd = b->saved_cwnd;
        enter_probe_bw(b, a->now);
    }
}

static void update_phase(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    if (skt_bbr_is_cautious(b) && b->srtt > b->regrow_srtt + skt_bbr_tolerated(b, 8))
        b->filled = true;
    if (b->phase == SKT_BBR_STARTUP && b->filled)
        b->phase = SKT_BBR_DRAIN;
    if (b->phase == SKT_BBR_DRAIN && a->inflight <= skt_bbr_bdp(b, SKT_BBR_UNIT))
        enter_probe_bw(b, a->now);
    if (b->phase == SKT_BBR_PROBE_BW)
        update_cycle(b, a);
    update_min_rtt(b, a);
    if (b->phase == SKT_BBR_PROBE_RTT)
        update_probe_rtt(b, a);
}

static void bbr_init(union skt_cc_state *s, skt_us now, size_t mss)
{
    struct skt_cc_bbr *b = &s->bbr;
    memset(s, 0, sizeof *s);
    b->mss = mss;
    b->phase = SKT_BBR_STARTUP;
    b->min_rtt_at = b->clump_at = now;
    b->round_min_rtt = b->last_min_rtt = SKT_NEVER;
    b->out.cwnd = (size_t)initial_cwnd(b);
    set_rate(b);
}

static void bbr_set_mss(union skt_cc_state *s, size_t mss)
{
    s->bbr.mss = mss;
    if (s->bbr.out.cwnd < min_cwnd(&s->bbr))
        s->bbr.out.cwnd = (size_t)min_cwnd(&s->bbr);
}

static void bbr_on_sent(union skt_cc_state *s, skt_us now, size_t bytes, size_t inflight)
{
    (void)now;
    (void)bytes;
    if (inflight == 0)
        s->bbr.idle_restart = true;
}

/* A burst that is over within a round trip shows its own rate, though for a while it waited for the pacer.
 * Rates of many such in a row would end STARTUP, and all later bursts would be spread over a round trip. */
static void bbr_on_acked(union skt_cc_state *s, const struct skt_cc_ack *ack)
{
    struct skt_cc_bbr *b = &s->bbr;
    struct skt_cc_ack a = *ack;
    a.app_limited = a.app_limited || a.brief;
    b->srtt = a.srtt;
    skt_bbr_update_extra(b, &a);
    skt_bbr_update_train(b, &a);
    skt_bbr_update_round(b, &a);
    update_phase(b, &a);
    set_rate(b);
    set_cwnd(b, a.acked);
}

static void bbr_on_lost(union skt_cc_state *s, const struct skt_cc_loss *l)
{
    s->bbr.lost += l->bytes;
    s->bbr.round_lost += l->bytes;
    s->bbr.cycle_lost += l->bytes;
}

static void bbr_on_spurious(union skt_cc_state *s, skt_us now, size_t bytes)
{
    struct skt_cc_bbr *b = &s->bbr;
    (void)now;
    b->lost -= b->lost < bytes ? b->lost : bytes;
    if (b->last_lost >= bytes)
        b->last_lost -= bytes;
    else
        b->round_lost -= b->round_lost < bytes ? b->round_lost : bytes;
}

static void bbr_on_timeout(union skt_cc_state *s, skt_us now)
{
    struct skt_cc_bbr *b = &s->bbr;
    (void)now;
    if (!b->timed_out)
        b->saved_cwnd = b->out.cwnd;
    b->timed_out = true;
    b->out.cwnd = (size_t)min_cwnd(b);
}

static void bbr_on_rtt(union skt_cc_state *s, skt_us now, skt_us rtt)
{
    struct skt_cc_bbr *b = &s->bbr;
    if (b->min_rtt == 0 || rtt <= b->min_rtt) {
        b->min_rtt = rtt;
        b->min_rtt_at = now;
    }
    if (b->srtt == 0)
        b->srtt = rtt;
    if (skt_maxfilter_get(&b->bw) == 0)
        set_rate(b);
}

static const char *bbr_phase(const union skt_cc_state *s)
{
    static const char *const names[] = {
        [SKT_BBR_STARTUP] = "startup",
        [SKT_BBR_DRAIN] = "drain",
        [SKT_BBR_PROBE_BW] = "probe_bw",
        [SKT_BBR_PROBE_RTT] = "probe_rtt",
    };
    return names[s->bbr.phase];
}

const struct skt_cc skt_cc_turbo = {
    .name = "turbo",
    .init = bbr_init,
    .set_mss = bbr_set_mss,
    .on_sent = bbr_on_sent,
    .on_acked = bbr_on_acked,
    .on_lost = bbr_on_lost,
    .on_spurious = bbr_on_spurious,
    .on_timeout = bbr_on_timeout,
    .on_rtt = bbr_on_rtt,
    .phase = bbr_phase,
};
