/* SPDX-License-Identifier: MIT */
/* CUBIC (RFC 9438) in bytes and milliseconds, with pacing, an early end of slow start when the delay grows
 * (after HyStart++, RFC 9406), and undo of a reduction that turns out to have had no loss behind it. */
#include "proto/cc/cc.h"

#include <string.h>

#define QUEUE_MIN (2 * SKT_US_PER_MS) /* timers are not much finer */

enum {
    /* RFC 9438 has 70. But what is paced loses less in a full queue than the bursts of others do, and so
     * would get more than its share. */
    BETA_PERCENT = 50,
    RANDOM_PART = 25,     /* of what arrives: with more of it lost the link is full, queue or not */
    RANDOM_PACKETS = 2,   /* lost in two rounds that are not too much for a small window either */
    QUEUE_PART = 16,      /* of the least round trip: a shorter queue is none */
    INITIAL_PACKETS = 10, /* RFC 6928 */
    /* Of a window a round trip, as Linux's TCP paces: the first lets the window double in each, the second
     * leaves the window, not the pacer, as what limits. */
    SLOW_START_PACE_PERCENT = 200,
    AVOIDANCE_PACE_PERCENT = 125,
    ROUND_SAMPLES = 8, /* RFC 9406, N_RTT_SAMPLE */
    K_MS_MAX = 100000, /* its cube fits 64 bits; in 100 s the window has grown by 560 MB */
};

static size_t min_cwnd(const struct skt_cc_cubic *c)
{
    return SKT_CC_MIN_PACKETS * c->mss / 2;
}

/* Where a size_t has 32 bits a window times a percentage does not fit. */
static size_t percent_of(size_t window, unsigned percent)
{
    return (size_t)((uint64_t)window * percent / 100);
}

static void set_rate(struct skt_cc_cubic *c)
{
    skt_us rtt = c->srtt ? c->srtt : SKT_CC_INITIAL_RTT;
    uint64_t percent = c->out.cwnd < c->ssthresh ? SLOW_START_PACE_PERCENT : AVOIDANCE_PACE_PERCENT;
    uint64_t rate = (uint64_t)c->out.cwnd * SKT_US_PER_SEC / rtt * percent / 100;
    c->out.pacing_rate = rate > c->mss ? rate : c->mss;
}

/* Integer cube root by bisection; x < 2^60. */
static int64_t cube_root(int64_t x)
{
    int64_t low = 0, high = 1 << 20;
    while (low < high) {
        int64_t mid = (low + high + 1) / 2;
        if (mid * mid * mid <= x)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

/* RFC 9438, 4.2 with C = 0.4 segments/s^3: K = cbrt((w_max - cwnd) / C), in ms. */
static void begin_epoch(struct skt_cc_cubic *c, skt_us now)
{
    c->epoch_at = now;
    c->reno_window = c->out.cwnd;
    c->reno_credit = 0;
    if (c->w_max <= c->out.cwnd) {
        c->w_max = c->out.cwnd;
        c->k_ms = 0;
        return;
    }
    int64_t milli_segments = (int64_t)((uint64_t)(c->w_max - c->out.cwnd) * 1000 / c->mss);
    /* cbrt(m / 1000 / 0.4) s = cbrt(m / 0.4 * 10^6) ms */
    c->k_ms = cube_root(milli_segments * 2500000);
}

/* The window that the cubic function has a round trip from now. */
static size_t cubic_target(const struct skt_cc_cubic *c, skt_us now)
{
    int64_t t_ms = (int64_t)((now - c->epoch_at + c->min_rtt) / SKT_US_PER_MS) - c->k_ms;
    if (t_ms > K_MS_MAX)
        t_ms = K_MS_MAX;
    if (t_ms < -K_MS_MAX)
        t_ms = -K_MS_MAX;
    int64_t delta = t_ms * t_ms * t_ms / 2500000 * (int64_t)c->mss / 1000;
    int64_t target = (int64_t)c->w_max + delta;
    int64_t cwnd = (int64_t)c->out.cwnd;
    if (target < cwnd)
        return (size_t)cwnd;
    return (size_t)(target < cwnd + cwnd / 2 ? target : cwnd + cwnd / 2);
}

static void avoid(struct skt_cc_cubic *c, const struct skt_cc_ack *a)
{
    if (c->epoch_at == 0)
        begin_epoch(c, a->now);
    /* 4.3: never less than Reno with the same beta would have; alpha = 3 (1 - 0.7) / (1 + 0.7) = 0.53. */
    c->reno_credit += percent_of(a->acked, 53);
    if (c->reno_credit >= c->reno_window) {
        c->reno_credit -= c->reno_window;
        c->reno_window += c->mss;
    }
    size_t target = cubic_target(c, a->now);
    uint64_t step = (uint64_t)(target - c->out.cwnd) * a->acked / c->out.cwnd;
    c->out.cwnd += (size_t)step;
    if (c->out.cwnd < c->reno_window)
        c->out.cwnd = c->reno_window;
}

/* Ends slow start when a round's least round trip has grown by more than an eighth. */
static void watch_delay(struct skt_cc_cubic *c, const struct skt_cc_ack *a)
{
    if (a->prior_delivered >= c->round_end) {
        c->round_end = a->delivered;
        c->round_samples = 0;
        c->round_min_rtt = SKT_NEVER;
    }
    if (a->rtt == 0)
        return;
    c->round_min_rtt = skt_us_min(c->round_min_rtt, a->rtt);
    skt_us slack = skt_us_max(4 * SKT_US_PER_MS, skt_us_min(a->min_rtt / 8, 16 * SKT_US_PER_MS));
    if (++c->round_samples >= ROUND_SAMPLES && c->round_min_rtt > a->min_rtt + slack)
        c->ssthresh = c->out.cwnd;
}

static void cubic_init(union skt_cc_state *s, skt_us now, size_t mss)
{
    struct skt_cc_cubic *c = &s->cubic;
    (void)now;
    memset(s, 0, sizeof *s);
    c->mss = mss;
    c->ssthresh = SIZE_MAX;
    c->round_min_rtt = SKT_NEVER;
    c->out.cwnd = INITIAL_PACKETS * mss;
    set_rate(c);
}

static void cubic_set_mss(union skt_cc_state *s, size_t mss)
{
    s->cubic.mss = mss;
    if (s->cubic.out.cwnd < min_cwnd(&s->cubic))
        s->cubic.out.cwnd = min_cwnd(&s->cubic);
}

static void cubic_on_sent(union skt_cc_state *s, skt_us now, size_t bytes, size_t inflight)
{
    (void)s;
    (void)now;
    (void)bytes;
    (void)inflight;
}

/* What is_random goes by: this round and the last. */
static void count_round(struct skt_cc_cubic *c, const struct skt_cc_ack *a)
{
    if (a->rtt)
        c->rtt = a->rtt;
    if (a->prior_delivered >= c->count_end) {
        c->count_end = a->delivered;
        c->lost[1] = c->lost[0];
        c->acked[1] = c->acked[0];
        c->lost[0] = c->acked[0] = 0;
    }
    c->acked[0] += a->acked;
}

static void cubic_on_acked(union skt_cc_state *s, const struct skt_cc_ack *a)
{
    struct skt_cc_cubic *c = &s->cubic;
    c->srtt = a->srtt;
    c->min_rtt = a->min_rtt;
    count_round(c, a);
    bool recovering = c->recovery_at && a->sent_at <= c->recovery_at;
    if (!recovering && !a->app_limited) {
        if (c->out.cwnd < c->ssthresh) {
            c->out.cwnd += a->acked;
            watch_delay(c, a);
        } else {
            avoid(c, a);
        }
    }
    set_rate(c);
}

/* Few losses, and no queue that a full buffer would have dropped from: chance. Then to send less helps
 * nobody.
 */
static bool is_random(const struct skt_cc_cubic *c)
{
    bool queue = c->rtt == 0 || c->rtt > c->min_rtt + skt_us_max(QUEUE_MIN, c->min_rtt / QUEUE_PART);
    uint64_t lost = c->lost[0] + c->lost[1], acked = c->acked[0] + c->acked[1];
    return !queue && (lost <= RANDOM_PACKETS * c->mss || lost * RANDOM_PART <= acked);
}

static void reduce(struct skt_cc_cubic *c, skt_us now)
{
    c->undo.cwnd = c->out.cwnd;
    c->undo.ssthresh = c->ssthresh;
    c->undo.w_max = c->w_max;
    c->undo.left = 0;
    c->undo.undone = c->undo.mended = false;
    /* 4.7, fast convergence: a flow that shrinks leaves room for others. */
    c->w_max = c->out.cwnd < c->w_max ? percent_of(c->out.cwnd, (100 + BETA_PERCENT) / 2) : c->out.cwnd;
    c->out.cwnd = percent_of(c->out.cwnd, BETA_PERCENT);
    if (c->out.cwnd < min_cwnd(c))
        c->out.cwnd = min_cwnd(c);
    c->ssthresh = c->out.cwnd;
    c->epoch_at = 0;
    c->recovery_at = now;
}

static void cubic_on_lost(union skt_cc_state *s, const struct skt_cc_loss *l)
{
    struct skt_cc_cubic *c = &s->cubic;
    c->lost[0] += l->bytes;
    if (is_random(c))
        return;
    if (c->recovery_at == 0 || l->sent_at > c->recovery_at) {
        reduce(c, l->now);
        set_rate(c);
    }
    c->undo.left += l->bytes;
}

/* As a loss, once a round trip. One that was noticed before it was mended is the same event, but must not be
 * taken back as a mere delay, as its late acknowledgement suggests; where it was, this counts. */
static void cubic_on_mended(union skt_cc_state *s, skt_us now)
{
    struct skt_cc_cubic *c = &s->cubic;
    if (c->recovery_at == 0 || c->undo.undone || now - c->recovery_at > c->srtt) {
        reduce(c, now);
        set_rate(c);
    }
    c->undo.mended = true;
}

static void cubic_on_spurious(union skt_cc_state *s, skt_us now, size_t bytes)
{
    struct skt_cc_cubic *c = &s->cubic;
    (void)now;
    if (c->undo.left == 0 || c->undo.mended)
        return;
    c->undo.left -= c->undo.left < bytes ? c->undo.left : bytes;
    if (c->undo.left > 0)
        return;
    c->undo.undone = true;
    if (c->out.cwnd < c->undo.cwnd)
        c->out.cwnd = c->undo.cwnd;
    c->ssthresh = c->undo.ssthresh;
    c->w_max = c->undo.w_max;
    c->epoch_at = 0;
    set_rate(c);
}

static void cubic_on_timeout(union skt_cc_state *s, skt_us now)
{
    struct skt_cc_cubic *c = &s->cubic;
    size_t ssthresh = c->out.cwnd > c->ssthresh ? c->out.cwnd : c->ssthresh;
    bool again = c->recovery_at && c->out.cwnd == min_cwnd(c);
    reduce(c, now);
    /* The first of a row remembers what slow start may grow back to. */
    if (again && ssthresh != SIZE_MAX)
        c->ssthresh = ssthresh;
    c->out.cwnd = min_cwnd(c);
    set_rate(c);
}

static void cubic_on_rtt(union skt_cc_state *s, skt_us now, skt_us rtt)
{
    (void)now;
    if (s->cubic.srtt == 0)
        s->cubic.srtt = rtt;
    set_rate(&s->cubic);
}

static const char *cubic_phase(const union skt_cc_state *s)
{
    return s->cubic.out.cwnd < s->cubic.ssthresh ? "slow_start" : "avoidance";
}

const struct skt_cc skt_cc_normal = {
    .name = "normal",
    .init = cubic_init,
    .set_mss = cubic_set_mss,
    .on_sent = cubic_on_sent,
    .on_acked = cubic_on_acked,
    .on_lost = cubic_on_lost,
    .on_mended = cubic_on_mended,
    .on_spurious = cubic_on_spurious,
    .on_timeout = cubic_on_timeout,
    .on_rtt = cubic_on_rtt,
    .phase = cubic_phase,
};
