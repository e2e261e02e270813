/* SPDX-License-Identifier: MIT */
/* Short bursts: answers of some 30 packets over lossy links, how long each takes until its last byte, and
 * what that costs in redundant bytes. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <stdlib.h>
#include <string.h>

#include "sim/instrumented.h"
#include "sim/world.h"

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

enum { REQUEST = 64, ANSWER = 40 * 1024, ANSWERS = 400, WARM = 40, SEEDS_MAX = 10 };

struct burst_case {
    const char *name;
    struct sim_link_config link;
    unsigned p50, p95, p99; /* ms */
    unsigned cost;          /* IP bytes of the answers' direction over payload, hundredths */
    skt_us period;          /* 0: 250 ms */
    unsigned cap;           /* overhead_cap in thousandths; 0: default */
};

/* Of all seeds. */
struct bursts {
    uint64_t sent, duplicated, retransmitted, parity, ip_bytes;
    size_t count;
    skt_us took[SEEDS_MAX * (ANSWERS - WARM)];
};

static struct bursts bursts;
static skt_us asked_at[ANSWERS];
static unsigned answered;

/* Notes when answers are whole, at each event. */
static bool watch(const struct sim_world *w)
{
    for (; w->client.apps[0].received >= (uint64_t)(answered + 1) * ANSWER; answered++)
        if (answered >= WARM)
            bursts.took[bursts.count++] = w->now - asked_at[answered];
    return false;
}

static void add_costs(const struct sim_world *w, uint64_t ip_bytes)
{
    const struct skt_session *s = sim_world_session(w);
    const struct skt_path_stats *st = &skt_session_path(sim_world_session(w))->stats;
    bursts.sent += st->sent;
    bursts.duplicated += st->duplicated;
    bursts.retransmitted += st->retransmitted;
    bursts.parity += skt_session_parity_sent(s);
    bursts.ip_bytes += ip_bytes;
}

static void run(const struct burst_case *t, uint64_t seed)
{
    struct sim_world_config c = {.up = t->link, .down = t->link, .seed = seed};
    struct sim_world *w = sim_world_new(&c);
    if (t->cap)
        w->server.ctx.tuning.overhead_cap_permille = t->cap;
    w->server.request_len = REQUEST;
    w->server.answer_len = ANSWER;
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 30 * SEC, sim_is_up));
    assert_int_equal(sim_world_open(w, "", 0), 0);
    w->client.apps[0].open = true;
    answered = 0;
    uint64_t before = w->down.stats.sent_bytes;
    for (unsigned i = 0; i < ANSWERS; i++) {
        asked_at[i] = w->now;
        sim_world_send(w, 0, REQUEST);
        sim_world_run(w, w->now + (t->period ? t->period : 250 * MS), watch);
    }
    sim_world_run(w, w->now + 5 * SEC, watch);
    assert_int_equal(answered, ANSWERS);
    assert_false(w->client.apps[0].wrong);
    add_costs(w, w->down.stats.sent_bytes - before);
    sim_world_free(w);
}

static int by_time(const void *a, const void *b)
{
    skt_us x = *(const skt_us *)a, y = *(const skt_us *)b;
    return x < y ? -1 : x > y;
}

static void check(const struct burst_case *t)
{
    memset(&bursts, 0, sizeof bursts);
    unsigned seeds = sim_seeds(SEEDS_MAX, 3);
    assert_in_range(seeds, 1, SEEDS_MAX);
    for (uint64_t seed = 1; seed <= seeds; seed++)
        run(t, seed);
    qsort(bursts.took, bursts.count, sizeof bursts.took[0], by_time);
    double n = seeds * ANSWERS, p50 = (double)bursts.took[bursts.count / 2] / MS,
           p95 = (double)bursts.took[bursts.count * 95 / 100] / MS,
           p99 = (double)bursts.took[bursts.count * 99 / 100] / MS,
           p999 = (double)bursts.took[bursts.count * 999 / 1000] / MS,
           cost = (double)bursts.ip_bytes / (n * ANSWER);
    print_message(
        "%s: %.0f / %.0f / %.0f / %.0f ms (median, p95, p99, p99.9); IP bytes over payload %.3f; an "
        "answer: %.1f packets, %.2f of parity, %.2f duplicates, %.2f again\n",
        t->name, p50, p95, p99, p999, cost, (double)bursts.sent / n, (double)bursts.parity / n,
        (double)bursts.duplicated / n, (double)bursts.retransmitted / n);
    check_that(p50, <=, t->p50);
    check_that(p95, <=, t->p95);
    check_that(p99, <=, t->p99);
    check_that(cost * 100, <=, t->cost);
}

/* Where the budget does not suffice, all have a little less parity, not some of them none. */
static void test_small_budget(void **state)
{
    (void)state;
    static const struct burst_case t = {
        .name = "5 %, ten a second, overhead_cap 0.05",
        .link = {.delay = 76 * MS, .jitter = 8 * MS, .in_order = true, .loss = 500},
        .p50 = 180,
        .p95 = 300,
        .p99 = 460,
        .cost = 126,
        .period = 100 * MS,
        .cap = 50};
    check(&t);
}

/* Nearly all come without waiting for a retransmission, which would take them 160 ms longer, and it costs
 * less than a fixed 10 + 3 (1.55): a burst is one group, however long the pacer takes over it. */
static void test_bursts(void **state)
{
    (void)state;
    static const struct burst_case cases[] = {
        {.name = "2.4 %",
         .link = {.delay = 76 * MS, .jitter = 8 * MS, .in_order = true, .loss = 240},
         .p50 = 172,
         .p95 = 180,
         .p99 = 185,
         .cost = 128},
        {.name = "5 %",
         .link = {.delay = 76 * MS, .jitter = 8 * MS, .in_order = true, .loss = 500},
         .p50 = 172,
         .p95 = 180,
         .p99 = 187,
         .cost = 137},
        {.name = "5 %, reordered",
         .link = {.delay = 76 * MS, .jitter = 8 * MS, .loss = 500},
         .p50 = 173,
         .p95 = 180,
         .p99 = 187,
         .cost = 140},
        {.name = "10 %",
         .link = {.delay = 76 * MS, .jitter = 8 * MS, .in_order = true, .loss = 1000},
         .p50 = 176,
         .p95 = 185,
         .p99 = 195,
         .cost = 157},
        {.name = "5 %, 20 Mbit/s",
         .link = {.rate = 2500000, .buffer = 250000, .delay = 76 * MS, .loss = 500},
         .p50 = 174,
         .p95 = 178,
         .p99 = 185,
         .cost = 138},
        {.name = "2.4 %, 20 Mbit/s, RTT 40 ms",
         .link = {.rate = 2500000, .buffer = 250000, .delay = 20 * MS, .loss = 240},
         .p50 = 61,
         .p95 = 63,
         .p99 = 66,
         .cost = 130},
        {.name = "5 %, 20 Mbit/s, RTT 40 ms",
         .link = {.rate = 2500000, .buffer = 250000, .delay = 20 * MS, .loss = 500},
         .p50 = 62,
         .p95 = 65,
         .p99 = 68,
         .cost = 141},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check(&cases[i]);
}

CHECK_GROUP(burst)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bursts),
        cmocka_unit_test(test_small_budget),
    };
    return cmocka_run_group_tests_name("burst", tests, NULL, NULL);
}
