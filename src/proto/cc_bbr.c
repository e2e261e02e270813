/* SPDX-License-Identifier: MIT */
/* A controller shaped as BBRv1 (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016;
 * draft-cardwell-iccrg-bbr-congestion-control-00): it models the path by its bandwidth and its least round
 * trip and takes no loss as a sign of congestion. Beyond it: the rate is raised by the share of packets that
 * random loss takes (facts: v1 delivers C(1-p)^2 else), PROBE_RTT keeps half a BDP in flight, and STARTUP
 * sends its windows as trains whose dispersion shows the bottleneck's rate before its buffer is full. */
#include "proto/cc.h"

#include <string.h>

#define UNIT              UINT64_C(1000) /* gains are thousandths */
#define STARTUP_GAIN      UINT64_C(2885)
#define STARTUP_CWND_GAIN UINT64_C(3000)
#define DRAIN_GAIN        UINT64_C(400)
#define CROWDED_CWND_GAIN UINT64_C(1850)
#define CROWDED_GAIN      UINT64_C(1100)
#define CWND_GAIN         UINT64_C(2000)
#define MIN_RTT_WINDOW    (10 * SKT_US_PER_SEC)
#define PROBE_RTT_TIME    (200 * SKT_US_PER_MS)
#define CLUMP_TIME_MAX    (100 * SKT_US_PER_MS)
#define BW_ROUNDS         10
#define TRAIN_ROUNDS      3
#define TRAIN_RTT_MIN     (20 * SKT_US_PER_MS) /* on shorter paths timers say more than dispersion */
#define TRAIN_TIME_MIN    (3 * SKT_US_PER_MS)
#define TRAIN_GAP_MAX     (4 * SKT_US_PER_MS)
#define TRAIN_LEN_MIN     16                  /* packets */
#define QUEUE_TOLERATED   (5 * SKT_US_PER_MS) /* delay over min_rtt up to which losses count as random */
#define LOSS_PERMILLE_MAX UINT64_C(200)

enum {
    CYCLE_LEN = 8,
    FULL_ROUNDS = 3,
    FLIGHT_PART = 8,
    GROWN_CYCLES = 2,    /* then the bandwidth is sought anew */
    DRAIN_RTTS = 3,      /* the longest that a queue is worked off for */
    CROWDED_ROUNDS = 12, /* more than a cycle */
    SLOW_ROUNDS = 3,     /* then the least round trip is */
};

static const uint16_t cycle_gain[CYCLE_LEN] = {1250, 750, 1000, 1000, 1000, 1000, 1000, 1000};

/* Does a queue stand that our own draining does not empty? Then others share the bottleneck, and to ask for a
 * quarter more each time would take it from them. */
static bool is_crowded(const struct skt_cc_bbr *b)
{
    return b->round - b->quiet_round > CROWDED_ROUNDS;
}

static uint64_t pacing_gain(const struct skt_cc_bbr *b)
{
    switch (b->phase) {
    case SKT_BBR_STARTUP:
        return STARTUP_GAIN;
    case SKT_BBR_DRAIN:
        return DRAIN_GAIN;
    case SKT_BBR_PROBE_RTT:
        return UNIT;
    case SKT_BBR_PROBE_BW:
        break;
    }
    if (b->cycle == 0 && is_crowded(b))
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

/* Bytes in flight that gain times the bandwidth-delay product come to; 0 before both are known. */
static uint64_t bdp(const struct skt_cc_bbr *b, uint64_t gain)
{
    return skt_maxfilter_get(&b->bw) * b->min_rtt / SKT_US_PER_SEC * gain / UNIT;
}

/* STARTUP sends a window in an eighth of a round trip, so that a bottleneck spreads it and shows its rate;
 * then little faster than that rate. */
static uint64_t startup_rate(const struct skt_cc_bbr *b)
{
    uint64_t ceiling = skt_maxfilter_get(&b->ceiling), rate = skt_maxfilter_get(&b->bw) * STARTUP_GAIN / UNIT;
    skt_us rtt = b->min_rtt ? b->min_rtt : b->srtt ? b->srtt : SKT_CC_INITIAL_RTT;
    uint64_t flight = b->out.cwnd * SKT_US_PER_SEC / (skt_us_max(rtt, SKT_US_PER_MS) / FLIGHT_PART);
    if (rate < flight)
        rate = flight;
    if (ceiling && rate > ceiling + ceiling / 4)
        rate = ceiling + ceiling / 4;
    return rate;
}

static void set_rate(struct skt_cc_bbr *b)
{
    uint64_t bw = skt_maxfilter_get(&b->bw), rate;
    if (b->phase == SKT_BBR_STARTUP) {
        rate = startup_rate(b);
    } else {
        rate = bw * pacing_gain(b) / UNIT;
        bool queue = b->srtt > b->min_rtt + skt_us_max(QUEUE_TOLERATED, b->min_rtt / 8);
        if (b->phase == SKT_BBR_PROBE_BW && !queue)
            rate = rate * UNIT / (UNIT - b->loss_permille);
    }
    uint64_t floor = min_cwnd(b); /* a window a second */
    b->out.pacing_rate = rate > floor ? rate : floor;
}

static void set_cwnd(struct skt_cc_bbr *b, size_t acked)
{
    uint64_t cwnd = b->out.cwnd;
    if (b->timed_out) {
        b->timed_out = false;
        if (cwnd < b->saved_cwnd)
            cwnd = b->saved_cwnd;
    }
    bool startup = b->phase == SKT_BBR_STARTUP;
    uint64_t target = bdp(b, startup ? STARTUP_CWND_GAIN : is_crowded(b) ? CROWDED_CWND_GAIN : CWND_GAIN);
    uint64_t most = skt_maxfilter_get(&b->ceiling) * b->min_rtt / SKT_US_PER_SEC;
    if (startup && most)
        target = most;
    if (target > 0) {
        target += 3 * b->mss + skt_maxfilter_get(&b->bw) / 1000; /* what batches of 1 ms keep on the way */
        target += skt_maxfilter_get(&b->extra);
    }
    if (startup && !b->timed_out)
        acked *= 2;
    if (target == 0 || cwnd + acked < target)
        cwnd += acked;
    else if (b->filled || cwnd < target)
        cwnd = target;
    if (b->phase == SKT_BBR_PROBE_RTT) {
        uint64_t half = bdp(b, UNIT / 2);
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
}

/* At the end of a round: has the bandwidth stopped growing by a quarter a round? A queue that stood through
 * the whole round says so sooner, and at once where its buffer overflowed. */
static void check_filled(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    if (b->filled || a->app_limited)
        return;
    skt_us tolerated = skt_us_max(QUEUE_TOLERATED, b->min_rtt / 16);
    bool queue = b->round_min_rtt != SKT_NEVER && b->round_min_rtt > b->min_rtt + tolerated;
    bool overflow = queue && b->round_lost * 20 > b->round_acked;
    uint64_t bw = skt_maxfilter_get(&b->bw), ceiling = skt_maxfilter_get(&b->ceiling);
    if (ceiling && queue && bw >= ceiling - ceiling / 8)
        b->full_rounds = FULL_ROUNDS;
    else if (ceiling && !queue && bw >= ceiling)
        skt_maxfilter_reset(&b->ceiling, b->round, bw + bw / 2); /* the trains were wrong */
    if (bw >= b->full_bw + b->full_bw / 4) {
        b->full_bw = bw;
        b->full_rounds = 0;
    } else {
        b->full_rounds += queue ? 2 : 1;
    }
    b->filled = overflow || b->full_rounds >= FULL_ROUNDS;
}

/* The share of packets lost while there was no queue, smoothed over rounds. */
static void fold_losses(struct skt_cc_bbr *b)
{
    uint64_t all = b->acked + b->lost;
    if (all < 32 * b->mss)
        return;
    uint64_t permille = b->lost * UNIT / all;
    if (permille > LOSS_PERMILLE_MAX)
        permille = LOSS_PERMILLE_MAX;
    b->loss_permille = (uint32_t)((7 * b->loss_permille + permille) / 8);
    b->lost = b->acked = 0;
}

/* What was acknowledged faster than the bandwidth explains waited somewhere for its ACK (Wi-Fi, a peer that
 * gathers them): as much more must be in flight for the rate to be kept up. */
static void update_extra(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
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

/* A train that took clearly longer to arrive than it took to be sent was spread by the bottleneck. */
static void update_train(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    struct skt_train *t = &b->train;
    if (b->filled || a->sent_at == 0 || b->min_rtt < TRAIN_RTT_MIN)
        return;
    bool follows = t->first_acked && a->sent_at >= t->last_sent && a->sent_at - t->last_sent <= TRAIN_GAP_MAX;
    if (!follows || a->sent_at - t->first_sent > b->min_rtt / 4) {
        *t = (struct skt_train){a->sent_at, a->sent_at, a->now, 0};
        return;
    }
    t->last_sent = a->sent_at;
    t->bytes += a->acked;
    skt_us sending = t->last_sent - t->first_sent, arriving = a->now - t->first_acked;
    if (t->bytes >= TRAIN_LEN_MIN * b->mss && arriving >= TRAIN_TIME_MIN && arriving >= sending + sending / 4)
        skt_maxfilter_add(&b->ceiling, TRAIN_ROUNDS, b->round, t->bytes * SKT_US_PER_SEC / arriving);
}

/* At the end of a round: a queue of our own would be worked off at the full rate. A longer round trip at a
 * lower rate comes from a longer path, which the window is too small for. */
static void watch_slowness(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    skt_us longer = b->min_rtt + skt_us_max(b->min_rtt / 2, 4 * QUEUE_TOLERATED);
    bool slow = b->round_min_rtt != SKT_NEVER && b->round_min_rtt > longer && !a->app_limited &&
                b->round_bw < skt_maxfilter_get(&b->bw) * 3 / 4 && b->phase == SKT_BBR_PROBE_BW;
    b->slow_rounds = slow ? b->slow_rounds + 1 : 0;
    if (slow &&
        b->round_lost > b->round_acked) /* the rate has fallen: do not wait until ten rounds are over */
        skt_maxfilter_reset(&b->bw, b->round, b->round_bw);
    b->round_bw = 0;
    if (b->round_min_rtt <= b->min_rtt + skt_us_max(QUEUE_TOLERATED, b->min_rtt / 8))
        b->quiet_round = b->round;
}

static void update_round(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    b->acked += a->acked;
    b->round_acked += a->acked;
    if (a->rtt)
        b->round_min_rtt = skt_us_min(b->round_min_rtt, a->rtt);
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
        skt_maxfilter_add(&b->bw, BW_ROUNDS, b->round, a->rate);
    if (ended) {
        check_filled(b, a);
        watch_slowness(b, a);
        b->round_min_rtt = SKT_NEVER;
        b->round_lost = b->round_acked = 0;
    }
}

/* At the end of a probe for more bandwidth, which shows what the one before found: where there is much more,
 * by quarters it would take long. */
static void watch_growth(struct skt_cc_bbr *b)
{
    uint64_t bw = skt_maxfilter_get(&b->bw);
    b->grown = bw >= b->cycle_bw + b->cycle_bw / 5 && b->cycle_bw ? b->grown + 1 : 0;
    b->cycle_bw = bw;
    if (b->grown < GROWN_CYCLES)
        return;
    b->phase = SKT_BBR_STARTUP;
    b->filled = false;
    b->full_bw = bw;
    b->full_rounds = b->grown = 0;
    skt_maxfilter_reset(&b->ceiling, b->round, 0);
}

/* What is in flight without a queue: also what is lost and not known to be yet. */
static uint64_t drained_inflight(const struct skt_cc_bbr *b)
{
    uint64_t all = bdp(b, UNIT) * UNIT / (UNIT - b->loss_permille);
    return all + all * b->loss_permille / (4 * UNIT) + 3 * b->mss;
}

static void update_cycle(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    bool passed = a->now - b->cycle_at > b->min_rtt;
    uint64_t gain = pacing_gain(b);
    if (gain > UNIT)
        passed = passed && (b->cycle_lost > 0 || a->inflight + a->acked >= bdp(b, gain));
    else if (gain < UNIT)
        passed = a->inflight <= drained_inflight(b) || a->now - b->cycle_at > DRAIN_RTTS * b->min_rtt;
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
}

static void update_probe_rtt(struct skt_cc_bbr *b, const struct skt_cc_ack *a)
{
    if (b->probe_rtt_until == 0) {
        uint64_t half = bdp(b, UNIT / 2);
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
    if (b->phase == SKT_BBR_STARTUP && b->filled)
        b->phase = SKT_BBR_DRAIN;
    if (b->phase == SKT_BBR_DRAIN && a->inflight <= bdp(b, UNIT))
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
    memset(s, 0, sizeof(*s));
    b->mss = mss;
    b->phase = SKT_BBR_STARTUP;
    b->min_rtt_at = b->clump_at = now;
    b->round_min_rtt = SKT_NEVER;
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

static void bbr_on_acked(union skt_cc_state *s, const struct skt_cc_ack *a)
{
    struct skt_cc_bbr *b = &s->bbr;
    b->srtt = a->srtt;
    update_extra(b, a);
    update_train(b, a);
    update_round(b, a);
    update_phase(b, a);
    set_rate(b);
    set_cwnd(b, a->acked);
}

static void bbr_on_lost(union skt_cc_state *s, const struct skt_cc_loss *l)
{
    s->bbr.lost += l->bytes;
    s->bbr.round_lost += l->bytes;
    s->bbr.cycle_lost += l->bytes;
}

static void bbr_on_spurious(union skt_cc_state *s, skt_us now, size_t bytes)
{
    (void)now;
    s->bbr.lost -= s->bbr.lost < bytes ? s->bbr.lost : bytes;
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
};
