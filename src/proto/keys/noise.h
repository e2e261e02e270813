/* SPDX-License-Identifier: MIT */
/* The Noise Protocol Framework (revision 34), as far as skcptun needs it: patterns NNpsk0 and NKpsk0 with
 * X25519, SHA-256 and ChaCha20-Poly1305 or AES-256-GCM. One message in each direction, then split. */
#ifndef SKT_PROTO_KEYS_NOISE_H
#define SKT_PROTO_KEYS_NOISE_H

#include "proto/primitives.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum skt_noise_pattern { SKT_NOISE_NNPSK0, SKT_NOISE_NKPSK0 };

enum { SKT_NOISE_OVERHEAD = SKT_KEY_LEN + SKT_TAG_LEN }; /* a message is its payload and this */

/* Holds secrets: wipe it. Plain data, may be copied. */
struct skt_noise {
    enum skt_noise_pattern pattern;
    enum skt_cipher cipher;
    bool initiator;
    uint8_t messages;            /* written or read so far: 0, 1 or 2 */
    bool has_key;                /* k is set */
    uint64_t n;                  /* nonce of the next encryption under k */
    uint8_t ck[SKT_HASH_LEN];    /* chaining key */
    uint8_t h[SKT_HASH_LEN];     /* hash of all that was said */
    uint8_t k[SKT_KEY_LEN];      /* what is encrypted with, where has_key */
    uint8_t psk[SKT_KEY_LEN];    /* pre-shared key */
    uint8_t s_priv[SKT_KEY_LEN]; /* NK responder: own static key */
    uint8_t rs[SKT_KEY_LEN];     /* NK initiator: the responder's static public key */
    uint8_t e_priv[SKT_KEY_LEN]; /* own ephemeral */
    uint8_t e_pub[SKT_KEY_LEN];  /* the public half of e_priv */
    bool has_e;                  /* made by skt_noise_prepare, not used yet */
    uint8_t re[SKT_KEY_LEN];     /* the other side's ephemeral, once read */
};

struct skt_noise_params {
    enum skt_noise_pattern pattern;
    enum skt_cipher cipher; /* of the handshake */
    bool initiator;
    const void *prologue;
    size_t prologue_len;
    const uint8_t *psk;         /* 32 bytes */
    const uint8_t *static_pub;  /* NK: the responder's, both sides; else unused */
    const uint8_t *static_priv; /* NK responder; else unused */
};

/* Starts a handshake. SKT_ERR_ARG, SKT_ERR_CRYPTO. */
int skt_noise_init(struct skt_noise *s, const struct skt_crypto *crypto,
                   const struct skt_noise_params *params);

/* Makes the ephemeral of the next message before it is written, for a payload that is bound to it (s->e_pub).
 * SKT_ERR_CRYPTO. */
int skt_noise_prepare(struct skt_noise *s, const struct skt_crypto *crypto);

/* Writes the side's message: a fresh ephemeral from crypto->random, then the sealed payload; out has room for
 * payload_len + SKT_NOISE_OVERHEAD bytes and does not overlap payload. On an error (SKT_ERR_ARG out of turn,
 * SKT_ERR_CRYPTO, SKT_ERR_NOMEM) s is unchanged. */
int skt_noise_write(struct skt_noise *s, const struct skt_crypto *crypto, const uint8_t *payload,
                    size_t payload_len, uint8_t *out);

/* Reads the other side's message of len bytes; payload gets len - SKT_NOISE_OVERHEAD bytes. On an error
 * (SKT_ERR_TRUNCATED, SKT_ERR_AUTH, SKT_ERR_CRYPTO for a public key of low order, ...) s is unchanged and the
 * payload undefined. */
int skt_noise_read(struct skt_noise *s, const struct skt_crypto *crypto, const uint8_t *msg, size_t len,
                   uint8_t *payload);

/* After both messages: the keys from initiator to responder and back (Split()). SKT_ERR_ARG too early. */
int skt_noise_split(const struct skt_noise *s, const struct skt_crypto *crypto,
                    uint8_t to_responder[SKT_KEY_LEN], uint8_t to_initiator[SKT_KEY_LEN]);

/* After both messages: one more secret, bound to a label: HKDF(ck, label), first output. */
int skt_noise_export(const struct skt_noise *s, const struct skt_crypto *crypto, const char *label,
                     uint8_t out[SKT_KEY_LEN]);

/* HKDF as Noise (4.3) has it: up to three outputs of 32 bytes (o2 and o3 may be NULL). An output may be ck
 * itself.
 */
int skt_noise_hkdf(const struct skt_crypto *crypto, const uint8_t ck[SKT_HASH_LEN], const void *ikm,
                   size_t ikm_len, uint8_t o1[SKT_HASH_LEN], uint8_t *o2, uint8_t *o3);

#endif
