/* SPDX-License-Identifier: MIT */
/* Parity between two sessions: what it saves, what it costs, when it stays away. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <stdlib.h>
#include <string.h>

#include "proto/parity/code.h"
#include "proto/session/internal.h"
#include "sim/world.h"

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

enum redundancy { OFF, AUTO, FIXED };

static struct sim_world *connected(struct sim_world_config *c, enum redundancy mode)
{
    struct sim_world *w = sim_world_new(c);
    struct skt_context *ctx[] = {&w->client.ctx, &w->server.ctx};
    /* The client's session was made before it could be told. */
    skt_session_free(w->client.session);
    for (int i = 0; i < 2; i++) {
        ctx[i]->tuning.redundancy = mode == OFF     ? SKT_REDUNDANCY_OFF
                                    : mode == FIXED ? SKT_REDUNDANCY_FIXED
                                                    : SKT_REDUNDANCY_AUTO;
        ctx[i]->tuning.redundancy_data = mode == FIXED ? 10 : 0;
        ctx[i]->tuning.redundancy_parity = mode == FIXED ? 3 : 0;
    }
    assert_int_equal(skt_session_new_client(&w->client.session, &w->client.ctx, w->now), 0);
    skt_session_set_candidates(w->client.session, &w->server.addr, 1, 4000, 4000);
    sim_world_connect(w, true);
    assert_true(sim_world_run(w, w->now + 30 * SEC, sim_is_up));
    sim_world_run(w, w->now + 3 * SEC, NULL); /* the MTU is found */
    return w;
}

/* --- pages: 30 packets every 200 ms --- */

enum { PAGES = 300, WARM = 30, PAGE_LEN = 30 * 1400, ONE_WAY = 80 };

struct pages {
    unsigned in_time; /* of the last PAGES - WARM, thousandths */
    uint64_t fec_sent, fec_recovered, duplicated, retransmitted, sent;
    double overhead; /* redundant bytes over first transmissions */
};

static skt_us opened_at[PAGES], took[PAGES];

static void look_at_pages(const struct sim_world *w)
{
    for (int i = 0; i < w->server.app_count; i++) {
        const struct sim_app *app = &w->server.apps[i];
        if (took[i] == 0 && app->at_end) {
            assert_false(app->wrong);
            assert_int_equal(app->received, PAGE_LEN);
            took[i] = w->now - opened_at[i];
        }
    }
}

static struct pages run_pages(struct sim_world_config *c, enum redundancy mode)
{
    struct sim_world *w = connected(c, mode);
    struct pages r = {0};
    memset(took, 0, sizeof took);
    for (int i = 0; i < PAGES; i++) {
        opened_at[i] = w->now;
        assert_int_equal(sim_world_open(w, "", PAGE_LEN), i);
        for (int t = 0; t < 200; t++) {
            sim_world_run(w, w->now + MS, NULL);
            look_at_pages(w);
        }
    }
    for (int t = 0; t < 5000 && !sim_all_done(w); t++) {
        sim_world_run(w, w->now + MS, NULL);
        look_at_pages(w);
    }
    assert_true(sim_all_done(w));
    unsigned in_time = 0;
    for (int i = WARM; i < PAGES; i++)
        in_time += took[i] <= (ONE_WAY + 30) * MS;
    r.in_time = in_time * 1000 / (PAGES - WARM);
    const struct skt_path_stats *st = &skt_session_path(w->client.session)->stats;
    r.fec_sent = skt_session_parity_sent(w->client.session);
    r.fec_recovered = skt_session_parity_recovered(sim_world_session(w));
    r.duplicated = st->duplicated;
    r.retransmitted = st->retransmitted;
    r.sent = st->sent;
    r.overhead = (double)(r.fec_sent + r.duplicated) / (double)r.sent;
    sim_world_free(w);
    return r;
}

static void tell(const char *name, const struct pages *r)
{
    print_message(
        "%s: %u.%u %% in time; sent %llu, parity %llu, recovered %llu, duplicates %llu, again %llu\n", name,
        r->in_time / 10, r->in_time % 10, (unsigned long long)r->sent, (unsigned long long)r->fec_sent,
        (unsigned long long)r->fec_recovered, (unsigned long long)r->duplicated,
        (unsigned long long)r->retransmitted);
}

static void tell_all(const char *name, uint64_t seed, const struct pages *off, const struct pages *on,
                     const struct pages *fixed)
{
    print_message("%s, seed %llu\n", name, (unsigned long long)seed);
    tell("  off", off);
    tell("  auto", on);
    tell("  10 + 3", fixed);
}

/* Most pages come without waiting for a retransmission, within the budget; without parity a page waits as
 * often as any of its 31 packets is lost. */
static void test_pages(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct sim_link_config link;
        unsigned off_most, auto_least, fixed_least;
    } cases[] = {
        {"2 %", {.delay = ONE_WAY * MS, .loss = 200}, 650, 985, 985},
        {"5 %", {.delay = ONE_WAY * MS, .loss = 500}, 320, 980, 940},
        {"2 % in runs of 3",
         {.delay = ONE_WAY * MS, .burst_enter = 68, .burst_leave = 3333, .burst_loss = 10000},
         860,
         870, /* duplicates of the ends take their share of the budget */
         910},
        {"1 %, 5 ms of jitter", {.delay = ONE_WAY * MS, .loss = 100, .jitter = 5 * MS}, 800, 985, 985},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint64_t seed = 1; seed <= 2; seed++) {
            struct sim_world_config c = {.up = cases[i].link, .down = cases[i].link, .seed = seed};
            struct pages off = run_pages(&c, OFF), on = run_pages(&c, AUTO), fixed = run_pages(&c, FIXED);
            tell_all(cases[i].name, seed, &off, &on, &fixed);
            check_that(off.in_time, <=, cases[i].off_most);
            check_that(on.in_time, >=, cases[i].auto_least);
            check_that(fixed.in_time, >=, cases[i].fixed_least);
            assert_int_equal(off.fec_sent, 0);
            /* 225 kB/s of first transmissions: 30 % of them and 64 kB/s are 0.58. */
            check_that(on.overhead, <=, 0.58);
            assert_int_equal(fixed.duplicated, 0);
        }
    }
}

static void test_clean_link_has_none(void **state)
{
    (void)state;
    struct sim_world_config c = {.up = {.delay = ONE_WAY * MS, .jitter = 3 * MS},
                                 .down = {.delay = ONE_WAY * MS, .jitter = 3 * MS},
                                 .seed = 5};
    struct pages r = run_pages(&c, AUTO);
    assert_int_equal(r.fec_sent, 0);
    assert_int_equal(r.in_time, 1000);
}

/* --- bulk --- */

struct bulk {
    uint64_t received, parity_early, parity;
};

static struct bulk run_bulk(enum redundancy mode, unsigned loss, uint64_t seed)
{
    struct sim_link_config l = {.rate = 12500000, .buffer = 1250000, .delay = ONE_WAY * MS, .loss = loss};
    struct sim_world_config c = {.up = l, .down = l, .seed = seed};
    struct sim_world *w = connected(&c, mode);
    struct bulk r;
    sim_world_open(w, "", UINT64_C(1) << 40);
    sim_world_run(w, w->now + 2 * ONE_WAY * MS + 50 * MS, NULL);
    r.parity_early = skt_session_parity_sent(w->client.session);
    sim_world_run(w, w->now + 8 * SEC, NULL);
    assert_false(w->server.apps[0].wrong);
    r.received = w->server.apps[0].received;
    r.parity = skt_session_parity_sent(w->client.session);
    print_message("bulk, %u.%02u %%, %s: %.1f Mbit/s, parity %llu, recovered %llu, again %llu\n", loss / 100,
                  loss % 100,
                  mode == OFF    ? "off"
                  : mode == AUTO ? "auto"
                                 : "10 + 3",
                  (double)r.received / 1e6, (unsigned long long)r.parity,
                  (unsigned long long)skt_session_parity_recovered(sim_world_session(w)),
                  (unsigned long long)skt_session_path(w->client.session)->stats.retransmitted);
    if (mode == FIXED)
        check_that(skt_session_parity_recovered(sim_world_session(w)), >, 100);
    sim_world_free(w);
    return r;
}

/* A lasting transfer gets no parity after its first round trip, and is as fast as without. */
static void test_bulk_pays_by_retransmission(void **state)
{
    (void)state;
    enum { RUNS = 4 }; /* one run may be a tenth better or worse than the next one for no reason of ours */
    for (unsigned loss = 100; loss <= 500; loss += 400) {
        double off = 0, on = 0;
        for (uint64_t seed = 1; seed <= RUNS; seed++) {
            off += (double)run_bulk(OFF, loss, seed).received;
            struct bulk b = run_bulk(AUTO, loss, seed);
            on += (double)b.received;
            assert_int_equal(b.parity, b.parity_early);
            check_that(b.parity, <=, 64);
        }
        check_that(on, >=, off * 0.94);
        (void)run_bulk(FIXED, loss, 7);
    }
}

/* So does one that something else than the path holds up, as a slow machine does: by how much goes out. */
static void test_much_is_bulk(void **state)
{
    (void)state;
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    for (unsigned ms = 0; ms < 5000; ms++) /* a video of 30 Mbit/s */
        skt_redundancy_on_first(&r, ms * MS, ms % 100 ? 0 : 375000 / 10 * 9);
    assert_false(skt_redundancy_is_bulk(&r));
    skt_redundancy_on_first(&r, 5 * SEC, 3000000); /* a page of 3 MB at once */
    assert_true(skt_redundancy_is_bulk(&r));
    skt_redundancy_on_first(&r, 7 * SEC, 1400); /* and after a while another one */
    assert_false(skt_redundancy_is_bulk(&r));
    for (unsigned ms = 7000; ms < 9000; ms++)
        skt_redundancy_on_first(&r, ms * MS, 5000); /* 40 Mbit/s */
    assert_true(skt_redundancy_is_bulk(&r));
}

/* Mean of 60 s: 50 Mbit/s, 40 ms, one bandwidth-delay product of buffer, normal mode and parity in a fixed
 * proportion beside CUBIC. Our share in percent. */
static double share_beside_cubic(uint64_t seed)
{
    struct sim_link_config l = {.rate = 6250000, .buffer = 250000, .delay = 20 * MS + seed % 50 * 97};
    struct sim_world_config c = {
        .up = l, .down = l, .seed = seed, .cc = &skt_cc_normal, .rival = SIM_RIVAL_CUBIC};
    struct sim_world *w = connected(&c, FIXED);
    sim_world_open(w, "", UINT64_C(1) << 40);
    uint64_t before = w->rival->received;
    sim_world_run(w, w->now + 60 * SEC, NULL);
    double ours = (double)w->server.apps[0].received,
           theirs = (double)(w->rival->received - before) * SIM_RIVAL_LEN;
    assert_false(w->server.apps[0].wrong);
    print_message(
        "normal with 10 + 3 beside CUBIC, seed %llu: ours %.1f, theirs %.1f Mbit/s; recovered %llu, again "
        "%llu\n",
        (unsigned long long)seed, ours * 8e-6 / 60, theirs * 8e-6 / 60,
        (unsigned long long)skt_session_parity_recovered(sim_world_session(w)),
        (unsigned long long)skt_session_path(w->client.session)->stats.retransmitted);
    check_that(ours + theirs, >, 0.7 * 60 * 6250000);
    sim_world_free(w);
    return 100 * ours / (ours + theirs);
}

/* What parity mends was lost to a full buffer all the same. */
static void test_normal_mode_stays_gentle(void **state)
{
    (void)state;
    enum { RUNS = 4 };
    double mean = 0;
    for (uint64_t seed = 1; seed <= RUNS; seed++)
        mean += share_beside_cubic(seed) / RUNS;
    check_that(mean, <=, 55);
    /* Parity takes 23 % of the rate that a window has; what is left is not starved. */
    check_that(mean, >=, 15);
}

/* --- the rest --- */

/* Runs pages of 10 packets for so long; the client's stream numbers go on. */
static void run_small_pages(struct sim_world *w, skt_us time, skt_us apart)
{
    for (skt_us end = w->now + time; w->now < end;) {
        assert_true(sim_world_open(w, "", 14000) >= 0);
        sim_world_run(w, w->now + apart, NULL);
    }
    assert_true(sim_world_run(w, w->now + 10 * SEC, sim_all_done));
}

/* What parity hides from acknowledgements is still measured, and how losses come, over a lossy way back. */
static void test_hidden_losses_are_measured(void **state)
{
    (void)state;
    static const struct {
        struct sim_link_config up;
        unsigned loss_min, loss_max, run_min, run_max; /* ten-thousandths, tenths of packets */
    } cases[] = {
        {{.delay = ONE_WAY * MS, .loss = 500}, 350, 800, 10, 13},
        {{.delay = ONE_WAY * MS, .burst_enter = 200, .burst_leave = 3333, .burst_loss = 10000},
         300,
         900,
         20,
         40},
    };
    for (size_t i = 0; i < 2; i++) {
        struct sim_world_config c = {
            .up = cases[i].up, .down = {.delay = ONE_WAY * MS, .loss = 1000}, .seed = 9};
        struct sim_world *w = connected(&c, AUTO);
        run_small_pages(w, 60 * SEC, 100 * MS);
        const struct skt_redundancy *r = &skt_session_path(w->client.session)->redundancy;
        unsigned loss = r->lost * 10000 / r->measured, run = r->run_lost * 10 / r->runs;
        print_message("measured: loss %u.%02u %%, runs of %u.%u; recovered %llu\n", loss / 100, loss % 100,
                      run / 10, run % 10,
                      (unsigned long long)skt_session_parity_recovered(sim_world_session(w)));
        assert_in_range(loss, cases[i].loss_min, cases[i].loss_max);
        assert_in_range(run, cases[i].run_min, cases[i].run_max);
        sim_world_free(w);
    }
}

/* Groups don't span a change of keys, and go on after it. */
static void test_change_of_keys(void **state)
{
    (void)state;
    struct sim_link_config l = {.delay = 20 * MS, .loss = 300};
    struct sim_world_config c = {.up = l, .down = l, .seed = 11};
    struct sim_world *w = connected(&c, FIXED);
    run_small_pages(w, 110 * SEC, 50 * MS);
    uint64_t before = skt_session_parity_recovered(sim_world_session(w));
    uint64_t malformed = w->server.ctx.drops.malformed;
    run_small_pages(w, 60 * SEC, 50 * MS);
    uint64_t after = skt_session_parity_recovered(sim_world_session(w)) - before;
    print_message("recovered %llu before the change of keys, %llu around and after it\n",
                  (unsigned long long)before, (unsigned long long)after);
    assert_true(before > 300 && after > before / 3);
    assert_int_equal(w->server.ctx.drops.malformed, malformed);
    sim_world_free(w);
}

/* Reordering, duplication and loss at once: everything arrives once and right. */
static void test_reordering_and_duplication(void **state)
{
    (void)state;
    struct sim_link_config l = {.delay = 30 * MS,
                                .loss = 500,
                                .jitter = 20 * MS,
                                .reorder = 500,
                                .reorder_delay = 30 * MS,
                                .duplicate = 300};
    struct sim_world_config c = {.up = l, .down = l};
    for (c.seed = 1; c.seed <= 6; c.seed++) {
        struct sim_world *w = connected(&c, c.seed % 2 ? AUTO : FIXED);
        w->server.reply_len = 20000;
        run_small_pages(w, 15 * SEC, 40 * MS);
        check_that(skt_session_parity_recovered(sim_world_session(w)), >, 0);
        check_that(skt_session_parity_recovered(w->client.session), >, 0);
        assert_int_equal(w->pool.blocks + w->server.pool.blocks, 0);
        sim_world_free(w);
    }
}

/* Bytes that a session holds for parity now. */
static size_t parity_memory(const struct skt_session *s)
{
    return (s->parity.out ? sizeof *s->parity.out : 0) + (s->parity.in ? sizeof *s->parity.in : 0);
}

static void test_memory_is_given_back(void **state)
{
    (void)state;
    struct sim_link_config l = {.delay = ONE_WAY * MS, .loss = 500};
    struct sim_world_config c = {.up = l, .down = l, .seed = 3};
    struct sim_world *w = connected(&c, AUTO);
    assert_int_equal(parity_memory(w->client.session), 0);
    run_small_pages(w, 10 * SEC, 100 * MS);
    check_that(parity_memory(w->client.session), >, 0);
    check_that(parity_memory(sim_world_session(w)), >, 0);
    sim_world_run(w, w->now + 70 * SEC, NULL);
    assert_int_equal(parity_memory(w->client.session), 0);
    assert_int_equal(parity_memory(sim_world_session(w)), 0);
    assert_int_equal(w->pool.blocks + w->server.pool.blocks, 0);
    uint64_t turns = w->turns;
    sim_world_run(w, w->now + 60 * SEC, NULL);
    check_that(w->turns - turns, <, 120); /* nor does it keep anybody awake */
    sim_world_free(w);
}

/* An end that does not take parity gets none, and segments are as long as before. */
static void test_only_where_both_can(void **state)
{
    (void)state;
    struct sim_link_config l = {.delay = 20 * MS, .loss = 500};
    for (int able = 0; able <= 1; able++) {
        struct sim_world_config c = {.up = l, .down = l, .seed = 4};
        struct sim_world *w = sim_world_new(&c);
        w->server.ctx.features = able ? SKT_FEATURE_PARITY : 0;
        sim_world_connect(w, true);
        assert_true(sim_world_run(w, w->now + 30 * SEC, sim_is_up));
        run_small_pages(w, 20 * SEC, 100 * MS);
        size_t mss = skt_path_mss(skt_session_path(w->client.session));
        size_t all = skt_session_mtu(w->client.session) - SKT_PACKET_OVERHEAD - 1 - 24;
        assert_int_equal(mss, able ? all - 2 : all);
        check_that(able, ==, (skt_session_parity_sent(w->client.session) > 0));
        sim_world_free(w);
    }
}

/* --- policy --- */

static unsigned parity_of(unsigned loss_permille, unsigned run, unsigned span)
{
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    r.parity = true;
    for (unsigned i = 0; i < 2000; i++) {
        if (i % 1000 < loss_permille)
            skt_redundancy_on_lost(&r);
        else
            skt_redundancy_on_arrived(&r);
    }
    if (run)
        skt_redundancy_on_report(&r, 20 * run, 20, 0);
    return skt_redundancy_parity(&r, span, span);
}

static void test_strength(void **state)
{
    (void)state;
    assert_int_equal(parity_of(0, 0, 24), 0);
    /* Binomial, losses of parity included: the least m with P(more than m of 24 + m lost) <= 1/1000. */
    assert_int_equal(parity_of(1, 0, 24), 1);
    assert_int_equal(parity_of(10, 0, 24), 3);
    assert_int_equal(parity_of(20, 0, 24), 4);
    assert_int_equal(parity_of(50, 0, 24), 6);
    assert_int_equal(parity_of(100, 0, 24), 10);
    assert_int_equal(parity_of(20, 0, 1), 1);
    assert_int_equal(parity_of(20, 0, 6), 2);
    for (unsigned span = 1; span <= SKT_PARITY_SPAN; span++) {
        for (unsigned loss = 1; loss < 300; loss += 7) {
            unsigned m = parity_of(loss, 0, span);
            assert_true(m <= SKT_PARITY_MAX && m <= span + 1);
            check_that(m, <=, parity_of(loss + 50, 0, span));
            check_that(m, <=, parity_of(loss, 3, span)); /* losses that come in runs need more */
        }
    }
}

/* Inner flows have parity before anything was measured, and none once little enough was lost. */
static void test_inner_flows_begin_with_parity(void **state)
{
    (void)state;
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    r.parity = true;
    assert_int_equal(skt_redundancy_group(&r), 0);
    r.inner = true;
    assert_int_equal(skt_redundancy_parity(&r, 24, 24), 6); /* as at 5 % */
    for (unsigned i = 0; i < 511; i++)
        skt_redundancy_on_arrived(&r);
    assert_int_equal(skt_redundancy_parity(&r, 24, 24), 2);
    skt_redundancy_on_arrived(&r);
    assert_int_equal(skt_redundancy_group(&r), 0);
}

static void test_what_is_left_of_the_budget(void **state)
{
    (void)state;
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    assert_int_equal(skt_redundancy_left(&r, 0), 64000);
    skt_redundancy_on_copied(&r, 0, 60000);
    assert_int_equal(skt_redundancy_left(&r, 0), 4000);
    assert_true(skt_redundancy_allows(&r, 0, 4000));
    assert_false(skt_redundancy_allows(&r, 0, 4001));
    skt_redundancy_on_first(&r, 0, 10000);
    assert_int_equal(skt_redundancy_left(&r, 0), 7000);
    skt_redundancy_on_copied(&r, 0, 60000);
    assert_int_equal(skt_redundancy_left(&r, 0), 0);
    assert_int_equal(skt_redundancy_left(&r, 2 * SEC), 64000);
}

static void test_few_losses_need_nothing(void **state)
{
    (void)state;
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    r.parity = true;
    for (unsigned i = 0; i < 63; i++)
        skt_redundancy_on_lost(&r);
    assert_int_equal(skt_redundancy_group(&r), 0); /* too few to know anything */
    skt_redundancy_on_lost(&r);
    assert_int_equal(skt_redundancy_group(&r), SKT_PARITY_GROUP);
    r.off = true;
    assert_int_equal(skt_redundancy_group(&r), 0);
    r.off = false;
    skt_redundancy_reset(&r);
    for (unsigned i = 0; i < 1000; i++)
        skt_redundancy_on_arrived(&r);
    skt_redundancy_on_lost(&r);
    assert_int_equal(skt_redundancy_group(&r), 0);
    skt_redundancy_on_lost(&r);
    assert_int_equal(skt_redundancy_group(&r), SKT_PARITY_GROUP);
}

/* Where a duplicate's ACK overtook the original's, nothing need have been lost. */
static void test_presumed_losses_need_nothing(void **state)
{
    (void)state;
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    r.parity = true;
    for (uint32_t i = 0; i < 200; i++) {
        struct skt_suspect s = {.conv = 7, .sn = i, .ts = i};
        skt_redundancy_on_arrived(&r);
        if (i % 10 == 0)
            skt_redundancy_on_copy_arrived(&r, 1, &s);
    }
    assert_int_equal(skt_redundancy_group(&r), 0);
    skt_redundancy_on_lost(&r);
    skt_redundancy_on_lost(&r);
    assert_int_equal(skt_redundancy_group(&r), SKT_PARITY_GROUP);
    skt_redundancy_on_spurious(&r);
    assert_int_equal(skt_redundancy_group(&r), 0);
}

/* A report that lies changes no more than the measure can hold. */
static void test_reports_are_bounded(void **state)
{
    (void)state;
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    r.parity = true;
    for (unsigned i = 0; i < 500; i++)
        skt_redundancy_on_arrived(&r);
    skt_redundancy_on_report(&r, UINT32_MAX, UINT32_MAX, UINT32_MAX);
    check_that(r.lost, <=, r.measured);
    check_that(skt_redundancy_parity(&r, 24, 24), <=, SKT_PARITY_MAX);
    skt_redundancy_on_report(&r, UINT32_MAX, 1, 0); /* an outage is one run, and no reason for more parity */
    skt_redundancy_on_report(&r, 5, 0, 0);
    skt_redundancy_on_report(&r, 0, 5, 0);
    assert_true(r.run_lost >= r.runs && r.run_lost < 512);
    check_that(skt_redundancy_parity(&r, 24, 24), <=, SKT_PARITY_MAX);
}

static void test_fixed_proportion(void **state)
{
    (void)state;
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    r.fixed_data = 10;
    r.fixed_parity = 3;
    assert_int_equal(skt_redundancy_group(&r), 0);
    check_that(skt_redundancy_copies(&r), >, 0); /* while the peer takes no parity */
    r.parity = true;
    assert_int_equal(skt_redundancy_copies(&r), 0);
    assert_int_equal(skt_redundancy_group(&r), 10);
    assert_int_equal(skt_redundancy_parity(&r, 10, 14), 3);
    assert_int_equal(skt_redundancy_parity(&r, 7, 7), 3);
    assert_int_equal(skt_redundancy_parity(&r, 6, 6), 2);
    assert_int_equal(skt_redundancy_parity(&r, 1, 1), 1);
}

CHECK_GROUP(parity)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strength),
        cmocka_unit_test(test_few_losses_need_nothing),
        cmocka_unit_test(test_inner_flows_begin_with_parity),
        cmocka_unit_test(test_what_is_left_of_the_budget),
        cmocka_unit_test(test_presumed_losses_need_nothing),
        cmocka_unit_test(test_reports_are_bounded),
        cmocka_unit_test(test_fixed_proportion),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_clean_link_has_none),
        cmocka_unit_test(test_bulk_pays_by_retransmission),
        cmocka_unit_test(test_much_is_bulk),
        cmocka_unit_test(test_normal_mode_stays_gentle),
        cmocka_unit_test(test_hidden_losses_are_measured),
        cmocka_unit_test(test_change_of_keys),
        cmocka_unit_test(test_reordering_and_duplication),
        cmocka_unit_test(test_memory_is_given_back),
        cmocka_unit_test(test_only_where_both_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
