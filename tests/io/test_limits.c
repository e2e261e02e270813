/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "io/limits.h"

#include <sys/resource.h>

static void memory_is_a_part_of_the_machines(void **state)
{
    (void)state;
    assert_in_range(skt_limits_memory(), (size_t)24 << 20, (size_t)1 << 30);
}

static void files_follow_the_limit(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 77;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(skt_limits_files(), 77);
}

CHECK_GROUP(limits)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_a_part_of_the_machines),
        cmocka_unit_test(files_follow_the_limit),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
