/* SPDX-License-Identifier: MIT */
/* What every unit test includes: cmocka with the headers it needs, and a seeded generator for model tests. */
#ifndef SKT_TESTS_CHECK_H
#define SKT_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* xorshift64* (Vigna, 2016): the same sequence everywhere; state must not be 0. */
static inline uint32_t check_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * UINT64_C(0x2545f4914f6cdd1d) >> 32);
}

#endif
