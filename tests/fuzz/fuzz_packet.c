/* SPDX-License-Identifier: MIT */
/* Datagrams as they come from the network: unmask, then the handshake or open. With a leading even byte the
 * input is the datagram itself; else it is put behind a genuine mask and tag, to get at what lies behind
 * them. */
#include "base/err.h"
#include "crypto/crypto.h"
#include "proto/keys/packet.h"
#include "sim/unmask.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct ends {
    const struct skt_crypto *crypto;
    struct skt_identity client, server;
    struct skt_mask *mask;
    struct skt_keypair *sender, *receiver;
};

static void ends_init(struct ends *e)
{
    struct skt_handshake_keys keys;
    uint8_t c2s[32], s2c[32];
    memset(e, 0, sizeof *e);
    memset(&keys, 5, sizeof keys);
    e->crypto = skt_crypto_null();
    e->server.has_static = true;
    skt_crypto_keypair(e->crypto, e->server.static_priv, e->server.static_pub);
    skt_packet_mask_keys(e->crypto, e->client.psk, c2s, s2c);
    e->mask = e->crypto->mask_new(c2s);
    e->sender = skt_keypair_new(e->crypto, &keys, SKT_CIPHER_AES_256_GCM, true, 1, 2, 0);
    e->receiver = skt_keypair_new(e->crypto, &keys, SKT_CIPHER_AES_256_GCM, false, 2, 1, 0);
    if (!e->mask || !e->sender || !e->receiver)
        abort();
}

static void ends_dispose(struct ends *e)
{
    skt_keypair_free(e->crypto, e->sender);
    skt_keypair_free(e->crypto, e->receiver);
    e->crypto->mask_free(e->mask);
}

/* A failure must leave both alone, a success must not come twice. */
static void take(struct ends *e, uint8_t *datagram, size_t len)
{
    struct skt_packet_header h;
    struct skt_handshake hs = {0}, none = {0};
    struct skt_initiation m;
    uint8_t *plain, copy[2048];
    size_t plain_len;
    if (sim_unmask(e->crypto, e->mask, datagram, len, &h) != 0)
        return;
    if (h.kind == SKT_PACKET_INITIATION) {
        int err = skt_handshake_consume_initiation(&hs, e->crypto, &e->server, datagram, len, &m);
        if (err != 0 && err != SKT_ERR_VERSION && memcmp(&hs, &none, sizeof hs) != 0)
            abort();
        skt_handshake_dispose(&hs);
    } else if (h.kind == SKT_PACKET_TRANSPORT) {
        memcpy(copy, datagram, len);
        uint64_t top = e->receiver->replay.top;
        int err = skt_packet_open(e->crypto, e->receiver, datagram, len, 0, &plain, &plain_len);
        if (err != 0 && e->receiver->replay.top != top)
            abort();
        if (err == 0 &&
            skt_packet_open(e->crypto, e->receiver, copy, len, 0, &plain, &plain_len) != SKT_ERR_REPLAY)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t datagram[2048];
    struct ends e;
    if (len < 1 || len > 1400)
        return 0;
    skt_crypto_null_seed(1);
    ends_init(&e);
    bool raw = data[0] % 2 == 0;
    size_t n = len - 1;
    if (raw) {
        memcpy(datagram, data + 1, n);
        take(&e, datagram, n);
    } else if (n >= SKT_HEADER_LEN + 1) {
        memcpy(datagram, data + 1, n);
        struct skt_aead *aead = e.sender->seal;
        uint64_t number = (uint64_t)datagram[4] | (uint64_t)datagram[5] << 8 | (uint64_t)datagram[6] << 16 |
                          (uint64_t)datagram[7] << 24;
        e.crypto->aead_seal(aead, datagram + 8, number, datagram, 8, datagram + 8, n - 8);
        size_t total = n + SKT_TAG_LEN;
        size_t masked = total - SKT_TAG_LEN < 8 ? total - SKT_TAG_LEN : 8;
        e.crypto->mask_apply(e.mask, datagram, masked, datagram + total - SKT_TAG_LEN);
        take(&e, datagram, total);
    }
    ends_dispose(&e);
    return 0;
}
