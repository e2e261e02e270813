/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "crypto/openssl.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

int skt_openssl_x25519_public(uint8_t pub[SKT_KEY_LEN], const uint8_t priv[SKT_KEY_LEN])
{
    size_t len = SKT_KEY_LEN;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, priv, SKT_KEY_LEN);
    bool ok = key && EVP_PKEY_get_raw_public_key(key, pub, &len) == 1;
    EVP_PKEY_free(key);
    return ok ? 0 : SKT_ERR_CRYPTO;
}

/* A key for derivation only. The library computes the public half of every private key it is given alone,
 * which costs as much as the exchange itself; it is not needed here, so any value stands in for it. */
static EVP_PKEY *private_key(const uint8_t priv[SKT_KEY_LEN])
{
    uint8_t unused[SKT_KEY_LEN] = {9};
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)(uintptr_t)priv, SKT_KEY_LEN),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, unused, sizeof unused),
        OSSL_PARAM_construct_end(),
    };
    bool ok = ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
              EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1;
    EVP_PKEY_CTX_free(ctx);
    /* A provider that checks the pair refuses that. */
    return ok ? key : EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, priv, SKT_KEY_LEN);
}

/* An all-zero result (RFC 7748, 6.1) makes EVP_PKEY_derive fail. */
int skt_openssl_x25519(uint8_t shared[SKT_KEY_LEN], const uint8_t priv[SKT_KEY_LEN],
                       const uint8_t pub[SKT_KEY_LEN])
{
    size_t len = SKT_KEY_LEN;
    EVP_PKEY *own = private_key(priv);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, pub, SKT_KEY_LEN);
    EVP_PKEY_CTX *ctx = own ? EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL) : NULL;
    bool ok = ctx && peer && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
              EVP_PKEY_derive(ctx, shared, &len) == 1 && len == SKT_KEY_LEN;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(own);
    return ok ? 0 : SKT_ERR_CRYPTO;
}
