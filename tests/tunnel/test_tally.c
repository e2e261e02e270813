/* SPDX-License-Identifier: MIT */
/* Names as metrics have them, and no more of them than there is room for. */
#include "tunnel/tally.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static void expect_name(const char *name, const char *expected)
{
    char out[SKT_TALLY_NAME_MAX];
    skt_tally_name(out, name);
    assert_string_equal(out, expected);
}

static void test_names(void **state)
{
    char name[400], expected[400];
    (void)state;
    expect_name("", "");
    expect_name("laptop of J\xc3\xb6rg \xe4\xb8\xad", "laptop of J\xc3\xb6rg \xe4\xb8\xad");
    expect_name("a\"b\\c\nd", "a\\\"b\\\\c\\nd");
    expect_name("\x01\t\r\x7f", "????");
    expect_name("\xff\xc3.\xe4\xb8", "??.??"); /* no UTF-8 */
    /* Cut, and never within a character or behind a backslash. */
    for (size_t lead = 0; lead < 4; lead++) {
        memset(name, 'x', lead);
        name[lead] = 0;
        for (size_t i = 0; i < 60; i++)
            strcat(name, "\xe4\xb8\xad");
        skt_tally_name(expected, name);
        assert_true(strlen(expected) < SKT_TALLY_NAME_MAX && strlen(expected) > SKT_TALLY_NAME_MAX - 10);
        assert_int_equal((strlen(expected) - lead) % 3, 0);
        memset(name + lead, '"', 200);
        skt_tally_name(expected, name);
        assert_int_equal((strlen(expected) - lead) % 2, 0);
    }
}

static void test_tallies_are_found_by_name(void **state)
{
    struct skt_list all;
    (void)state;
    skt_list_init(&all);
    struct skt_tally *a = skt_tally_of(&all, "a\n"), *b = skt_tally_of(&all, "");
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(skt_tally_of(&all, "a\n"), a);
    assert_ptr_equal(skt_tally_of(&all, ""), b);
    skt_tally_free_all(&all);
    assert_true(skt_list_empty(&all));
}

static void test_more_names_than_there_is_room_for(void **state)
{
    struct skt_list all;
    char name[32];
    (void)state;
    skt_list_init(&all);
    struct skt_tally *first = skt_tally_of(&all, "0");
    for (unsigned i = 1; i < SKT_TALLIES_MAX; i++) {
        snprintf(name, sizeof name, "%u", i);
        assert_string_equal(skt_tally_of(&all, name)->name, name);
    }
    struct skt_tally *others = skt_tally_of(&all, "one more");
    assert_string_equal(others->name, "(others)");
    assert_ptr_equal(skt_tally_of(&all, "and another"), others);
    assert_ptr_equal(skt_tally_of(&all, "0"), first);
    skt_tally_free_all(&all);
}

CHECK_GROUP(tally)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_tallies_are_found_by_name),
        cmocka_unit_test(test_more_names_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
