/* SPDX-License-Identifier: MIT */
/* Links that lose 10 to 60 % of the packets, in several patterns, from the first one on, both directions
 * alike: sessions come up and stay, something goes on getting through, and once the link is well again
 * everything is delivered. */
#include "sim/inner.h"
#include "sim/instrumented.h"

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

enum pattern { INDEPENDENT, SHORT_RUNS, LONG_RUNS, OUTAGES, PATTERNS };

static const char *const pattern_name[] = {"independent", "runs of 4", "runs of 40", "runs of half a second"};

/* Loses `percent` of the packets. */
static struct sim_link_config lossy(enum pattern pattern, unsigned percent)
{
    struct sim_link_config l = {.rate = 2500000, .buffer = 250000, .delay = 40 * MS, .jitter = 2 * MS};
    unsigned run = pattern == SHORT_RUNS ? 4 : 40;
    if (pattern == INDEPENDENT) {
        l.loss = percent * 100;
        return l;
    }
    l.burst_loss = 10000;
    l.burst_leave = 10000 / run;
    l.burst_enter = l.burst_leave * percent / (100 - percent);
    if (pattern == OUTAGES) { /* by time: a packet every 10 ms or so meets it */
        l.burst_len = 250 * MS;
        l.burst_enter = 100 * percent / (100 - percent);
    }
    return l;
}

static void mend(struct sim_world *w)
{
    w->up.config = w->down.config = lossy(INDEPENDENT, 0);
    w->up.bad = w->down.bad = false;
}

static void tell(const char *mode, enum pattern pattern, unsigned percent, const struct sim_world *w)
{
    const struct skt_path_stats *st = &skt_session_path(w->client.session)->stats;
    print_message("%s, %u %%, %s: sent %llu, again %llu, duplicates %llu, parity %llu\n", mode, percent,
                  pattern_name[pattern], (unsigned long long)st->sent, (unsigned long long)st->retransmitted,
                  (unsigned long long)st->duplicated,
                  (unsigned long long)skt_session_parity_sent(w->client.session));
}

static uint64_t delivered(const struct sim_inner *in)
{
    return in->tcp[0].received + in->tcp[1].received + in->took_count;
}

static void run_tun(enum pattern pattern, unsigned percent, uint64_t seed)
{
    struct sim_link_config l = lossy(pattern, percent);
    struct sim_world_config c = {.up = l, .down = l, .seed = seed};
    struct sim_inner *in = sim_inner_new(&c);
    uint32_t cid = skt_session_cid(in->world->client.session);
    for (int i = 0; i < 2; i++)
        sim_inner_add_tcp(in, in->world->now + (skt_us)i * SEC);
    for (int i = 0; i < 3; i++)
        sim_inner_add_thin(in, in->world->now);
    sim_inner_run(in, in->world->now + 20 * SEC);
    uint64_t before = delivered(in);
    sim_inner_run(in, in->world->now + 20 * SEC);
    tell("TUN", pattern, percent, in->world);
    check_that(delivered(in), >, before);
    mend(in->world);
    sim_inner_run(in, in->world->now + 15 * SEC);
    before = delivered(in);
    sim_inner_run(in, in->world->now + 5 * SEC);
    assert_true(sim_is_up(in->world) && delivered(in) > before + 500);
    assert_int_equal(skt_session_cid(in->world->client.session), cid);
    sim_inner_free(in);
}

static void run_proxy(enum pattern pattern, unsigned percent, uint64_t seed)
{
    struct sim_link_config l = lossy(pattern, percent);
    struct sim_world_config c = {.up = l, .down = l, .seed = seed};
    struct sim_world *w = sim_world_new(&c);
    w->server.reply_len = 20000;
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 600 * SEC, sim_is_up));
    uint32_t cid = skt_session_cid(w->client.session);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(sim_world_open(w, "", i % 4 ? 300 : 300000), i);
        sim_world_run(w, w->now + 500 * MS, NULL);
    }
    tell("proxy", pattern, percent, w);
    mend(w);
    assert_true(sim_world_run(w, w->now + 60 * SEC, sim_all_done));
    assert_int_equal(skt_session_cid(w->client.session), cid);
    sim_world_free(w);
}

static const unsigned percents[] = {45, 60, 30, 20, 10};
enum { PERCENTS = sizeof percents / sizeof percents[0] };

static void test_tun(void **state)
{
    (void)state;
    unsigned links = sim_seeds(PERCENTS, 2);
    for (unsigned i = 0; i < links && i < PERCENTS; i++)
        for (int pattern = 0; pattern < PATTERNS; pattern++)
            run_tun((enum pattern)pattern, percents[i], percents[i]);
}

static void test_proxy(void **state)
{
    (void)state;
    unsigned links = sim_seeds(PERCENTS, 2);
    for (unsigned i = 0; i < links && i < PERCENTS; i++)
        for (int pattern = 0; pattern < PATTERNS; pattern++)
            run_proxy((enum pattern)pattern, percents[i], percents[i]);
}

/* The slower of the two congestion controls takes losses for a full link, and must not stop either. */
static void test_normal_mode(void **state)
{
    (void)state;
    for (unsigned percent = 20; percent <= 60; percent += 20) {
        struct sim_link_config l = lossy(INDEPENDENT, percent);
        struct sim_world_config c = {.up = l, .down = l, .seed = 3, .cc = &skt_cc_normal};
        struct sim_inner *in = sim_inner_new(&c);
        sim_inner_add_tcp(in, in->world->now);
        sim_inner_add_thin(in, in->world->now);
        sim_inner_run(in, in->world->now + 40 * SEC);
        tell("TUN, normal", INDEPENDENT, percent, in->world);
        print_message("    %llu packets of TCP, %zu answers\n", (unsigned long long)in->tcp[0].received,
                      in->took_count);
        assert_true(in->tcp[0].received > 10 && in->took_count > 10);
        sim_inner_free(in);
    }
}

CHECK_GROUP(lossy)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tun),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_normal_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
