/* SPDX-License-Identifier: MIT */
/* Thin flows: the policy of duplicates, and how long requests and their answers take over lossy links. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include <stdlib.h>
#include <string.h>

#include "sim/pair.h"
#include "sim/rig.h"

#define MS  SKT_US_PER_MS
#define SEC SKT_US_PER_SEC

/* --- policy --- */

static void measure(struct skt_redundancy *r, unsigned n, unsigned lost)
{
    for (unsigned i = 0; i < n; i++) {
        if (i < lost)
            skt_redundancy_on_lost(r);
        else
            skt_redundancy_on_arrived(r);
    }
}

static unsigned copies_at(unsigned n, unsigned lost)
{
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    measure(&r, n, lost);
    return skt_redundancy_copies(&r);
}

static void test_copies_follow_loss(void **state)
{
    (void)state;
    assert_int_equal(copies_at(0, 0), 2);
    assert_int_equal(copies_at(199, 0), 2);
    assert_int_equal(copies_at(200, 0), 0);
    assert_int_equal(copies_at(2000, 1), 1);   /* 0.1 % */
    assert_int_equal(copies_at(2000, 10), 1);  /* 0.5 % */
    assert_int_equal(copies_at(2000, 20), 2);  /* 1 % */
    assert_int_equal(copies_at(2000, 48), 2);  /* 2.4 % */
    assert_int_equal(copies_at(2000, 100), 3); /* 5 % */
    assert_int_equal(copies_at(2000, 200), 4); /* 10 % */
    assert_int_equal(copies_at(2000, 900), SKT_COPIES_MAX);
}

/* Where duplicates share the fate of their original there are more of them. */
static void test_copies_follow_bursts(void **state)
{
    (void)state;
    struct skt_redundancy r;
    struct skt_suspect s = {.conv = 7, .sn = 1, .ts = 1};
    skt_redundancy_init(&r);
    measure(&r, 1000, 5);
    assert_int_equal(skt_redundancy_copies(&r), 1);
    for (int i = 0; i < 10; i++)
        skt_redundancy_on_copy_arrived(&r, 2, &s);
    check_that(skt_redundancy_copies(&r), >=, 3);
}

static void test_old_losses_are_forgotten(void **state)
{
    (void)state;
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    measure(&r, 1000, 50);
    assert_int_equal(skt_redundancy_copies(&r), 3);
    measure(&r, 10000, 0);
    assert_int_equal(skt_redundancy_copies(&r), 0);
}

/* What was late only is no loss. */
static void test_late_is_not_lost(void **state)
{
    (void)state;
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    measure(&r, 300, 0);
    for (uint32_t i = 0; i < 5; i++) {
        struct skt_suspect s = {.conv = 7, .sn = i, .ts = 100 + i};
        skt_redundancy_on_copy_arrived(&r, 1, &s);
    }
    check_that(skt_redundancy_copies(&r), >, 0);
    for (uint32_t i = 0; i < 5; i++) {
        struct skt_suspect copy = {.conv = 7, .sn = i, .ts = 101 + i},
                           s = {.conv = 7, .sn = i, .ts = 100 + i};
        skt_redundancy_on_late(&r, &copy); /* the duplicate's own: says nothing */
        skt_redundancy_on_late(&r, &s);
        skt_redundancy_on_late(&r, &s); /* twice: counts once */
    }
    assert_int_equal(r.lost, 0);
}

/* An answer's una tells of a request before its ACK does; what that names then shows whether the original was
 * lost. */
static void test_loss_behind_una(void **state)
{
    (void)state;
    struct skt_redundancy r;
    skt_redundancy_init(&r);
    measure(&r, 300, 0);
    for (uint32_t i = 1; i <= 20; i++) {
        struct skt_suspect first = {.conv = 7, .sn = i, .ts = 100 + i},
                           copy = {.conv = 7, .sn = i, .ts = 101 + i};
        skt_redundancy_on_arrived(&r);
        skt_redundancy_on_unnamed(&r, &first);
        if (i % 5) /* it arrived */
            skt_redundancy_on_late(&r, &first);
        skt_redundancy_on_late(&r, &copy);
        skt_redundancy_on_late(&r, &copy); /* repeated */
    }
    assert_int_equal(r.lost, 4);
    struct skt_suspect late = {.conv = 7, .sn = 20, .ts = 120};
    skt_redundancy_on_late(&r, &late); /* overtaken only */
    assert_int_equal(r.lost, 3);
    assert_int_equal(r.measured, 320);
}

/* Duplicates of any second: at most the free bytes and the cap's share of first transmissions. */
static void test_budget(void **state)
{
    (void)state;
    struct skt_redundancy r;
    struct sim_rng rng = sim_rng_of(5);
    enum { STEPS = 20000 };
    static uint32_t first[STEPS], copied[STEPS]; /* 1 ms each */
    skt_redundancy_init(&r);
    uint64_t total = 0;
    for (unsigned t = 0; t < STEPS; t++) {
        skt_us now = 5 * SEC + t * MS;
        first[t] = (uint32_t)sim_rng_below(&rng, t / 5000 % 2 ? 3000 : 30);
        skt_redundancy_on_first(&r, now, first[t]);
        while (copied[t] < 2000 && skt_redundancy_allows(&r, now, 100)) {
            skt_redundancy_on_copied(&r, now, 100);
            copied[t] += 100;
        }
        total += copied[t];
        uint64_t f = 0, c = 0;
        for (unsigned i = t >= 999 ? t - 999 : 0; i <= t; i++) {
            f += first[i];
            c += copied[i];
        }
        /* The budget's own window is up to a tenth longer, so what it admits for it may be a little more. */
        check_that(c, <=, SKT_OVERHEAD_FREE + f * 300 / 1000 + 150 * UINT64_C(900));
    }
    check_that(total, >, 10 * SKT_OVERHEAD_FREE);
}

/* --- one transmission --- */

static void test_duplicates_are_spaced_and_named(void **state)
{
    (void)state;
    struct rig r;
    uint8_t data[64] = {1};
    rig_init(&r, true, 0, NULL);
    r.path.redundancy.off = false;
    skt_path_on_rtt(&r.path, r.now, 160 * MS);
    skt_kcp_write(&r.kcp, data, sizeof data);
    assert_int_equal(rig_send(&r), 1);
    struct rig_segment first = r.out[0];
    skt_us start = r.now;
    assert_int_equal(rig_wait(&r, 100 * MS), 1);
    assert_int_equal(r.now - start, 4 * MS);
    struct rig_segment second = r.out[0];
    assert_int_equal(rig_wait(&r, 100 * MS), 1);
    assert_int_equal(r.now - start, 8 * MS);
    assert_int_equal(second.h.sn, first.h.sn);
    assert_memory_equal(second.data, first.data, sizeof data);
    assert_true(skt_serial_before(first.h.ts, second.h.ts));
    assert_true(skt_serial_before(second.h.ts, r.out[0].h.ts));
    assert_int_equal(r.path.stats.duplicated, 2);
    assert_int_equal(r.path.stats.retransmitted, 0);
    assert_int_equal(rig_wait(&r, 100 * MS), 0);
    r.now = start + 164 * MS;
    rig_ack(&r, second.h.sn, second.h.ts, 1, 128);
    assert_in_range(r.path.rtt.latest, 160 * MS - 64, 160 * MS + 64); /* counted from the duplicate */
    assert_int_equal(r.path.redundancy.lost, 1);
    assert_true(skt_kcp_drained(&r.kcp));
    assert_int_equal(rig_wait(&r, SEC), 0);
    rig_dispose(&r);
}

static void test_acknowledged_is_not_duplicated(void **state)
{
    (void)state;
    struct rig r;
    uint8_t data[64] = {1};
    rig_init(&r, true, 0, NULL);
    r.path.redundancy.off = false;
    skt_path_on_rtt(&r.path, r.now, 2 * MS);
    skt_kcp_write(&r.kcp, data, sizeof data);
    rig_send(&r);
    struct rig_segment first = r.out[0];
    rig_ack(&r, 0, first.h.ts, 1, 128);
    assert_int_equal(rig_wait(&r, SEC), 0);
    assert_int_equal(r.path.stats.duplicated, 0);
    rig_dispose(&r);
}

/* Duplicates that a message of `len` bytes of a thin flow gets, segment by segment, where 5 % are lost and
 * parity is to be had. bulk: beside 40 Mbit/s of others, which something else than the path holds up. */
static void run_message(size_t len, bool bulk, bool fixed, unsigned copies[])
{
    struct rig r;
    static uint8_t data[40 * 1400];
    rig_init(&r, false, 0, NULL);
    struct skt_redundancy *red = &r.path.redundancy;
    red->off = false;
    red->parity = true;
    if (fixed) {
        const struct skt_tuning tuning = {.redundancy = SKT_REDUNDANCY_FIXED,
                                          .redundancy_data = 10,
                                          .redundancy_parity = 3,
                                          .overhead_cap_permille = SKT_OVERHEAD_CAP};
        skt_path_set_tuning(&r.path, r.now, &tuning);
    }
    skt_path_on_rtt(&r.path, r.now, 160 * MS);
    measure(red, 2000, 100);
    for (unsigned i = 0; i < 10; i++)
        skt_redundancy_on_first(red, r.now, bulk ? 500000 : 50000);
    assert_int_equal(skt_redundancy_is_bulk(red), bulk);
    assert_int_equal(skt_kcp_write(&r.kcp, data, len), 0);
    memset(copies, 0, 40 * sizeof copies[0]);
    bool first[40] = {false};
    for (size_t n = rig_send(&r); n > 0; n = rig_wait(&r, 100 * MS)) {
        for (size_t i = 0; i < n; i++) {
            copies[r.out[i].h.sn] += first[r.out[i].h.sn];
            first[r.out[i].h.sn] = true;
        }
    }
    rig_dispose(&r);
}

/* What parity does not cover is sent again unasked: also the first segments of a long message beside bulk. */
static void test_first_segments_beside_bulk(void **state)
{
    (void)state;
    unsigned copies[40];
    run_message(20 * 1376, false, false, copies);
    assert_int_equal(copies[0] + copies[1], 0); /* parity */
    run_message(20 * 1376, true, false, copies);
    assert_int_equal(copies[0], 3);
    assert_int_equal(copies[1], 3);
    assert_int_equal(copies[2], 0); /* no longer thin */
    run_message(20 * 1376, true, true, copies);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(copies[i], 0); /* parity, whatever else is sent */
}

/* --- over links --- */

enum { REQUESTS = 1000, CONNECTIONS_MAX = 10 };

static struct sim_pair pair;
static skt_us read_at[CONNECTIONS_MAX][REQUESTS];
static skt_us took[CONNECTIONS_MAX * REQUESTS];

static int by_time(const void *a, const void *b)
{
    skt_us x = *(const skt_us *)a, y = *(const skt_us *)b;
    return x < y ? -1 : x > y;
}

struct thin_case {
    const char *name;
    unsigned connections;
    unsigned loss; /* ten-thousandths, each way */
    unsigned burst_enter, burst_loss;
    skt_us burst_len;
    unsigned p99, p999; /* thousandths of the link's mean */
    bool clean;
};

#define BASE (161 * MS)

/* RTT 161 to 167 ms, 64 bytes at most every 100 ms. */
static void run_thin(const struct thin_case *t, uint64_t seed)
{
    struct sim_pair_config c;
    sim_pair_defaults(&c);
    c.seed = seed;
    for (int i = 0; i < 2; i++) {
        c.link[i] = (struct sim_link_config){.delay = BASE / 2,
                                             .jitter = 3 * MS,
                                             .loss = t->loss,
                                             .burst_enter = t->burst_enter,
                                             .burst_loss = t->burst_loss,
                                             .burst_len = t->burst_len};
    }
    sim_pair_init(&pair, &c);
    skt_us start = pair.now;
    for (unsigned i = 0; i < t->connections; i++)
        sim_pair_add_requests(&pair, 64, start + i * 9700, 100 * MS, REQUESTS, read_at[i]);
    sim_pair_run(&pair, start + 130 * SEC);
    assert_null(pair.failure);
    assert_true(sim_pair_done(&pair));
    size_t n = 0;
    double sum = 0;
    for (unsigned i = 0; i < t->connections; i++) {
        for (unsigned j = 0; j < REQUESTS; j++) {
            took[n] = read_at[i][j] - (start + i * 9700 + j * 100 * MS);
            sum += (double)took[n++];
        }
    }
    qsort(took, n, sizeof took[0], by_time);
    const double ping = (double)BASE + 3 * MS;
    double mean = sum / (double)n / ping, p99 = (double)took[n * 99 / 100] / ping,
           p999 = (double)took[n * 999 / 1000] / ping;
    const struct skt_path_stats *st = &pair.host[0].path.stats;
    print_message("%s, %u connections, seed %llu: %.4f / %.4f / %.4f, sent %llu + %llu duplicates + %llu "
                  "again, loss %.2f %%\n",
                  t->name, t->connections, (unsigned long long)seed, mean, p99, p999,
                  (unsigned long long)st->sent, (unsigned long long)st->duplicated,
                  (unsigned long long)st->retransmitted,
                  100.0 * (double)pair.host[0].out.stats.lost / (double)pair.host[0].out.stats.sent);
    check_that(mean, <=, 1.01);
    check_that(p99 * 1000, <=, t->p99);
    check_that(p999 * 1000, <=, t->p999);
    if (t->clean)
        check_that(st->duplicated, <=, 2 * (SKT_COPIES_MEASURED + 2)); /* two more on the way */
    sim_pair_dispose(&pair);
}

static void test_requests(void **state)
{
    (void)state;
    static const struct thin_case cases[] = {
        {.name = "clean", .connections = 1, .p99 = 1025, .p999 = 1030, .clean = true},
        {.name = "2.4 %", .connections = 1, .loss = 240, .p99 = 1060, .p999 = 1120},
        {.name = "2.4 %", .connections = 10, .loss = 240, .p99 = 1060, .p999 = 1120},
        {.name = "bursts",
         .connections = 1,
         .burst_enter = 240,
         .burst_loss = 10000,
         .burst_len = 3 * MS,
         .p99 = 1060,
         .p999 = 1120},
        {.name = "bursts",
         .connections = 10,
         .burst_enter = 240,
         .burst_loss = 10000,
         .burst_len = 3 * MS,
         .p99 = 1060,
         .p999 = 1120},
        {.name = "10 %", .connections = 10, .loss = 1000, .p99 = 1100, .p999 = 1200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint64_t seed = 1; seed <= 3; seed++)
            run_thin(&cases[i], seed);
    }
}

/* Loss that begins on a link that was clean: one request at a time, so that each is found by the tail probe.
 */
static void test_loss_that_begins_later(void **state)
{
    (void)state;
    struct sim_pair_config c;
    sim_pair_defaults(&c);
    for (int i = 0; i < 2; i++)
        c.link[i] = (struct sim_link_config){.delay = BASE / 2, .jitter = 3 * MS};
    sim_pair_init(&pair, &c);
    const struct skt_path *p = &pair.host[0].path;
    skt_us start = pair.now;
    sim_pair_add_requests(&pair, 64, start, 250 * MS, REQUESTS, read_at[0]);
    sim_pair_run(&pair, start + 75 * SEC);
    assert_int_equal(skt_redundancy_copies(&p->redundancy), 0);
    pair.host[0].out.config.loss = pair.host[1].out.config.loss = 500;
    sim_pair_run(&pair, start + 250 * SEC);
    unsigned loss = p->redundancy.lost * 1000 / 700;
    print_message("5 %% from the 300th of 1000 requests on: measured %u.%u %% of those since\n", loss / 10,
                  loss % 10);
    assert_in_range(loss, 30, 70);
    check_that(skt_redundancy_copies(&p->redundancy), >=, 2);
    unsigned late = 0;
    for (unsigned i = 500; i < 980; i++)
        late += read_at[0][i] - (start + i * 250 * MS) > 190 * MS;
    check_that(late, <=, 3);
    sim_pair_dispose(&pair);
}

static double mean_of_thin(bool bulk, unsigned loss)
{
    enum { THIN = 100, EACH = 60 };
    static skt_us answered[THIN][EACH];
    struct sim_pair_config c;
    sim_pair_defaults(&c);
    for (int i = 0; i < 2; i++)
        c.link[i] =
            (struct sim_link_config){.rate = 12500000, .buffer = 1250000, .delay = 20 * MS, .loss = loss};
    sim_pair_init(&pair, &c);
    skt_us start = pair.now;
    if (bulk)
        sim_pair_add(&pair, true, UINT64_C(1) << 40, 0, 1 << 20);
    for (unsigned i = 0; i < THIN; i++)
        sim_pair_add_requests(&pair, 64, start + SEC + i * MS, 100 * MS, EACH, answered[i]);
    sim_pair_run(&pair, start + 8 * SEC);
    assert_null(pair.failure);
    double sum = 0;
    for (unsigned i = 0; i < THIN; i++) {
        for (unsigned j = 0; j < EACH; j++)
            sum += (double)(answered[i][j] - (start + SEC + i * MS + j * 100 * MS));
    }
    if (bulk) /* it gets what they leave: about a megabit of 100 */
        check_that(pair.host[1].received, >, UINT64_C(8) * 12500000 * 80 / 100);
    sim_pair_dispose(&pair);
    return sum / (THIN * EACH) / 1000;
}

/* A bulk stream beside 100 thin ones does not delay them by more than 10 ms. */
static void test_bulk_beside_thin(void **state)
{
    (void)state;
    for (unsigned loss = 0; loss <= 200; loss += 200) {
        double alone = mean_of_thin(false, loss), beside = mean_of_thin(true, loss);
        print_message("100 thin streams, loss %.1f %%: %.1f ms alone, %.1f ms beside a bulk stream\n",
                      loss / 100.0, alone, beside);
        check_that(beside, <=, alone + 10);
    }
}

CHECK_GROUP(thin)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_follow_loss),
        cmocka_unit_test(test_copies_follow_bursts),
        cmocka_unit_test(test_old_losses_are_forgotten),
        cmocka_unit_test(test_late_is_not_lost),
        cmocka_unit_test(test_loss_behind_una),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_duplicates_are_spaced_and_named),
        cmocka_unit_test(test_acknowledged_is_not_duplicated),
        cmocka_unit_test(test_first_segments_beside_bulk),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_loss_that_begins_later),
        cmocka_unit_test(test_bulk_beside_thin),
    };
    return cmocka_run_group_tests_name("thin", tests, NULL, NULL);
}
