/* SPDX-License-Identifier: MIT */
/* A transfer of 10 MB over links whose delay differs from packet to packet by up to several times the least,
 * so that they arrive in any order: the time it takes against what the link allows. SKT_SIM_SEEDS sets how
 * many seeds each link is run with. */
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
    /* Percent of the time that the link allows, at most. A start that jitter ends too early, before its
     * extent is known, takes some seeds long. */
    MEAN_MOST = 200,
    EACH_MOST = 450,
};

static struct sim_pair pair;

struct scenario {
    unsigned kbit, least_ms, most_ms; /* round trip: half of it and of its jitter each way */
    unsigned loss;                    /* ten-thousandths */
};

static void set_links(struct sim_pair_config *config, const struct scenario *c)
{
    for (int i = 0; i < 2; i++) {
        struct sim_link_config *l = &config->link[i];
        l->rate = c->kbit * UINT64_C(125);
        l->buffer = (size_t)(l->rate / 1000 * BUFFER_MS) + 3000;
        l->delay = c->least_ms * MS / 2;
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
    print_message("%3u Mbit/s, %3u to %4u ms, %u %% loss: %5.2f s, at most %5.2f; the link allows %4.2f\n",
                  c->kbit / 1000, c->least_ms, c->most_ms, c->loss / 100, mean, worst, limit);
    check_that(100 * mean, <=, MEAN_MOST * limit);
    check_that(100 * worst, <=, EACH_MOST * limit);
}

static void test_transfers(void **state)
{
    (void)state;
    static const unsigned kbit[] = {20000, 100000}, loss[] = {0, 100};
    static const unsigned rtt[][2] = {{500, 700}, {400, 800}, {200, 1000}, {100, 400}, {100, 700}};
    for (size_t i = 0; i < sizeof(rtt) / sizeof(rtt[0]); i++) {
        for (size_t j = 0; j < 4; j++) {
            struct scenario c = {kbit[j / 2], rtt[i][0], rtt[i][1], loss[j % 2]};
            run_seeds(&c, sim_seeds(20, 5));
        }
    }
}

CHECK_GROUP(jitter)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_transfers)};
    return cmocka_run_group_tests_name("jitter", tests, NULL, NULL);
}
