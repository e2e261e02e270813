/* SPDX-License-Identifier: MIT */
/* The simulated link where it follows a schedule of opportunities. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "sim/link.h"

#define MS SKT_US_PER_MS

enum { FULL = SIM_OPPORTUNITY - SIM_IP_OVERHEAD };

static struct sim_capacity *written(const char *text)
{
    char path[] = "/tmp/skt_capacity_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    struct sim_capacity *c = sim_capacity_read(path);
    assert_int_equal(unlink(path), 0);
    return c;
}

static void send_some(struct sim_link *l, skt_us now, size_t len, unsigned n)
{
    uint8_t data[2048] = {0};
    for (unsigned i = 0; i < n; i++)
        sim_link_send(l, now, data, len);
}

/* When the next one arrives, ms; -1: there is none. */
static double next_ms(struct sim_link *l)
{
    uint8_t buf[2048];
    skt_us at = sim_link_expiry(l);
    if (at == SKT_NEVER)
        return -1;
    assert_true(sim_link_receive(l, at, buf, sizeof buf) > 0);
    return (double)at / 1000;
}

static void test_a_packet_an_opportunity(void **state)
{
    (void)state;
    struct sim_capacity *c = written("1\n4\n4\n10\n");
    struct sim_link_config config = {.capacity = c};
    struct sim_link l;
    sim_link_init(&l, &config, 1);
    send_some(&l, 0, FULL, 5);
    static const double arrivals[] = {1, 4, 4, 10, 11 /* the schedule's second turn begins at 10 */};
    for (size_t i = 0; i < 5; i++)
        assert_true(next_ms(&l) == arrivals[i]);
    assert_true(next_ms(&l) == -1);
    sim_link_dispose(&l);
    sim_capacity_free(c);
}

/* A packet that is longer than what is left takes the rest from the next one; what is left of one is for
 * those only that are there in time. */
static void test_packets_span_opportunities(void **state)
{
    (void)state;
    struct sim_capacity *c = written("2\n5\n9\n20\n");
    struct sim_link_config config = {.capacity = c};
    struct sim_link l;
    sim_link_init(&l, &config, 1);
    size_t half = SIM_OPPORTUNITY / 2 - SIM_IP_OVERHEAD;
    send_some(&l, 1 * MS, half, 1);
    send_some(&l, 1 * MS, FULL, 1); /* half at 2, half at 5 */
    send_some(&l, 3 * MS, half, 1); /* at 5 with the rest of that */
    send_some(&l, 6 * MS, half, 1); /* at 9, of which half is lost */
    send_some(&l, 10 * MS, FULL, 1);
    static const double arrivals[] = {2, 5, 5, 9, 20};
    for (size_t i = 0; i < 5; i++)
        assert_true(next_ms(&l) == arrivals[i]);
    sim_link_dispose(&l);
    sim_capacity_free(c);
}

static void test_the_tail_is_dropped(void **state)
{
    (void)state;
    struct sim_capacity *c = written("10\n20\n30\n");
    struct sim_link_config config = {.capacity = c, .buffer = 2 * SIM_OPPORTUNITY};
    struct sim_link l;
    sim_link_init(&l, &config, 1);
    send_some(&l, 0, FULL, 3);
    assert_int_equal(l.stats.dropped, 1);
    send_some(&l, 11 * MS, FULL, 2);
    assert_int_equal(l.stats.dropped, 2);
    assert_int_equal(sim_link_wait(&l, 11 * MS, FULL), 20 * MS); /* at 40 instead of 20 */
    assert_int_equal(sim_link_alone(&config, 11 * MS, FULL), 20 * MS);
    sim_link_dispose(&l);
    sim_capacity_free(c);
}

static void test_what_could_pass(void **state)
{
    (void)state;
    struct sim_capacity *c = written("0\n0\n5\n10\n");
    assert_int_equal(sim_capacity_between(c, 0, 10 * MS), 3 * SIM_OPPORTUNITY);
    assert_int_equal(sim_capacity_between(c, 0, 10 * MS + 1), 6 * SIM_OPPORTUNITY);
    assert_int_equal(sim_capacity_between(c, 5 * MS, 25 * MS), 8 * SIM_OPPORTUNITY);
    sim_capacity_free(c);
    assert_null(written("5\nfive\n"));
    assert_null(written("5\n3\n"));
    assert_null(written(""));
    assert_null(written("0\n"));
}

/* The models carry about what they say, and the same each time. */
static void test_models(void **state)
{
    (void)state;
    double wander = 0, wifi = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_capacity *a = sim_capacity_wander(seed, 60), *b = sim_capacity_wander(seed, 60);
        assert_int_equal(a->count, b->count);
        assert_memory_equal(a->at, b->at, a->count * sizeof a->at[0]);
        wander += (double)a->count * SIM_OPPORTUNITY * 8e-6 / 60 / 20;
        sim_capacity_free(a);
        sim_capacity_free(b);
        a = sim_capacity_wifi(seed, 60000000 / 8, 60);
        wifi += (double)(a->count * a->bytes) * 8e-6 / 60 / 20;
        sim_capacity_free(a);
    }
    print_message("wandering link: %.1f Mbit/s; Wi-Fi of 60: %.1f Mbit/s\n", wander, wifi);
    check_that(wander, >, 6);
    check_that(wander, <, 13);
    check_that(wifi, >, 55);
    check_that(wifi, <, 65);
}

CHECK_GROUP(sim_link)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_packet_an_opportunity),
        cmocka_unit_test(test_packets_span_opportunities),
        cmocka_unit_test(test_the_tail_is_dropped),
        cmocka_unit_test(test_what_could_pass),
        cmocka_unit_test(test_models),
    };
    return cmocka_run_group_tests_name("sim_link", tests, NULL, NULL);
}
