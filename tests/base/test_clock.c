/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/clock.h"

static void serial_numbers_compare_across_the_wrap(void **state)
{
    (void)state;
    assert_true(skt_serial_before(0, 1));
    assert_false(skt_serial_before(1, 0));
    assert_false(skt_serial_before(7, 7));
    assert_true(skt_serial_before(UINT32_MAX, 0));
    assert_false(skt_serial_before(0, UINT32_MAX));
    assert_true(skt_serial_before(UINT32_C(0x7fffffff), UINT32_C(0x80000000)));
    assert_int_equal(skt_serial_diff(5, UINT32_MAX - 4), 10);
    assert_int_equal(skt_serial_diff(UINT32_MAX - 4, 5), -10);
}

/* Within half the number space the order does not depend on where the numbers lie. */
static void serial_order_is_translation_invariant(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 10000; i++) {
        uint32_t base = check_random(&seed);
        uint32_t ahead = check_random(&seed) & UINT32_C(0x7fffffff);
        check_that(skt_serial_diff(base + ahead, base), >=, 0);
        check_that((uint32_t)skt_serial_diff(base + ahead, base), ==, ahead);
        assert_int_equal(skt_serial_before(base, base + ahead), ahead != 0);
        assert_false(skt_serial_before(base + ahead, base));
    }
}

static void never_is_absorbing_and_the_latest(void **state)
{
    (void)state;
    assert_true(skt_us_add(SKT_NEVER, 0) == SKT_NEVER);
    assert_true(skt_us_add(SKT_NEVER, SKT_US_PER_SEC) == SKT_NEVER);
    assert_true(skt_us_add(SKT_US_PER_SEC, SKT_NEVER) == SKT_NEVER);
    assert_true(skt_us_add(SKT_NEVER - 5, 6) == SKT_NEVER);
    assert_true(skt_us_add(40, 2) == 42);
    check_that(skt_us_min(SKT_NEVER, 3), ==, 3);
    check_that(skt_us_max(SKT_NEVER, 3), ==, SKT_NEVER);
    assert_true(skt_us_min(2, 3) == 2 && skt_us_max(2, 3) == 3);
}

CHECK_GROUP(clock)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serial_numbers_compare_across_the_wrap),
        cmocka_unit_test(serial_order_is_translation_invariant),
        cmocka_unit_test(never_is_absorbing_and_the_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
