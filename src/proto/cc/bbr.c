/* SPDX-License-Identifier: MIT */
/* A controller shaped as BBRv1 (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016;
 * draft-cardwell-iccrg-bbr-congestion-control-00): it models the path by its bandwidth and its least round
 * trip and takes no loss as a sign of congestion. Beyond it: the rate is raised by the share of packets that
 * random loss takes (facts: v1 delivers C(1-p)^2 else), PROBE_RTT keeps half a BDP in flight, cruising works
 * off what stands in the queue, and STARTUP sends its windows as trains whose dispersion shows the
 * bottleneck's rate before its buffer is full. Here are rate and window. */
#include "proto/cc/bbr.h"

#include <string.h>

/* Beside others the window is what holds what each has: measured, between 25 % for either beside CUBIC and
 * BBR (tests/proto/test_cc_sim.c). */
#define CROWDED_CWND_GAIN UINT64_C(1850)
#define CWND_GAIN         UINT64_C(2000) /* BBRv1: ACKs may come late by a round trip */
/* Rate that working off a queue takes at most, in thousandths: a sixteenth, or what a probe won is lost. */
#define YIELD_MAX   UINT64_C(63)
#define YIELD_SLACK SKT_US_PER_MS /* timers are no finer, nor is pacing */
/* A longer queue is near the end of many a buffer, and what that drops is not lost at random: to send the
 * more for it drops more. measured: 1 Gbit/s, 300 ms, 40 ms of buffer: 1 point of payload, 2 of bytes. */
#define RANDOM_QUEUE_MAX (10 * SKT_US_PER_MS)

enum {
    STARTUP_GROWTH = 2, /* the window grows by so many times what was acknowledged: it triples a round */
    STARTUP_GROWTH_KNOWN = 4, /* the same where trains have shown where the growth ends */
    YIELD_PART = 64,          /* of the least round trip, with YIELD_SLACK: a shorter queue is none */
    YIELD_RTTS = 2, /* round trips in which a longer queue is worked off: one to see what comes of it */
};

static uint64_t initial_cwnd(const struct skt_cc_bbr *b)
{
    return (uint64_t)SKT_CC_INITIAL_PACKETS * b->mss;
}

/* Cruising, the best of ten rounds is a little more than there is, and duplicates go past the pacer: a queue
 * would grow from one probe to the next. So what stands is worked off, but where others keep it standing. */
static uint64_t yield(const struct skt_cc_bbr *b, uint64_t rate)
{
    skt_us standing = skt_bbr_standing(b),
           tolerated = YIELD_SLACK + b->delays.min / YIELD_PART + b->reorder.by / 4;
    if (standing <= tolerated || b->cycle.index < 2 || skt_bbr_is_crowded(b))
        return rate;
    uint64_t part = (standing - tolerated) * SKT_BBR_UNIT / (YIELD_RTTS * b->delays.min);
    return rate - rate * (part < YIELD_MAX ? part : YIELD_MAX) / SKT_BBR_UNIT;
}

static void set_rate(struct skt_cc_bbr *b)
{
    uint64_t bw = skt_maxfilter_get(&b->bw), rate;
    if (b->phase == SKT_BBR_STARTUP) {
        rate = skt_bbr_startup_rate(b);
    } else {
        rate = bw * skt_bbr_pacing_gain(b) / SKT_BBR_UNIT;
        bool queue = b->delays.srtt >
                     skt_bbr_path_rtt(b) +
                         skt_us_max(SKT_BBR_QUEUE_TOLERATED, skt_us_min(b->delays.min / 8, RANDOM_QUEUE_MAX));
        if (b->phase == SKT_BBR_PROBE_BW && !queue)
            rate = rate * SKT_BBR_UNIT / (SKT_BBR_UNIT - b->losses.permille);
        if (b->phase == SKT_BBR_PROBE_BW)
            rate = yield(b, rate);
        uint64_t supply = skt_bbr_supply_rate(b);
        if (b->phase == SKT_BBR_PROBE_BW && rate < supply)
            rate = supply;
    }
    uint64_t floor = skt_bbr_min_cwnd(b); /* a window a second */
    b->out.pacing_rate = rate > floor ? rate : floor;
    if (b->rounds.pacing < b->out.pacing_rate)
        b->rounds.pacing = b->out.pacing_rate;
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
    uint64_t target = skt_bbr_bdp(b, startup ? (skt_bbr_has_trains(b) ? SKT_BBR_STARTUP_CWND_GAIN : CWND_GAIN)
                                     : skt_bbr_is_crowded(b) ? CROWDED_CWND_GAIN
                                                             : CWND_GAIN);
    uint64_t most = skt_maxfilter_get(&b->trains.ceiling) * skt_bbr_path_rtt(b) / SKT_US_PER_SEC;
    if (startup && most)
        target = most;
    if (b->phase == SKT_BBR_PROBE_BW && b->delays.longer > skt_bbr_path_rtt(b)) /* pacing keeps it from use */
        target += skt_maxfilter_get(&b->bw) * (b->delays.longer - skt_bbr_path_rtt(b)) / SKT_US_PER_SEC;
    if (target > 0) {
        target += 3 * b->mss + skt_maxfilter_get(&b->bw) / 1000; /* what batches of 1 ms keep on the way */
        target += skt_maxfilter_get(&b->clumps.extra);
    }
    if (startup && !b->timed_out)
        acked *= most ? STARTUP_GROWTH_KNOWN : STARTUP_GROWTH;
    if (target == 0 || cwnd + acked < target)
        cwnd += acked;
    else if (b->startup.filled || cwnd < target)
        cwnd = target;
    uint64_t supply = skt_bbr_supply_window(b);
    if (supply > 0 && cwnd > supply)
        cwnd = supply;
    if (b->phase == SKT_BBR_PROBE_RTT) {
        uint64_t half = skt_bbr_bdp(b, SKT_BBR_UNIT / 2);
        if (cwnd > half)
            cwnd = half;
    }
    b->out.cwnd = (size_t)(cwnd > skt_bbr_min_cwnd(b) ? cwnd : skt_bbr_min_cwnd(b));
}

static void bbr_init(union skt_cc_state *s, skt_us now, size_t mss)
{
    struct skt_cc_bbr *b = &s->bbr;
    memset(s, 0, sizeof *s);
    b->mss = mss;
    b->phase = SKT_BBR_STARTUP;
    b->delays.min_at = b->clumps.at = now;
    b->delays.round_min = b->delays.last_min = SKT_NEVER;
    b->out.cwnd = (size_t)initial_cwnd(b);
    set_rate(b);
}

static void bbr_set_mss(union skt_cc_state *s, size_t mss)
{
    s->bbr.mss = mss;
    if (s->bbr.out.cwnd < skt_bbr_min_cwnd(&s->bbr))
        s->bbr.out.cwnd = (size_t)skt_bbr_min_cwnd(&s->bbr);
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
    b->delays.srtt = a.srtt;
    skt_bbr_update_extra(b, &a);
    skt_bbr_update_train(b, &a);
    skt_bbr_update_supply(b, &a);
    skt_bbr_update_round(b, &a);
    skt_bbr_update_phase(b, &a);
    set_rate(b);
    set_cwnd(b, a.acked);
}

static void bbr_on_lost(union skt_cc_state *s, const struct skt_cc_loss *l)
{
    skt_bbr_note_supply_loss(&s->bbr, l->bytes);
    s->bbr.losses.lost += l->bytes;
    s->bbr.losses.round_lost += l->bytes;
    s->bbr.cycle.lost += l->bytes;
}

static void bbr_on_spurious(union skt_cc_state *s, skt_us now, size_t bytes)
{
    struct skt_cc_bbr *b = &s->bbr;
    (void)now;
    b->losses.lost -= b->losses.lost < bytes ? b->losses.lost : bytes;
    if (b->losses.last_lost >= bytes)
        b->losses.last_lost -= bytes;
    else
        b->losses.round_lost -= b->losses.round_lost < bytes ? b->losses.round_lost : bytes;
}

static void bbr_on_timeout(union skt_cc_state *s, skt_us now)
{
    struct skt_cc_bbr *b = &s->bbr;
    (void)now;
    if (!b->timed_out)
        b->saved_cwnd = b->out.cwnd;
    b->timed_out = true;
    b->out.cwnd = (size_t)skt_bbr_min_cwnd(b);
}

static void bbr_on_rtt(union skt_cc_state *s, skt_us now, skt_us rtt)
{
    struct skt_cc_bbr *b = &s->bbr;
    if (b->delays.min == 0 || rtt <= b->delays.min) {
        b->delays.min = rtt;
        b->delays.min_at = now;
    }
    if (b->delays.srtt == 0)
        b->delays.srtt = rtt;
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
