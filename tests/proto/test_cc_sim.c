/* SPDX-License-Identifier: MIT */
/* Congestion control over links that change and misbehave: goodput, delay and waste of each scenario against
 * what the link allows. SKT_SIM_SEEDS sets how many seeds each is run with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/pair.h"

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

enum { SEEDS = 10, STEPS_MAX = 8, THIN_MAX = 400 };

static struct sim_pair pair;

/* The link from some time on. */
struct step {
    unsigned at_ms;
    unsigned kbit, rtt_ms, loss; /* loss in ten-thousandths; of both directions where nothing else is said */
    unsigned kbit_back;          /* 0: as forth */
    unsigned loss_back;
    bool outage; /* nothing passes */
};

struct scenario {
    const char *name;
    struct step steps[STEPS_MAX]; /* ends with the last that has a rate */
    unsigned ms;                  /* length */
    unsigned buffer_ms;           /* of the first step's rate */
    unsigned jitter_ms;
    unsigned reorder, reorder_ms;
    unsigned from_ms;  /* goodput counts from here */
    unsigned least;    /* percent of the payload that the link lets through in that time */
    unsigned wasted;   /* percent of bytes sent beyond what losses explain, at most */
    unsigned delay_ms; /* mean extra round trip of a thin flow beside it, at most; 0: not asserted */
};

static unsigned seeds(void)
{
    const char *s = getenv("SKT_SIM_SEEDS");
    return s && *s ? (unsigned)strtoul(s, NULL, 10) : SEEDS;
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

/* Mean extra round trip in ms of the thin flow's requests from from_ms on, over the link's own. */
static double delay_of(const struct scenario *c, skt_us start, const skt_us *read_at, size_t n)
{
    double sum = 0;
    unsigned count = 0;
    for (size_t i = 0; i < n; i++) {
        skt_us sent = start + i * 50 * MS;
        if (sent < start + c->from_ms * MS || read_at[i] == 0)
            continue;
        sum += ((double)(read_at[i] - sent) - c->steps[0].rtt_ms * 1000.0 - c->jitter_ms * 1000.0) / 1000;
        count++;
    }
    return count ? sum / count : 0;
}

static void run(const struct scenario *c, uint64_t seed)
{
    struct sim_pair_config config;
    static skt_us read_at[THIN_MAX];
    sim_pair_defaults(&config);
    config.seed = seed;
    sim_pair_init(&pair, &config);
    memset(read_at, 0, sizeof(read_at));
    skt_us start = pair.now;
    apply(c, &c->steps[0]);
    sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    size_t thin = c->delay_ms ? c->ms / 50 : 0;
    if (thin)
        sim_pair_add_requests(&pair, 64, start, 50 * MS, thin, read_at);
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
    assert_null(pair.failure);
    const struct sim_link_stats *st = &pair.host[0].out.stats;
    const struct skt_path_stats *ps = &pair.host[0].path.stats;
    double got = (double)(pair.host[1].received - before), limit = limit_of(c, &config);
    /* What a perfect sender would have sent again: what was lost on the way, not what a buffer dropped. */
    double again = (double)(ps->retransmitted + ps->duplicated), needed = (double)st->lost;
    double wasted = 100 * (again - needed) / (double)st->sent;
    double delay = delay_of(c, start, read_at, thin);
    print_message("%-28s seed %llu: %5.1f %% of %.1f Mbit/s, wasted %.1f %% (dropped %llu, spurious %llu), "
                  "delay +%.1f ms\n",
                  c->name, (unsigned long long)seed, 100 * got / limit, limit * 8e-3 / (c->ms - c->from_ms),
                  wasted, (unsigned long long)st->dropped, (unsigned long long)ps->spurious, delay);
    assert_true(100 * got >= limit * c->least);
    assert_true(wasted <= c->wasted);
    if (c->delay_ms)
        assert_true(delay <= c->delay_ms);
    sim_pair_dispose(&pair);
}

static const struct scenario scenarios[] = {
    {.name = "cold, 1 % loss",
     .steps = {{0, 20000, 160, 100, 0, 0, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .from_ms = 1200,
     .least = 94,
     .wasted = 3,
     .delay_ms = 25},
    {.name = "RTT 50, 300, 50 ms",
     .steps = {{0, 20000, 50, 0, 0, 0, false},
               {3000, 20000, 300, 0, 0, 0, false},
               {7000, 20000, 50, 0, 0, 0, false}},
     .ms = 11000,
     .buffer_ms = 100,
     .from_ms = 1000,
     .least = 84,
     .wasted = 4},
    {.name = "rate 100, 5, 100 Mbit/s",
     .steps = {{0, 100000, 50, 0, 0, 0, false},
               {2000, 5000, 50, 0, 0, 0, false},
               {5000, 100000, 50, 0, 0, 0, false}},
     .ms = 9000,
     .buffer_ms = 20,
     .from_ms = 500,
     .least = 78,
     .wasted = 8},
    {.name = "outages of 2 s",
     .steps = {{0, 20000, 80, 0, 0, 0, false},
               {2000, 20000, 80, 0, 0, 0, true},
               {4000, 20000, 80, 0, 0, 0, false},
               {6000, 20000, 80, 0, 0, 0, true},
               {8000, 20000, 80, 0, 0, 0, false}},
     .ms = 10000,
     .buffer_ms = 100,
     .from_ms = 1000,
     .least = 78,
     .wasted = 3},
    {.name = "30 % loss",
     .steps = {{0, 10000, 80, 3000, 0, 0, false}},
     .ms = 8000,
     .buffer_ms = 100,
     .from_ms = 2000,
     .least = 35,
     .wasted = 14},
    {.name = "loss 5 % forth, 20 % back",
     .steps = {{0, 20000, 80, 500, 0, 2000, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .from_ms = 1500,
     .least = 92,
     .wasted = 2},
    {.name = "ACK path of 300 kbit/s",
     .steps = {{0, 20000, 60, 0, 300, 0, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .from_ms = 1500,
     .least = 95,
     .wasted = 1},
    {.name = "100 over 300 kbit/s, 1 %",
     .steps = {{0, 100000, 60, 100, 300, 0, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .from_ms = 1500,
     .least = 90,
     .wasted = 4},
    {.name = "1 s of buffer",
     .steps = {{0, 20000, 60, 0, 0, 0, false}},
     .ms = 8000,
     .buffer_ms = 1000,
     .from_ms = 2000,
     .least = 96,
     .wasted = 1,
     .delay_ms = 15},
    {.name = "5 % are 10 ms late",
     .steps = {{0, 20000, 40, 0, 0, 0, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .reorder = 500,
     .reorder_ms = 10,
     .from_ms = 1000,
     .least = 97,
     .wasted = 1},
    {.name = "jitter of 10 ms",
     .steps = {{0, 20000, 60, 100, 0, 0, false}},
     .ms = 6000,
     .buffer_ms = 100,
     .jitter_ms = 10,
     .from_ms = 1000,
     .least = 92,
     .wasted = 5},
};

static void test_scenarios(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        for (unsigned seed = 1; seed <= seeds(); seed++)
            run(&scenarios[i], seed);
    }
}

/* --- sharing a bottleneck with TCP --- */

struct sharing {
    const char *name;
    const struct skt_cc *cc;
    enum sim_rival_kind rival;
    unsigned least_ours, least_theirs; /* percent of what both got */
};

/* 50 Mbit/s, 40 ms, one bandwidth-delay product of buffer, mean of 60 s. */
static void run_sharing(const struct sharing *sh)
{
    struct sim_pair_config config;
    sim_pair_defaults(&config);
    config.cc = sh->cc;
    config.rival = sh->rival;
    for (int i = 0; i < 2; i++)
        config.link[i] = (struct sim_link_config){.rate = 6250000, .buffer = 250000, .delay = 20 * MS};
    sim_pair_init(&pair, &config);
    skt_us start = pair.now;
    sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    sim_pair_run(&pair, start + 60 * SEC);
    assert_null(pair.failure);
    double ours = (double)pair.host[1].received, theirs = (double)pair.rival.received * SIM_RIVAL_LEN;
    double share = 100 * ours / (ours + theirs);
    print_message("%s: ours %.1f, theirs %.1f Mbit/s, our share %.0f %%\n", sh->name, ours * 8e-6 / 60,
                  theirs * 8e-6 / 60, share);
    assert_true(ours + theirs > 0.85 * 60 * 6250000);
    assert_true(share >= sh->least_ours);
    assert_true(100 - share >= sh->least_theirs);
    sim_pair_dispose(&pair);
}

static void test_sharing(void **state)
{
    (void)state;
    static const struct sharing cases[] = {
        {"turbo beside CUBIC", &skt_cc_turbo, SIM_RIVAL_CUBIC, 25, 25},
        {"turbo beside BBR", &skt_cc_turbo, SIM_RIVAL_BBR, 25, 25},
        {"normal beside CUBIC", &skt_cc_normal, SIM_RIVAL_CUBIC, 20, 45},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        run_sharing(&cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenarios),
        cmocka_unit_test(test_sharing),
    };
    return cmocka_run_group_tests_name("cc_sim", tests, NULL, NULL);
}
