/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/pool.h"

#include <string.h>

static void budget_is_kept(void **state)
{
    (void)state;
    struct skt_pool p;
    void *blocks[4];
    skt_pool_init(&p, 100, 350);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(skt_pool_room(&p), 350 - 100 * i);
        blocks[i] = skt_pool_get(&p);
        assert_non_null(blocks[i]);
        memset(blocks[i], 0xaa, 100);
    }
    assert_int_equal(skt_pool_room(&p), 50);
    assert_null(skt_pool_get(&p));
    skt_pool_put(&p, blocks[1]);
    skt_pool_put(&p, NULL);
    blocks[1] = skt_pool_get(&p);
    assert_non_null(blocks[1]);
    assert_null(skt_pool_get(&p));
    for (size_t i = 0; i < 3; i++)
        skt_pool_put(&p, blocks[i]);
    assert_int_equal(p.used, 0);
    skt_pool_dispose(&p);
}

static void blocks_are_reused_and_trimmed(void **state)
{
    (void)state;
    struct skt_pool p;
    void *blocks[10];
    skt_pool_init(&p, 64, 0);
    check_that(skt_pool_room(&p), ==, SIZE_MAX);
    for (size_t i = 0; i < 10; i++)
        blocks[i] = skt_pool_get(&p);
    for (size_t i = 0; i < 10; i++)
        skt_pool_put(&p, blocks[i]);
    assert_int_equal(p.free_count, 10);
    assert_ptr_equal(skt_pool_get(&p), blocks[9]); /* the warmest one first */
    assert_int_equal(p.used, 64);
    skt_pool_put(&p, blocks[9]);
    skt_pool_trim(&p, 4);
    assert_int_equal(p.free_count, 4);
    skt_pool_trim(&p, 20);
    assert_int_equal(p.free_count, 4);
    skt_pool_dispose(&p);
    assert_int_equal(p.free_count, 0);
}

/* No block is handed out twice, and what one holder wrote no other changes. */
static void blocks_never_overlap(void **state)
{
    (void)state;
    enum { BLOCKS = 64, LEN = 48 };
    struct skt_pool p;
    uint8_t *held[BLOCKS] = {NULL};
    uint64_t seed = 11;
    skt_pool_init(&p, LEN, BLOCKS / 2 * LEN);
    for (int step = 0; step < 20000; step++) {
        size_t i = check_random(&seed) % BLOCKS;
        if (!held[i]) {
            held[i] = (uint8_t *)skt_pool_get(&p);
            if (held[i])
                memset(held[i], (int)i, LEN);
        } else {
            for (size_t k = 0; k < LEN; k++)
                assert_int_equal(held[i][k], i);
            skt_pool_put(&p, held[i]);
            held[i] = NULL;
        }
        check_that(p.used, <=, BLOCKS / 2 * LEN);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        skt_pool_put(&p, held[i]);
    skt_pool_dispose(&p);
}

CHECK_GROUP(pool)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budget_is_kept),
        cmocka_unit_test(blocks_are_reused_and_trimmed),
        cmocka_unit_test(blocks_never_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
