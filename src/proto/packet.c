/* SPDX-License-Identifier: MIT */
#include "proto/packet.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/wipe.h"

#include <assert.h>
#include <string.h>

/* HKDF-SHA-256 (RFC 5869) of one output block: expand(extract("", psk), info). */
static int derive(const struct skt_crypto *crypto, const uint8_t psk[SKT_KEY_LEN], const char *info,
                  uint8_t out[SKT_KEY_LEN])
{
    static const uint8_t zero_salt[SKT_HASH_LEN], one = 1;
    uint8_t prk[SKT_HASH_LEN];
    int err = crypto->hmac(prk, zero_salt, sizeof zero_salt, psk, SKT_KEY_LEN, NULL, 0);
    if (!err)
        err = crypto->hmac(out, prk, sizeof prk, info, strlen(info), &one, 1);
    skt_wipe(prk, sizeof prk);
    return err;
}

int skt_packet_mask_keys(const struct skt_crypto *crypto, const uint8_t psk[SKT_KEY_LEN],
                         uint8_t client_to_server[SKT_KEY_LEN], uint8_t server_to_client[SKT_KEY_LEN])
{
    int err = derive(crypto, psk, "skcptun mask c2s", client_to_server);
    return err ? err : derive(crypto, psk, "skcptun mask s2c", server_to_client);
}

/* XORs the first `masked` bytes with the key stream that the tag, the datagram's end, selects. */
static int mask(const struct skt_crypto *crypto, struct skt_mask *m, uint8_t *out, size_t masked,
                const uint8_t *datagram, size_t len)
{
    return crypto->mask_apply(m, out, masked, datagram + len - SKT_TAG_LEN);
}

int skt_packet_seal(const struct skt_crypto *crypto, struct skt_mask *m, struct skt_keypair *kp,
                    uint8_t *datagram, size_t plain_len)
{
    assert(plain_len > 0);
    if (kp->sent >= SKT_REJECT_AFTER_PACKETS)
        return SKT_ERR_LIMIT;
    kp->sent++;
    skt_put_u32(datagram, kp->remote_id);
    skt_put_u32(datagram + 4, kp->sent);
    uint8_t *body = datagram + SKT_HEADER_LEN;
    size_t len = plain_len + SKT_PACKET_OVERHEAD;
    int err = crypto->aead_seal(kp->seal, body, kp->sent, datagram, SKT_HEADER_LEN, body, plain_len);
    if (!err)
        err = mask(crypto, m, datagram, SKT_HEADER_LEN, datagram, len);
    return err ? err : (int)len;
}

int skt_packet_mask_handshake(const struct skt_crypto *crypto, struct skt_mask *m, uint8_t *datagram,
                              size_t len)
{
    if (len < SKT_HANDSHAKE_OVERHEAD)
        return SKT_ERR_TRUNCATED;
    return mask(crypto, m, datagram, SKT_MASKED_MAX, datagram, len);
}

static enum skt_packet_kind kind_of(uint32_t receiver, uint32_t number)
{
    if (receiver == SKT_ID_NONE)
        return SKT_PACKET_INITIATION;
    return number == 0 ? SKT_PACKET_RESPONSE : SKT_PACKET_TRANSPORT;
}

int skt_packet_unmask(const struct skt_crypto *crypto, struct skt_mask *m, uint8_t *datagram, size_t len,
                      struct skt_packet_header *out)
{
    if (len < SKT_PACKET_MIN)
        return SKT_ERR_TRUNCATED;
    uint8_t head[SKT_MASKED_MAX];
    size_t n = len - SKT_TAG_LEN < sizeof head ? len - SKT_TAG_LEN : sizeof head;
    memcpy(head, datagram, n);
    int err = mask(crypto, m, head, n, datagram, len);
    if (err)
        return err;
    struct skt_packet_header h = {.receiver = skt_get_u32(head), .number = skt_get_u32(head + 4)};
    h.kind = kind_of(h.receiver, h.number);
    size_t masked = h.kind == SKT_PACKET_TRANSPORT ? SKT_HEADER_LEN : SKT_MASKED_MAX;
    if (h.kind != SKT_PACKET_TRANSPORT && len < SKT_HANDSHAKE_OVERHEAD)
        return SKT_ERR_TRUNCATED;
    memcpy(datagram, head, masked);
    *out = h;
    return 0;
}

int skt_packet_open(const struct skt_crypto *crypto, struct skt_keypair *kp, uint8_t *datagram, size_t len,
                    skt_us now, uint8_t **plain, size_t *plain_len)
{
    if (len < SKT_PACKET_MIN)
        return SKT_ERR_TRUNCATED;
    uint32_t number = skt_get_u32(datagram + 4);
    if (now >= skt_us_add(kp->created, SKT_REJECT_AFTER) || number > SKT_REJECT_AFTER_PACKETS)
        return SKT_ERR_LIMIT;
    if (number == 0 || !skt_replay_ok(&kp->replay, number))
        return SKT_ERR_REPLAY;
    uint8_t *body = datagram + SKT_HEADER_LEN;
    size_t body_len = len - SKT_HEADER_LEN;
    int err = crypto->aead_open(kp->open, body, number, datagram, SKT_HEADER_LEN, body, body_len);
    if (err)
        return err;
    skt_replay_commit(&kp->replay, number);
    kp->heard = true;
    *plain = body;
    *plain_len = body_len - SKT_TAG_LEN;
    return 0;
}
