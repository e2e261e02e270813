/* SPDX-License-Identifier: MIT */
/* Links whose rate varies from one round trip to the next, as a cellular link's does: what of it a bulk
 * transfer uses, what a thin flow beside it waits, and what is sent in vain. Recorded links where they are,
 * and drawn ones. SKT_SIM_SEEDS sets how many of each. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <stdlib.h>
#include <string.h>

#include "sim/instrumented.h"
#include "sim/pair.h"

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

enum { SECONDS = 30, THIN_PERIOD_MS = 100, THIN = SECONDS * 1000 / THIN_PERIOD_MS };

static struct sim_pair pair;

struct link {
    const char *name;
    size_t buffer;    /* bytes */
    unsigned least;   /* percent of the payload that the link could carry: the mean of all seeds, at least */
    unsigned delay;   /* mean extra round trip of the thin flow, ms, at most: most of it is the link's own */
    unsigned in_vain; /* percent of the datagrams that the buffer dropped, at most */
};

struct result {
    double used, delay, in_vain; /* as in struct link */
};

static struct sim_capacity *capacity_of(const struct link *l, uint64_t seed)
{
    return strcmp(l->name, "drawn") == 0 ? sim_capacity_wander(seed, SECONDS + 10)
                                         : sim_capacity_recorded(l->name);
}

static double mean_delay(skt_us start, skt_us rtt, const skt_us *read_at)
{
    double sum = 0;
    for (size_t i = 0; i < THIN; i++) {
        skt_us sent = start + i * THIN_PERIOD_MS * MS, read = read_at[i] ? read_at[i] : pair.now;
        sum += (double)(read - sent - (read_at[i] ? rtt : 0)) / 1000;
    }
    return sum / THIN;
}

static struct result run(const struct link *l, const struct sim_capacity *capacity, uint64_t seed)
{
    static skt_us read_at[THIN];
    struct sim_pair_config config;
    skt_us rtt = (40 + seed * 17 % 60) * MS, begin = seed % 4 * 20 * SEC;
    sim_pair_defaults(&config);
    config.seed = seed;
    /* The schedule begins before the transfer, another time with each seed. */
    config.link[0] = (struct sim_link_config){
        .capacity = capacity, .capacity_from = 0, .buffer = l->buffer, .delay = rtt / 2};
    config.link[1] = (struct sim_link_config){.rate = 6250000, .buffer = 500000, .delay = rtt / 2};
    sim_pair_init(&pair, &config);
    if (capacity->period > 100 * SEC)
        pair.now += begin;
    skt_us start = pair.now;
    memset(read_at, 0, sizeof read_at);
    sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    sim_pair_add_requests(&pair, 64, start, THIN_PERIOD_MS * MS, THIN, read_at);
    sim_pair_run(&pair, start + SECONDS * SEC);
    assert_null(pair.failure);
    double share = (double)(config.payload_limit - SKT_KCP_HEADER_LEN) /
                   (double)(config.payload_limit + config.overhead + SIM_IP_OVERHEAD);
    double whole = share * (double)sim_capacity_between(capacity, start, start + SECONDS * SEC);
    const struct sim_link_stats *st = &pair.host[0].out.stats;
    struct result r = {.used = 100 * (double)pair.host[1].received / whole,
                       .delay = mean_delay(start, rtt, read_at),
                       .in_vain = 100 * (double)st->dropped / (double)st->sent};
    sim_pair_dispose(&pair);
    return r;
}

static void check(const struct link *l)
{
    unsigned seeds = sim_seeds(8, 4);
    struct result mean = {0};
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct sim_capacity *capacity = capacity_of(l, seed);
        if (!capacity) {
            print_message("%s: not there\n", l->name);
            return;
        }
        struct result r = run(l, capacity, seed);
        mean.used += r.used / seeds;
        mean.delay += r.delay / seeds;
        mean.in_vain += r.in_vain / seeds;
        sim_capacity_free(capacity);
    }
    print_message("%-22s %6zu bytes of buffer: %5.1f %% used, thin flow %+5.0f ms, %4.1f %% dropped\n",
                  l->name, l->buffer, mean.used, mean.delay, mean.in_vain);
    check_that(mean.used, >=, l->least);
    check_that(mean.delay, <=, l->delay);
    check_that(mean.in_vain, <=, l->in_vain);
}

static void test_varying(void **state)
{
    (void)state;
    static const struct link links[] = {
        {"drawn", 500000, 95, 135, 1},
        {"TMobile-LTE-short.down", 500000, 94, 150, 2},
        {"TMobile-LTE-short.up", 500000, 95, 120, 1},
        {"Verizon-LTE-short.down", 500000, 95, 270, 1},
        {"Verizon-LTE-short.up", 500000, 94, 480, 4},
    };
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        check(&links[i]);
}

CHECK_GROUP(varying)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_varying),
    };
    return cmocka_run_group_tests_name("varying", tests, NULL, NULL);
}
