/* SPDX-License-Identifier: MIT */
/* Many seeds of bad luck: whatever a link, a moving client or a NAT does, every stream that is not reset
 * arrives whole, nothing hangs, nothing leaks. SKT_SIM_SEEDS sets how many seeds. */
#include "sim/instrumented.h"
#include "sim/world.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

static void random_link(struct sim_rng *r, struct sim_link_config *c)
{
    c->delay = sim_rng_range(r, 0, 150) * MS;
    c->jitter = sim_rng_chance(r, 5000) ? sim_rng_range(r, 0, 20) * MS : 0;
    c->loss = sim_rng_chance(r, 5000) ? (unsigned)sim_rng_range(r, 0, 2000) : 0;
    c->duplicate = sim_rng_chance(r, 3000) ? 500 : 0;
    c->reorder = sim_rng_chance(r, 3000) ? 500 : 0;
    c->reorder_delay = 10 * MS;
    c->mutate = sim_rng_chance(r, 3000) ? 300 : 0;
    if (sim_rng_chance(r, 3000)) {
        c->burst_enter = 100;
        c->burst_leave = 2000;
        c->burst_loss = 8000;
    }
    if (sim_rng_chance(r, 5000)) {
        c->rate = sim_rng_range(r, 50, 5000) * 1000;
        c->buffer = (size_t)(c->rate / 5 + 10000);
    }
    if (sim_rng_chance(r, 3000))
        c->mtu = (size_t)sim_rng_range(r, 1200, 1472);
}

static bool all_settled(const struct sim_world *w)
{
    for (int i = 0; i < w->client.app_count; i++)
        if (w->client.apps[i].st)
            return false;
    for (int i = 0; i < w->server.app_count; i++)
        if (w->server.apps[i].st)
            return false;
    return true;
}

static void mishap(struct sim_world *w, struct sim_rng *r)
{
    switch (sim_rng_below(r, 4)) {
    case 0:
        w->client.addr.port++;
        break;
    case 1:
        w->up.config.outage_at = w->down.config.outage_at = w->now;
        w->up.config.outage_len = w->down.config.outage_len = sim_rng_range(r, 100, 12000) * MS;
        break;
    case 2:
        w->up.config.mtu = w->down.config.mtu = (size_t)sim_rng_range(r, 1200, 1472);
        break;
    default:
        if (sim_rng_chance(r, 2000))
            sim_world_restart_server(w, true);
        break;
    }
}

static void run_seed(uint64_t seed)
{
    struct sim_rng r = sim_rng_of(seed);
    struct sim_world_config c = {.seed = seed};
    random_link(&r, &c.up);
    random_link(&r, &c.down);
    struct sim_world *w = sim_world_new(&c);
    w->server.reply_len = sim_rng_range(&r, 0, 60000);
    sim_world_connect(w, true);
    if (!sim_world_run(w, w->now + 120 * SEC, sim_is_up))
        fail_msg("seed %llu: not up", (unsigned long long)seed);
    for (int round = 0; round < 4; round++) {
        for (uint64_t n = sim_rng_below(&r, 6); n > 0; n--)
            sim_world_open(w, "x", sim_rng_range(&r, 0, 60000));
        sim_world_run(w, w->now + sim_rng_range(&r, 0, 5000) * MS, NULL);
        mishap(w, &r);
    }
    if (!sim_world_run(w, w->now + 600 * SEC, all_settled))
        fail_msg("seed %llu: streams hang", (unsigned long long)seed);
    for (int i = 0; i < w->client.app_count; i++) {
        const struct sim_app *app = &w->client.apps[i];
        if (app->wrong || (!app->reset && (!app->at_end || app->received != w->server.reply_len)))
            fail_msg("seed %llu: stream %d is damaged", (unsigned long long)seed, i);
        if (app->reset && w->client.losts == 0)
            fail_msg("seed %llu: stream %d was reset for nothing", (unsigned long long)seed, i);
    }
    sim_world_free(w); /* asserts that no buffer is left */
}

static void test_chaos(void **state)
{
    (void)state;
    unsigned n = sim_seeds(400, SIM_INSTRUMENTED ? 400 : 100); /* of all places, faults of memory show here */
    for (uint64_t seed = 1; seed <= n; seed++)
        run_seed(seed);
}

CHECK_GROUP(session_chaos)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chaos)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
