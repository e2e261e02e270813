/* SPDX-License-Identifier: MIT */
/* Keys as people handle them. */
#include "base/err.h"
#include "base/wipe.h"
#include "crypto/crypto.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { SIGNIFICANT = 43 }; /* base64 characters that carry bits of a key */

void skt_crypto_key_to_text(const uint8_t key[SKT_KEY_LEN], char text[SKT_KEY_TEXT_LEN + 1])
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t out = 0;
    for (size_t i = 0; i < SKT_KEY_LEN; i++) {
        bits = bits << 8 | key[i];
        held += 8;
        for (; held >= 6; held -= 6)
            text[out++] = alphabet[bits >> (held - 6) & 63];
    }
    text[out++] = alphabet[bits << (6 - held) & 63];
    text[out++] = '=';
    text[out] = 0;
}

int skt_crypto_key_from_text(const char *text, size_t len, uint8_t key[SKT_KEY_LEN])
{
    if (len == SKT_KEY_TEXT_LEN && text[SIGNIFICANT] == '=')
        len = SIGNIFICANT;
    if (len != SIGNIFICANT)
        return SKT_ERR_MALFORMED;
    uint8_t t[SKT_KEY_LEN];
    uint32_t bits = 0;
    unsigned held = 0;
    size_t out = 0;
    int err = 0;
    for (size_t i = 0; i < len; i++) {
        const char *c = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!c) {
            err = SKT_ERR_MALFORMED;
            goto out;
        }
        bits = bits << 6 | (uint32_t)(c - alphabet);
        held += 6;
        if (held >= 8) {
            held -= 8;
            t[out++] = (uint8_t)(bits >> held);
        }
    }
    /* RFC 4648, 3.5: the bits that are left must be zero. */
    if (bits & ((1u << held) - 1))
        err = SKT_ERR_MALFORMED;
    else
        memcpy(key, t, sizeof t);
out:
    skt_wipe(t, sizeof t);
    return err;
}

int skt_crypto_fingerprint(const struct skt_crypto *crypto, const uint8_t key[SKT_KEY_LEN],
                           char text[SKT_FINGERPRINT_LEN + 1])
{
    static const char label[] = "skcptun fingerprint", hex[] = "0123456789abcdef";
    uint8_t hash[SKT_HASH_LEN];
    int err = crypto->sha256(hash, label, sizeof label - 1, key, SKT_KEY_LEN);
    if (err)
        return err;
    for (size_t i = 0; i < SKT_FINGERPRINT_LEN / 2; i++) {
        text[2 * i] = hex[hash[i] >> 4];
        text[2 * i + 1] = hex[hash[i] & 15];
    }
    text[SKT_FINGERPRINT_LEN] = 0;
    return 0;
}

int skt_crypto_keypair(const struct skt_crypto *crypto, uint8_t priv[SKT_KEY_LEN], uint8_t pub[SKT_KEY_LEN])
{
    int err = crypto->random(priv, SKT_KEY_LEN);
    return err ? err : crypto->x25519_public(pub, priv);
}
