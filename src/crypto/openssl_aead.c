/* SPDX-License-Identifier: MIT */
/* One cipher context for each key and direction, kept for its life: only the nonce is set for a packet. */
#include "base/bytes.h"
#include "base/err.h"
#include "crypto/openssl.h"

#include <limits.h>
#include <stdlib.h>

enum { NONCE_LEN = 12 };

struct skt_aead {
    EVP_CIPHER_CTX *ctx;
    enum skt_cipher cipher;
};

static const EVP_CIPHER *cipher_of(enum skt_cipher cipher)
{
    switch (cipher) {
    case SKT_CIPHER_AES_256_GCM:
        return skt_openssl.aes_256_gcm;
    case SKT_CIPHER_CHACHA20_POLY1305:
        return skt_openssl.chacha20_poly1305;
    case SKT_CIPHER_NONE:
        break;
    }
    return NULL;
}

struct skt_aead *skt_openssl_aead_new(enum skt_cipher cipher, const uint8_t key[SKT_KEY_LEN], int for_sealing)
{
    const EVP_CIPHER *algorithm = cipher_of(cipher);
    struct skt_aead *a = algorithm ? malloc(sizeof *a) : NULL;
    if (!a)
        return NULL;
    a->cipher = cipher;
    a->ctx = EVP_CIPHER_CTX_new();
    if (!a->ctx || EVP_CipherInit_ex2(a->ctx, algorithm, key, NULL, for_sealing, NULL) != 1) {
        skt_openssl_aead_free(a);
        return NULL;
    }
    return a;
}

void skt_openssl_aead_free(struct skt_aead *a)
{
    if (!a)
        return;
    EVP_CIPHER_CTX_free(a->ctx); /* which wipes the key */
    free(a);
}

/* Noise, 12.3 and 12.4. */
static void write_nonce(enum skt_cipher cipher, uint64_t counter, uint8_t nonce[NONCE_LEN])
{
    skt_put_u32(nonce, 0);
    if (cipher == SKT_CIPHER_AES_256_GCM) {
        for (int i = NONCE_LEN - 1; i >= 4; i--, counter >>= 8)
            nonce[i] = (uint8_t)counter;
    } else {
        skt_put_u64(nonce + 4, counter);
    }
}

/* Nonce, associated data and text; for opening the tag must have been set before. */
static bool process(struct skt_aead *a, uint8_t *out, const void *ad, size_t ad_len, const uint8_t *in,
                    size_t in_len)
{
    int n;
    if (ad_len > 0 && EVP_CipherUpdate(a->ctx, NULL, &n, ad, (int)ad_len) != 1)
        return false;
    return in_len == 0 || (EVP_CipherUpdate(a->ctx, out, &n, in, (int)in_len) == 1 && (size_t)n == in_len);
}

int skt_openssl_aead_seal(struct skt_aead *a, uint8_t *out, uint64_t counter, const void *ad, size_t ad_len,
                          const uint8_t *in, size_t in_len)
{
    uint8_t nonce[NONCE_LEN];
    int n;
    if (ad_len > INT_MAX || in_len > INT_MAX - SKT_TAG_LEN)
        return SKT_ERR_ARG;
    write_nonce(a->cipher, counter, nonce);
    bool ok = EVP_CipherInit_ex2(a->ctx, NULL, NULL, nonce, -1, NULL) == 1 &&
              process(a, out, ad, ad_len, in, in_len) && EVP_CipherFinal_ex(a->ctx, out + in_len, &n) == 1 &&
              EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, SKT_TAG_LEN, out + in_len) == 1;
    return ok ? 0 : SKT_ERR_CRYPTO;
}

int skt_openssl_aead_open(struct skt_aead *a, uint8_t *out, uint64_t counter, const void *ad, size_t ad_len,
                          const uint8_t *in, size_t in_len)
{
    uint8_t nonce[NONCE_LEN];
    uint8_t end[SKT_TAG_LEN]; /* Final writes nothing, but wants a place */
    uint8_t tag[SKT_TAG_LEN];
    int n;
    if (in_len < SKT_TAG_LEN || ad_len > INT_MAX || in_len > INT_MAX)
        return SKT_ERR_TRUNCATED;
    size_t text_len = in_len - SKT_TAG_LEN;
    memcpy(tag, in + text_len, sizeof tag);
    write_nonce(a->cipher, counter, nonce);
    bool ok = EVP_CipherInit_ex2(a->ctx, NULL, NULL, nonce, -1, NULL) == 1 &&
              EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, SKT_TAG_LEN, tag) == 1 &&
              process(a, out, ad, ad_len, in, text_len);
    if (!ok)
        return SKT_ERR_CRYPTO;
    return EVP_CipherFinal_ex(a->ctx, end, &n) == 1 ? 0 : SKT_ERR_AUTH;
}
