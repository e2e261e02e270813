/* SPDX-License-Identifier: MIT */
#include "proto/path/mtu.h"

#include "proto/wire.h"

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define SEC SKT_US_PER_SEC

/* Lets a search run on a path that carries `limit` bytes; the probes it took. */
static unsigned search(struct skt_mtu *m, size_t limit, skt_us *now, skt_us until)
{
    unsigned probes = 0;
    while (m->at != SKT_NEVER && m->at < until) {
        *now = skt_us_max(*now, m->at);
        size_t size = skt_mtu_probe(m, *now, 10000, true, *now);
        if (!size)
            continue;
        probes++;
        *now += 1000;
        if (size <= limit)
            (void)skt_mtu_on_probed(m, size, *now);
    }
    *now = until;
    return probes;
}

static void test_finds_every_limit(void **state)
{
    (void)state;
    for (size_t limit = SKT_MTU_START; limit <= SKT_MTU_MAX; limit++) {
        struct skt_mtu m;
        skt_us now = SEC;
        skt_mtu_init(&m);
        skt_mtu_start(&m, SKT_MTU_MAX, now);
        unsigned probes = search(&m, limit, &now, 9 * SEC);
        assert_in_range(m.current, limit - SKT_MTU_STEP + 1, limit);
        check_that(probes, <, 25);
    }
}

static void test_clear_path_takes_one_probe(void **state)
{
    (void)state;
    struct skt_mtu m;
    skt_mtu_init(&m);
    assert_int_equal(m.at, SKT_NEVER);
    assert_int_equal(m.current, SKT_MTU_START);
    skt_mtu_start(&m, 1400, SEC);
    assert_int_equal(skt_mtu_probe(&m, SEC, 0, true, SEC), 1400);
    assert_false(skt_mtu_on_probed(&m, 1399, SEC)); /* not what was asked */
    assert_true(skt_mtu_on_probed(&m, 1400, SEC));
    assert_int_equal(m.current, 1400);
}

static void test_shrinking_path_is_noticed(void **state)
{
    (void)state;
    struct skt_mtu m;
    skt_us now = SEC;
    skt_mtu_init(&m);
    skt_mtu_start(&m, SKT_MTU_MAX, now);
    search(&m, SKT_MTU_MAX, &now, 10 * SEC);
    assert_int_equal(m.current, SKT_MTU_MAX);
    search(&m, 1252, &now, 30 * SEC); /* checks only: small packets still pass */
    assert_in_range(m.current, 1252 - SKT_MTU_STEP + 1, 1252);
    now += SKT_MTU_RAISE_TIME;
    m.at = now;
    search(&m, SKT_MTU_MAX, &now, now + 30 * SEC);
    assert_in_range(m.current, SKT_MTU_MAX - SKT_MTU_STEP + 1, SKT_MTU_MAX);
}

static void test_black_hole_falls_to_the_floor(void **state)
{
    (void)state;
    struct skt_mtu m;
    skt_mtu_init(&m);
    skt_mtu_start(&m, SKT_MTU_MAX, SEC);
    assert_int_equal(skt_mtu_probe(&m, SEC, 0, true, SEC), SKT_MTU_MAX);
    assert_true(skt_mtu_on_probed(&m, SKT_MTU_MAX, SEC));
    assert_true(skt_mtu_on_black_hole(&m, 2 * SEC));
    assert_int_equal(m.current, SKT_MTU_START);
    assert_false(skt_mtu_on_black_hole(&m, 2 * SEC + 1)); /* no more by timeouts alone: it is probed for */
    assert_int_equal(m.current, SKT_MTU_START);
    assert_true(skt_mtu_doubts(&m, SKT_MTU_START));
    skt_us now = m.at;
    search(&m, SKT_MTU_LEAST, &now, now + 20 * SEC);
    assert_int_equal(m.current, SKT_MTU_LEAST);
    assert_true(skt_mtu_settled(&m));
}

/* What is in use from the start is only a guess, and looked at after the first probe for more. */
static void test_narrow_from_the_start(void **state)
{
    (void)state;
    for (size_t limit = SKT_MTU_LEAST; limit < SKT_MTU_START; limit++) {
        struct skt_mtu m;
        skt_us now = SEC;
        skt_mtu_init(&m);
        skt_mtu_start(&m, SKT_MTU_MAX, now);
        assert_true(skt_mtu_doubts(&m, SKT_MTU_START));
        assert_false(skt_mtu_doubts(&m, SKT_MTU_LEAST));
        unsigned probes = search(&m, limit, &now, 9 * SEC);
        assert_in_range(m.current,
                        limit < SKT_MTU_LEAST + SKT_MTU_STEP ? SKT_MTU_LEAST : limit - SKT_MTU_STEP + 1,
                        limit);
        assert_false(skt_mtu_doubts(&m, m.current));
        check_that(probes, <, 35);
    }
}

/* Also without a probe for more getting through: timeouts hasten the check of what is in use. */
static void test_black_hole_is_checked_at_once(void **state)
{
    (void)state;
    struct skt_mtu m;
    skt_us now = SEC;
    skt_mtu_init(&m);
    skt_mtu_start(&m, SKT_MTU_MAX, now);
    search(&m, SKT_MTU_START, &now, 10 * SEC);
    assert_int_equal(m.current, SKT_MTU_START);
    m.at = now + SEC;
    assert_false(skt_mtu_on_black_hole(&m, now));
    assert_int_equal(skt_mtu_probe(&m, now, 0, true, now), SKT_MTU_START);
    search(&m, 972, &now, now + 10 * SEC);
    assert_in_range(m.current, 972 - SKT_MTU_STEP + 1, 972);
}

/* The interface carries less, and the system says so at once: no probe is lost. */
static void test_too_long_for_the_interface(void **state)
{
    (void)state;
    static const size_t limits[] = {1452, 1252, 1200, 972, SKT_MTU_LEAST};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct skt_mtu m;
        unsigned probes = 0;
        skt_mtu_init(&m);
        assert_false(skt_mtu_on_too_long(&m, SKT_MTU_MAX, SEC)); /* not started */
        skt_mtu_start(&m, SKT_MTU_MAX, SEC);
        for (size_t size; (size = skt_mtu_probe(&m, SEC, 0, true, SEC)) != 0; probes++) {
            if (size <= limits[i])
                (void)skt_mtu_on_probed(&m, size, SEC);
            else
                (void)skt_mtu_on_too_long(&m, size, SEC);
        }
        assert_in_range(m.current,
                        limits[i] < SKT_MTU_LEAST + SKT_MTU_STEP ? SKT_MTU_LEAST : limits[i] - SKT_MTU_STEP,
                        limits[i]);
        check_that(probes, <, 12);
    }
    struct skt_mtu m;
    skt_us now = SEC;
    skt_mtu_init(&m);
    skt_mtu_start(&m, SKT_MTU_MAX, now);
    search(&m, SKT_MTU_MAX, &now, 10 * SEC);
    assert_true(skt_mtu_on_too_long(&m, SKT_MTU_MAX, now)); /* in use: down at once, on to what passes */
    assert_int_equal(m.current, SKT_MTU_START);
    assert_false(skt_mtu_on_too_long(&m, SKT_MTU_LEAST, now));
    search(&m, 1252, &now, now + 10 * SEC);
    assert_in_range(m.current, 1252 - SKT_MTU_STEP + 1, 1252);
}

static void test_settled_with_a_result_only(void **state)
{
    (void)state;
    struct skt_mtu m;
    skt_us now = SEC;
    skt_mtu_init(&m);
    assert_false(skt_mtu_settled(&m));
    skt_mtu_start(&m, SKT_MTU_MAX, now);
    assert_false(skt_mtu_settled(&m));
    assert_int_equal(skt_mtu_probe(&m, now, 0, true, now), SKT_MTU_MAX);
    assert_true(skt_mtu_on_probed(&m, SKT_MTU_MAX, now));
    assert_true(skt_mtu_settled(&m));
    now = m.at;
    assert_int_equal(skt_mtu_probe(&m, now, 0, true, now), SKT_MTU_MAX); /* a check of what is in use */
    assert_true(skt_mtu_settled(&m));
    assert_true(skt_mtu_on_black_hole(&m, now)); /* what is in use is only a guess now */
    assert_false(skt_mtu_settled(&m));
    search(&m, 1372, &now, now + 10 * SEC);
    assert_true(skt_mtu_settled(&m));
    assert_in_range(m.current, 1372 - SKT_MTU_STEP + 1, 1372);
}

static void test_rests_while_idle(void **state)
{
    (void)state;
    struct skt_mtu m;
    skt_us now = SEC;
    skt_mtu_init(&m);
    skt_mtu_start(&m, SKT_MTU_MAX, now);
    search(&m, SKT_MTU_MAX, &now, now + 1);
    assert_int_equal(skt_mtu_probe(&m, now + 10 * SEC, 0, false, now), 0);
    assert_int_equal(m.at, SKT_NEVER);
    skt_mtu_wake(&m, now + 20 * SEC);
    assert_int_equal(m.at, now + 20 * SEC + SKT_MTU_CHECK_TIME);
}

/* Sends probes every time one is due, for `len`; how many. */
static unsigned probe_into_the_void(struct skt_mtu *m, skt_us from, skt_us len, bool data, skt_us heard)
{
    unsigned n = 0;
    while (m->at < from + len)
        n += skt_mtu_probe(m, m->at, 0, data, heard) != 0;
    return n;
}

/* Where nothing is heard at all the lost probes prove nothing: they go on, slowly, and rest without data. */
static void test_silence_proves_nothing(void **state)
{
    (void)state;
    struct skt_mtu m;
    skt_mtu_init(&m);
    skt_mtu_start(&m, SKT_MTU_MAX, SEC);
    assert_int_equal(probe_into_the_void(&m, SEC, 40 * SEC, true, 0), 3 + 20);
    assert_int_equal(m.probe, SKT_MTU_MAX);
    assert_false(skt_mtu_settled(&m));
    assert_int_equal(probe_into_the_void(&m, 41 * SEC, 40 * SEC, false, 0), 0);
    assert_int_equal(m.at, SKT_NEVER);
    skt_mtu_wake(&m, 90 * SEC);
    skt_us back = m.at;
    for (unsigned i = 0; i < SKT_MTU_TRIES; i++) { /* the size has all its tries, from now on */
        assert_int_equal(skt_mtu_probe(&m, m.at, 0, true, m.at), SKT_MTU_MAX);
        check_that(skt_mtu_needs_sign(&m), ==, (i == SKT_MTU_TRIES - 1));
    }
    check_that(m.at - back, <, SEC);
    assert_in_range(skt_mtu_probe(&m, m.at, 0, true, m.at), SKT_MTU_START, SKT_MTU_MAX - SKT_MTU_STEP);
}

/* Timeouts are no proof either: what was in use is tried before anything smaller. */
static void test_size_before_a_black_hole_is_tried_first(void **state)
{
    (void)state;
    struct skt_mtu m;
    skt_us now = SEC;
    skt_mtu_init(&m);
    skt_mtu_start(&m, SKT_MTU_MAX, now);
    search(&m, 1400, &now, 10 * SEC);
    uint16_t found = m.current;
    assert_true(skt_mtu_on_black_hole(&m, now));
    assert_int_equal(m.current, SKT_MTU_START);
    assert_int_equal(m.at, now + SEC);
    assert_int_equal(skt_mtu_probe(&m, m.at, 0, true, m.at), found);
    assert_true(skt_mtu_on_probed(&m, found, now + SEC));
    assert_int_equal(m.current, found);
    assert_true(skt_mtu_settled(&m));
}

CHECK_GROUP(mtu)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_every_limit),
        cmocka_unit_test(test_clear_path_takes_one_probe),
        cmocka_unit_test(test_shrinking_path_is_noticed),
        cmocka_unit_test(test_black_hole_falls_to_the_floor),
        cmocka_unit_test(test_narrow_from_the_start),
        cmocka_unit_test(test_black_hole_is_checked_at_once),
        cmocka_unit_test(test_too_long_for_the_interface),
        cmocka_unit_test(test_settled_with_a_result_only),
        cmocka_unit_test(test_rests_while_idle),
        cmocka_unit_test(test_silence_proves_nothing),
        cmocka_unit_test(test_size_before_a_black_hole_is_tried_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
