/* SPDX-License-Identifier: MIT */
/* The payloads of messages 1 and 2, and the choice that they lead to. */
#include "proto/keys/handshake.h"

#include "base/bytes.h"
#include "base/err.h"

#include <string.h>

/* What a peer says is held to what can work. */
static uint16_t datagram_of(uint16_t mtu)
{
    return mtu < SKT_MTU_MIN ? SKT_MTU_MIN : mtu > SKT_MTU_MAX ? SKT_MTU_MAX : mtu;
}

static uint16_t keepalive_of(uint16_t seconds)
{
    return seconds < SKT_KEEPALIVE_MIN_S ? SKT_KEEPALIVE_MIN_S : seconds;
}

static void read_into(struct skt_reader *r, void *out, size_t len)
{
    const uint8_t *p = skt_read_bytes(r, len);
    if (p)
        memcpy(out, p, len);
}

void skt_initiation_encode(const struct skt_initiation *m, uint8_t out[SKT_INITIATION_LEN])
{
    struct skt_writer w = skt_writer_of(out, SKT_INITIATION_LEN);
    skt_write_u8(&w, m->version);
    skt_write_u8(&w, m->mode);
    skt_write_u8(&w, m->ciphers);
    skt_write_u8(&w, 0);
    skt_write_u32(&w, m->sender);
    skt_write_u64(&w, m->stamp_ms);
    skt_write_u32(&w, m->features);
    skt_write_u16(&w, m->cost_aes_ns);
    skt_write_u16(&w, m->cost_chacha_ns);
    skt_write_u16(&w, m->mtu);
    skt_write_u16(&w, m->keepalive_s);
    skt_write_bytes(&w, m->cookie, sizeof m->cookie);
    skt_write_u32(&w, m->cid);
    skt_write_bytes(&w, m->return_proof, sizeof m->return_proof);
}

int skt_initiation_decode(struct skt_initiation *m, const uint8_t *buf, size_t len)
{
    struct skt_reader r = skt_reader_of(buf, len);
    struct skt_initiation t = {0};
    t.version = skt_read_u8(&r);
    t.mode = skt_read_u8(&r);
    t.ciphers = skt_read_u8(&r);
    (void)skt_read_u8(&r);
    t.sender = skt_read_u32(&r);
    t.stamp_ms = skt_read_u64(&r);
    bool other = t.version != SKT_WIRE_VERSION;
    if (!other) {
        t.features = skt_read_u32(&r);
        t.cost_aes_ns = skt_read_u16(&r);
        t.cost_chacha_ns = skt_read_u16(&r);
        t.mtu = datagram_of(skt_read_u16(&r));
        t.keepalive_s = keepalive_of(skt_read_u16(&r));
        read_into(&r, t.cookie, sizeof t.cookie);
        t.cid = skt_read_u32(&r);
        read_into(&r, t.return_proof, sizeof t.return_proof);
    }
    if (r.bad)
        return SKT_ERR_TRUNCATED;
    if (t.sender == SKT_ID_NONE)
        return SKT_ERR_MALFORMED;
    *m = t;
    return other ? SKT_ERR_VERSION : 0;
}

void skt_response_encode(const struct skt_response *m, uint8_t out[SKT_RESPONSE_LEN])
{
    struct skt_writer w = skt_writer_of(out, SKT_RESPONSE_LEN);
    skt_write_u8(&w, m->version);
    skt_write_u8(&w, m->status);
    skt_write_u8(&w, m->cipher);
    skt_write_u8(&w, m->mode);
    skt_write_u32(&w, m->sender);
    skt_write_u64(&w, m->clock_ms);
    skt_write_u32(&w, m->features);
    skt_write_u16(&w, m->mtu);
    skt_write_u16(&w, m->keepalive_s);
}

static bool known_cipher(uint8_t cipher)
{
    return cipher == SKT_CIPHER_AES_256_GCM || cipher == SKT_CIPHER_CHACHA20_POLY1305;
}

int skt_response_decode(struct skt_response *m, const uint8_t *buf, size_t len)
{
    struct skt_reader r = skt_reader_of(buf, len);
    struct skt_response t = {0};
    t.version = skt_read_u8(&r);
    t.status = skt_read_u8(&r);
    t.cipher = skt_read_u8(&r);
    t.mode = skt_read_u8(&r);
    t.sender = skt_read_u32(&r);
    t.clock_ms = skt_read_u64(&r);
    bool other = t.version != SKT_WIRE_VERSION;
    if (!other) {
        t.features = skt_read_u32(&r);
        t.mtu = datagram_of(skt_read_u16(&r));
        t.keepalive_s = keepalive_of(skt_read_u16(&r));
    }
    if (r.bad)
        return SKT_ERR_TRUNCATED;
    if (!other && t.status == SKT_HS_OK && (t.sender == SKT_ID_NONE || !known_cipher(t.cipher)))
        return SKT_ERR_MALFORMED;
    *m = t;
    return other ? SKT_ERR_VERSION : 0;
}

static uint16_t max_u16(uint16_t a, uint16_t b)
{
    return a > b ? a : b;
}

enum skt_cipher skt_handshake_choose_cipher(const struct skt_initiation *client, uint8_t own_ciphers,
                                            uint16_t own_aes_ns, uint16_t own_chacha_ns)
{
    unsigned both = client->ciphers & own_ciphers;
    bool aes = (both & SKT_CIPHER_BIT(SKT_CIPHER_AES_256_GCM)) != 0;
    bool chacha = (both & SKT_CIPHER_BIT(SKT_CIPHER_CHACHA20_POLY1305)) != 0;
    if (!aes || !chacha)
        return aes ? SKT_CIPHER_AES_256_GCM : chacha ? SKT_CIPHER_CHACHA20_POLY1305 : SKT_CIPHER_NONE;
    uint16_t aes_ns = max_u16(client->cost_aes_ns, own_aes_ns);
    uint16_t chacha_ns = max_u16(client->cost_chacha_ns, own_chacha_ns);
    /* Ends too slow for the field have no AES instructions. */
    if (aes_ns == UINT16_MAX)
        return SKT_CIPHER_CHACHA20_POLY1305;
    return aes_ns <= chacha_ns ? SKT_CIPHER_AES_256_GCM : SKT_CIPHER_CHACHA20_POLY1305;
}
