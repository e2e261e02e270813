/* SPDX-License-Identifier: MIT */
/* The cryptography that the rest of the program uses: tables for proto/, and keys as people handle them. */
#ifndef SKT_CRYPTO_CRYPTO_H
#define SKT_CRYPTO_CRYPTO_H

#include "proto/parity/gf256.h"
#include "proto/primitives.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SKT_KEY_TEXT_LEN = 44,    /* characters of a key in base64, without the end */
    SKT_FINGERPRINT_LEN = 16, /* characters of a fingerprint, without the end */
};

/* The table over OpenSSL >= 3.0, or NULL where the library lacks an algorithm. Fetches them on the first
 * call, which must have returned before other threads start. Valid until skt_crypto_cleanup. */
const struct skt_crypto *skt_crypto_openssl(void);

/* Frees what skt_crypto_openssl fetched; nothing that the table made may exist any more. */
void skt_crypto_cleanup(void);

/* The psk of a password: scrypt(password, "skcptun psk v1", N=2^14, r=8, p=1), 32 bytes. Takes a tenth of a
 * second and 16 MiB. SKT_ERR_CRYPTO. */
int skt_crypto_psk_from_password(const char *password, size_t len, uint8_t psk[SKT_KEY_LEN]);

/* A key in base64 (RFC 4648, 4), ended by 0. */
void skt_crypto_key_to_text(const uint8_t key[SKT_KEY_LEN], char text[SKT_KEY_TEXT_LEN + 1]);

/* 44 characters of base64, or 43 without the padding. SKT_ERR_MALFORMED: anything else. */
int skt_crypto_key_from_text(const char *text, size_t len, uint8_t key[SKT_KEY_LEN]);

/* What may be shown of a secret key: the first 8 bytes of SHA-256("skcptun fingerprint" || key) in
 * hexadecimal, ended by 0. */
int skt_crypto_fingerprint(const struct skt_crypto *crypto, const uint8_t key[SKT_KEY_LEN],
                           char text[SKT_FINGERPRINT_LEN + 1]);

/* A new X25519 key pair from crypto->random. */
int skt_crypto_keypair(const struct skt_crypto *crypto, uint8_t priv[SKT_KEY_LEN], uint8_t pub[SKT_KEY_LEN]);

/* What sealing 1200 bytes costs here, in ns, at most 65535; the median of some runs within about 1 ms for
 * each cipher. */
struct skt_crypto_costs {
    uint16_t aes_ns, chacha_ns;
};
int skt_crypto_measure(const struct skt_crypto *crypto, struct skt_crypto_costs *out);

/* Arithmetic for parity: Intel ISA-L where the program was built with it, else the portable one. */
const struct skt_gf256 *skt_crypto_gf256(void);

/* A table without cryptography, for fuzzing and simulation: deterministic and fast, finds wrong keys and
 * damaged packets as the real one does, and protects nothing. */
const struct skt_crypto *skt_crypto_null(void);

/* Starts the null table's random bytes anew (they are per thread). */
void skt_crypto_null_seed(uint64_t seed);

#endif
