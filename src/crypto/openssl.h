/* SPDX-License-Identifier: MIT */
/* The algorithms fetched from OpenSSL, shared by the files of this folder. */
#ifndef SKT_CRYPTO_OPENSSL_H
#define SKT_CRYPTO_OPENSSL_H

#include "proto/primitives.h"

#include <openssl/evp.h>
#include <stdbool.h>

struct skt_openssl {
    EVP_MD *sha256;
    EVP_CIPHER *aes_256_gcm;
    EVP_CIPHER *chacha20_poly1305;
};

/* Read-only once skt_crypto_openssl has filled it. */
extern struct skt_openssl skt_openssl;

/* Entries of the table, by file. */
int skt_openssl_x25519_public(uint8_t pub[SKT_KEY_LEN], const uint8_t priv[SKT_KEY_LEN]);
int skt_openssl_x25519(uint8_t shared[SKT_KEY_LEN], const uint8_t priv[SKT_KEY_LEN],
                       const uint8_t pub[SKT_KEY_LEN]);

struct skt_aead *skt_openssl_aead_new(enum skt_cipher cipher, const uint8_t key[SKT_KEY_LEN],
                                      int for_sealing);
void skt_openssl_aead_free(struct skt_aead *aead);
int skt_openssl_aead_seal(struct skt_aead *aead, uint8_t *out, uint64_t counter, const void *ad,
                          size_t ad_len, const uint8_t *in, size_t in_len);
int skt_openssl_aead_open(struct skt_aead *aead, uint8_t *out, uint64_t counter, const void *ad,
                          size_t ad_len, const uint8_t *in, size_t in_len);

#endif
