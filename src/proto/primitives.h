/* SPDX-License-Identifier: MIT */
/* What the protocol needs of cryptography, as a table that is handed in: proto/ itself links no library.
 * crypto/openssl.c fills it for real, crypto/null.c for fuzzing and simulation. */
#ifndef SKT_PROTO_PRIMITIVES_H
#define SKT_PROTO_PRIMITIVES_H

#include <stddef.h>
#include <stdint.h>

enum {
    SKT_KEY_LEN = 32,  /* every symmetric key, X25519 key, hash and psk */
    SKT_TAG_LEN = 16,  /* AEAD tag */
    SKT_HASH_LEN = 32, /* SHA-256 */
    SKT_MASK_IV_LEN = 16,
};

enum skt_cipher {
    SKT_CIPHER_NONE = 0,
    SKT_CIPHER_AES_256_GCM = 1,
    SKT_CIPHER_CHACHA20_POLY1305 = 2,
};

/* "aes-256-gcm", ... as the configuration has it; "none". */
const char *skt_cipher_str(enum skt_cipher cipher);

struct skt_aead; /* one key, one direction; reused for every packet */
struct skt_mask; /* one ChaCha20 key for header masking */

struct skt_mask_part {
    uint8_t *buf;
    const uint8_t *iv; /* SKT_MASK_IV_LEN bytes, outside of every part */
};

/* Functions return 0 or a negative enum skt_err (SKT_ERR_AUTH from aead_open, else SKT_ERR_CRYPTO/NOMEM). */
struct skt_crypto {
    int (*random)(void *out, size_t len);

    /* X25519 (RFC 7748). x25519 fails with SKT_ERR_CRYPTO on an all-zero result. */
    int (*x25519_public)(uint8_t pub[SKT_KEY_LEN], const uint8_t priv[SKT_KEY_LEN]);
    int (*x25519)(uint8_t shared[SKT_KEY_LEN], const uint8_t priv[SKT_KEY_LEN],
                  const uint8_t pub[SKT_KEY_LEN]);

    /* SHA-256(a || b); HMAC-SHA-256(key, a || b). Either part may be empty. */
    int (*sha256)(uint8_t out[SKT_HASH_LEN], const void *a, size_t a_len, const void *b, size_t b_len);
    int (*hmac)(uint8_t out[SKT_HASH_LEN], const void *key, size_t key_len, const void *a, size_t a_len,
                const void *b, size_t b_len);

    /* Nonces are built as the Noise specification (5.1, 12) does: 32 zero bits, then the 64-bit counter,
     * little-endian for ChaCha20-Poly1305, big-endian for AES-256-GCM. in and out may be the same memory.
     * seal writes in_len + SKT_TAG_LEN bytes, open reads in_len bytes (tag included) and writes
     * in_len - SKT_TAG_LEN; on failure the output is undefined and must not be used. */
    struct skt_aead *(*aead_new)(enum skt_cipher cipher, const uint8_t key[SKT_KEY_LEN], int for_sealing);
    void (*aead_free)(struct skt_aead *aead);
    int (*aead_seal)(struct skt_aead *aead, uint8_t *out, uint64_t counter, const void *ad, size_t ad_len,
                     const uint8_t *in, size_t in_len);
    int (*aead_open)(struct skt_aead *aead, uint8_t *out, uint64_t counter, const void *ad, size_t ad_len,
                     const uint8_t *in, size_t in_len);

    /* XORs buf with the ChaCha20 key stream (RFC 8439, 2.4) of iv: counter (4 bytes, little-endian), nonce
     * (12). */
    struct skt_mask *(*mask_new)(const uint8_t key[SKT_KEY_LEN]);
    void (*mask_free)(struct skt_mask *mask);
    int (*mask_apply)(struct skt_mask *mask, uint8_t *buf, size_t len, const uint8_t iv[SKT_MASK_IV_LEN]);

    /* The same for the first len bytes of each part, which costs less than one by one. */
    int (*mask_apply_all)(struct skt_mask *mask, const struct skt_mask_part *parts, size_t count, size_t len);
};

#endif
