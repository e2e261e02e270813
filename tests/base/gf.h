/* SPDX-License-Identifier: MIT */
/* A product in the field of proto/parity/gf256.h by long hand: what the tables are measured by. */
#ifndef TESTS_BASE_GF_H
#define TESTS_BASE_GF_H

#include <stdint.h>

static inline uint8_t gf_mul(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (; b; b >>= 1, a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1d : 0)))
        product ^= b & 1 ? a : 0;
    return product;
}

#endif
