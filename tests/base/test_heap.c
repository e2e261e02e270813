/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "base/heap.h"

#include <string.h>

enum { NODES = 200 };

static void empty_heap_never_expires(void **state)
{
    (void)state;
    struct skt_heap h;
    struct skt_heap_node node = {0};
    skt_heap_init(&h);
    assert_null(skt_heap_first(&h));
    check_that(skt_heap_expiry(&h), ==, SKT_NEVER);
    skt_heap_remove(&h, &node);
    skt_heap_set(&h, &node, SKT_NEVER);
    assert_null(skt_heap_first(&h));
}

static void never_takes_a_node_out(void **state)
{
    (void)state;
    struct skt_heap h;
    struct skt_heap_node a = {0}, b = {0};
    skt_heap_init(&h);
    skt_heap_set(&h, &a, 10);
    skt_heap_set(&h, &b, 20);
    skt_heap_set(&h, &a, SKT_NEVER);
    assert_ptr_equal(skt_heap_first(&h), &b);
    assert_false(skt_heap_holds(&a));
    assert_true(skt_heap_holds(&b));
    skt_heap_remove(&h, &a);
    assert_ptr_equal(skt_heap_first(&h), &b);
    skt_heap_set(&h, &a, 0);
    assert_ptr_equal(skt_heap_first(&h), &a);
}

static skt_us model_expiry(const skt_us *model)
{
    skt_us min = SKT_NEVER;
    for (size_t i = 0; i < NODES; i++)
        min = skt_us_min(min, model[i]);
    return min;
}

/* Against an array of deadlines: set, move both ways, remove, pop the first. Deadlines are few, so many are
 * equal. */
static void behaves_as_an_array_does(void **state)
{
    (void)state;
    struct skt_heap h;
    struct skt_heap_node nodes[NODES];
    skt_us model[NODES];
    uint64_t seed = 7;
    memset(nodes, 0, sizeof nodes);
    for (size_t i = 0; i < NODES; i++)
        model[i] = SKT_NEVER;
    skt_heap_init(&h);
    for (int step = 0; step < 40000; step++) {
        size_t i = check_random(&seed) % NODES;
        uint32_t what = check_random(&seed) % 10;
        if (what < 6) {
            model[i] = check_random(&seed) % 300;
            skt_heap_set(&h, &nodes[i], model[i]);
        } else if (what < 8) {
            model[i] = SKT_NEVER;
            skt_heap_remove(&h, &nodes[i]);
        } else if (skt_heap_first(&h)) {
            struct skt_heap_node *first = skt_heap_first(&h);
            skt_heap_remove(&h, first);
            model[first - nodes] = SKT_NEVER;
        }
        check_that(skt_heap_expiry(&h), ==, model_expiry(model));
    }
}

static void drains_in_order(void **state)
{
    (void)state;
    struct skt_heap h;
    static struct skt_heap_node nodes[5000];
    uint64_t seed = 3;
    skt_heap_init(&h);
    for (size_t i = 0; i < 5000; i++)
        skt_heap_set(&h, &nodes[i], check_random(&seed));
    skt_us last = 0;
    for (size_t i = 0; i < 5000; i++) {
        struct skt_heap_node *first = skt_heap_first(&h);
        check_that(first->at, >=, last);
        last = first->at;
        skt_heap_remove(&h, first);
    }
    assert_null(skt_heap_first(&h));
}

CHECK_GROUP(heap)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_heap_never_expires),
        cmocka_unit_test(never_takes_a_node_out),
        cmocka_unit_test(behaves_as_an_array_does),
        cmocka_unit_test(drains_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
