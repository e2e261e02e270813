/* SPDX-License-Identifier: MIT */
/* The controllers alone: what they do upon a clear event. How they do over a link is in test_kcp_sim.c. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/cc/cc.h"
#include "sim/rng.h"

enum { MSS = 1400 };

#define MS SKT_US_PER_MS

static void test_filter(void **state)
{
    (void)state;
    /* Against the plain maximum of a window: never more than it, never less than its newer three quarters
     * have. */
    struct sim_rng rng = sim_rng_of(3);
    struct skt_maxfilter f = {0};
    uint64_t values[2000];
    for (uint64_t at = 0; at < 2000; at++) {
        values[at] = sim_rng_below(&rng, 1000);
        uint64_t got = skt_maxfilter_add(&f, 10, at, values[at]), most = 0, recent = 0;
        assert_int_equal(got, skt_maxfilter_get(&f));
        for (uint64_t i = at > 10 ? at - 10 : 0; i <= at; i++)
            most = values[i] > most ? values[i] : most;
        for (uint64_t i = at > 1 ? at - 1 : 0; i <= at; i++)
            recent = values[i] > recent ? values[i] : recent;
        check_that(got, <=, most);
        check_that(got, >=, recent);
    }
}

static void test_initial_rate(void **state)
{
    (void)state;
    union skt_cc_state s;
    skt_cc_turbo.init(&s, 0, MSS);
    assert_int_equal(s.out.cwnd, SKT_CC_INITIAL_PACKETS * MSS);
    assert_in_range(s.out.pacing_rate, 32 * MSS * 20 * 4, 32 * MSS * 20 * 10); /* in an eighth of 50 ms */
    skt_cc_turbo.on_rtt(&s, 0, 200 * MS);
    assert_in_range(s.out.pacing_rate, 32 * MSS * 5 * 4, 32 * MSS * 5 * 10);
    skt_cc_normal.init(&s, 0, MSS);
    assert_int_equal(s.out.cwnd, 10 * MSS);
    assert_in_range(s.out.pacing_rate, 10 * MSS * 20, 10 * MSS * 20 * 3);
    skt_cc_normal.on_rtt(&s, 0, 200 * MS);
    assert_in_range(s.out.pacing_rate, 10 * MSS * 5, 10 * MSS * 5 * 3);
}

/* A path of `rate` bytes/s and 50 ms fed with acknowledgements of whole datagrams for some rounds. */
static skt_us feed(const struct skt_cc *cc, union skt_cc_state *s, skt_us now, uint64_t rate, skt_us rtt,
                   int rounds)
{
    static uint64_t delivered;
    for (int round = 0; round < rounds; round++) {
        uint64_t before = delivered, window = s->out.cwnd, bdp = rate * rtt / SKT_US_PER_SEC;
        if (window > bdp)
            window = bdp;
        for (uint64_t left = window; left >= MSS; left -= MSS) {
            now += rtt * MSS / window;
            delivered += MSS;
            struct skt_cc_ack a = {.now = now,
                                   .acked = MSS,
                                   .inflight = (size_t)window,
                                   .delivered = delivered,
                                   .prior_delivered = before,
                                   .rate = window * SKT_US_PER_SEC / rtt,
                                   .sent_at = now - rtt,
                                   .rtt = rtt,
                                   .srtt = rtt,
                                   .min_rtt = rtt};
            cc->on_acked(s, &a);
        }
    }
    return now;
}

static void test_turbo_finds_the_bandwidth(void **state)
{
    (void)state;
    union skt_cc_state s;
    const uint64_t rate = 5000000;
    skt_cc_turbo.init(&s, 0, MSS);
    skt_us now = feed(&skt_cc_turbo, &s, 0, rate, 50 * MS, 30);
    assert_true(s.bbr.startup.filled);
    assert_in_range(skt_maxfilter_get(&s.bbr.bw), rate * 9 / 10, rate);
    assert_in_range(s.out.cwnd, rate / 20 * 18 / 10, rate / 20 * 32 / 10);
    size_t cwnd = s.out.cwnd;
    /* Random loss does not move it. */
    for (int i = 0; i < 100; i++) {
        struct skt_cc_loss l = {now, MSS, cwnd, now - 50 * MS};
        skt_cc_turbo.on_lost(&s, &l);
    }
    assert_int_equal(s.out.cwnd, cwnd);
    /* A timeout does, until something is heard. */
    skt_cc_turbo.on_timeout(&s, now);
    skt_cc_turbo.on_timeout(&s, now);
    assert_int_equal(s.out.cwnd, SKT_CC_MIN_PACKETS * MSS);
    feed(&skt_cc_turbo, &s, now, rate, 50 * MS, 1);
    check_that(s.out.cwnd, >=, cwnd / 2);
}

/* A bandwidth that is gone is forgotten after ten rounds. */
static void test_turbo_follows_the_bandwidth_down(void **state)
{
    (void)state;
    union skt_cc_state s;
    skt_cc_turbo.init(&s, 0, MSS);
    skt_us now = feed(&skt_cc_turbo, &s, 0, 5000000, 50 * MS, 30);
    feed(&skt_cc_turbo, &s, now, 1000000, 50 * MS, 12);
    assert_in_range(skt_maxfilter_get(&s.bbr.bw), 900000, 1000000);
}

static struct skt_cc_loss loss_at(skt_us now, skt_us sent_at)
{
    return (struct skt_cc_loss){now, MSS, 0, sent_at};
}

/* As if the newest round trip had been through a queue: losses are a full buffer's. */
static void see_queue(union skt_cc_state *s)
{
    s->cubic.rtt = 2 * s->cubic.min_rtt;
}

/* Without a queue a few losses are none of the window's, many are. */
static void test_normal_lets_chance_pass(void **state)
{
    (void)state;
    union skt_cc_state s;
    skt_cc_normal.init(&s, 0, MSS);
    skt_us now = feed(&skt_cc_normal, &s, 0, 5000000, 50 * MS, 4);
    size_t before = s.out.cwnd;
    struct skt_cc_loss l = loss_at(now, now - 50 * MS);
    for (int i = 0; i < 3; i++)
        skt_cc_normal.on_lost(&s, &l);
    assert_int_equal(s.out.cwnd, before);
    for (int i = 0; i < 20; i++)
        skt_cc_normal.on_lost(&s, &l);
    assert_in_range(s.out.cwnd, before * 49 / 100, before * 51 / 100);
}

static void test_normal_halves_once_a_round(void **state)
{
    (void)state;
    union skt_cc_state s;
    skt_cc_normal.init(&s, 0, MSS);
    skt_us now = feed(&skt_cc_normal, &s, 0, 5000000, 50 * MS, 4);
    see_queue(&s);
    size_t before = s.out.cwnd;
    check_that(before, >, 2 * SKT_CC_INITIAL_PACKETS * MSS);
    struct skt_cc_loss l = loss_at(now, now - 50 * MS);
    skt_cc_normal.on_lost(&s, &l);
    assert_in_range(s.out.cwnd, before * 49 / 100, before * 51 / 100);
    size_t after = s.out.cwnd;
    l = loss_at(now + 10 * MS, now - 20 * MS); /* sent before the reduction: the same event */
    skt_cc_normal.on_lost(&s, &l);
    assert_int_equal(s.out.cwnd, after);
    l = loss_at(now + 60 * MS, now + 5 * MS);
    skt_cc_normal.on_lost(&s, &l);
    check_that(s.out.cwnd, <, after);
}

static void test_normal_undoes_what_was_no_loss(void **state)
{
    (void)state;
    union skt_cc_state s;
    skt_cc_normal.init(&s, 0, MSS);
    skt_us now = feed(&skt_cc_normal, &s, 0, 5000000, 50 * MS, 4);
    see_queue(&s);
    size_t before = s.out.cwnd;
    for (int i = 0; i < 3; i++) {
        struct skt_cc_loss l = loss_at(now, now - 50 * MS);
        skt_cc_normal.on_lost(&s, &l);
    }
    skt_cc_normal.on_spurious(&s, now, MSS);
    skt_cc_normal.on_spurious(&s, now, MSS);
    check_that(s.out.cwnd, <, before);
    skt_cc_normal.on_spurious(&s, now, MSS);
    assert_int_equal(s.out.cwnd, before);
}

/* Losses that parity mended count as others do, whether they were noticed before, and taken for a delay, or
 * not. */
static void test_normal_heeds_mended_losses(void **state)
{
    (void)state;
    union skt_cc_state s;
    skt_cc_normal.init(&s, 0, MSS);
    skt_us now = feed(&skt_cc_normal, &s, 0, 20000000, 50 * MS, 6);
    see_queue(&s);
    size_t before = s.out.cwnd, reduced = before / 2;
    skt_cc_normal.on_mended(&s, now);
    assert_int_equal(s.out.cwnd, reduced);
    skt_cc_normal.on_mended(&s, now + 20 * MS); /* the same event */
    assert_int_equal(s.out.cwnd, reduced);
    now += 100 * MS;
    before = s.out.cwnd;
    struct skt_cc_loss l = loss_at(now, now - 50 * MS);
    skt_cc_normal.on_lost(&s, &l);
    skt_cc_normal.on_spurious(&s, now + 10 * MS, MSS);
    assert_int_equal(s.out.cwnd, before);
    skt_cc_normal.on_mended(&s, now + 20 * MS);
    assert_int_equal(s.out.cwnd, before / 2);
    now += 200 * MS;
    before = s.out.cwnd;
    l = loss_at(now, now - 50 * MS);
    skt_cc_normal.on_lost(&s, &l);
    skt_cc_normal.on_mended(&s, now + 10 * MS);
    skt_cc_normal.on_spurious(&s, now + 20 * MS, MSS);
    assert_int_equal(s.out.cwnd, before / 2);
    assert_null(skt_cc_turbo.on_mended); /* to which no loss is a sign of congestion */
}

/* After a reduction the window comes back to where it was in about K, then probes beyond. */
static void test_normal_grows_back(void **state)
{
    (void)state;
    union skt_cc_state s;
    const uint64_t rate = 20000000;
    skt_cc_normal.init(&s, 0, MSS);
    skt_us now = feed(&skt_cc_normal, &s, 0, rate, 50 * MS, 5);
    see_queue(&s);
    size_t before = s.out.cwnd;
    struct skt_cc_loss l = loss_at(now, now - 50 * MS);
    skt_cc_normal.on_lost(&s, &l);
    skt_us start = now;
    while (s.out.cwnd < before && now < start + 60 * SKT_US_PER_SEC)
        now = feed(&skt_cc_normal, &s, now, rate, 50 * MS, 1);
    see_queue(&s);
    /* K = cbrt(0.3 * 1024 / 0.4) = 9.2 s for a window of 1024 segments; Reno's share makes it no later. */
    assert_in_range(now - start, 500 * MS, 12 * SKT_US_PER_SEC);
    now = feed(&skt_cc_normal, &s, now, rate, 50 * MS, 200);
    see_queue(&s);
    check_that(s.out.cwnd, >, before);
}

static void test_normal_timeout(void **state)
{
    (void)state;
    union skt_cc_state s;
    skt_cc_normal.init(&s, 0, MSS);
    skt_us now = feed(&skt_cc_normal, &s, 0, 5000000, 50 * MS, 4);
    see_queue(&s);
    size_t before = s.out.cwnd;
    for (int i = 0; i < 5; i++)
        skt_cc_normal.on_timeout(&s, now += SKT_US_PER_SEC);
    assert_in_range(s.out.cwnd, MSS, 4 * MSS);
    feed(&skt_cc_normal, &s, now + MS, 5000000, 50 * MS, 12);
    see_queue(&s);
    check_that(s.out.cwnd, >=, before / 3); /* slow start leads back, not avoidance */
}

/* Bursts that are over within a round trip don't show what the path can carry. */
static void test_turbo_is_not_ended_by_bursts(void **state)
{
    (void)state;
    for (int brief = 0; brief <= 1; brief++) {
        union skt_cc_state s;
        skt_cc_turbo.init(&s, 0, MSS);
        struct skt_cc_ack a = {.acked = 30 * MSS,
                               .brief = brief,
                               .rtt = 160 * MS,
                               .srtt = 160 * MS,
                               .min_rtt = 160 * MS,
                               .rate = 30 * MSS * SKT_US_PER_SEC / (160 * MS)};
        for (int i = 0; i < 10; i++) {
            a.now += 250 * MS;
            a.sent_at = a.now - 160 * MS;
            a.prior_delivered = a.delivered;
            a.delivered += a.acked;
            skt_cc_turbo.on_acked(&s, &a);
        }
        assert_int_equal(s.out.pacing_rate > 4 * a.rate, brief);
    }
}

/* What a lost ACK left unsaid, the next request's says a pause later: that is not how far the bottleneck
 * spread the packets. */
static void test_turbo_is_not_slowed_by_late_news(void **state)
{
    (void)state;
    union skt_cc_state s;
    struct skt_cc_ack a = {.acked = MSS, .app_limited = true, .srtt = 160 * MS, .min_rtt = 160 * MS};
    skt_cc_turbo.init(&s, 0, MSS);
    for (unsigned i = 0; i < 30; i++) { /* sent within 3 ms */
        bool late = i >= 20;
        a.sent_at = i * MS / 10 + 1;
        a.rtt = late ? 0 : 160 * MS;
        a.now = late ? 250 * MS : a.sent_at + a.rtt;
        a.delivered += MSS;
        a.rate = a.delivered * SKT_US_PER_SEC / (160 * MS);
        skt_cc_turbo.on_acked(&s, &a);
    }
    check_that(s.out.pacing_rate, >=,
               32 * MSS * SKT_US_PER_SEC / (20 * MS)); /* as before anything was known */
}

CHECK_GROUP(cc)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_initial_rate),
        cmocka_unit_test(test_turbo_finds_the_bandwidth),
        cmocka_unit_test(test_turbo_follows_the_bandwidth_down),
        cmocka_unit_test(test_turbo_is_not_ended_by_bursts),
        cmocka_unit_test(test_turbo_is_not_slowed_by_late_news),
        cmocka_unit_test(test_normal_lets_chance_pass),
        cmocka_unit_test(test_normal_halves_once_a_round),
        cmocka_unit_test(test_normal_undoes_what_was_no_loss),
        cmocka_unit_test(test_normal_heeds_mended_losses),
        cmocka_unit_test(test_normal_grows_back),
        cmocka_unit_test(test_normal_timeout),
    };
    return cmocka_run_group_tests_name("cc", tests, NULL, NULL);
}
