/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/list.h"

struct item {
    int value;
    struct skt_list node;
};

/* The list holds these values in this order, and its links agree in both directions. */
static void expect(const struct skt_list *head, const int *values, size_t count)
{
    const struct skt_list *n = head->next;
    for (size_t i = 0; i < count; i++, n = n->next) {
        assert_ptr_not_equal(n, head);
        assert_int_equal(SKT_CONTAINER(n, const struct item, node)->value, values[i]);
        assert_ptr_equal(n->next->prev, n);
        assert_ptr_equal(n->prev->next, n);
    }
    assert_ptr_equal(n, head);
    assert_int_equal(skt_list_empty(head), count == 0);
}

static void keeps_order_and_links(void **state)
{
    (void)state;
    struct skt_list head;
    struct item a = {.value = 1}, b = {.value = 2}, c = {.value = 3};
    skt_list_init(&head);
    skt_list_init(&a.node);
    skt_list_init(&b.node);
    skt_list_init(&c.node);
    expect(&head, NULL, 0);
    assert_true(skt_list_empty(&a.node));

    skt_list_append(&head, &a.node);
    skt_list_append(&head, &c.node);
    skt_list_insert_after(&a.node, &b.node);
    expect(&head, (const int[]){1, 2, 3}, 3);
    assert_false(skt_list_empty(&a.node));

    skt_list_move_tail(&head, &a.node);
    expect(&head, (const int[]){2, 3, 1}, 3);
    skt_list_move_tail(&head, &a.node);
    expect(&head, (const int[]){2, 3, 1}, 3);

    skt_list_remove(&c.node);
    expect(&head, (const int[]){2, 1}, 2);
    assert_true(skt_list_empty(&c.node));
    skt_list_remove(&c.node); /* in no list: harmless */
    expect(&head, (const int[]){2, 1}, 2);

    skt_list_move_tail(&head, &c.node);
    expect(&head, (const int[]){2, 1, 3}, 3);
    skt_list_remove(&a.node);
    skt_list_remove(&b.node);
    skt_list_remove(&c.node);
    expect(&head, NULL, 0);
}

static void a_node_moves_between_lists(void **state)
{
    (void)state;
    struct skt_list x, y;
    struct item a = {.value = 1}, b = {.value = 2};
    skt_list_init(&x);
    skt_list_init(&y);
    skt_list_append(&x, &a.node);
    skt_list_append(&x, &b.node);
    skt_list_move_tail(&y, &a.node);
    expect(&x, (const int[]){2}, 1);
    expect(&y, (const int[]){1}, 1);
}

CHECK_GROUP(list)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_links),
        cmocka_unit_test(a_node_moves_between_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
