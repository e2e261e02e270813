/* SPDX-License-Identifier: MIT */
/* Authentic handshake payloads of any content, from one who knows the psk: what is decoded and clamped must
 * come out of a second turn as it is, and a client must come through any message 2. */
#include "base/err.h"
#include "crypto/crypto.h"
#include "proto/keys/handshake.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_payloads(const uint8_t *data, size_t len)
{
    struct skt_initiation m1, again1;
    struct skt_response m2, again2;
    uint8_t out[SKT_INITIATION_LEN], out2[SKT_INITIATION_LEN];
    if (skt_initiation_decode(&m1, data, len) == 0) {
        skt_initiation_encode(&m1, out);
        if (skt_initiation_decode(&again1, out, sizeof out) != 0)
            abort();
        skt_initiation_encode(&again1, out2);
        if (memcmp(out, out2, SKT_INITIATION_LEN) != 0)
            abort();
        enum skt_cipher cipher = skt_handshake_choose_cipher(&m1, data[len - 1], 500, 1000);
        if (cipher != SKT_CIPHER_NONE && !(m1.ciphers & SKT_CIPHER_BIT(cipher)))
            abort();
    }
    if (skt_response_decode(&m2, data, len) == 0) {
        skt_response_encode(&m2, out);
        if (skt_response_decode(&again2, out, SKT_RESPONSE_LEN) != 0)
            abort();
        skt_response_encode(&again2, out2);
        if (memcmp(out, out2, SKT_RESPONSE_LEN) != 0)
            abort();
    }
}

/* Message 2 with this payload, as the server's side of Noise writes it. */
static void answer(const uint8_t *payload, size_t len)
{
    const struct skt_crypto *c = skt_crypto_null();
    struct skt_identity identity = {.has_static = false};
    struct skt_handshake client = {0}, server = {0}, before;
    struct skt_initiation m1 = {.version = SKT_WIRE_VERSION, .ciphers = 6, .sender = 77}, got;
    struct skt_response m2;
    struct skt_handshake_keys keys;
    uint8_t d[2048];
    int n = skt_handshake_create_initiation(&client, c, &identity, &m1, NULL, 0, d, sizeof d);
    if (n < 0 || skt_handshake_consume_initiation(&server, c, &identity, d, (size_t)n, &got) != 0)
        abort();
    static const uint8_t header[SKT_HEADER_LEN] = {77};
    memcpy(d, header, sizeof header);
    if (skt_noise_write(&server.noise, c, payload, len, d + SKT_HEADER_LEN) != 0)
        abort();
    before = client;
    int err = skt_handshake_consume_response(&client, c, d, len + SKT_HANDSHAKE_OVERHEAD, &m2, &keys);
    if (err != 0 && memcmp(&before, &client, sizeof before) != 0)
        abort();
    if (err == 0 && client.active)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len > 1024 || len == 0)
        return 0;
    skt_crypto_null_seed(1);
    check_payloads(data, len);
    answer(data, len);
    return 0;
}
