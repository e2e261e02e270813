/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "base/idmap.h"

#include <stdbool.h>
#include <string.h>

static void empty_map_has_nothing(void **state)
{
    (void)state;
    struct skt_idmap m;
    skt_idmap_init(&m);
    uint32_t pos = 0;
    assert_null(skt_idmap_get(&m, 0));
    assert_null(skt_idmap_remove(&m, 1));
    assert_null(skt_idmap_next(&m, &pos));
    skt_idmap_dispose(&m);
}

static void an_id_is_taken_once(void **state)
{
    (void)state;
    struct skt_idmap m;
    skt_idmap_init(&m);
    int a, b;
    assert_int_equal(skt_idmap_put(&m, 0, &a), SKT_OK);
    assert_int_equal(skt_idmap_put(&m, UINT32_MAX, &b), SKT_OK);
    assert_int_equal(skt_idmap_put(&m, 0, &b), SKT_ERR_ARG);
    assert_ptr_equal(skt_idmap_get(&m, 0), &a);
    assert_ptr_equal(skt_idmap_get(&m, UINT32_MAX), &b);
    assert_ptr_equal(skt_idmap_remove(&m, 0), &a);
    assert_null(skt_idmap_get(&m, 0));
    assert_int_equal(m.count, 1);
    skt_idmap_dispose(&m);
}

enum { MODEL_IDS = 512 };

/* How many objects a walk meets; each exactly once, and only those that the model holds. */
static unsigned walk(const struct skt_idmap *m, const int *objects, const bool *present)
{
    bool seen[MODEL_IDS] = {false};
    unsigned count = 0;
    uint32_t pos = 0;
    for (const int *o; (o = (const int *)skt_idmap_next(m, &pos)) != NULL; count++) {
        size_t i = (size_t)(o - objects);
        assert_true(i < MODEL_IDS && present[i] && !seen[i]);
        seen[i] = true;
    }
    return count;
}

/* Against an array as model: dense ids, then random ones, then ids that all collide in their low bits;
 * growing and shrinking through every size. */
static void behaves_as_an_array_does(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int kind = 0; kind < 3; kind++) {
        static int objects[MODEL_IDS];
        uint32_t ids[MODEL_IDS];
        bool present[MODEL_IDS] = {false};
        unsigned count = 0;
        struct skt_idmap m;
        skt_idmap_init(&m);
        for (uint32_t i = 0; i < MODEL_IDS; i++)
            ids[i] = kind == 0 ? i : kind == 1 ? (check_random(&seed) & ~UINT32_C(511)) | i : i << 20;
        for (int step = 0; step < 60000; step++) {
            size_t i = check_random(&seed) % MODEL_IDS;
            /* Every 10,000 steps the tide turns between filling and emptying. */
            bool add = check_random(&seed) % 10 < (step / 10000 % 2 ? 2u : 8u);
            if (add) {
                assert_int_equal(skt_idmap_put(&m, ids[i], &objects[i]), present[i] ? SKT_ERR_ARG : SKT_OK);
                count += !present[i];
                present[i] = true;
            } else {
                assert_ptr_equal(skt_idmap_remove(&m, ids[i]), present[i] ? &objects[i] : NULL);
                count -= present[i];
                present[i] = false;
            }
            assert_int_equal(m.count, count);
            size_t k = check_random(&seed) % MODEL_IDS;
            assert_ptr_equal(skt_idmap_get(&m, ids[k]), present[k] ? &objects[k] : NULL);
            if (step % 1000 == 0)
                assert_int_equal(walk(&m, objects, present), count);
        }
        skt_idmap_dispose(&m);
    }
}

/* What was large and is nearly empty gives its memory back. */
static void shrinks_when_emptied(void **state)
{
    (void)state;
    struct skt_idmap m;
    skt_idmap_init(&m);
    int object;
    for (uint32_t id = 1; id <= 100000; id++)
        assert_int_equal(skt_idmap_put(&m, id, &object), SKT_OK);
    check_that(m.cap, >=, 100000);
    for (uint32_t id = 1; id <= 100000; id++)
        assert_ptr_equal(skt_idmap_remove(&m, id), &object);
    assert_int_equal(m.count, 0);
    check_that(m.cap, <=, 64);
    skt_idmap_dispose(&m);
}

CHECK_GROUP(idmap)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_map_has_nothing),
        cmocka_unit_test(an_id_is_taken_once),
        cmocka_unit_test(behaves_as_an_array_does),
        cmocka_unit_test(shrinks_when_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
