/* SPDX-License-Identifier: MIT */
/* The field of 256 elements, as bytes: polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11D). Addition is XOR. */
#ifndef SKT_PROTO_PARITY_GF256_H
#define SKT_PROTO_PARITY_GF256_H

#include <stddef.h>
#include <stdint.h>

enum {
    SKT_GF256_TERMS = 32,  /* of a sum, at most */
    SKT_GF256_ORDER = 255, /* elements but 0: 2 to the power of this is 1 */
};

/* What is done to whole packets, as a table: a library that knows the machine's vector instructions may stand
 * behind it (crypto/gf256_isal.c). */
struct skt_gf256 {
    const char *name;
    /* dst[i] += c * src[i] for len bytes, of any alignment; dst and src do not overlap. */
    void (*mul_add)(uint8_t *dst, const uint8_t *src, uint8_t c, size_t len);
    /* dst[i] = the sum of c[j] * src[j][i] over n terms, 1 to SKT_GF256_TERMS of them, for len bytes, of any
     * alignment; dst overlaps none of them. */
    void (*sum)(uint8_t *dst, const uint8_t *const *src, const uint8_t *c, unsigned n, size_t len);
};

/* In C alone, for every machine. */
extern const struct skt_gf256 skt_gf256_portable;

/* 1/a; 0 for 0, which has none. */
uint8_t skt_gf256_inv(uint8_t a);

/* Which power of 2 an element other than 0 is: 0 to SKT_GF256_ORDER - 1. Logarithms are added where elements
 * are multiplied. */
unsigned skt_gf256_log(uint8_t a);

/* 2 to the power of n. */
uint8_t skt_gf256_exp(unsigned n);

#endif
