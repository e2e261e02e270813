/* SPDX-License-Identifier: MIT */
/* The handshake on whole datagrams (wire.h: messages 1 and 2). Everything here works on unmasked datagrams;
 * masking is packet.h's. A consume_ function that fails leaves the handshake as it was. */
#ifndef SKT_PROTO_KEYS_HANDSHAKE_H
#define SKT_PROTO_KEYS_HANDSHAKE_H

#include "proto/keys/noise.h"
#include "proto/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SKT_HANDSHAKE_PROLOGUE "skcptun 1"

enum { SKT_STAMP_KEY_LEN = 10 }; /* what names an initiation in the replay cache (stampcache.h) */

/* Who one end of an entry is. */
struct skt_identity {
    uint8_t psk[SKT_KEY_LEN];         /* made from the password */
    bool has_static;                  /* server: it has a key pair; client: it pins the server's public key */
    uint8_t static_priv[SKT_KEY_LEN]; /* server only */
    uint8_t static_pub[SKT_KEY_LEN];  /* the server's, on both ends */
};

/* Payload of message 1. */
struct skt_initiation {
    uint8_t version;         /* SKT_WIRE_VERSION */
    uint8_t mode;            /* enum skt_wire_mode */
    uint8_t ciphers;         /* SKT_CIPHER_BIT() of each one offered */
    uint32_t sender;         /* the client's id: the receiver of what is sent to it under the new keys */
    uint64_t stamp_ms;       /* since 1970, by the server's clock once that is known */
    uint32_t features;       /* bits, none yet */
    uint16_t cost_aes_ns;    /* of sealing 1200 bytes with AES-256-GCM, at most UINT16_MAX */
    uint16_t cost_chacha_ns; /* the same with ChaCha20-Poly1305 */
    uint16_t mtu;            /* the largest datagram that the sender takes */
    uint16_t keepalive_s;
    uint8_t cookie[SKT_COOKIE_LEN];             /* from a cookie reply; zeros: none */
    uint32_t cid;                               /* the session that its sender had; 0: none */
    uint8_t return_proof[SKT_RETURN_PROOF_LEN]; /* that it had it; made by create_initiation */
};

/* Payload of message 2. */
struct skt_response {
    uint8_t version;
    uint8_t status; /* enum skt_hs_status */
    uint8_t cipher; /* enum skt_cipher, of the transport packets */
    uint8_t mode;
    uint32_t sender; /* the server's id */
    uint64_t clock_ms;
    uint32_t features;
    uint16_t mtu;
    uint16_t keepalive_s;
};

#define SKT_CIPHER_BIT(cipher) (1u << (cipher))

/* What both ends have after the handshake. */
struct skt_handshake_keys {
    uint8_t client_to_server[SKT_KEY_LEN];
    uint8_t server_to_client[SKT_KEY_LEN];
    uint8_t hash[SKT_HASH_LEN];  /* Noise's final h: names the handshake, not secret */
    uint8_t resume[SKT_KEY_LEN]; /* secret that proves later to have held these keys (skt_proof_resume) */
};

/* A handshake under way: on the client from create_initiation to consume_response, on the server from
 * consume_initiation to create_response. Zero-initialise it; plain data with secrets, wiped by dispose. */
struct skt_handshake {
    struct skt_noise noise;
    uint32_t local_id;  /* client: what the answer is sent to; server: 0 */
    uint32_t remote_id; /* server: what the answer goes to; client: 0 */
    bool active;        /* it can be answered, or its answer be taken */
};

/* --- payloads, pure --- */

/* Writes SKT_INITIATION_LEN bytes. */
void skt_initiation_encode(const struct skt_initiation *m, uint8_t out[SKT_INITIATION_LEN]);

/* Reads a payload, padding allowed. SKT_ERR_TRUNCATED; SKT_ERR_VERSION with version, mode, ciphers, sender
 * and stamp set (their places never change), the rest 0; SKT_ERR_MALFORMED: sender 0. */
int skt_initiation_decode(struct skt_initiation *m, const uint8_t *buf, size_t len);

/* Writes SKT_RESPONSE_LEN bytes. */
void skt_response_encode(const struct skt_response *m, uint8_t out[SKT_RESPONSE_LEN]);

/* Likewise; on SKT_ERR_VERSION version, status, cipher, mode, sender and clock are set. SKT_ERR_MALFORMED:
 * with status SKT_HS_OK, sender 0 or an unknown cipher. */
int skt_response_decode(struct skt_response *m, const uint8_t *buf, size_t len);

/* The transport cipher for two ends: of those in both sets of bits the one that costs less at the slower end;
 * on a tie ChaCha20-Poly1305 if it is at the cap of the field, else AES-256-GCM. SKT_CIPHER_NONE: none in
 * common. */
enum skt_cipher skt_handshake_choose_cipher(const struct skt_initiation *client, uint8_t own_ciphers,
                                            uint16_t own_aes_ns, uint16_t own_chacha_ns);

/* --- client --- */

/* Writes message 1 with pad_len (to SKT_HANDSHAKE_PAD_MAX) bytes of padding and starts hs anew; hs->local_id
 * is m->sender. resume: the secret of the last handshake of m->cid, from which the return proof is made;
 * NULL: none. Pattern NK where the identity pins a server, else NN. Returns the datagram's length;
 * SKT_ERR_ARG, SKT_ERR_FULL (cap), SKT_ERR_CRYPTO, SKT_ERR_NOMEM. */
int skt_handshake_create_initiation(struct skt_handshake *hs, const struct skt_crypto *crypto,
                                    const struct skt_identity *identity, const struct skt_initiation *m,
                                    const uint8_t *resume, size_t pad_len, uint8_t *out, size_t cap);

/* Takes message 2. 0: authentic; out is filled, keys too where out->status is SKT_HS_OK (else zeros), and hs
 * is disposed of. SKT_ERR_VERSION: authentic, from a server of another version (out->version), no keys; hs is
 * unchanged after this and every other error, so that a genuine message 2 can still come. */
int skt_handshake_consume_response(struct skt_handshake *hs, const struct skt_crypto *crypto,
                                   const uint8_t *datagram, size_t len, struct skt_response *out,
                                   struct skt_handshake_keys *keys);

/* Takes a cookie reply to hs's message 1, which will not be answered any more. 0, and both outputs set; else
 * nothing has changed. */
int skt_handshake_consume_cookie(const struct skt_handshake *hs, const struct skt_crypto *crypto,
                                 const uint8_t *datagram, size_t len, uint8_t cookie[SKT_COOKIE_LEN],
                                 uint64_t *clock_ms);

/* --- server --- */

/* What names a message 1 in the stamp cache: a hash of its ephemeral. Needs no key. SKT_ERR_TRUNCATED. */
int skt_handshake_stamp_key(const struct skt_crypto *crypto, const uint8_t *datagram, size_t len,
                            uint8_t key[SKT_STAMP_KEY_LEN]);

/* Takes message 1. 0: authentic (not: fresh; ask the stamp cache), hs can answer it. SKT_ERR_VERSION: the
 * same, but of another version; answer it with status SKT_HS_VERSION only. SKT_ERR_NOTFOUND: the client pins
 * a server key and this identity has none. On every other error hs is unchanged. */
int skt_handshake_consume_initiation(struct skt_handshake *hs, const struct skt_crypto *crypto,
                                     const struct skt_identity *identity, const uint8_t *datagram, size_t len,
                                     struct skt_initiation *out);

/* Does the consumed initiation prove that its sender had the keys with this resume secret? */
bool skt_handshake_proves_return(const struct skt_handshake *hs, const struct skt_crypto *crypto,
                                 const struct skt_initiation *m, const uint8_t resume[SKT_KEY_LEN]);

/* Writes a cookie reply to the consumed initiation, not masked yet; hs is unchanged. Its length, or an
 * error. */
int skt_handshake_create_cookie(const struct skt_handshake *hs, const struct skt_crypto *crypto,
                                const uint8_t cookie[SKT_COOKIE_LEN], uint64_t clock_ms, size_t pad_len,
                                uint8_t *out, size_t cap);

/* Writes message 2 and the keys, and disposes of hs. Returns the datagram's length; on an error hs is
 * unchanged. keys may be NULL for a refusal (status other than SKT_HS_OK). */
int skt_handshake_create_response(struct skt_handshake *hs, const struct skt_crypto *crypto,
                                  const struct skt_response *m, size_t pad_len, uint8_t *out, size_t cap,
                                  struct skt_handshake_keys *keys);

/* --- both --- */

/* Wipes a handshake; harmless on a zeroed one. */
void skt_handshake_dispose(struct skt_handshake *hs);

#endif
