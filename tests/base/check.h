/* SPDX-License-Identifier: MIT */
/* What every unit test includes: cmocka with the headers it needs, the way into the layer's test program, and
 * a seeded generator for model tests. */
#ifndef SKT_TESTS_CHECK_H
#define SKT_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The tests of one file; tests/run.c runs them by name. */
struct check_group {
    const char *name;
    int (*run)(void); /* 0: all passed */
    struct check_group *next;
};

/* Before main; the group is kept, not copied. */
void check_add(struct check_group *g);

/* Stands where a program of its own had "int main(void)", at the end of tests/LAYER/test_NAME.c. */
#define CHECK_GROUP(group)                                                                                   \
    static int check_run(void);                                                                              \
    __attribute__((constructor)) static void check_add_this(void)                                            \
    {                                                                                                        \
        static struct check_group g = {.name = #group, .run = check_run};                                    \
        check_add(&g);                                                                                       \
    }                                                                                                        \
    static int check_run(void)

/* assert_true(a op b) for numbers, which says what both were. They are taken once more for that, where it
 * fails. */
#define check_that(a, op, b)                                                                                 \
    do {                                                                                                     \
        if (!((a)op(b)))                                                                                     \
            fail_msg("%s: %.15Lg and %.15Lg", #a " " #op " " #b, (long double)(a), (long double)(b));        \
    } while (0)

/* xorshift64* (Vigna, 2016): the same sequence everywhere; state must not be 0. */
static inline uint32_t check_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

#endif
