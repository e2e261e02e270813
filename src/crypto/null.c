/* SPDX-License-Identifier: MIT */
/* A table without cryptography. Hashes are a mixing function, the key exchange is symmetric but open, sealing
 * leaves the text readable and appends a checksum over key, counter, associated data and text. */
#include "base/bytes.h"
#include "base/err.h"
#include "base/wipe.h"
#include "crypto/crypto.h"

#include <stdbool.h>
#include <stdlib.h>

struct skt_aead {
    uint64_t key;
};

struct skt_mask {
    uint64_t key;
};

/* The finaliser of SplitMix64. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Takes len bytes and their length into a running state. */
static uint64_t absorb(uint64_t state, const void *data, size_t len)
{
    const uint8_t *p = data;
    state = mix(state + UINT64_C(0x9e3779b97f4a7c15) + len);
    for (; len >= 8; p += 8, len -= 8)
        state = mix(state + UINT64_C(0x9e3779b97f4a7c15) + skt_get_u64(p));
    uint64_t rest = 0;
    for (size_t i = 0; i < len; i++)
        rest |= (uint64_t)p[i] << 8 * i;
    return len > 0 ? mix(state + UINT64_C(0x9e3779b97f4a7c15) + rest) : state;
}

/* Fills out from a state. */
static void squeeze(uint64_t state, uint8_t *out, size_t len)
{
    uint8_t block[8];
    for (size_t i = 0; i < len; i++) {
        if (i % 8 == 0)
            skt_put_u64(block, mix(state += UINT64_C(0x9e3779b97f4a7c15)));
        out[i] = block[i % 8];
    }
}

static _Thread_local uint64_t random_state = 1;

void skt_crypto_null_seed(uint64_t seed)
{
    random_state = mix(seed + 1);
}

static int null_random(void *out, size_t len)
{
    squeeze(random_state, out, len);
    random_state = mix(random_state + 1);
    return 0;
}

static int null_public(uint8_t pub[SKT_KEY_LEN], const uint8_t priv[SKT_KEY_LEN])
{
    for (size_t i = 0; i < SKT_KEY_LEN; i++)
        pub[i] = priv[i] ^ 0xa5;
    return 0;
}

/* Both public keys, hashed in an order that is the same at both ends. */
static int null_exchange(uint8_t shared[SKT_KEY_LEN], const uint8_t priv[SKT_KEY_LEN],
                         const uint8_t pub[SKT_KEY_LEN])
{
    static const uint8_t zeros[SKT_KEY_LEN];
    uint8_t own[SKT_KEY_LEN];
    null_public(own, priv);
    if (memcmp(pub, zeros, SKT_KEY_LEN) == 0)
        return SKT_ERR_CRYPTO;
    bool own_first = memcmp(own, pub, SKT_KEY_LEN) < 0;
    uint64_t state = absorb(3, own_first ? own : pub, SKT_KEY_LEN);
    squeeze(absorb(state, own_first ? pub : own, SKT_KEY_LEN), shared, SKT_KEY_LEN);
    return 0;
}

/* Of the concatenation, as a hash is: where a ends must not matter. */
static uint64_t absorb_two(uint64_t state, const void *a, size_t a_len, const void *b, size_t b_len)
{
    const uint8_t *p = a, *q = b;
    uint8_t block[8];
    size_t n = 0, total = a_len + b_len;
    for (size_t i = 0; i < total; i++) {
        block[n++] = i < a_len ? p[i] : q[i - a_len];
        if (n == sizeof block || i + 1 == total) {
            state = absorb(state, block, n);
            n = 0;
        }
    }
    return mix(state + total);
}

static int null_hash(uint8_t out[SKT_HASH_LEN], const void *a, size_t a_len, const void *b, size_t b_len)
{
    squeeze(absorb_two(1, a, a_len, b, b_len), out, SKT_HASH_LEN);
    return 0;
}

static int null_hmac(uint8_t out[SKT_HASH_LEN], const void *key, size_t key_len, const void *a, size_t a_len,
                     const void *b, size_t b_len)
{
    squeeze(absorb_two(absorb(2, key, key_len), a, a_len, b, b_len), out, SKT_HASH_LEN);
    return 0;
}

static struct skt_aead *null_aead_new(enum skt_cipher cipher, const uint8_t key[SKT_KEY_LEN], int for_sealing)
{
    (void)for_sealing;
    bool known = cipher == SKT_CIPHER_AES_256_GCM || cipher == SKT_CIPHER_CHACHA20_POLY1305;
    struct skt_aead *a = known ? malloc(sizeof *a) : NULL;
    if (a)
        a->key = absorb((uint64_t)cipher, key, SKT_KEY_LEN);
    return a;
}

static void null_aead_free(struct skt_aead *a)
{
    free(a);
}

static void checksum(const struct skt_aead *a, uint64_t counter, const void *ad, size_t ad_len,
                     const uint8_t *text, size_t len, uint8_t tag[SKT_TAG_LEN])
{
    squeeze(absorb(absorb(mix(a->key ^ counter), ad, ad_len), text, len), tag, SKT_TAG_LEN);
}

static int null_seal(struct skt_aead *a, uint8_t *out, uint64_t counter, const void *ad, size_t ad_len,
                     const uint8_t *in, size_t in_len)
{
    if (in_len > 0)
        memmove(out, in, in_len);
    checksum(a, counter, ad, ad_len, out, in_len, out + in_len);
    return 0;
}

static int null_open(struct skt_aead *a, uint8_t *out, uint64_t counter, const void *ad, size_t ad_len,
                     const uint8_t *in, size_t in_len)
{
    if (in_len < SKT_TAG_LEN)
        return SKT_ERR_TRUNCATED;
    uint8_t tag[SKT_TAG_LEN];
    checksum(a, counter, ad, ad_len, in, in_len - SKT_TAG_LEN, tag);
    bool ok = skt_equal_ct(tag, in + in_len - SKT_TAG_LEN, sizeof tag);
    memmove(out, in, in_len - SKT_TAG_LEN);
    return ok ? 0 : SKT_ERR_AUTH;
}

static struct skt_mask *null_mask_new(const uint8_t key[SKT_KEY_LEN])
{
    struct skt_mask *m = malloc(sizeof *m);
    if (m)
        m->key = absorb(4, key, SKT_KEY_LEN);
    return m;
}

static void null_mask_free(struct skt_mask *m)
{
    free(m);
}

static int null_mask_apply(struct skt_mask *m, uint8_t *buf, size_t len, const uint8_t iv[SKT_MASK_IV_LEN])
{
    uint64_t state = absorb(m->key, iv, SKT_MASK_IV_LEN);
    for (size_t i = 0; i < len; i += 8) {
        uint8_t block[8];
        squeeze(state + i, block, sizeof block);
        for (size_t j = 0; j < 8 && i + j < len; j++)
            buf[i + j] ^= block[j];
    }
    return 0;
}

static int null_mask_apply_all(struct skt_mask *m, const struct skt_mask_part *parts, size_t count,
                               size_t len)
{
    for (size_t i = 0; i < count; i++)
        null_mask_apply(m, parts[i].buf, len, parts[i].iv);
    return 0;
}

const struct skt_crypto *skt_crypto_null(void)
{
    static const struct skt_crypto table = {
        .random = null_random,
        .x25519_public = null_public,
        .x25519 = null_exchange,
        .sha256 = null_hash,
        .hmac = null_hmac,
        .aead_new = null_aead_new,
        .aead_free = null_aead_free,
        .aead_seal = null_seal,
        .aead_open = null_open,
        .mask_new = null_mask_new,
        .mask_free = null_mask_free,
        .mask_apply = null_mask_apply,
        .mask_apply_all = null_mask_apply_all,
    };
    return &table;
}
