/* SPDX-License-Identifier: MIT */
#include "proto/keys/handshake.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/wipe.h"
#include "proto/keys/proof.h"

#include <string.h>

#define RESUME_LABEL "skcptun resume key"
#define COOKIE_LABEL "skcptun cookie"

enum {
    /* Message 1 is the longer one. */
    PAYLOAD_MAX = SKT_INITIATION_LEN + SKT_HANDSHAKE_PAD_MAX,
    DATAGRAM_MAX = SKT_HANDSHAKE_OVERHEAD + PAYLOAD_MAX,
};

static int start_noise(struct skt_noise *noise, const struct skt_crypto *crypto,
                       const struct skt_identity *identity, bool initiator, bool pinned)
{
    struct skt_noise_params params = {
        .pattern = pinned ? SKT_NOISE_NKPSK0 : SKT_NOISE_NNPSK0,
        .cipher = SKT_CIPHER_CHACHA20_POLY1305,
        .initiator = initiator,
        .prologue = SKT_HANDSHAKE_PROLOGUE,
        .prologue_len = strlen(SKT_HANDSHAKE_PROLOGUE),
        .psk = identity->psk,
        .static_pub = identity->static_pub,
        .static_priv = identity->static_priv,
    };
    return skt_noise_init(noise, crypto, &params);
}

static void write_header(uint8_t *datagram, uint32_t receiver, uint32_t number)
{
    skt_put_u32(datagram, receiver);
    skt_put_u32(datagram + 4, number);
}

/* Header and sealed payload of len bytes, padding included; the datagram's length or an error. */
static int write_message(struct skt_noise *noise, const struct skt_crypto *crypto, uint32_t receiver,
                         uint32_t number, const uint8_t *payload, size_t len, uint8_t *out, size_t cap)
{
    if (cap < SKT_HANDSHAKE_OVERHEAD + len)
        return SKT_ERR_FULL;
    write_header(out, receiver, number);
    int err = skt_noise_write(noise, crypto, payload, len, out + SKT_HEADER_LEN);
    return err ? err : (int)(SKT_HANDSHAKE_OVERHEAD + len);
}

/* Opens the message behind the header into payload (PAYLOAD_MAX bytes); its length or an error. A correct
 * peer's message is never longer than that. */
static int read_message(struct skt_noise *noise, const struct skt_crypto *crypto, const uint8_t *datagram,
                        size_t len, uint8_t *payload)
{
    if (len < SKT_HANDSHAKE_OVERHEAD)
        return SKT_ERR_TRUNCATED;
    if (len > DATAGRAM_MAX)
        return SKT_ERR_MALFORMED;
    int err = skt_noise_read(noise, crypto, datagram + SKT_HEADER_LEN, len - SKT_HEADER_LEN, payload);
    return err ? err : (int)(len - SKT_HANDSHAKE_OVERHEAD);
}

static int derive_keys(const struct skt_noise *noise, const struct skt_crypto *crypto,
                       struct skt_handshake_keys *keys)
{
    memcpy(keys->hash, noise->h, sizeof keys->hash);
    int err = skt_noise_split(noise, crypto, keys->client_to_server, keys->server_to_client);
    return err ? err : skt_noise_export(noise, crypto, RESUME_LABEL, keys->resume);
}

/* The key that a cookie reply to this message 1 is sealed with, once. */
static struct skt_aead *cookie_key(const struct skt_handshake *hs, const struct skt_crypto *crypto,
                                   int for_sealing)
{
    uint8_t key[SKT_KEY_LEN];
    struct skt_aead *aead = NULL;
    if (skt_noise_hkdf(crypto, hs->noise.ck, COOKIE_LABEL, strlen(COOKIE_LABEL), key, NULL, NULL) == SKT_OK)
        aead = crypto->aead_new(SKT_CIPHER_CHACHA20_POLY1305, key, for_sealing);
    skt_wipe(key, sizeof key);
    return aead;
}

/* --- client --- */

int skt_handshake_create_initiation(struct skt_handshake *hs, const struct skt_crypto *crypto,
                                    const struct skt_identity *identity, const struct skt_initiation *m,
                                    const uint8_t *resume, size_t pad_len, uint8_t *out, size_t cap)
{
    if (pad_len > SKT_HANDSHAKE_PAD_MAX || m->sender == SKT_ID_NONE)
        return SKT_ERR_ARG;
    uint8_t payload[PAYLOAD_MAX] = {0};
    struct skt_handshake t = {.local_id = m->sender, .active = true};
    bool pinned = identity->has_static;
    struct skt_initiation full = *m;
    int ret = start_noise(&t.noise, crypto, identity, true, pinned);
    if (!ret)
        ret = skt_noise_prepare(&t.noise, crypto);
    if (!ret && resume)
        ret = skt_proof_return(crypto, resume, t.noise.e_pub, m, full.return_proof);
    skt_initiation_encode(&full, payload);
    if (!ret)
        ret = write_message(&t.noise, crypto, SKT_ID_NONE, pinned ? SKT_PATTERN_NKPSK0 : SKT_PATTERN_NNPSK0,
                            payload, SKT_INITIATION_LEN + pad_len, out, cap);
    if (ret > 0)
        *hs = t;
    skt_wipe(&t, sizeof t);
    return ret;
}

int skt_handshake_consume_response(struct skt_handshake *hs, const struct skt_crypto *crypto,
                                   const uint8_t *datagram, size_t len, struct skt_response *out,
                                   struct skt_handshake_keys *keys)
{
    if (!hs->active || !hs->noise.initiator)
        return SKT_ERR_ARG;
    if (len < SKT_HEADER_LEN)
        return SKT_ERR_TRUNCATED;
    if (skt_get_u32(datagram) != hs->local_id || skt_get_u32(datagram + 4) != 0)
        return SKT_ERR_MALFORMED;
    uint8_t payload[PAYLOAD_MAX];
    struct skt_response m = {0};
    struct skt_handshake_keys k = {0};
    struct skt_noise noise = hs->noise;
    int ret = read_message(&noise, crypto, datagram, len, payload);
    if (ret < 0)
        goto out;
    ret = skt_response_decode(&m, payload, (size_t)ret);
    if (ret == SKT_ERR_VERSION)
        *out = m;
    if (ret == 0 && m.status == SKT_HS_OK)
        ret = derive_keys(&noise, crypto, &k);
    if (ret < 0)
        goto out;
    *out = m;
    *keys = k;
    skt_handshake_dispose(hs);
out:
    skt_wipe(&noise, sizeof noise);
    skt_wipe(&k, sizeof k);
    return ret;
}

int skt_handshake_consume_cookie(const struct skt_handshake *hs, const struct skt_crypto *crypto,
                                 const uint8_t *datagram, size_t len, uint8_t cookie[SKT_COOKIE_LEN],
                                 uint64_t *clock_ms)
{
    uint8_t payload[SKT_COOKIE_REPLY_LEN + SKT_COOKIE_PAD_MAX];
    if (!hs->active || !hs->noise.initiator)
        return SKT_ERR_ARG;
    if (len < SKT_PACKET_OVERHEAD + SKT_COOKIE_REPLY_LEN || len > SKT_PACKET_OVERHEAD + sizeof payload)
        return SKT_ERR_MALFORMED;
    struct skt_aead *aead = cookie_key(hs, crypto, 0);
    if (!aead)
        return SKT_ERR_NOMEM;
    int err = crypto->aead_open(aead, payload, 0, hs->noise.h, sizeof hs->noise.h, datagram + SKT_HEADER_LEN,
                                len - SKT_HEADER_LEN);
    crypto->aead_free(aead);
    if (err)
        return err;
    memcpy(cookie, payload, SKT_COOKIE_LEN);
    *clock_ms = skt_get_u64(payload + SKT_COOKIE_LEN);
    return SKT_OK;
}

/* --- server --- */

int skt_handshake_stamp_key(const struct skt_crypto *crypto, const uint8_t *datagram, size_t len,
                            uint8_t key[SKT_STAMP_KEY_LEN])
{
    uint8_t hash[SKT_HASH_LEN];
    if (len < SKT_HANDSHAKE_OVERHEAD)
        return SKT_ERR_TRUNCATED;
    int err = crypto->sha256(hash, datagram + SKT_HEADER_LEN, SKT_KEY_LEN, NULL, 0);
    if (!err)
        memcpy(key, hash, SKT_STAMP_KEY_LEN);
    return err;
}

int skt_handshake_consume_initiation(struct skt_handshake *hs, const struct skt_crypto *crypto,
                                     const struct skt_identity *identity, const uint8_t *datagram, size_t len,
                                     struct skt_initiation *out)
{
    if (len < SKT_HEADER_LEN)
        return SKT_ERR_TRUNCATED;
    uint32_t pattern = skt_get_u32(datagram + 4);
    if (skt_get_u32(datagram) != SKT_ID_NONE || pattern > SKT_PATTERN_NKPSK0)
        return SKT_ERR_MALFORMED;
    if (pattern == SKT_PATTERN_NKPSK0 && !identity->has_static)
        return SKT_ERR_NOTFOUND;
    uint8_t payload[PAYLOAD_MAX];
    struct skt_initiation m = {0};
    struct skt_handshake t = {.active = true};
    int ret = start_noise(&t.noise, crypto, identity, false, pattern == SKT_PATTERN_NKPSK0);
    if (!ret)
        ret = read_message(&t.noise, crypto, datagram, len, payload);
    if (ret < 0)
        goto out;
    ret = skt_initiation_decode(&m, payload, (size_t)ret);
    if (ret < 0 && ret != SKT_ERR_VERSION)
        goto out;
    t.remote_id = m.sender;
    *out = m;
    *hs = t;
out:
    skt_wipe(&t, sizeof t);
    return ret;
}

bool skt_handshake_proves_return(const struct skt_handshake *hs, const struct skt_crypto *crypto,
                                 const struct skt_initiation *m, const uint8_t resume[SKT_KEY_LEN])
{
    uint8_t expected[SKT_RETURN_PROOF_LEN];
    return m->cid != 0 && skt_proof_return(crypto, resume, hs->noise.re, m, expected) == SKT_OK &&
           skt_equal_ct(expected, m->return_proof, sizeof expected);
}

int skt_handshake_create_cookie(const struct skt_handshake *hs, const struct skt_crypto *crypto,
                                const uint8_t cookie[SKT_COOKIE_LEN], uint64_t clock_ms, size_t pad_len,
                                uint8_t *out, size_t cap)
{
    uint8_t payload[SKT_COOKIE_REPLY_LEN + SKT_COOKIE_PAD_MAX] = {0};
    size_t len = SKT_COOKIE_REPLY_LEN + pad_len;
    if (!hs->active || hs->noise.initiator || pad_len > SKT_COOKIE_PAD_MAX)
        return SKT_ERR_ARG;
    if (cap < SKT_PACKET_OVERHEAD + len)
        return SKT_ERR_FULL;
    struct skt_aead *aead = cookie_key(hs, crypto, 1);
    if (!aead)
        return SKT_ERR_NOMEM;
    memcpy(payload, cookie, SKT_COOKIE_LEN);
    skt_put_u64(payload + SKT_COOKIE_LEN, clock_ms);
    write_header(out, hs->remote_id, SKT_NUMBER_COOKIE);
    int err = crypto->aead_seal(aead, out + SKT_HEADER_LEN, 0, hs->noise.h, sizeof hs->noise.h, payload, len);
    crypto->aead_free(aead);
    return err ? err : (int)(SKT_PACKET_OVERHEAD + len);
}

int skt_handshake_create_response(struct skt_handshake *hs, const struct skt_crypto *crypto,
                                  const struct skt_response *m, size_t pad_len, uint8_t *out, size_t cap,
                                  struct skt_handshake_keys *keys)
{
    if (!hs->active || hs->noise.initiator || pad_len > SKT_HANDSHAKE_PAD_MAX ||
        (m->status == SKT_HS_OK && !keys))
        return SKT_ERR_ARG;
    uint8_t payload[PAYLOAD_MAX] = {0};
    struct skt_handshake_keys k = {0};
    struct skt_noise noise = hs->noise;
    skt_response_encode(m, payload);
    int ret = write_message(&noise, crypto, hs->remote_id, 0, payload, SKT_RESPONSE_LEN + pad_len, out, cap);
    int err = ret > 0 && m->status == SKT_HS_OK ? derive_keys(&noise, crypto, &k) : 0;
    if (err)
        ret = err;
    if (ret > 0) {
        if (keys)
            *keys = k;
        skt_handshake_dispose(hs);
    }
    skt_wipe(&noise, sizeof noise);
    skt_wipe(&k, sizeof k);
    return ret;
}

/* --- both --- */

void skt_handshake_dispose(struct skt_handshake *hs)
{
    skt_wipe(hs, sizeof *hs);
}
