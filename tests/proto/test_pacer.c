/* SPDX-License-Identifier: MIT */
/* The guarantee in pacer.h: never more than the formula, never less than the rate. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/path/pacer.h"
#include "sim/rng.h"

enum { MTU = 1400 };

/* Sends whenever it may, woken `late` after each expiry; returns the bytes sent in one second. */
static uint64_t run_for_a_second(uint64_t rate, skt_us late, uint64_t seed)
{
    struct skt_pacer p;
    struct sim_rng rng = sim_rng_of(seed);
    skt_us start = 5 * SKT_US_PER_SEC, now = start;
    skt_pacer_init(&p, now, rate, MTU);
    uint64_t sent = 0, allowed_at_start = skt_pacer_burst(&p);
    while (now < start + SKT_US_PER_SEC) {
        while (skt_pacer_ready(&p, now)) {
            skt_pacer_on_sent(&p, now, MTU);
            sent += MTU;
            check_that(sent, <=, allowed_at_start + rate * (now - start) / SKT_US_PER_SEC + MTU);
        }
        skt_us next = skt_pacer_expiry(&p, now);
        check_that(next, >, now);
        now = next + (late ? sim_rng_below(&rng, late + 1) : 0);
    }
    return sent;
}

static void test_rates(void **state)
{
    (void)state;
    static const uint64_t mbit[] = {1, 10, 100, 1000, 3000, 10000};
    for (size_t i = 0; i < sizeof mbit / sizeof mbit[0]; i++) {
        uint64_t rate = mbit[i] * 125000;
        uint64_t sent = run_for_a_second(rate, 0, 1);
        check_that(sent, >=, rate);
        sent = run_for_a_second(rate, SKT_US_PER_MS, 2);
        check_that(sent, >=, rate * 99 / 100);
    }
}

static void test_bursts(void **state)
{
    (void)state;
    struct skt_pacer p;
    skt_pacer_init(&p, 0, 1000, MTU);
    assert_int_equal(skt_pacer_burst(&p), 10 * MTU);
    for (int i = 0; i < 10; i++) {
        assert_true(skt_pacer_ready(&p, 0));
        assert_int_equal(skt_pacer_expiry(&p, 0), 0);
        skt_pacer_on_sent(&p, 0, MTU);
    }
    assert_false(skt_pacer_ready(&p, 0));
    skt_pacer_set_rate(&p, 0, 100 * 1000 * 1000);
    assert_int_equal(skt_pacer_burst(&p), 200 * 1000);
    assert_int_equal(skt_pacer_expiry(&p, 0), 1000); /* a quantum, not a packet */
    assert_true(skt_pacer_ready(&p, 100));
}

static void test_idle_saves_no_more_than_a_burst(void **state)
{
    (void)state;
    struct skt_pacer p;
    skt_pacer_init(&p, 0, 125000, MTU);
    skt_us now = 3600 * SKT_US_PER_SEC;
    int n = 0;
    for (; skt_pacer_ready(&p, now); n++)
        skt_pacer_on_sent(&p, now, MTU);
    assert_int_equal(n, 10);
}

static void test_debt_is_paid(void **state)
{
    (void)state;
    struct skt_pacer p;
    skt_pacer_init(&p, 0, 1000000, MTU);
    skt_pacer_on_sent(&p, 0, 10 * MTU + 500000);
    skt_us at = skt_pacer_expiry(&p, 0);
    assert_int_equal(at, 500000 + SKT_PACER_QUANTUM_US);
    assert_false(skt_pacer_ready(&p, 500000));
    assert_true(skt_pacer_ready(&p, at));
}

/* What may go ahead takes a burst more, once, and the rate stays. */
static void test_overdraft_is_a_burst(void **state)
{
    (void)state;
    struct skt_pacer p;
    skt_us now = 1000;
    uint64_t sent = 0, burst;
    skt_pacer_init(&p, now, 1000000, 1400);
    burst = skt_pacer_burst(&p);
    while (skt_pacer_overdraft_expiry(&p, now) <= now) {
        skt_pacer_on_sent(&p, now, 100);
        sent += 100;
    }
    assert_in_range(sent, 2 * burst, 2 * burst + 100);
    assert_false(skt_pacer_ready(&p, now));
    assert_in_range(skt_pacer_expiry(&p, now) - now, burst, burst + 1200); /* the others wait: 1 byte a us */
    for (skt_us end = now + 100000; now < end; now += 100) {
        while (skt_pacer_overdraft_expiry(&p, now) <= now) {
            skt_pacer_on_sent(&p, now, 100);
            sent += 100;
        }
    }
    assert_in_range(sent, 100000 + 2 * burst - 100, 100000 + 2 * burst + 100);
}

CHECK_GROUP(pacer)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_bursts),
        cmocka_unit_test(test_idle_saves_no_more_than_a_burst),
        cmocka_unit_test(test_debt_is_paid),
        cmocka_unit_test(test_overdraft_is_a_burst),
    };
    return cmocka_run_group_tests_name("pacer", tests, NULL, NULL);
}
