/* SPDX-License-Identifier: MIT */
/* Whole inner traffic through a tunnel in TUN mode: what thin flows wait beside many bulk ones, and what a
 * single TCP flow reaches over a lossy link. */
#include "sim/inner.h"
#include "sim/instrumented.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"

#define SEC SKT_US_PER_SEC
#define MS  SKT_US_PER_MS

enum { BULK = 180, THIN = 20, PAYLOAD = 1348 /* of a full packet */ };

static struct sim_world_config link_of(uint64_t mbit, skt_us delay, unsigned loss, uint64_t seed)
{
    struct sim_world_config c = {.seed = seed};
    c.up.rate = c.down.rate = mbit * 125000;
    c.up.buffer = c.down.buffer = (size_t)(mbit * 125000 / 20); /* 50 ms */
    c.up.delay = c.down.delay = delay;
    c.up.loss = c.down.loss = loss;
    c.up.jitter = c.down.jitter = 2 * MS;
    return c;
}

static double mbit_of(uint64_t packets, skt_us time)
{
    return (double)packets * PAYLOAD * 8 / (double)time;
}

/* BULK senders that begin one by one, and THIN flows of requests. */
static void add_crowd(struct sim_inner *in, skt_us start)
{
    for (unsigned i = 0; i < BULK; i++)
        sim_inner_add_tcp(in, start + i * MS);
    for (unsigned i = 0; i < THIN; i++)
        sim_inner_add_thin(in, start + i * 5 * MS);
}

static uint64_t bulk_packets(const struct sim_inner *in)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < BULK; i++)
        all += in->tcp[i].delivered;
    return all;
}

/* What 99 of 100 requests of one thin flow alone take at most, ms. */
static double alone(uint64_t mbit, uint64_t seed)
{
    struct sim_world_config c = link_of(mbit, 20 * MS, 200, seed);
    struct sim_inner *in = sim_inner_new(&c);
    sim_inner_add_thin(in, in->world->now);
    sim_inner_run(in, in->world->now + 60 * SEC);
    double p99 = (double)sim_inner_took(in, 990) / 1000;
    sim_inner_free(in);
    return p99;
}

/* What 99 of 100 requests of THIN flows beside BULK take at most, ms; *p999: 999 of 1000. Every bulk flow
 * gets its share, and all of them what the link has. The jitter hides the least round trip, so the path looks
 * for it by a smaller window once. */
static double beside(uint64_t mbit, uint64_t seed, double *p999)
{
    struct sim_world_config c = link_of(mbit, 20 * MS, 200, seed);
    struct sim_inner *in = sim_inner_new(&c);
    skt_us start = in->world->now;
    add_crowd(in, start);
    in->from = start + 3 * SEC;
    sim_inner_run(in, in->from + 10 * SEC);
    uint64_t all = bulk_packets(in), least = UINT64_MAX, most = 0;
    for (unsigned i = 0; i < BULK; i++) {
        uint64_t n = in->tcp[i].delivered;
        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    double p50 = (double)sim_inner_took(in, 500) / 1000, p99 = (double)sim_inner_took(in, 990) / 1000;
    *p999 = (double)sim_inner_took(in, 999) / 1000;
    const struct skt_path_stats *st = &skt_session_path(in->world->client.session)->stats;
    print_message("%llu Mbit/s, seed %llu: thin p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, bulk %.1f Mbit/s, "
                  "%llu to %llu packets "
                  "each; sent %llu + %llu duplicates + %llu again\n",
                  (unsigned long long)mbit, (unsigned long long)seed, p50, p99, *p999, mbit_of(all, 10 * SEC),
                  (unsigned long long)least, (unsigned long long)most, (unsigned long long)st->sent,
                  (unsigned long long)st->duplicated, (unsigned long long)st->retransmitted);
    check_that(mbit_of(all, 10 * SEC), >=, (double)mbit * 0.72); /* headers, losses, duplicates */
    check_that(least * 100, >=, most * 90);
    sim_inner_free(in);
    return p99;
}

/* 20 thin flows beside 180 bulk ones at 2 % loss: p99 within 22 ms of one alone (worst measured: 20.4). */
static void test_thin_beside_many_bulk(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= sim_seeds(2, 1); seed++) {
        for (uint64_t mbit = 20; mbit <= 100; mbit += 40) {
            double one = alone(mbit, seed), p999, p99 = beside(mbit, seed, &p999);
            print_message("    one alone: p99 %.1f ms\n", one);
            check_that(p99, <=, one + 22);
            check_that(p999, <=, one + 30);
        }
    }
}

/* 180 senders that each wait for one packet's acknowledgement fill a link between them, though none of theirs
 * waits in the queue. Taken for thin, all of it would be sent twice, past the pacer. */
static void test_bulk_of_many_short_windows(void **state)
{
    (void)state;
    struct sim_world_config c = link_of(50, 20 * MS, 200, 1);
    struct sim_inner *in = sim_inner_new(&c);
    skt_us start = in->world->now;
    add_crowd(in, start);
    in->from = start + 3 * SEC;
    sim_inner_run(in, start + 2 * SEC);
    in->window = 1;
    sim_inner_run(in, in->from + 10 * SEC);
    double p99 = (double)sim_inner_took(in, 990) / 1000, mbit = mbit_of(bulk_packets(in), 10 * SEC);
    print_message("windows of one packet: thin p99 %.1f ms, bulk %.1f Mbit/s, %llu duplicates\n", p99, mbit,
                  (unsigned long long)skt_session_path(in->world->client.session)->stats.duplicated);
    check_that(p99, <=, 55);
    check_that(mbit, >=, 40);
    sim_inner_free(in);
}

/* The link loses a part of its rate for a while. When that is back, finding it must not fill the buffer. */
static void test_rate_that_comes_back(void **state)
{
    (void)state;
    struct sim_world_config c = link_of(100, 20 * MS, 200, 1);
    struct sim_inner *in = sim_inner_new(&c);
    skt_us start = in->world->now;
    add_crowd(in, start);
    in->from = start + 6 * SEC;
    sim_inner_run(in, start + 3 * SEC);
    in->world->up.config.rate = 70 * 125000;
    sim_inner_run(in, in->from);
    in->world->up.config.rate = 100 * 125000;
    sim_inner_run(in, in->from + 5 * SEC);
    double p99 = (double)sim_inner_took(in, 990) / 1000, mbit = mbit_of(bulk_packets(in), 5 * SEC);
    print_message("100, 70, 100 Mbit/s: thin p99 %.1f ms, bulk %.1f Mbit/s\n", p99, mbit);
    check_that(p99, <=, 65);
    check_that(mbit, >=, 80);
    sim_inner_free(in);
}

/* A sender that never stops, second by second; packets in the last one. */
static double one_tcp(skt_us delay, unsigned loss, double *mean)
{
    enum { SECONDS = 14 };
    struct sim_world_config c = link_of(100, delay, loss, 1);
    struct sim_inner *in = sim_inner_new(&c);
    skt_us start = in->world->now;
    sim_inner_add_tcp(in, start);
    in->from = start;
    uint64_t before = 0, last = 0;
    print_message("RTT %llu ms, loss %.1f %%:", (unsigned long long)delay / 500, loss / 100.0);
    for (unsigned s = 1; s <= SECONDS; s++) {
        sim_inner_run(in, start + s * SEC);
        last = in->tcp[0].delivered - before;
        before = in->tcp[0].delivered;
        print_message(" %.0f", mbit_of(last, SEC));
    }
    *mean = mbit_of(before, SECONDS * SEC);
    print_message(
        " Mbit/s; mean %.1f, inner RTT %.0f ms, %llu dropped by the queue, %llu reductions, %llu timeouts\n",
        *mean, (double)in->tcp[0].srtt / 1000, (unsigned long long)in->queue[1].stats.dropped,
        (unsigned long long)in->tcp[0].reductions, (unsigned long long)in->tcp[0].timeouts);
    assert_int_equal(in->tcp[0].timeouts, 0);
    sim_inner_free(in);
    return mbit_of(last, SEC);
}

/* A clean link is filled. On a lossy one the sender sees no losses but a jitter of round trips, as what is
 * behind a loss waits for it; that ends its slow start early, and then it takes its time. But nothing else
 * slows it down. */
static void test_one_tcp(void **state)
{
    (void)state;
    double mean;
    (void)one_tcp(10 * MS, 0, &mean);
    check_that(mean, >=, 80);
    check_that(one_tcp(10 * MS, 200, &mean), >=, 75);
    check_that(one_tcp(10 * MS, 1000, &mean), >=, 60);
    (void)one_tcp(40 * MS, 0, &mean);
    check_that(mean, >=, 75);
    (void)one_tcp(40 * MS, 200, &mean);
}

/* The bulk row's link: a long path, where slow growth costs most. Mbit/s of 15 s from cold. */
static double one_tcp_far(unsigned loss, uint64_t seed)
{
    struct sim_world_config c = {.seed = seed};
    c.up.rate = c.down.rate = 100 * 125000;
    c.up.buffer = c.down.buffer = 1250000;
    c.up.delay = c.down.delay = 80 * MS;
    c.up.loss = c.down.loss = loss;
    struct sim_inner *in = sim_inner_new(&c);
    sim_inner_run(in, in->world->now + 1 * SEC);
    skt_us start = in->world->now;
    sim_inner_add_tcp(in, in->from = start);
    sim_inner_run(in, start + 15 * SEC);
    double mbit = mbit_of(in->tcp[0].delivered, 15 * SEC);
    const struct skt_session *s = in->world->client.session;
    print_message(
        "RTT 160 ms, loss %.1f %%, seed %llu: %.1f Mbit/s, left slow start at %.0f packets, "
        "%llu reductions; sent %llu, parity %llu, again %llu\n",
        loss / 100.0, (unsigned long long)seed, mbit, in->tcp[0].ssthresh < 1e6 ? in->tcp[0].ssthresh : 0,
        (unsigned long long)in->tcp[0].reductions, (unsigned long long)skt_session_path(s)->stats.sent,
        (unsigned long long)skt_session_parity_sent(s),
        (unsigned long long)skt_session_path(s)->stats.retransmitted);
    sim_inner_free(in);
    return mbit;
}

/* Parity mends losses before HyStart takes the wait for them for a queue, from the first packet on. */
static void test_one_tcp_over_a_long_lossy_path(void **state)
{
    (void)state;
    static const struct {
        unsigned loss;
        double least, mean;
    } cases[] = {{100, 45, 58}, {500, 45, 52}, {1000, 10, 32}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned seeds = sim_seeds(5, 1);
        double sum = 0;
        for (uint64_t seed = 1; seed <= seeds; seed++) {
            double mbit = one_tcp_far(cases[i].loss, seed);
            check_that(mbit, >=, cases[i].least);
            sum += mbit;
        }
        check_that(sum / seeds, >=, cases[i].mean);
    }
}

/* On a clean path there is parity only until it is known to be clean. */
static void test_clean_path_has_parity_at_first_only(void **state)
{
    (void)state;
    struct sim_world_config c = link_of(100, 40 * MS, 0, 1);
    c.up.buffer = 16 << 20; /* slow start is not to lose anything by overshooting */
    struct sim_inner *in = sim_inner_new(&c);
    const struct skt_session *s = in->world->client.session;
    sim_inner_add_tcp(in, in->world->now);
    sim_inner_run(in, in->world->now + 3 * SEC);
    uint64_t early = skt_session_parity_sent(s);
    print_message("%llu packets of parity on a clean path\n", (unsigned long long)early);
    assert_true(early > 0 && early <= 300);
    sim_inner_run(in, in->world->now + 5 * SEC);
    assert_int_equal(skt_session_parity_sent(s), early);
    sim_inner_free(in);
}

CHECK_GROUP(inner)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thin_beside_many_bulk),
        cmocka_unit_test(test_bulk_of_many_short_windows),
        cmocka_unit_test(test_rate_that_comes_back),
        cmocka_unit_test(test_one_tcp),
        cmocka_unit_test(test_one_tcp_over_a_long_lossy_path),
        cmocka_unit_test(test_clean_path_has_parity_at_first_only),
    };
    return cmocka_run_group_tests_name("inner", tests, NULL, NULL);
}
