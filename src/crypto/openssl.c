/* SPDX-License-Identifier: MIT */
#include "crypto/openssl.h"

#include "base/err.h"
#include "base/wipe.h"
#include "crypto/chacha.h"
#include "crypto/crypto.h"

#include <openssl/rand.h>
#include <string.h>

struct skt_openssl skt_openssl;

enum { SHA256_BLOCK_LEN = 64 };

static int random_bytes(void *out, size_t len)
{
    return len <= INT32_MAX && RAND_bytes(out, (int)len) == 1 ? 0 : SKT_ERR_CRYPTO;
}

/* out = SHA-256(a || b || c) */
static int hash3(EVP_MD_CTX *ctx, uint8_t out[SKT_HASH_LEN], const void *a, size_t a_len, const void *b,
                 size_t b_len, const void *c, size_t c_len)
{
    bool ok = EVP_DigestInit_ex2(ctx, skt_openssl.sha256, NULL) == 1 &&
              (a_len == 0 || EVP_DigestUpdate(ctx, a, a_len) == 1) &&
              (b_len == 0 || EVP_DigestUpdate(ctx, b, b_len) == 1) &&
              (c_len == 0 || EVP_DigestUpdate(ctx, c, c_len) == 1) && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    return ok ? 0 : SKT_ERR_CRYPTO;
}

static int sha256(uint8_t out[SKT_HASH_LEN], const void *a, size_t a_len, const void *b, size_t b_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        return SKT_ERR_NOMEM;
    int err = hash3(ctx, out, a, a_len, b, b_len, NULL, 0);
    EVP_MD_CTX_free(ctx);
    return err;
}

/* RFC 2104 over the fetched digest: EVP_MAC costs more to set up than both hashes. */
static int hmac(uint8_t out[SKT_HASH_LEN], const void *key, size_t key_len, const void *a, size_t a_len,
                const void *b, size_t b_len)
{
    uint8_t pad[SHA256_BLOCK_LEN] = {0}, inner[SKT_HASH_LEN];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        return SKT_ERR_NOMEM;
    int err = 0;
    if (key_len > sizeof pad)
        err = hash3(ctx, pad, key, key_len, NULL, 0, NULL, 0);
    else if (key_len > 0)
        memcpy(pad, key, key_len);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36;
    if (!err)
        err = hash3(ctx, inner, pad, sizeof pad, a, a_len, b, b_len);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    if (!err)
        err = hash3(ctx, out, pad, sizeof pad, inner, sizeof inner, NULL, 0);
    EVP_MD_CTX_free(ctx);
    skt_wipe(pad, sizeof pad);
    skt_wipe(inner, sizeof inner);
    return err;
}

static const struct skt_crypto table = {
    .random = random_bytes,
    .x25519_public = skt_openssl_x25519_public,
    .x25519 = skt_openssl_x25519,
    .sha256 = sha256,
    .hmac = hmac,
    .aead_new = skt_openssl_aead_new,
    .aead_free = skt_openssl_aead_free,
    .aead_seal = skt_openssl_aead_seal,
    .aead_open = skt_openssl_aead_open,
    .mask_new = skt_chacha_mask_new,
    .mask_free = skt_chacha_mask_free,
    .mask_apply = skt_chacha_mask_apply,
    .mask_apply_all = skt_chacha_mask_apply_all,
};

/* The library fetches what a key exchange needs when it is first used; where that gets no memory, it (3.0)
 * never tries again. So the first one is made here, while nothing depends on it. */
static bool warm_up(void)
{
    static bool is_warm;
    uint8_t key[SKT_KEY_LEN] = {1}, pub[SKT_KEY_LEN], shared[SKT_KEY_LEN];
    if (!is_warm)
        is_warm = skt_openssl_x25519_public(pub, key) == 0 && skt_openssl_x25519(shared, key, pub) == 0;
    return is_warm;
}

const struct skt_crypto *skt_crypto_openssl(void)
{
    if (!skt_openssl.sha256)
        skt_openssl.sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    if (!skt_openssl.aes_256_gcm)
        skt_openssl.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!skt_openssl.chacha20_poly1305)
        skt_openssl.chacha20_poly1305 = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    if (!skt_openssl.sha256 || !skt_openssl.aes_256_gcm || !skt_openssl.chacha20_poly1305 || !warm_up()) {
        skt_crypto_cleanup();
        return NULL;
    }
    return &table;
}

void skt_crypto_cleanup(void)
{
    EVP_MD_free(skt_openssl.sha256);
    EVP_CIPHER_free(skt_openssl.aes_256_gcm);
    EVP_CIPHER_free(skt_openssl.chacha20_poly1305);
    memset(&skt_openssl, 0, sizeof skt_openssl);
}
