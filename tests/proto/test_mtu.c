/* SPDX-License-Identifier: MIT */
#include "proto/mtu.h"

#include "proto/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SEC SKT_US_PER_SEC

/* Lets a search run on a path that carries `limit` bytes; the probes it took. */
static unsigned search(struct skt_mtu *m, size_t limit, skt_us *now, skt_us until)
{
    unsigned probes = 0;
    while (m->at != SKT_NEVER && m->at < until) {
        *now = skt_us_max(*now, m->at);
        size_t size = skt_mtu_probe(m, *now, 10000, true);
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
        assert_true(probes < 25);
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
    assert_int_equal(skt_mtu_probe(&m, SEC, 0, true), 1400);
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
    assert_int_equal(skt_mtu_probe(&m, SEC, 0, true), SKT_MTU_MAX);
    assert_true(skt_mtu_on_probed(&m, SKT_MTU_MAX, SEC));
    assert_true(skt_mtu_on_black_hole(&m, 2 * SEC));
    assert_int_equal(m.current, SKT_MTU_START);
    assert_true(skt_mtu_on_black_hole(&m, 3 * SEC));
    assert_int_equal(m.current, SKT_MTU_MIN);
    assert_false(skt_mtu_on_black_hole(&m, 4 * SEC));
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
    assert_int_equal(skt_mtu_probe(&m, now, 0, true), SKT_MTU_MAX);
    assert_true(skt_mtu_on_probed(&m, SKT_MTU_MAX, now));
    assert_true(skt_mtu_settled(&m));
    now = m.at;
    assert_int_equal(skt_mtu_probe(&m, now, 0, true), SKT_MTU_MAX); /* a check of what is in use */
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
    assert_int_equal(skt_mtu_probe(&m, now + 10 * SEC, 0, false), 0);
    assert_int_equal(m.at, SKT_NEVER);
    skt_mtu_wake(&m, now + 20 * SEC);
    assert_int_equal(m.at, now + 20 * SEC + SKT_MTU_CHECK_TIME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_every_limit),
        cmocka_unit_test(test_clear_path_takes_one_probe),
        cmocka_unit_test(test_shrinking_path_is_noticed),
        cmocka_unit_test(test_black_hole_falls_to_the_floor),
        cmocka_unit_test(test_settled_with_a_result_only),
        cmocka_unit_test(test_rests_while_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
