/* SPDX-License-Identifier: MIT */
#include "base/account.h"
#include "base/check.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 1000, BUDGET = 2400 * BLOCK };

static size_t take_all(struct skt_account *a)
{
    while (skt_account_charge(a, BLOCK))
        continue;
    return a->used;
}

/* The bounds that the header states: each that takes all it can gets 2/3 of what the one before got, until
 * the guaranteed part is more. */
static void hoarders_leave_room(void **state)
{
    (void)state;
    enum { HOARDERS = 16 };
    struct skt_pool p;
    struct skt_account a[HOARDERS + 1];
    skt_pool_init(&p, BLOCK, BUDGET);
    size_t expected = BUDGET / 8 * 7 / 3;
    for (int i = 0; i < HOARDERS; i++) {
        skt_account_init(&a[i], &p);
        size_t room = skt_account_room(&a[i]), got = take_all(&a[i]);
        assert_true(got <= room && got + BLOCK > room);
        check_that(got + BLOCK, >, BUDGET / 8 / HOARDERS);
        if (i < 5)
            assert_in_range(got, expected - 2 * BLOCK, expected + 2 * BLOCK);
        expected = expected * 2 / 3;
        check_that(p.used, <=, BUDGET);
    }
    /* The one that comes last still has what is guaranteed. */
    skt_account_init(&a[HOARDERS], &p);
    assert_true(take_all(&a[HOARDERS]) > BUDGET / 8 / (HOARDERS + 1) - BLOCK);
    for (int i = 0; i <= HOARDERS; i++) {
        skt_account_release(&a[i], a[i].used);
        skt_account_dispose(&a[i]);
    }
    assert_int_equal(p.used, 0);
    skt_pool_dispose(&p);
}

/* Room and the refusal of more agree, whatever others do meanwhile. */
static void room_is_what_is_granted(void **state)
{
    (void)state;
    enum { N = 5 };
    struct skt_pool p;
    struct skt_account a[N];
    uint64_t seed = 5;
    skt_pool_init(&p, BLOCK, BUDGET);
    for (int i = 0; i < N; i++)
        skt_account_init(&a[i], &p);
    for (int step = 0; step < 20000; step++) {
        struct skt_account *one = &a[check_random(&seed) % N];
        size_t len = check_random(&seed) % (300 * BLOCK) + 1, room = skt_account_room(one);
        if (check_random(&seed) % 3 == 0)
            skt_account_release(one, one->used);
        else
            assert_int_equal(skt_account_charge(one, len), len <= room);
        check_that(p.used, <=, BUDGET);
    }
    for (int i = 0; i < N; i++) {
        skt_account_release(&a[i], a[i].used);
        skt_account_dispose(&a[i]);
    }
    skt_pool_dispose(&p);
}

/* What is vital goes beyond the share, but not into what is guaranteed to others. */
static void vital_blocks(void **state)
{
    (void)state;
    struct skt_pool p;
    struct skt_account a, b;
    static void *blocks[2400];
    size_t n = 0;
    skt_pool_init(&p, BLOCK, BUDGET);
    skt_account_init(&a, &p);
    skt_account_init(&b, &p);
    while ((blocks[n] = skt_account_get(&a, false)) != NULL)
        n++;
    assert_in_range(n, 690, 700);
    assert_true(skt_account_low(&a, 16));
    while ((blocks[n] = skt_account_get(&a, true)) != NULL)
        n++;
    assert_int_equal(n, 2100);
    assert_in_range(skt_account_room(&b), 140 * BLOCK, 150 * BLOCK);
    while (n > 0)
        skt_account_put(&a, blocks[--n]);
    skt_account_put(&a, NULL);
    skt_account_dispose(&a);
    skt_account_dispose(&b);
    skt_pool_dispose(&p);
}

static void memory_is_counted_as_it_grows_and_shrinks(void **state)
{
    (void)state;
    struct skt_pool p;
    struct skt_account a;
    skt_pool_init(&p, BLOCK, BUDGET);
    skt_account_init(&a, &p);
    char *ptr = (char *)skt_account_alloc(&a, 100, false);
    assert_non_null(ptr);
    assert_int_equal(ptr[99], 0);
    strcpy(ptr, "kept");
    assert_null(skt_account_realloc(&a, ptr, 100, BUDGET, false));
    ptr = (char *)skt_account_realloc(&a, ptr, 100, 5000, false);
    assert_string_equal(ptr, "kept");
    assert_int_equal(a.used, 5000);
    ptr = (char *)skt_account_realloc(&a, ptr, 5000, 50, false);
    assert_string_equal(ptr, "kept");
    assert_int_equal(a.used, 50);
    skt_account_free(&a, ptr, 50);
    skt_account_free(&a, NULL, 7);
    assert_int_equal(p.used, 0);
    skt_account_dispose(&a);
    skt_pool_dispose(&p);
}

/* Idle blocks are memory too: they go when the budget is wanted for something else. */
static void idle_blocks_make_way(void **state)
{
    (void)state;
    struct skt_pool p;
    struct skt_account a;
    void *blocks[600];
    skt_pool_init(&p, BLOCK, BUDGET);
    skt_account_init(&a, &p);
    for (int i = 0; i < 600; i++)
        assert_non_null(blocks[i] = skt_account_get(&a, false));
    for (int i = 0; i < 600; i++)
        skt_account_put(&a, blocks[i]);
    assert_int_equal(p.free_count, 600);
    assert_true(skt_pool_charge(&p, BUDGET - 100 * BLOCK));
    assert_int_equal(p.free_count, 100);
    skt_pool_release(&p, BUDGET - 100 * BLOCK);
    skt_account_dispose(&a);
    skt_pool_dispose(&p);
}

/* Who begins and ends again and again can't leave more and more behind. */
static void what_outlives_its_account_is_bounded(void **state)
{
    (void)state;
    struct skt_pool p;
    size_t left = 0;
    skt_pool_init(&p, BLOCK, BUDGET);
    for (int i = 0; i < 100; i++) {
        struct skt_account a;
        skt_account_init(&a, &p);
        assert_true(skt_account_charge(&a, 10 * BLOCK));
        if (skt_account_hand_over(&a, 10 * BLOCK))
            left += 10 * BLOCK;
        skt_account_release(&a, a.used);
        skt_account_dispose(&a);
    }
    assert_in_range(left, BUDGET / 16 - 10 * BLOCK, BUDGET / 16);
    assert_int_equal(p.used, left);
    skt_account_end_orphan(&p, left);
    skt_pool_release(&p, left);
    skt_pool_dispose(&p);
}

/* A budget that a size_t counts, but not several times over: sums must not wrap around. */
static void an_enormous_budget(void **state)
{
    (void)state;
    struct skt_pool p;
    struct skt_account a;
    skt_pool_init(&p, BLOCK, SIZE_MAX);
    skt_account_init(&a, &p);
    check_that(skt_account_room(&a), >, SIZE_MAX / 8 / 4);
    assert_true(skt_account_charge(&a, SIZE_MAX / 32));
    assert_false(skt_account_charge(&a, SIZE_MAX / 2));
    assert_false(skt_account_charge(&a, SIZE_MAX));
    skt_account_release(&a, a.used);
    skt_account_dispose(&a);
    skt_pool_dispose(&p);
    skt_pool_init(&p, BLOCK, 0);
    skt_account_init(&a, &p);
    check_that(skt_account_room(&a), ==, SIZE_MAX);
    assert_false(skt_account_low(&a, 2));
    skt_account_dispose(&a);
    skt_pool_dispose(&p);
}

CHECK_GROUP(account)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hoarders_leave_room),
        cmocka_unit_test(room_is_what_is_granted),
        cmocka_unit_test(vital_blocks),
        cmocka_unit_test(memory_is_counted_as_it_grows_and_shrinks),
        cmocka_unit_test(idle_blocks_make_way),
        cmocka_unit_test(an_enormous_budget),
        cmocka_unit_test(what_outlives_its_account_is_bounded),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
