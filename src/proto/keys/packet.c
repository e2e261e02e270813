/* SPDX-License-Identifier: MIT */
#include "proto/keys/packet.h"

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

int skt_packet_seal_bare(const struct skt_crypto *crypto, struct skt_keypair *kp, uint8_t *datagram,
                         size_t plain_len)
{
    assert(plain_len > 0);
    if (kp->sent >= SKT_REJECT_AFTER_PACKETS)
        return SKT_ERR_LIMIT;
    kp->sent++;
    skt_put_u32(datagram, kp->remote_id);
    skt_put_u32(datagram + 4, kp->sent);
    uint8_t *body = datagram + SKT_HEADER_LEN;
    int err = crypto->aead_seal(kp->seal, body, kp->sent, datagram, SKT_HEADER_LEN, body, plain_len);
    return err ? err : (int)(plain_len + SKT_PACKET_OVERHEAD);
}

int skt_packet_seal(const struct skt_crypto *crypto, struct skt_mask *m, struct skt_keypair *kp,
                    uint8_t *datagram, size_t plain_len)
{
    int len = skt_packet_seal_bare(crypto, kp, datagram, plain_len);
    int err = len < 0 ? len : mask(crypto, m, datagram, SKT_HEADER_LEN, datagram, (size_t)len);
    return err ? err : len;
}

int skt_packet_mask_run(const struct skt_crypto *crypto, struct skt_mask *m, uint8_t *run, size_t len,
                        size_t segment_len)
{
    struct skt_mask_part parts[SKT_PACKET_BATCH];
    int err = 0;
    while (len > 0 && !err) {
        size_t n = 0;
        for (; n < SKT_PACKET_BATCH && len > 0; n++) {
            size_t piece = len < segment_len ? len : segment_len;
            parts[n] = (struct skt_mask_part){run, run + piece - SKT_TAG_LEN};
            run += piece;
            len -= piece;
        }
        err = crypto->mask_apply_all(m, parts, n, SKT_HEADER_LEN);
    }
    return err;
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

/* From the unmasked copy of a datagram's begin: its header, and back as much as its kind has masked. */
static int take_head(struct skt_packet_header *out, uint8_t *datagram, size_t len, const uint8_t *head)
{
    struct skt_packet_header h = {.receiver = skt_get_u32(head), .number = skt_get_u32(head + 4)};
    h.kind = kind_of(h.receiver, h.number);
    size_t masked = h.kind == SKT_PACKET_TRANSPORT ? SKT_HEADER_LEN : SKT_MASKED_MAX;
    if (h.kind != SKT_PACKET_TRANSPORT && len < SKT_HANDSHAKE_OVERHEAD)
        return SKT_ERR_TRUNCATED;
    memcpy(datagram, head, masked);
    *out = h;
    return 0;
}

/* The bytes that may be masked. */
static size_t head_len(size_t len)
{
    return len - SKT_TAG_LEN < SKT_MASKED_MAX ? len - SKT_TAG_LEN : SKT_MASKED_MAX;
}

void skt_packet_unmask_all(const struct skt_crypto *crypto, struct skt_mask *m, struct skt_packet_in *in,
                           size_t count)
{
    assert(count <= SKT_PACKET_BATCH);
    uint8_t heads[SKT_PACKET_BATCH][SKT_MASKED_MAX];
    struct skt_mask_part parts[SKT_PACKET_BATCH];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        in[i].err = in[i].len < SKT_PACKET_MIN ? SKT_ERR_TRUNCATED : 0;
        if (in[i].err)
            continue;
        memcpy(heads[n], in[i].datagram, head_len(in[i].len)); /* beyond that it is masked for nothing */
        parts[n] = (struct skt_mask_part){heads[n], in[i].datagram + in[i].len - SKT_TAG_LEN};
        n++;
    }
    int err = n > 0 ? crypto->mask_apply_all(m, parts, n, SKT_MASKED_MAX) : 0;
    n = 0;
    for (size_t i = 0; i < count; i++) {
        if (in[i].err)
            continue;
        in[i].err = err ? err : take_head(&in[i].header, in[i].datagram, in[i].len, heads[n]);
        n++;
    }
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
