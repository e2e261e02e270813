/* SPDX-License-Identifier: MIT */
/* Congestion control over links that change and misbehave: goodput, delay and waste of each scenario against
 * what the link allows. SKT_SIM_SEEDS sets how many seeds each is run with, SKT_SIM_FIRST the first of them.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <stdlib.h>
#include <string.h>

#include "sim/instrumented.h"
#include "sim/pair.h"

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

enum { STEPS_MAX = 8, THIN_MAX = 400, THIN_PERIOD_MS = 50, SHARING_SEEDS = 4, SEEDS_ENOUGH = 50 };

static struct sim_pair pair;

/* The link from some time on. */
struct step {
    unsigned at_ms;
    unsigned kbit, rtt_ms, loss; /* loss in ten-thousandths; of both directions where nothing else is said */
    unsigned kbit_back;          /* 0: as forth */
    unsigned loss_back;
    bool outage; /* nothing passes */
};

/* Every seed varies rate, round trip and times by up to a tenth. */
struct scenario {
    const char *name;
    struct step steps[STEPS_MAX]; /* ends with the last that has a rate */
    unsigned ms;                  /* length */
    unsigned buffer_ms;           /* of the first step's rate */
    unsigned jitter_ms;
    unsigned reorder, reorder_ms;
    unsigned from_ms; /* goodput and delay count from here */
    /* What every seed must reach, and the mean of all of them. */
    struct bounds {
        int least;  /* percent of the payload that the link lets through in that time */
        int wasted; /* percent of bytes sent beyond what losses explain, at most */
        int delay;  /* mean extra round trip of a thin flow beside it, ms, at most */
    } each, mean;
};

struct result {
    double goodput, wasted, delay; /* as in struct bounds */
};

static unsigned from_env(const char *name, unsigned otherwise)
{
    const char *s = getenv(name);
    return s && *s ? (unsigned)strtoul(s, NULL, 10) : otherwise;
}

static unsigned vary(struct sim_rng *rng, unsigned value)
{
    return (unsigned)(value * sim_rng_range(rng, 900, 1100) / 1000);
}

static struct scenario varied(const struct scenario *c, uint64_t seed)
{
    struct scenario v = *c;
    struct sim_rng rng = sim_rng_of(seed + 1000000);
    uint64_t rate = sim_rng_range(&rng, 900, 1100), rtt = sim_rng_range(&rng, 900, 1100);
    for (struct step *s = v.steps; s->kbit; s++) {
        s->kbit = (unsigned)(s->kbit * rate / 1000);
        s->kbit_back = (unsigned)(s->kbit_back * rate / 1000);
        s->rtt_ms = (unsigned)(s->rtt_ms * rtt / 1000);
        s->at_ms = vary(&rng, s->at_ms);
    }
    return v;
}

static void set_link(struct sim_link *l, const struct scenario *c, unsigned kbit, const struct step *s,
                     unsigned loss)
{
    l->config.rate = kbit * UINT64_C(125);
    l->config.delay = s->rtt_ms * MS / 2;
    l->config.loss = s->outage ? 10000 : loss;
    l->config.jitter = c->jitter_ms * MS;
    l->config.reorder = c->reorder;
    l->config.reorder_delay = c->reorder_ms * MS;
    if (l->config.buffer == 0)
        l->config.buffer = (size_t)(l->config.rate / 1000 * c->buffer_ms) + 3000;
}

static void apply(const struct scenario *c, const struct step *s)
{
    set_link(&pair.host[0].out, c, s->kbit, s, s->loss);
    set_link(&pair.host[1].out, c, s->kbit_back ? s->kbit_back : s->kbit, s,
             s->loss_back ? s->loss_back : s->loss);
}

/* Payload bytes that the link lets through between two times. */
static double limit_of(const struct scenario *c, const struct sim_pair_config *config)
{
    double share = ((double)config->payload_limit - SKT_KCP_HEADER_LEN) /
                   ((double)config->payload_limit + (double)config->overhead + SIM_IP_OVERHEAD);
    double bytes = 0;
    for (const struct step *s = c->steps; s->kbit; s++) {
        unsigned end = s[1].kbit ? s[1].at_ms : c->ms, begin = s->at_ms > c->from_ms ? s->at_ms : c->from_ms;
        if (end > begin && !s->outage)
            bytes += (end - begin) * 0.125 * s->kbit * (1 - s->loss / 10000.0) * share;
    }
    return bytes;
}

static const struct step *step_at(const struct scenario *c, double ms)
{
    const struct step *s = c->steps;
    while (s[1].kbit && s[1].at_ms <= ms)
        s++;
    return s;
}

/* Mean extra round trip in ms of the thin flow's requests from from_ms on, over the link's own; without those
 * that an outage or its end meet. */
static double delay_of(const struct scenario *c, skt_us start, const skt_us *read_at, size_t n)
{
    double sum = 0;
    unsigned count = 0;
    for (size_t i = 0; i < n; i++) {
        double sent_ms = (double)i * THIN_PERIOD_MS;
        const struct step *s = step_at(c, sent_ms), *then = step_at(c, sent_ms + s->rtt_ms);
        if (sent_ms < c->from_ms || read_at[i] == 0 || s->outage || then != s)
            continue;
        sum += (double)(read_at[i] - start) / 1000 - sent_ms - s->rtt_ms - c->jitter_ms;
        count++;
    }
    return count ? sum / count : 0;
}

/* Goes through the steps; returns what had arrived at from_ms. */
static uint64_t run_steps(const struct scenario *c, skt_us start)
{
    uint64_t before = 0;
    bool counted = false;
    for (const struct step *s = c->steps; s->kbit; s++) {
        apply(c, s);
        unsigned end = s[1].kbit ? s[1].at_ms : c->ms;
        if (!counted && c->from_ms <= end) {
            sim_pair_run(&pair, start + c->from_ms * MS);
            before = pair.host[1].received;
            counted = true;
        }
        sim_pair_run(&pair, start + end * MS);
    }
    return before;
}

static struct result run(const struct scenario *c, uint64_t seed)
{
    struct sim_pair_config config;
    static skt_us read_at[THIN_MAX];
    sim_pair_defaults(&config);
    config.seed = seed;
    sim_pair_init(&pair, &config);
    memset(read_at, 0, sizeof read_at);
    skt_us start = pair.now;
    apply(c, &c->steps[0]);
    sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    size_t thin = c->ms / THIN_PERIOD_MS;
    sim_pair_add_requests(&pair, 64, start, THIN_PERIOD_MS * MS, thin, read_at);
    uint64_t before = run_steps(c, start);
    if (pair.failure)
        print_error("%s, seed %llu: %s\n", c->name, (unsigned long long)seed, pair.failure);
    assert_null(pair.failure);
    const struct sim_link_stats *st = &pair.host[0].out.stats;
    const struct skt_path_stats *ps = &pair.host[0].path.stats;
    /* What a perfect sender would have sent again: what was lost on the way, not what a buffer dropped. */
    double again = (double)(ps->retransmitted + ps->duplicated), needed = (double)st->lost;
    struct result r = {
        .goodput = 100 * (double)(pair.host[1].received - before) / limit_of(c, &config),
        .wasted = 100 * (again - needed) / (double)st->sent,
        .delay = delay_of(c, start, read_at, thin),
    };
    sim_pair_dispose(&pair);
    return r;
}

static bool within(const struct result *r, const struct bounds *b)
{
    return r->goodput >= b->least && r->wasted <= b->wasted && r->delay <= b->delay;
}

static void run_seeds(const struct scenario *c, uint64_t first, unsigned seeds)
{
    struct result mean = {0}, worst = {.goodput = 1e9, .wasted = -1e9, .delay = -1e9};
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct scenario v = varied(c, seed);
        struct result r = run(&v, seed);
        if (!within(&r, &c->each))
            print_error("%s, seed %llu: %.1f %%, wasted %.1f %%, delay +%.1f ms\n", c->name,
                        (unsigned long long)seed, r.goodput, r.wasted, r.delay);
        assert_true(within(&r, &c->each));
        mean.goodput += r.goodput / seeds;
        mean.wasted += r.wasted / seeds;
        mean.delay += r.delay / seeds;
        worst.goodput = r.goodput < worst.goodput ? r.goodput : worst.goodput;
        worst.wasted = r.wasted > worst.wasted ? r.wasted : worst.wasted;
        worst.delay = r.delay > worst.delay ? r.delay : worst.delay;
    }
    print_message("%-26s %5.1f %% of the limit (least %5.1f), wasted %4.1f %% (most %4.1f), delay %+6.1f ms "
                  "(most %+6.1f)\n",
                  c->name, mean.goodput, worst.goodput, mean.wasted, worst.wasted, mean.delay, worst.delay);
    struct bounds bounds = c->mean;
    if (seeds < SEEDS_ENOUGH)
        bounds.least -= 2; /* a mean of ten is that far from that of a hundred */
    assert_true(within(&mean, &bounds));
}

static const struct scenario scenarios[] = {
    {.name = "cold, 1 % loss",
     .steps = {{0, 20000, 160, 100, 0, 0, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .from_ms = 1200,
     .each = {89, 14, 45}, /* 4 of 1,400 seeds waste 7.6 to 11 % since a varying rate is followed */
     .mean = {98, 3, 16}},
    {.name = "RTT 50, 300, 50 ms",
     .steps = {{0, 20000, 50, 0, 0, 0, false},
               {3000, 20000, 300, 0, 0, 0, false},
               {7000, 20000, 50, 0, 0, 0, false}},
     .ms = 11000,
     .buffer_ms = 100,
     .from_ms = 1000,
     .each = {80, 25, 65},
     .mean = {87, 10, 32}},
    {.name = "rate 100, 5, 100 Mbit/s",
     .steps = {{0, 100000, 50, 0, 0, 0, false},
               {2000, 5000, 50, 0, 0, 0, false},
               {5000, 100000, 50, 0, 0, 0, false}},
     .ms = 9000,
     .buffer_ms = 20,
     .from_ms = 500,
     .each = {60, 14,
              200}, /* the least of 1,400 seeds is 67.2 %; above 74 before a varying rate was followed */
     .mean = {83, 7, 110}},
    {.name = "outages of 2 s",
     .steps = {{0, 20000, 80, 0, 0, 0, false},
               {2000, 20000, 80, 0, 0, 0, true},
               {4000, 20000, 80, 0, 0, 0, false},
               {6000, 20000, 80, 0, 0, 0, true},
               {8000, 20000, 80, 0, 0, 0, false}},
     .ms = 10000,
     .buffer_ms = 100,
     .from_ms = 1000,
     .each = {81, 10, 130},
     .mean = {91, 5, 35}},
    {.name = "30 % loss",
     .steps = {{0, 10000, 80, 3000, 0, 0, false}},
     .ms = 8000,
     .buffer_ms = 100,
     .from_ms = 2000,
     .each = {76, 14, 80}, /* delay: 76.5 ms with one of 2,000 seeds (1284), below 65 with all others */
     .mean = {87, 9, 28}},
    {.name = "loss 5 % forth, 20 % back",
     .steps = {{0, 20000, 80, 500, 0, 2000, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .from_ms = 1500,
     .each = {87, 18, 65},
     .mean = {97, 5, 20}},
    {.name = "ACK path of 300 kbit/s",
     .steps = {{0, 20000, 60, 0, 300, 0, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .from_ms = 1500,
     .each = {95, 3, 55},
     .mean = {99, 1, 30}},
    {.name = "100 over 300 kbit/s, 1 %",
     .steps = {{0, 100000, 60, 100, 300, 0, false}},
     .ms = 4000,
     .buffer_ms = 100,
     .from_ms = 1500,
     .each = {88, 5, 90},
     .mean = {97, 2, 40}},
    {.name = "1 s of buffer",
     .steps = {{0, 20000, 60, 0, 0, 0, false}},
     .ms = 8000,
     .buffer_ms = 1000,
     .from_ms = 2000,
     .each = {98, 1, 8},
     .mean = {99, 1, 6}},
    {.name = "5 % are 10 ms late",
     .steps = {{0, 20000, 40, 0, 0, 0, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .reorder = 500,
     .reorder_ms = 10,
     .from_ms = 1000,
     .each = {97, 3, 35},
     .mean = {99, 1, 15}},
    {.name = "jitter of 10 ms",
     .steps = {{0, 20000, 60, 100, 0, 0, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .jitter_ms = 10,
     .from_ms = 1000,
     .each = {90, 12, 80},
     .mean = {98, 4, 44}},
};

static void test_scenarios(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        run_seeds(&scenarios[i], from_env("SKT_SIM_FIRST", 1), sim_seeds(100, 10));
}

/* --- sharing a bottleneck with TCP --- */

struct sharing {
    const char *name;
    const struct skt_cc *cc;
    enum sim_rival_kind rival;
    /* Percent of what both got: of the mean over the seeds; for a single seed 5 less of turbo, 20 of normal,
     * as two CUBIC flows take long to even out. */
    unsigned least_ours, least_theirs, single_less;
};

/* 50 Mbit/s, 40 ms and a little more for each seed, one bandwidth-delay product of buffer, mean of 60 s. */
static double run_sharing(const struct sharing *sh, uint64_t seed)
{
    struct sim_pair_config config;
    sim_pair_defaults(&config);
    config.cc = sh->cc;
    config.rival = sh->rival;
    for (int i = 0; i < 2; i++)
        config.link[i] =
            (struct sim_link_config){.rate = 6250000, .buffer = 250000, .delay = 20 * MS + seed % 50 * 97};
    sim_pair_init(&pair, &config);
    skt_us start = pair.now;
    sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    sim_pair_run(&pair, start + 60 * SEC);
    assert_null(pair.failure);
    double ours = (double)pair.host[1].received, theirs = (double)pair.rival.received * SIM_RIVAL_LEN;
    double share = 100 * ours / (ours + theirs);
    print_message("%s, seed %llu: ours %.1f, theirs %.1f Mbit/s, our share %.0f %%\n", sh->name,
                  (unsigned long long)seed, ours * 8e-6 / 60, theirs * 8e-6 / 60, share);
    check_that(ours + theirs, >, 0.85 * 60 * 6250000);
    check_that(share, >=, sh->least_ours - sh->single_less);
    check_that(100 - share, >=, sh->least_theirs - sh->single_less);
    sim_pair_dispose(&pair);
    return share;
}

static void test_sharing(void **state)
{
    (void)state;
    static const struct sharing cases[] = {
        {"turbo beside CUBIC", &skt_cc_turbo, SIM_RIVAL_CUBIC, 25, 25, 5},
        {"turbo beside BBR", &skt_cc_turbo, SIM_RIVAL_BBR, 25, 25, 5},
        {"normal beside CUBIC", &skt_cc_normal, SIM_RIVAL_CUBIC, 25, 45, 20},
    };
    uint64_t first = from_env("SKT_SIM_FIRST", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double mean = 0;
        for (uint64_t seed = first; seed < first + SHARING_SEEDS; seed++)
            mean += run_sharing(&cases[i], seed) / SHARING_SEEDS;
        check_that(mean, >=, cases[i].least_ours);
        check_that(100 - mean, >=, cases[i].least_theirs);
    }
}

CHECK_GROUP(cc_sim)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenarios),
        cmocka_unit_test(test_sharing),
    };
    return cmocka_run_group_tests_name("cc_sim", tests, NULL, NULL);
}
