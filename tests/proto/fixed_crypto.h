/* SPDX-License-Identifier: MIT */
/* The real cryptography, but with random bytes that a test chooses. */
#ifndef SKT_TESTS_FIXED_CRYPTO_H
#define SKT_TESTS_FIXED_CRYPTO_H

#include "base/err.h"
#include "crypto/crypto.h"

#include <string.h>

static uint8_t fixed_random_bytes[64];
static size_t fixed_random_left;

/* The next bytes that fixed_crypto()->random gives; after them it fails. */
static inline void fixed_random_set(const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(fixed_random_bytes, bytes, len);
    fixed_random_left = len;
}

static inline int fixed_random(void *out, size_t len)
{
    if (len > fixed_random_left)
        return SKT_ERR_CRYPTO;
    memcpy(out, fixed_random_bytes, len);
    fixed_random_left -= len;
    memmove(fixed_random_bytes, fixed_random_bytes + len, fixed_random_left);
    return 0;
}

static inline const struct skt_crypto *fixed_crypto(void)
{
    static struct skt_crypto table;
    table = *skt_crypto_openssl();
    table.random = fixed_random;
    return &table;
}

#endif
