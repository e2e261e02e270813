/* SPDX-License-Identifier: MIT */
#include "proto/keys/noise.h"

#include "base/err.h"
#include "base/wipe.h"

#include <assert.h>
#include <string.h>

/* "Noise_" pattern "_25519_" cipher "_SHA256"; no name is longer than a hash may be padded to or hashed from.
 */
static const char *protocol_name(enum skt_noise_pattern pattern, enum skt_cipher cipher)
{
    bool nk = pattern == SKT_NOISE_NKPSK0;
    if (cipher == SKT_CIPHER_AES_256_GCM)
        return nk ? "Noise_NKpsk0_25519_AESGCM_SHA256" : "Noise_NNpsk0_25519_AESGCM_SHA256";
    return nk ? "Noise_NKpsk0_25519_ChaChaPoly_SHA256" : "Noise_NNpsk0_25519_ChaChaPoly_SHA256";
}

int skt_noise_hkdf(const struct skt_crypto *crypto, const uint8_t ck[SKT_HASH_LEN], const void *ikm,
                   size_t ikm_len, uint8_t o1[SKT_HASH_LEN], uint8_t *o2, uint8_t *o3)
{
    static const uint8_t count[3] = {1, 2, 3};
    uint8_t temp[SKT_HASH_LEN], last[SKT_HASH_LEN];
    uint8_t *outs[3] = {o1, o2, o3};
    int err = crypto->hmac(temp, ck, SKT_HASH_LEN, ikm, ikm_len, NULL, 0);
    for (size_t i = 0; !err && i < 3 && outs[i]; i++) {
        err = crypto->hmac(last, temp, sizeof temp, last, i > 0 ? sizeof last : 0, &count[i], 1);
        if (!err)
            memcpy(outs[i], last, sizeof last);
    }
    skt_wipe(temp, sizeof temp);
    skt_wipe(last, sizeof last);
    return err;
}

/* --- symmetric state (Noise, 5.2) --- */

static int mix_hash(struct skt_noise *s, const struct skt_crypto *crypto, const void *data, size_t len)
{
    return crypto->sha256(s->h, s->h, sizeof s->h, data, len);
}

static int mix_key(struct skt_noise *s, const struct skt_crypto *crypto, const uint8_t ikm[SKT_KEY_LEN])
{
    s->has_key = true;
    s->n = 0;
    return skt_noise_hkdf(crypto, s->ck, ikm, SKT_KEY_LEN, s->ck, s->k, NULL);
}

static int mix_key_and_hash(struct skt_noise *s, const struct skt_crypto *crypto,
                            const uint8_t ikm[SKT_KEY_LEN])
{
    uint8_t temp_h[SKT_HASH_LEN];
    int err = skt_noise_hkdf(crypto, s->ck, ikm, SKT_KEY_LEN, s->ck, temp_h, s->k);
    if (!err)
        err = mix_hash(s, crypto, temp_h, sizeof temp_h);
    s->has_key = true;
    s->n = 0;
    skt_wipe(temp_h, sizeof temp_h);
    return err;
}

/* Writes len + SKT_TAG_LEN bytes. */
static int encrypt_and_hash(struct skt_noise *s, const struct skt_crypto *crypto, const uint8_t *in,
                            size_t len, uint8_t *out)
{
    assert(s->has_key); /* a psk comes first in both patterns */
    struct skt_aead *aead = crypto->aead_new(s->cipher, s->k, 1);
    if (!aead)
        return SKT_ERR_NOMEM;
    int err = crypto->aead_seal(aead, out, s->n, s->h, sizeof s->h, in, len);
    crypto->aead_free(aead);
    s->n++;
    return err ? err : mix_hash(s, crypto, out, len + SKT_TAG_LEN);
}

static int decrypt_and_hash(struct skt_noise *s, const struct skt_crypto *crypto, const uint8_t *in,
                            size_t len, uint8_t *out)
{
    assert(s->has_key);
    struct skt_aead *aead = crypto->aead_new(s->cipher, s->k, 0);
    if (!aead)
        return SKT_ERR_NOMEM;
    int err = crypto->aead_open(aead, out, s->n, s->h, sizeof s->h, in, len);
    crypto->aead_free(aead);
    s->n++;
    return err ? err : mix_hash(s, crypto, in, len);
}

static int mix_dh(struct skt_noise *s, const struct skt_crypto *crypto, const uint8_t priv[SKT_KEY_LEN],
                  const uint8_t pub[SKT_KEY_LEN])
{
    uint8_t shared[SKT_KEY_LEN];
    int err = crypto->x25519(shared, priv, pub);
    if (!err)
        err = mix_key(s, crypto, shared);
    skt_wipe(shared, sizeof shared);
    return err;
}

/* --- handshake state (Noise, 5.3; psk rules in 9) --- */

int skt_noise_init(struct skt_noise *s, const struct skt_crypto *crypto, const struct skt_noise_params *p)
{
    bool nk = p->pattern == SKT_NOISE_NKPSK0;
    if (nk && (!p->static_pub || (!p->initiator && !p->static_priv)))
        return SKT_ERR_ARG;
    memset(s, 0, sizeof *s);
    s->pattern = p->pattern;
    s->cipher = p->cipher;
    s->initiator = p->initiator;
    memcpy(s->psk, p->psk, sizeof s->psk);
    if (nk && p->initiator)
        memcpy(s->rs, p->static_pub, sizeof s->rs);
    if (nk && !p->initiator)
        memcpy(s->s_priv, p->static_priv, sizeof s->s_priv);
    const char *name = protocol_name(p->pattern, p->cipher);
    size_t name_len = strlen(name);
    int err = 0;
    if (name_len <= sizeof s->h)
        memcpy(s->h, name, name_len);
    else
        err = crypto->sha256(s->h, name, name_len, NULL, 0);
    memcpy(s->ck, s->h, sizeof s->ck);
    if (!err)
        err = mix_hash(s, crypto, p->prologue, p->prologue_len);
    if (!err && nk)
        err = mix_hash(s, crypto, p->static_pub, SKT_KEY_LEN);
    if (err)
        skt_wipe(s, sizeof *s);
    return err;
}

/* The tokens before the payload; `e` is this message's ephemeral public key, in clear. The initiator's
 * message is psk, e (, es); the responder's e, ee. */
static int mix_tokens(struct skt_noise *s, const struct skt_crypto *crypto, const uint8_t e[SKT_KEY_LEN])
{
    bool first = s->messages == 0;
    int err = first ? mix_key_and_hash(s, crypto, s->psk) : 0;
    if (!err)
        err = mix_hash(s, crypto, e, SKT_KEY_LEN);
    if (!err)
        err = mix_key(s, crypto, e);
    if (!err && !first)
        err = mix_dh(s, crypto, s->e_priv, s->re);
    if (!err && first && s->pattern == SKT_NOISE_NKPSK0)
        err = s->initiator ? mix_dh(s, crypto, s->e_priv, s->rs) : mix_dh(s, crypto, s->s_priv, s->re);
    return err;
}

int skt_noise_prepare(struct skt_noise *s, const struct skt_crypto *crypto)
{
    int err = crypto->random(s->e_priv, sizeof s->e_priv);
    if (!err)
        err = crypto->x25519_public(s->e_pub, s->e_priv);
    s->has_e = !err;
    return err;
}

int skt_noise_write(struct skt_noise *s, const struct skt_crypto *crypto, const uint8_t *payload,
                    size_t payload_len, uint8_t *out)
{
    if (s->messages != (s->initiator ? 0 : 1))
        return SKT_ERR_ARG;
    struct skt_noise t = *s;
    int err = t.has_e ? SKT_OK : skt_noise_prepare(&t, crypto);
    t.has_e = false;
    memcpy(out, t.e_pub, sizeof t.e_pub);
    if (!err)
        err = mix_tokens(&t, crypto, out);
    if (!err)
        err = encrypt_and_hash(&t, crypto, payload, payload_len, out + SKT_KEY_LEN);
    if (!err) {
        t.messages++;
        *s = t;
    }
    skt_wipe(&t, sizeof t);
    return err;
}

int skt_noise_read(struct skt_noise *s, const struct skt_crypto *crypto, const uint8_t *msg, size_t len,
                   uint8_t *payload)
{
    if (s->messages != (s->initiator ? 1 : 0))
        return SKT_ERR_ARG;
    if (len < SKT_NOISE_OVERHEAD)
        return SKT_ERR_TRUNCATED;
    struct skt_noise t = *s;
    memcpy(t.re, msg, sizeof t.re);
    int err = mix_tokens(&t, crypto, t.re);
    if (!err)
        err = decrypt_and_hash(&t, crypto, msg + SKT_KEY_LEN, len - SKT_KEY_LEN, payload);
    if (!err) {
        t.messages++;
        *s = t;
    }
    skt_wipe(&t, sizeof t);
    return err;
}

int skt_noise_split(const struct skt_noise *s, const struct skt_crypto *crypto,
                    uint8_t to_responder[SKT_KEY_LEN], uint8_t to_initiator[SKT_KEY_LEN])
{
    if (s->messages != 2)
        return SKT_ERR_ARG;
    return skt_noise_hkdf(crypto, s->ck, NULL, 0, to_responder, to_initiator, NULL);
}

int skt_noise_export(const struct skt_noise *s, const struct skt_crypto *crypto, const char *label,
                     uint8_t out[SKT_KEY_LEN])
{
    if (s->messages != 2)
        return SKT_ERR_ARG;
    return skt_noise_hkdf(crypto, s->ck, label, strlen(label), out, NULL, NULL);
}
