/* SPDX-License-Identifier: MIT */
/* The field of 256 elements, as bytes: polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11D). Addition is XOR. */
#ifndef SKT_PROTO_PARITY_GF256_H
#define SKT_PROTO_PARITY_GF256_H

#include <stddef.h>
#include <stdint.h>

/* What is done to whole packets, as a table: a library that knows the machine's vector instructions may stand
 * behind it (crypto/gf256_isal.c). */
struct skt_gf256 {
    const char *name;
    /* dst[i] += c * src[i] for len bytes, of any alignment; dst and src do not overlap. */
    void (*mul_add)(uint8_t *dst, const uint8_t *src, uint8_t c, size_t len);
};

/* In C alone, for every machine. */
extern const struct skt_gf256 skt_gf256_portable;

uint8_t skt_gf256_mul(uint8_t a, uint8_t b);

/* 1/a; 0 for 0, which has none. */
uint8_t skt_gf256_inv(uint8_t a);

#endif
