/* SPDX-License-Identifier: MIT */
/* Arithmetic on packets by Intel ISA-L, where it was there at build time. */
#include "crypto/crypto.h"

#ifdef SKT_HAVE_ISAL

#include <isa-l/erasure_code.h>

enum {
    ISAL_TABLE = 32, /* bytes for one coefficient */
    ISAL_MIN = 64,   /* fewer bytes the library's vector code does not take */
};

static void mul_add(uint8_t *dst, const uint8_t *src, uint8_t c, size_t len)
{
    if (len < ISAL_MIN) {
        skt_gf256_portable.mul_add(dst, src, c, len);
        return;
    }
    unsigned char table[ISAL_TABLE];
    gf_vect_mul_init(c, table);
    /* The library takes the source by a plain pointer, but only reads it. */
    gf_vect_mad((int)len, 1, 0, table, (unsigned char *)(uintptr_t)src, dst);
}

static void sum(uint8_t *dst, const uint8_t *const *src, const uint8_t *c, unsigned n, size_t len)
{
    if (len < ISAL_MIN) {
        skt_gf256_portable.sum(dst, src, c, n, len);
        return;
    }
    unsigned char tables[SKT_GF256_TERMS * ISAL_TABLE], *from[SKT_GF256_TERMS];
    for (unsigned j = 0; j < n; j++) {
        gf_vect_mul_init(c[j], tables + j * ISAL_TABLE);
        from[j] = (unsigned char *)(uintptr_t)src[j];
    }
    gf_vect_dot_prod((int)len, (int)n, tables, from, dst);
}

static const struct skt_gf256 isal = {"isa-l", mul_add, sum};

const struct skt_gf256 *skt_crypto_gf256(void)
{
    return &isal;
}

#else

const struct skt_gf256 *skt_crypto_gf256(void)
{
    return &skt_gf256_portable;
}

#endif
