/* SPDX-License-Identifier: MIT */
/* Links whose delay changes. From packet to packet, by up to several times the least, so that they arrive in
 * any order: the time that 10 MB take against what the link allows. Or all at once, now and then: what of the
 * link's rate is used. SKT_SIM_SEEDS sets how many seeds each link is run with. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <stdlib.h>

#include "sim/instrumented.h"
#include "sim/pair.h"

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

enum {
    AMOUNT = 10000000,
    BUFFER_MS = 100,
    /* Percent of the time that the link allows, at most. The worst means of 20 seeds are 107 (uniform) and
     * 100 (normal), the worst seeds 161 and 146. */
    MEAN_MOST = 120,
    EACH_MOST = 200,
    JUMPS_S = 15,
};

static struct sim_pair pair;

struct scenario {
    unsigned kbit, least_ms, most_ms; /* round trip: half of it and of its jitter each way */
    unsigned loss;                    /* ten-thousandths */
    bool normal; /* a normal distribution that has nearly all within these, instead of a uniform one */
};

static void set_links(struct sim_pair_config *config, const struct scenario *c)
{
    for (int i = 0; i < 2; i++) {
        struct sim_link_config *l = &config->link[i];
        l->rate = c->kbit * UINT64_C(125);
        l->buffer = (size_t)(l->rate / 1000 * BUFFER_MS) + 3000;
        l->delay = (c->normal ? (c->least_ms + c->most_ms) / 2 : c->least_ms) * MS / 2;
        if (c->normal) /* three deviations to each side; those of the two ways add as squares do */
            l->deviation = (c->most_ms - c->least_ms) * MS * 10 / 85;
        else
            l->jitter = (c->most_ms - c->least_ms) * MS / 2;
        l->loss = c->loss;
    }
}

/* Seconds that a sender needs which doubles its window each mean round trip from the first one of 32 packets
 * until it fills the path, then sends at its rate, and repairs the last loss. */
static double limit_of(const struct scenario *c, const struct sim_pair_config *config)
{
    double packet = (double)(config->payload_limit + config->overhead + SIM_IP_OVERHEAD);
    double share = (double)(config->payload_limit - SKT_KCP_HEADER_LEN) / packet;
    double rate = c->kbit * 125.0, rtt = (c->least_ms + c->most_ms) / 2000.0, rounds = 0;
    for (double window = SKT_CC_INITIAL_PACKETS * packet; window < rate * rtt; window *= 2)
        rounds++;
    return AMOUNT / (rate * share * (1 - c->loss / 10000.0)) + (rounds + 2) * rtt;
}

static double run(const struct scenario *c, uint64_t seed)
{
    struct sim_pair_config config;
    sim_pair_defaults(&config);
    config.seed = seed;
    set_links(&config, c);
    sim_pair_init(&pair, &config);
    skt_us start = pair.now;
    skt_path_on_rtt(&pair.host[0].path, start, (c->least_ms + c->most_ms) * MS / 2); /* a session's PING */
    sim_pair_add(&pair, true, AMOUNT, 0, 1 << 20);
    sim_pair_run(&pair, start + 120 * SEC);
    assert_null(pair.failure);
    double took = (double)(pair.now - start) / SEC;
    sim_pair_dispose(&pair);
    return took;
}

static void run_seeds(const struct scenario *c, unsigned seeds)
{
    struct sim_pair_config config;
    sim_pair_defaults(&config);
    double limit = limit_of(c, &config), mean = 0, worst = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        double took = run(c, seed);
        mean += took / seeds;
        worst = took > worst ? took : worst;
    }
    print_message("%3u Mbit/s, %3u to %4u ms%s, %u %% loss: %5.2f s, at most %5.2f; the link allows %4.2f\n",
                  c->kbit / 1000, c->least_ms, c->most_ms, c->normal ? ", normal" : "", c->loss / 100, mean,
                  worst, limit);
    check_that(100 * mean, <=, MEAN_MOST * limit);
    check_that(100 * worst, <=, EACH_MOST * limit);
}

static void test_transfers(void **state)
{
    (void)state;
    static const unsigned kbit[] = {20000, 100000}, loss[] = {0, 100};
    static const unsigned rtt[][2] = {{500, 700}, {400, 800}, {200, 1000}, {100, 400}, {100, 700}};
    for (size_t i = 0; i < sizeof rtt / sizeof rtt[0]; i++) {
        for (size_t j = 0; j < 4; j++) {
            struct scenario c = {kbit[j / 2], rtt[i][0], rtt[i][1], loss[j % 2], false};
            run_seeds(&c, sim_seeds(20, 5));
        }
    }
}

static void test_normal(void **state)
{
    (void)state;
    static const unsigned kbit[] = {20000, 100000}, loss[] = {0, 100};
    static const unsigned rtt[][2] = {{0, 1200}, {60, 540}, {30, 270}, {20, 140}};
    for (size_t i = 0; i < sizeof rtt / sizeof rtt[0]; i++) {
        for (size_t j = 0; j < 4; j++) {
            struct scenario c = {kbit[j / 2], rtt[i][0], rtt[i][1], loss[j % 2], true};
            run_seeds(&c, sim_seeds(20, 5));
        }
    }
}

/* --- jumps --- */

/* 20 Mbit/s; the round trip is one of two in turn, or any between them, for about so long each. */
struct jumps {
    unsigned least_ms, most_ms, period_ms;
    bool in_order, any;
    unsigned mean, each; /* percent of the link's rate over JUMPS_S, at least */
};

static void set_delay(unsigned rtt_ms)
{
    for (int i = 0; i < 2; i++)
        pair.host[i].out.config.delay = rtt_ms * MS / 2;
}

static double run_jumps(const struct jumps *j, uint64_t seed)
{
    struct sim_pair_config config;
    struct scenario c = {.kbit = 20000, .least_ms = j->least_ms, .most_ms = j->least_ms};
    sim_pair_defaults(&config);
    config.seed = seed;
    set_links(&config, &c);
    config.link[0].in_order = config.link[1].in_order = j->in_order;
    sim_pair_init(&pair, &config);
    struct sim_rng rng = sim_rng_of(seed + 1000000);
    skt_us start = pair.now, end = start + JUMPS_S * SEC;
    sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    bool up = false;
    sim_pair_run(&pair, start + sim_rng_range(&rng, j->period_ms / 2, j->period_ms) * MS);
    while (pair.now < end) {
        up = !up;
        set_delay(j->any ? (unsigned)sim_rng_range(&rng, j->least_ms, j->most_ms)
                  : up   ? j->most_ms
                         : j->least_ms);
        skt_us next = pair.now + j->period_ms * MS * sim_rng_range(&rng, 90, 110) / 100;
        sim_pair_run(&pair, skt_us_min(next, end));
        assert_null(pair.failure);
    }
    double share = (double)(config.payload_limit - SKT_KCP_HEADER_LEN) /
                   (double)(config.payload_limit + config.overhead + SIM_IP_OVERHEAD);
    double part = 100 * (double)pair.host[1].received / (JUMPS_S * c.kbit * 125.0 * share);
    sim_pair_dispose(&pair);
    return part;
}

static void test_jumps(void **state)
{
    (void)state;
    static const struct jumps jumps[] = {
        {50, 400, 1000, false, false, 76, 62}, {50, 400, 2000, false, false, 83, 78},
        {50, 400, 4000, false, false, 89, 85}, {50, 400, 2000, true, false, 86, 83},
        {30, 300, 2000, false, true, 90, 83},
    };
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
        const struct jumps *j = &jumps[i];
        unsigned seeds = sim_seeds(20, 5);
        double mean = 0, least = 100;
        for (uint64_t seed = 1; seed <= seeds; seed++) {
            double part = run_jumps(j, seed);
            mean += part / seeds;
            least = part < least ? part : least;
        }
        print_message("%u %s %u ms, %u ms each%s: %.1f %% of the link's rate, least %.1f\n", j->least_ms,
                      j->any ? "to" : "or", j->most_ms, j->period_ms, j->in_order ? ", in order" : "", mean,
                      least);
        check_that(mean, >=, j->mean);
        check_that(least, >=, j->each);
    }
}

CHECK_GROUP(jitter)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfers),
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_jumps),
    };
    return cmocka_run_group_tests_name("jitter", tests, NULL, NULL);
}
