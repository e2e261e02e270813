/* SPDX-License-Identifier: MIT */
/* Conversations over simulated links: whatever the link does, everything arrives once and in order, and as
 * fast as the link allows. SKT_SIM_SEEDS sets how many links are tried (default below). */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/instrumented.h"
#include "sim/pair.h"

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

static struct sim_pair pair;

/* A link with a few of the vices, each in about a third of the cases. */
static void random_link(struct sim_rng *rng, struct sim_link_config *l)
{
    l->delay = sim_rng_range(rng, 0, 120) * MS + sim_rng_below(rng, 1000);
    if (sim_rng_chance(rng, 3300))
        l->loss = (unsigned)sim_rng_range(rng, 1, 2500);
    if (sim_rng_chance(rng, 3300)) {
        l->burst_enter = (unsigned)sim_rng_range(rng, 10, 300);
        l->burst_leave = (unsigned)sim_rng_range(rng, 500, 5000);
        l->burst_loss = (unsigned)sim_rng_range(rng, 3000, 10000);
    }
    if (sim_rng_chance(rng, 3300))
        l->jitter = sim_rng_range(rng, 0, 60) * MS;
    if (sim_rng_chance(rng, 3300)) {
        l->reorder = (unsigned)sim_rng_range(rng, 1, 3000);
        l->reorder_delay = sim_rng_range(rng, 1, 100) * MS;
    }
    if (sim_rng_chance(rng, 3300))
        l->duplicate = (unsigned)sim_rng_range(rng, 1, 3000);
    if (sim_rng_chance(rng, 5000)) {
        l->rate = sim_rng_range(rng, 20, 5000) * 1000;
        l->buffer = (size_t)(l->rate / 1000 * sim_rng_range(rng, 10, 300)) + 5000;
    }
    if (sim_rng_chance(rng, 1500)) {
        l->outage_at = SEC + sim_rng_range(rng, 0, 1000) * MS;
        l->outage_len = sim_rng_range(rng, 100, 5000) * MS;
    }
}

static void random_flows(struct sim_rng *rng, struct sim_pair *s)
{
    for (uint64_t n = sim_rng_range(rng, 1, 4); n > 0; n--) {
        if (sim_rng_chance(rng, 5000)) {
            sim_pair_add(s, true, sim_rng_below(rng, 60000), sim_rng_below(rng, 60000),
                         (size_t)sim_rng_range(rng, 1, 5000));
        } else {
            size_t longest = sim_rng_chance(rng, 1000) ? 100000 : 3000;
            sim_pair_add(s, false, sim_rng_below(rng, 20), sim_rng_below(rng, 20),
                         (size_t)sim_rng_range(rng, 1, longest));
        }
    }
    if (sim_rng_chance(rng, 2000))
        s->host[sim_rng_below(rng, 2)].flows[0].read_rate = sim_rng_range(rng, 20000, 200000);
}

static void random_pair(uint64_t seed)
{
    struct sim_rng rng = sim_rng_of(seed);
    struct sim_pair_config c;
    sim_pair_defaults(&c);
    c.seed = seed;
    random_link(&rng, &c.link[0]);
    random_link(&rng, &c.link[1]);
    if (sim_rng_chance(&rng, 3000))
        c.cc = &skt_cc_normal;
    if (sim_rng_chance(&rng, 3000))
        c.timer_grain = 0;
    if (sim_rng_chance(&rng, 5000)) {
        c.first_sn = UINT32_MAX - (uint32_t)sim_rng_below(&rng, 60);
        c.ts_base = UINT32_MAX - (uint32_t)((SEC + sim_rng_below(&rng, 2 * SEC)) / SKT_KCP_TICK_US);
    }
    if (sim_rng_chance(&rng, 2000)) {
        c.budget = (size_t)sim_rng_range(&rng, 200, 400) * SKT_KCP_BLOCK_LEN;
        c.limits.rcv_wnd_max = 256;
    }
    c.payload_limit = (size_t)sim_rng_range(&rng, 1075, 1447);
    sim_pair_init(&pair, &c);
    random_flows(&rng, &pair);
}

static void test_everything_arrives(void **state)
{
    (void)state;
    uint64_t n = sim_seeds(2000, 600);
    for (uint64_t seed = 1; seed <= n; seed++) {
        random_pair(seed);
        sim_pair_run(&pair, 1200 * SEC);
        if (pair.failure || !sim_pair_done(&pair))
            print_error("seed %llu at %llu us: %s\n", (unsigned long long)seed, (unsigned long long)pair.now,
                        pair.failure ? pair.failure : "not done");
        assert_null(pair.failure);
        assert_true(sim_pair_done(&pair));
        for (int i = 0; i < 2; i++) {
            assert_int_equal(pair.host[i].malformed, 0);
            assert_int_equal(pair.host[i].path.inflight_bytes, 0);
            if (pair.config.budget)
                check_that(pair.host[i].pool_peak, <=, pair.host[i].pool.budget);
        }
        sim_pair_dispose(&pair);
    }
}

struct goodput_case {
    unsigned mbit, rtt_ms, loss; /* loss each way in ten-thousandths */
    unsigned seconds;
    unsigned least; /* percent of what the link lets through of payload, mean from cold; 0: not asserted */
    bool normal;
};

static void link_of(const struct goodput_case *g, struct sim_pair_config *c)
{
    for (int i = 0; i < 2; i++) {
        c->link[i].rate = g->mbit * UINT64_C(125000);
        c->link[i].buffer = (size_t)(c->link[i].rate / 10); /* 100 ms */
        c->link[i].delay = g->rtt_ms * MS / 2;
        c->link[i].loss = g->loss;
    }
}

/* Payload that the link can carry, bytes/s: rate less headers, less what is lost behind the bottleneck. */
static double limit_of(const struct goodput_case *g, const struct sim_pair_config *c)
{
    double mss = (double)c->payload_limit - SKT_KCP_HEADER_LEN;
    double packet = (double)c->payload_limit + (double)c->overhead + SIM_IP_OVERHEAD;
    return g->mbit * 125000.0 * mss / packet * (1 - g->loss / 10000.0);
}

static void run_goodput(const struct goodput_case *g)
{
    struct sim_pair_config c;
    sim_pair_defaults(&c);
    c.cc = g->normal ? &skt_cc_normal : &skt_cc_turbo;
    link_of(g, &c);
    sim_pair_init(&pair, &c);
    sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    sim_pair_run(&pair, (1 + g->seconds) * SEC);
    assert_null(pair.failure);
    double got = (double)pair.host[1].received / g->seconds, limit = limit_of(g, &c);
    const struct sim_link_stats *stats = &pair.host[0].out.stats;
    print_message(
        "%s, %u Mbit/s, RTT %u ms, loss %.2f %%, %u s: %.1f Mbit/s, %.0f %% of %.1f; wire/payload %.3f\n",
        c.cc->name, g->mbit, g->rtt_ms, g->loss / 100.0, g->seconds, got * 8e-6, 100 * got / limit,
        limit * 8e-6, (double)stats->sent_bytes / (double)pair.host[1].received);
    check_that(got * 100, >=, limit * g->least);
    sim_pair_dispose(&pair);
}

static void test_goodput(void **state)
{
    (void)state;
    static const struct goodput_case cases[] = {
        {100, 40, 0, 5, 95, false},    {100, 40, 100, 5, 94, false},   {100, 40, 200, 5, 93, false},
        {100, 160, 0, 10, 92, false},  {100, 160, 100, 10, 88, false}, {100, 160, 200, 10, 87, false},
        {10, 40, 2000, 10, 90, false}, {1000, 1, 0, 2, 95, false},     {3000, 1, 0, 1, 93, false},
        {100, 40, 0, 5, 94, true},     {20, 160, 0, 10, 88, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run_goodput(&cases[i]);
}

/* A rate set by hand is kept to, and reached. */
static void test_max_rate(void **state)
{
    (void)state;
    struct sim_pair_config c;
    struct goodput_case g = {.mbit = 100, .rtt_ms = 40, .loss = 100};
    sim_pair_defaults(&c);
    link_of(&g, &c);
    sim_pair_init(&pair, &c);
    const struct skt_tuning tuning = {.overhead_cap_permille = SKT_OVERHEAD_CAP, .max_rate = 2500000};
    skt_path_set_tuning(&pair.host[0].path, pair.now, &tuning);
    sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    sim_pair_run(&pair, 6 * SEC);
    assert_null(pair.failure);
    assert_in_range(pair.host[0].out.stats.sent_bytes, 5 * 2500000 * UINT64_C(93) / 100,
                    5 * 2500000 * UINT64_C(104) / 100);
    sim_pair_dispose(&pair);
}

/* 5 s without a packet in the middle of a transfer: it goes on within two seconds of the link's return. */
static void test_outage(void **state)
{
    (void)state;
    struct sim_pair_config c;
    struct goodput_case g = {.mbit = 50, .rtt_ms = 60, .loss = 50};
    sim_pair_defaults(&c);
    link_of(&g, &c);
    for (int i = 0; i < 2; i++) {
        c.link[i].outage_at = 4 * SEC;
        c.link[i].outage_len = 5 * SEC;
    }
    sim_pair_init(&pair, &c);
    sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    sim_pair_run(&pair, 9 * SEC);
    uint64_t at_return = pair.host[1].received, sent = pair.host[0].out.stats.sent;
    sim_pair_run(&pair, 11500 * MS);
    uint64_t before = pair.host[1].received;
    check_that(before, >, at_return);
    sim_pair_run(&pair, 13500 * MS);
    assert_null(pair.failure);
    double rate = (double)(pair.host[1].received - before) * 8e-6 / 2;
    print_message("after an outage: %.1f Mbit/s\n", rate);
    check_that(rate, >, 35);
    check_that(sent, <, 40000);
    sim_pair_dispose(&pair);
}

/* A slow reader: its sender is held back, nobody keeps more than the window. */
static void test_slow_reader(void **state)
{
    (void)state;
    struct sim_pair_config c;
    struct goodput_case g = {.mbit = 100, .rtt_ms = 20};
    sim_pair_defaults(&c);
    c.limits.rcv_wnd_max = 512;
    link_of(&g, &c);
    sim_pair_init(&pair, &c);
    sim_pair_add(&pair, true, 5000000, 0, 1 << 20);
    pair.host[1].flows[0].read_rate = 500000;
    sim_pair_run(&pair, 30 * SEC);
    assert_null(pair.failure);
    assert_true(sim_pair_done(&pair));
    check_that(pair.now, <, 12 * SEC);
    check_that(pair.host[1].pool_peak, <=, (size_t)520 * SKT_KCP_BLOCK_LEN);
    check_that(pair.host[0].path.stats.retransmitted, <, 20);
    sim_pair_dispose(&pair);
}

/* Readers that stand still, together good for more memory than there is, do not take the last of it from one
 * that reads; once they read everything arrives. */
static void test_readers_that_stand_still_leave_some_memory(void **state)
{
    (void)state;
    enum { STILL = 16 };
    struct sim_pair_config c;
    struct goodput_case g = {.mbit = 100, .rtt_ms = 20};
    for (int messages = 0; messages <= 1; messages++) {
        sim_pair_defaults(&c);
        c.budget = (size_t)400 * SKT_KCP_BLOCK_LEN;
        c.limits.rcv_wnd_max = 512;
        link_of(&g, &c);
        sim_pair_init(&pair, &c);
        for (int i = 0; i < STILL; i++) {
            sim_pair_add(&pair, !messages, messages ? 100 : 500000, 0, 10000);
            pair.host[1].flows[i].read_rate = 1;
        }
        sim_pair_run(&pair, pair.now + 5 * SEC);
        sim_pair_add(&pair, true, 50000, 0, 10000);
        sim_pair_run(&pair, pair.now + 10 * SEC);
        print_message("beside readers that stand still: %llu bytes in 10 s, %llu segments sent again\n",
                      (unsigned long long)pair.host[1].flows[STILL].received,
                      (unsigned long long)pair.host[0].path.stats.retransmitted);
        assert_int_equal(pair.host[1].flows[STILL].received, 50000);
        for (int i = 0; i < STILL; i++)
            pair.host[1].flows[i].read_rate = 0;
        sim_pair_run(&pair, pair.now + 30 * SEC);
        assert_null(pair.failure);
        assert_true(sim_pair_done(&pair));
        check_that(pair.host[1].pool_peak, <=, c.budget);
        sim_pair_dispose(&pair);
    }
}

/* Several flows share a path and none starves. */
static void test_fair_shares(void **state)
{
    (void)state;
    struct sim_pair_config c;
    struct goodput_case g = {.mbit = 40, .rtt_ms = 30, .loss = 100};
    sim_pair_defaults(&c);
    link_of(&g, &c);
    sim_pair_init(&pair, &c);
    for (int i = 0; i < 8; i++)
        sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    sim_pair_run(&pair, 6 * SEC);
    assert_null(pair.failure);
    uint64_t most = 0, least = UINT64_MAX;
    for (int i = 0; i < 8; i++) {
        uint64_t got = pair.host[1].flows[i].received;
        most = got > most ? got : most;
        least = got < least ? got : least;
    }
    check_that(least * 10, >, most * 8);
    sim_pair_dispose(&pair);
}

/* Thin flow under loss: how long a request of one segment takes to be acknowledged, by the sender's timers.
 */
static void test_thin_flow(void **state)
{
    (void)state;
    struct sim_pair_config c;
    sim_pair_defaults(&c);
    for (int i = 0; i < 2; i++) {
        c.link[i].delay = 80 * MS;
        c.link[i].jitter = 3 * MS;
        c.link[i].loss = 240;
    }
    sim_pair_init(&pair, &c);
    sim_pair_add(&pair, false, 0, 0, 64);
    skt_us total = 0, longest = 0;
    enum { REQUESTS = 500 };
    for (int i = 0; i < REQUESTS; i++) {
        skt_us start = pair.now;
        pair.host[0].flows[0].to_send++;
        pair.host[1].flows[0].to_receive++;
        sim_pair_run(&pair, start + 20 * SEC);
        assert_true(sim_pair_done(&pair));
        skt_us took = pair.now - start;
        total += took;
        longest = took > longest ? took : longest;
    }
    assert_null(pair.failure);
    print_message("thin flow, RTT 160 to 166 ms, 2.4 %% loss each way: mean %.1f ms, longest %.0f ms\n",
                  (double)total / REQUESTS / 1000, (double)longest / 1000);
    check_that(total / REQUESTS, <, 190 * MS);
    check_that(longest, <, 2 * SEC);
    sim_pair_dispose(&pair);
}

CHECK_GROUP(kcp_sim)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_arrives),
        cmocka_unit_test(test_goodput),
        cmocka_unit_test(test_max_rate),
        cmocka_unit_test(test_outage),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_fair_shares),
        cmocka_unit_test(test_readers_that_stand_still_leave_some_memory),
        cmocka_unit_test(test_thin_flow),
    };
    return cmocka_run_group_tests_name("kcp_sim", tests, NULL, NULL);
}
