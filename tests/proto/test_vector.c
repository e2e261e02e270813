/* SPDX-License-Identifier: MIT */
/* The test vectors of doc/protocol.md: made here from fixed inputs, and compared with what the document says.
 * With SKT_PRINT_VECTORS in the environment they are printed, to be put there. */
#include "base/bytes.h"
#include "base/check.h"
#include "crypto/hex.h"
#include "proto/fixed_crypto.h"
#include "proto/keys/packet.h"
#include "proto/keys/proof.h"
#include "sim/unmask.h"

#include <stdlib.h>
#include <string.h>

static char text[65536];
static size_t text_len;

static void say(const char *line)
{
    int n = snprintf(text + text_len, sizeof text - text_len, "%s\n", line);
    text_len += (size_t)n;
    check_that(text_len, <, sizeof text);
}

/* A name, and the value in lines of 32 bytes. */
static void say_hex(const char *name, const void *data, size_t len)
{
    char line[128];
    snprintf(line, sizeof line, "%s (%zu):", name, len);
    say(line);
    for (size_t i = 0; i < len; i += 32) {
        snprintf(line, sizeof line, "    %.64s",
                 hex_encode((const uint8_t *)data + i, len - i < 32 ? len - i : 32));
        say(line);
    }
}

static void count_up(uint8_t *out, uint8_t from)
{
    for (unsigned i = 0; i < 32; i++)
        out[i] = (uint8_t)(from + i);
}

struct run {
    struct skt_identity client, server;
    struct skt_mask *c2s, *s2c;
    struct skt_handshake_keys keys;
};

static void say_mask_keys(struct run *r, const struct skt_crypto *crypto)
{
    static const char password[] = "correct horse battery staple";
    uint8_t c2s[32], s2c[32];
    memset(r, 0, sizeof *r);
    assert_int_equal(skt_crypto_psk_from_password(password, sizeof password - 1, r->client.psk), 0);
    assert_int_equal(skt_packet_mask_keys(crypto, r->client.psk, c2s, s2c), 0);
    r->server = r->client;
    r->c2s = crypto->mask_new(c2s);
    r->s2c = crypto->mask_new(s2c);
    say("password: correct horse battery staple");
    say_hex("psk", r->client.psk, 32);
    say_hex("mask key, client to server", c2s, 32);
    say_hex("mask key, server to client", s2c, 32);
}

/* With a cookie and the proof of session 7, and the cookie reply that it might get instead of message 2. */
static void message_1(struct run *r, const struct skt_crypto *crypto, struct skt_handshake *client,
                      struct skt_handshake *server)
{
    struct skt_initiation m = {.version = SKT_WIRE_VERSION,
                               .mode = SKT_MODE_PROXY,
                               .ciphers = 6,
                               .sender = 0x0c0b0a09,
                               .stamp_ms = UINT64_C(1800000000000),
                               .cost_aes_ns = 510,
                               .cost_chacha_ns = 1080,
                               .mtu = 1472,
                               .keepalive_s = 60,
                               .cid = 7};
    uint8_t e[32], d[SKT_MTU_START], old_resume[32], full[32];
    struct skt_initiation got;
    struct skt_packet_header h;
    uint64_t clock_ms;
    count_up(e, 0x20);
    count_up(old_resume, 0x80);
    count_up(full, 0xc0);
    memcpy(m.cookie, full, sizeof m.cookie);
    fixed_random_set(e, 32);
    int len = skt_handshake_create_initiation(client, crypto, &r->client, &m, old_resume, 7, d, sizeof d);
    check_that(len, >, 0);
    say_hex("resume secret of an earlier handshake", old_resume, 32);
    say_hex("client's ephemeral private key", e, 32);
    say_hex("message 1, unmasked", d, (size_t)len);
    assert_int_equal(skt_packet_mask_handshake(crypto, r->c2s, d, (size_t)len), 0);
    say_hex("message 1, datagram", d, (size_t)len);
    assert_int_equal(sim_unmask(crypto, r->c2s, d, (size_t)len, &h), 0);
    assert_int_equal(skt_handshake_consume_initiation(server, crypto, &r->server, d, (size_t)len, &got), 0);
    assert_true(skt_handshake_proves_return(server, crypto, &got, old_resume));
    say_hex("return proof in it", got.return_proof, sizeof got.return_proof);
    count_up(full, 0xe0);
    len = skt_handshake_create_cookie(server, crypto, full, UINT64_C(1800000001234), 2, d, sizeof d);
    check_that(len, >, 0);
    assert_int_equal(skt_packet_mask_run(crypto, r->s2c, d, (size_t)len, (size_t)len), 0);
    say_hex("cookie reply, datagram", d, (size_t)len);
    assert_int_equal(sim_unmask(crypto, r->s2c, d, (size_t)len, &h), 0);
    assert_int_equal(skt_handshake_consume_cookie(client, crypto, d, (size_t)len, full, &clock_ms), 0);
}

static void message_2(struct run *r, const struct skt_crypto *crypto, struct skt_handshake *client,
                      struct skt_handshake *server, enum skt_cipher cipher)
{
    struct skt_response m = {.version = SKT_WIRE_VERSION,
                             .cipher = (uint8_t)cipher,
                             .mode = SKT_MODE_PROXY,
                             .sender = 0x50515253,
                             .clock_ms = UINT64_C(1800000001234),
                             .mtu = 1472,
                             .keepalive_s = 60};
    uint8_t e[32], d[SKT_MTU_START];
    struct skt_response got;
    struct skt_handshake_keys keys;
    struct skt_packet_header h;
    count_up(e, 0x40);
    fixed_random_set(e, 32);
    int len = skt_handshake_create_response(server, crypto, &m, 3, d, sizeof d, &r->keys);
    check_that(len, >, 0);
    say_hex("server's ephemeral private key", e, 32);
    say_hex("message 2, unmasked", d, (size_t)len);
    assert_int_equal(skt_packet_mask_handshake(crypto, r->s2c, d, (size_t)len), 0);
    say_hex("message 2, datagram", d, (size_t)len);
    assert_int_equal(sim_unmask(crypto, r->s2c, d, (size_t)len, &h), 0);
    assert_int_equal(skt_handshake_consume_response(client, crypto, d, (size_t)len, &got, &keys), 0);
    assert_memory_equal(&keys, &r->keys, sizeof keys);
    say_hex("handshake hash", keys.hash, 32);
    say_hex("transport key, client to server", keys.client_to_server, 32);
    say_hex("transport key, server to client", keys.server_to_client, 32);
    say_hex("resume secret", keys.resume, 32);
}

/* ATTACH in the client's packet 1, ACCEPT in the server's. */
static void packets(struct run *r, const struct skt_crypto *crypto, enum skt_cipher cipher, bool proved)
{
    uint8_t d[256], old_resume[32], ticket[32], *plain;
    size_t plain_len;
    struct skt_packet_header h;
    struct skt_keypair *client = skt_keypair_new(crypto, &r->keys, cipher, true, 0x0c0b0a09, 0x50515253, 0);
    struct skt_keypair *server = skt_keypair_new(crypto, &r->keys, cipher, false, 0x50515253, 0x0c0b0a09, 0);
    count_up(old_resume, 0x80);
    count_up(ticket, 0xa0);
    struct skt_writer w = skt_writer_of(d + SKT_HEADER_LEN, sizeof d - SKT_PACKET_OVERHEAD);
    skt_write_u8(&w, SKT_FRAME_ATTACH);
    skt_write_u8(&w, SKT_TICKET_LEN + 4 + SKT_PROOF_LEN);
    uint8_t *field = skt_write_room(&w, SKT_TICKET_LEN);
    memcpy(field, ticket, sizeof ticket);
    if (proved) {
        assert_int_equal(skt_proof_ticket_id(crypto, ticket, field), 0);
        assert_int_equal(skt_proof_ticket(crypto, ticket, r->keys.hash, field + SKT_TICKET_ID_LEN), 0);
    }
    skt_write_u32(&w, 7);
    assert_int_equal(skt_proof_resume(crypto, old_resume, r->keys.hash, skt_write_room(&w, SKT_PROOF_LEN)),
                     0);
    skt_write_u32(&w, 0); /* padding */
    say_hex(proved ? "frames of the client's packet 1: ATTACH, ticket proved, session 7, padding"
                   : "frames of the client's packet 1: ATTACH, session 7, padding",
            d + SKT_HEADER_LEN, skt_writer_len(&w));
    int len = skt_packet_seal(crypto, r->c2s, client, d, skt_writer_len(&w));
    say_hex("packet 1 of the client, datagram", d, (size_t)len);
    assert_int_equal(sim_unmask(crypto, r->c2s, d, (size_t)len, &h), 0);
    assert_int_equal(skt_packet_open(crypto, server, d, (size_t)len, 1, &plain, &plain_len), 0);

    static const uint8_t accept[] = {SKT_FRAME_ACCEPT, 5, SKT_ATTACH_CONTINUED, 7, 0, 0, 0};
    memcpy(d + SKT_HEADER_LEN, accept, sizeof accept);
    say_hex("frames of the server's packet 1: ACCEPT", accept, sizeof accept);
    len = skt_packet_seal(crypto, r->s2c, server, d, sizeof accept);
    say_hex("packet 1 of the server, datagram", d, (size_t)len);
    assert_int_equal(sim_unmask(crypto, r->s2c, d, (size_t)len, &h), 0);
    assert_int_equal(skt_packet_open(crypto, client, d, (size_t)len, 1, &plain, &plain_len), 0);
    skt_keypair_free(crypto, client);
    skt_keypair_free(crypto, server);
}

static void make(const char *title, bool pinned, enum skt_cipher cipher)
{
    const struct skt_crypto *crypto = fixed_crypto();
    struct run r;
    struct skt_handshake client = {0}, server = {0};
    say(title);
    say_mask_keys(&r, crypto);
    r.server.has_static = true;
    count_up(r.server.static_priv, 0x60);
    assert_int_equal(crypto->x25519_public(r.server.static_pub, r.server.static_priv), 0);
    r.client.has_static = pinned;
    if (pinned) {
        memcpy(r.client.static_pub, r.server.static_pub, 32);
        say_hex("server's private key", r.server.static_priv, 32);
        say_hex("server's public key", r.server.static_pub, 32);
    }
    message_1(&r, crypto, &client, &server);
    message_2(&r, crypto, &client, &server, cipher);
    packets(&r, crypto, cipher, pinned);
    crypto->mask_free(r.c2s);
    crypto->mask_free(r.s2c);
}

static void the_document_is_right(void **state)
{
    (void)state;
    make("=== NNpsk0, transport AES-256-GCM ===", false, SKT_CIPHER_AES_256_GCM);
    make("\n=== NKpsk0, transport ChaCha20-Poly1305 ===", true, SKT_CIPHER_CHACHA20_POLY1305);
    if (getenv("SKT_PRINT_VECTORS"))
        fputs(text, stdout);
    FILE *f = fopen(SKT_SOURCE_DIR "/doc/protocol.md", "r");
    assert_non_null(f);
    static char doc[1 << 18];
    size_t n = fread(doc, 1, sizeof doc - 1, f);
    fclose(f);
    doc[n] = 0;
    if (!strstr(doc, text))
        fail_msg("the vectors in doc/protocol.md are not these: run with SKT_PRINT_VECTORS=1");
}

static int cleanup(void **state)
{
    (void)state;
    skt_crypto_cleanup();
    return 0;
}

CHECK_GROUP(vector)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, cleanup);
}
