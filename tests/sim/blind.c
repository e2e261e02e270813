/* SPDX-License-Identifier: MIT */
#include "sim/blind.h"

#include "base/err.h"
#include "crypto/crypto.h"

#include <string.h>

static int seal(struct skt_aead *a, uint8_t *out, uint64_t counter, const void *ad, size_t ad_len,
                const uint8_t *in, size_t in_len)
{
    (void)a, (void)counter, (void)ad, (void)ad_len;
    if (out != in)
        memmove(out, in, in_len);
    memset(out + in_len, 0, SKT_TAG_LEN);
    return 0;
}

static int open_sealed(struct skt_aead *a, uint8_t *out, uint64_t counter, const void *ad, size_t ad_len,
                       const uint8_t *in, size_t in_len)
{
    (void)a, (void)counter, (void)ad, (void)ad_len;
    if (in_len < SKT_TAG_LEN)
        return SKT_ERR_TRUNCATED;
    if (out != in)
        memmove(out, in, in_len - SKT_TAG_LEN);
    return 0;
}

static int mask(struct skt_mask *m, uint8_t *buf, size_t len, const uint8_t iv[SKT_MASK_IV_LEN])
{
    (void)m, (void)buf, (void)len, (void)iv;
    return 0;
}

static int mask_all(struct skt_mask *m, const struct skt_mask_part *parts, size_t count, size_t len)
{
    (void)m, (void)parts, (void)count, (void)len;
    return 0;
}

const struct skt_crypto *sim_crypto_blind(void)
{
    static struct skt_crypto table;
    table = *skt_crypto_null();
    table.aead_seal = seal;
    table.aead_open = open_sealed;
    table.mask_apply = mask;
    table.mask_apply_all = mask_all;
    return &table;
}
