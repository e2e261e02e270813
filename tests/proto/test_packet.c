/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "crypto/hex.h"
#include "proto/fixed_crypto.h"
#include "proto/keys/packet.h"
#include "sim/unmask.h"

#include <string.h>

/* A client's and a server's end with the same keys and masks. */
struct ends {
    const struct skt_crypto *crypto;
    struct skt_keypair *client, *server;
    struct skt_mask *c2s, *s2c;
};

static const skt_us START = 1000 * SKT_US_PER_SEC;

static void ends_new(struct ends *e, const struct skt_crypto *crypto, enum skt_cipher cipher)
{
    struct skt_handshake_keys keys;
    uint8_t psk[32] = {3}, c2s[32], s2c[32];
    for (size_t i = 0; i < sizeof keys; i++)
        ((uint8_t *)&keys)[i] = (uint8_t)i;
    e->crypto = crypto;
    e->client = skt_keypair_new(crypto, &keys, cipher, true, 0xaaaa0001, 0xbbbb0002, START);
    e->server = skt_keypair_new(crypto, &keys, cipher, false, 0xbbbb0002, 0xaaaa0001, START);
    assert_non_null(e->client);
    assert_non_null(e->server);
    assert_int_equal(skt_packet_mask_keys(crypto, psk, c2s, s2c), 0);
    assert_memory_not_equal(c2s, s2c, 32);
    e->c2s = crypto->mask_new(c2s);
    e->s2c = crypto->mask_new(s2c);
}

static void ends_free(struct ends *e)
{
    skt_keypair_free(e->crypto, e->client);
    skt_keypair_free(e->crypto, e->server);
    e->crypto->mask_free(e->c2s);
    e->crypto->mask_free(e->s2c);
}

/* A packet from the client with `text`; its length. */
static size_t seal_text(struct ends *e, const char *text, uint8_t *datagram)
{
    memcpy(datagram + SKT_HEADER_LEN, text, strlen(text));
    int len = skt_packet_seal(e->crypto, e->c2s, e->client, datagram, strlen(text));
    assert_int_equal(len, strlen(text) + SKT_PACKET_OVERHEAD);
    return (size_t)len;
}

/* Unmasks and opens at the server. */
static int open_at(struct ends *e, uint8_t *datagram, size_t len, skt_us now, uint8_t **plain,
                   size_t *plain_len)
{
    struct skt_packet_header h;
    int err = sim_unmask(e->crypto, e->c2s, datagram, len, &h);
    if (err)
        return err;
    if (h.kind != SKT_PACKET_TRANSPORT || h.receiver != e->server->local_id)
        return SKT_ERR_NOTFOUND;
    return skt_packet_open(e->crypto, e->server, datagram, len, now, plain, plain_len);
}

static int open_copy(struct ends *e, const uint8_t *datagram, size_t len)
{
    uint8_t copy[2048], *plain;
    size_t plain_len;
    memcpy(copy, datagram, len);
    return open_at(e, copy, len, START, &plain, &plain_len);
}

static const struct skt_crypto *table_of(int i)
{
    return i == 0 ? skt_crypto_openssl() : skt_crypto_null();
}

static void there_and_back(void **state)
{
    (void)state;
    for (int t = 0; t < 4; t++) {
        struct ends e;
        uint8_t d[SKT_MTU_MAX], *plain;
        size_t plain_len;
        ends_new(&e, table_of(t % 2), t < 2 ? SKT_CIPHER_AES_256_GCM : SKT_CIPHER_CHACHA20_POLY1305);
        for (uint32_t n = 1; n <= 100; n++) {
            char text[32];
            snprintf(text, sizeof text, "packet %u", (unsigned)n);
            size_t len = seal_text(&e, text, d);
            assert_int_equal(e.client->sent, n);
            assert_int_equal(open_at(&e, d, len, START, &plain, &plain_len), 0);
            assert_int_equal(plain_len, strlen(text));
            assert_memory_equal(plain, text, plain_len);
            assert_int_equal(skt_get_u32(d + 4), n);
        }
        assert_true(e.server->heard);
        assert_false(e.client->heard);
        /* the other way, under the other keys, and the largest packet */
        memset(d + SKT_HEADER_LEN, 'x', SKT_MTU_MAX - SKT_PACKET_OVERHEAD);
        int len = skt_packet_seal(e.crypto, e.s2c, e.server, d, SKT_MTU_MAX - SKT_PACKET_OVERHEAD);
        assert_int_equal(len, SKT_MTU_MAX);
        struct skt_packet_header h;
        assert_int_equal(sim_unmask(e.crypto, e.s2c, d, (size_t)len, &h), 0);
        assert_int_equal(h.receiver, e.client->local_id);
        assert_int_equal(h.number, 1);
        assert_int_equal(skt_packet_open(e.crypto, e.client, d, (size_t)len, START, &plain, &plain_len), 0);
        ends_free(&e);
    }
}

static void replays_and_order(void **state)
{
    (void)state;
    struct ends e;
    uint8_t d[5][64];
    size_t len = 0;
    ends_new(&e, skt_crypto_openssl(), SKT_CIPHER_AES_256_GCM);
    for (int i = 0; i < 5; i++)
        len = seal_text(&e, "p", d[i]);
    assert_int_equal(open_copy(&e, d[3], len), 0);
    assert_int_equal(open_copy(&e, d[3], len), SKT_ERR_REPLAY);
    assert_int_equal(open_copy(&e, d[0], len), 0);
    assert_int_equal(open_copy(&e, d[4], len), 0);
    assert_int_equal(open_copy(&e, d[1], len), 0);
    assert_int_equal(open_copy(&e, d[0], len), SKT_ERR_REPLAY);
    assert_int_equal(open_copy(&e, d[2], len), 0);
    ends_free(&e);
}

/* What is not authentic must not move the window: a forged high number would shut out the genuine ones. */
static void forgeries_leave_the_window_alone(void **state)
{
    (void)state;
    struct ends e;
    uint8_t d[64], forged[64];
    ends_new(&e, skt_crypto_openssl(), SKT_CIPHER_AES_256_GCM);
    size_t len = seal_text(&e, "text", d);
    memcpy(forged, d, len);
    struct skt_packet_header h;
    assert_int_equal(sim_unmask(e.crypto, e.c2s, forged, len, &h), 0);
    skt_put_u32(forged + 4, 1000000);
    uint8_t *plain;
    size_t plain_len;
    assert_int_equal(skt_packet_open(e.crypto, e.server, forged, len, START, &plain, &plain_len),
                     SKT_ERR_AUTH);
    assert_int_equal(e.server->replay.top, 0);
    assert_false(e.server->heard);
    assert_int_equal(open_copy(&e, d, len), 0);
    ends_free(&e);
}

/* Every bit and every length; "drop" is all that may come out, and the genuine packet is still taken. */
static void damaged_packets(void **state)
{
    (void)state;
    for (int t = 0; t < 2; t++) {
        struct ends e;
        uint8_t d[128];
        ends_new(&e, table_of(t), SKT_CIPHER_CHACHA20_POLY1305);
        size_t len = seal_text(&e, "a packet that is longer than the masked part of a handshake", d);
        for (size_t i = 0; i < len; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                d[i] ^= (uint8_t)(1u << bit);
                assert_true(open_copy(&e, d, len) < 0);
                d[i] ^= (uint8_t)(1u << bit);
            }
            assert_true(open_copy(&e, d, i) < 0);
        }
        assert_int_equal(open_copy(&e, d, len), 0);
        ends_free(&e);
    }
}

static void wrong_keys_and_directions(void **state)
{
    (void)state;
    struct ends e;
    uint8_t d[64], *plain;
    size_t plain_len;
    ends_new(&e, skt_crypto_openssl(), SKT_CIPHER_AES_256_GCM);
    size_t len = seal_text(&e, "text", d);
    /* reflected to its sender: another mask key, and behind it another AEAD key */
    struct skt_packet_header h;
    uint8_t copy[64];
    memcpy(copy, d, len);
    assert_int_equal(sim_unmask(e.crypto, e.c2s, copy, len, &h), 0);
    skt_put_u32(copy, e.client->local_id);
    assert_int_equal(skt_packet_open(e.crypto, e.client, copy, len, START, &plain, &plain_len), SKT_ERR_AUTH);
    memcpy(copy, d, len);
    assert_int_equal(sim_unmask(e.crypto, e.s2c, copy, len, &h), 0);
    assert_int_not_equal(h.receiver, e.server->local_id);
    ends_free(&e);
}

static void limits_of_age_and_number(void **state)
{
    (void)state;
    struct ends e;
    uint8_t d[64], *plain;
    size_t plain_len;
    ends_new(&e, skt_crypto_openssl(), SKT_CIPHER_AES_256_GCM);
    size_t len = seal_text(&e, "text", d);
    assert_int_equal(open_at(&e, d, len, START + SKT_REJECT_AFTER, &plain, &plain_len), SKT_ERR_LIMIT);
    len = seal_text(&e, "text", d);
    assert_int_equal(open_at(&e, d, len, START + SKT_REJECT_AFTER - 1, &plain, &plain_len), 0);
    /* the last packet of a key */
    e.client->sent = SKT_REJECT_AFTER_PACKETS - 1;
    const struct skt_keys keys = {.current = e.client};
    assert_non_null(skt_keys_sending(&keys, START));
    len = seal_text(&e, "last", d);
    assert_int_equal(e.client->sent, SKT_REJECT_AFTER_PACKETS);
    assert_null(skt_keys_sending(&keys, START));
    assert_int_equal(open_copy(&e, d, len), 0);
    memcpy(d + SKT_HEADER_LEN, "more", 4);
    assert_int_equal(skt_packet_seal(e.crypto, e.c2s, e.client, d, 4), SKT_ERR_LIMIT);
    assert_int_equal(e.client->sent, SKT_REJECT_AFTER_PACKETS);
    /* a peer that does not keep to the limit */
    e.client->sent = SKT_REJECT_AFTER_PACKETS;
    skt_put_u32(d, e.server->local_id);
    skt_put_u32(d + 4, SKT_REJECT_AFTER_PACKETS + 1);
    assert_int_equal(e.crypto->aead_seal(e.client->seal, d + 8, SKT_REJECT_AFTER_PACKETS + 1, d, 8, d + 8, 4),
                     0);
    assert_int_equal(skt_packet_open(e.crypto, e.server, d, 28, START, &plain, &plain_len), SKT_ERR_LIMIT);
    /* number 0 is message 2's */
    skt_put_u32(d + 4, 0);
    assert_int_equal(e.crypto->aead_seal(e.client->seal, d + 8, 0, d, 8, d + 8, 4), 0);
    assert_int_equal(skt_packet_open(e.crypto, e.server, d, 28, START, &plain, &plain_len), SKT_ERR_REPLAY);
    ends_free(&e);
}

static void handshake_masks(void **state)
{
    (void)state;
    struct ends e;
    uint8_t d[200], before[200];
    struct skt_packet_header h;
    ends_new(&e, skt_crypto_openssl(), SKT_CIPHER_AES_256_GCM);
    for (int kind = 0; kind < 2; kind++) {
        for (size_t i = 0; i < sizeof d; i++)
            d[i] = (uint8_t)(i * 7);
        skt_put_u32(d, kind == 0 ? SKT_ID_NONE : 0xaaaa0001);
        skt_put_u32(d + 4, kind == 0 ? 12345 : 0);
        memcpy(before, d, sizeof d);
        assert_int_equal(skt_packet_mask_handshake(e.crypto, e.c2s, d, SKT_HANDSHAKE_OVERHEAD - 1),
                         SKT_ERR_TRUNCATED);
        assert_memory_equal(d, before, sizeof d);
        assert_int_equal(skt_packet_mask_handshake(e.crypto, e.c2s, d, sizeof d), 0);
        assert_memory_not_equal(d, before, 8);
        assert_memory_not_equal(d + 8, before + 8, 8);
        assert_memory_not_equal(d + 32, before + 32, 8);
        assert_memory_equal(d + SKT_MASKED_MAX, before + SKT_MASKED_MAX, sizeof d - SKT_MASKED_MAX);
        assert_int_equal(sim_unmask(e.crypto, e.c2s, d, sizeof d, &h), 0);
        assert_memory_equal(d, before, sizeof d);
        assert_int_equal(h.kind, kind == 0 ? SKT_PACKET_INITIATION : SKT_PACKET_RESPONSE);
        assert_int_equal(h.number, kind == 0 ? 12345 : 0);
    }
    ends_free(&e);
}

/* A datagram that unmasks to a handshake's header but is too short for one. */
static void short_datagrams(void **state)
{
    (void)state;
    struct ends e;
    struct skt_packet_header h;
    ends_new(&e, skt_crypto_openssl(), SKT_CIPHER_AES_256_GCM);
    for (size_t len = 0; len < SKT_HANDSHAKE_OVERHEAD + 2; len++) {
        uint8_t d[64] = {0}, copy[64];
        if (len >= SKT_PACKET_MIN) {
            size_t n = len - SKT_TAG_LEN < SKT_MASKED_MAX ? len - SKT_TAG_LEN : SKT_MASKED_MAX;
            assert_int_equal(e.crypto->mask_apply(e.c2s, d, n, d + len - SKT_TAG_LEN), 0);
        }
        memcpy(copy, d, sizeof d);
        int err = sim_unmask(e.crypto, e.c2s, d, len, &h);
        assert_int_equal(err, len < SKT_HANDSHAKE_OVERHEAD ? SKT_ERR_TRUNCATED : 0);
        if (err)
            assert_memory_equal(copy, d, sizeof d);
    }
    ends_free(&e);
}

/* A run sealed and masked as a whole, and unmasked at once among short and foreign datagrams, is what it is
 * one by one. */
static void runs_are_as_single_packets(void **state)
{
    (void)state;
    enum { N = SKT_PACKET_BATCH, FULL = 300 };
    struct ends e, f;
    static uint8_t run[N * FULL], single[FULL];
    struct skt_packet_in in[N];
    for (size_t n = 1; n <= N; n++) {
        ends_new(&e, skt_crypto_openssl(), SKT_CIPHER_AES_256_GCM);
        ends_new(&f, skt_crypto_openssl(), SKT_CIPHER_AES_256_GCM);
        size_t last = n % 3 == 0 ? SKT_PACKET_MIN : FULL - n % 7, total = (n - 1) * FULL + last;
        memset(run, 7, total);
        for (size_t i = 0; i < n; i++) {
            size_t len = i + 1 < n ? FULL : last;
            assert_int_equal(
                skt_packet_seal_bare(e.crypto, e.client, run + i * FULL, len - SKT_PACKET_OVERHEAD), len);
        }
        assert_int_equal(skt_packet_mask_run(e.crypto, e.c2s, run, total, FULL), 0);
        for (size_t i = 0; i < n; i++) {
            size_t len = i + 1 < n ? FULL : last;
            memset(single, 7, len);
            skt_packet_seal(f.crypto, f.c2s, f.client, single, len - SKT_PACKET_OVERHEAD);
            assert_memory_equal(run + i * FULL, single, len);
            in[i] = (struct skt_packet_in){.datagram = run + i * FULL, .len = i % 5 == 4 ? i % 25 : len};
        }
        skt_packet_unmask_all(e.crypto, e.c2s, in, n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(in[i].err, i % 5 == 4 ? SKT_ERR_TRUNCATED : 0);
            if (in[i].err)
                continue;
            assert_int_equal(in[i].header.kind, SKT_PACKET_TRANSPORT);
            assert_int_equal(in[i].header.number, i + 1);
            uint8_t *plain;
            size_t plain_len;
            assert_int_equal(
                skt_packet_open(e.crypto, e.server, in[i].datagram, in[i].len, START, &plain, &plain_len), 0);
        }
        ends_free(&e);
        ends_free(&f);
    }
}

/* Identical plain packets must not look alike: over many, each bit of the first bytes is set about half of
 * the time. */
static void headers_look_random(void **state)
{
    (void)state;
    enum { N = 2000, BYTES = 24 };
    struct ends e;
    unsigned ones[BYTES * 8] = {0};
    ends_new(&e, skt_crypto_openssl(), SKT_CIPHER_AES_256_GCM);
    for (int i = 0; i < N; i++) {
        uint8_t d[64];
        seal_text(&e, "zeros zeros zeros zeros zeros", d);
        for (size_t b = 0; b < BYTES * 8; b++)
            ones[b] += d[b / 8] >> b % 8 & 1;
    }
    for (size_t b = 0; b < BYTES * 8; b++)
        assert_in_range(ones[b], N / 2 - 150, N / 2 + 150); /* 6.7 standard deviations */
    ends_free(&e);
}

static void mask_keys_are_hkdf(void **state)
{
    (void)state;
    uint8_t psk[32], c2s[32], s2c[32];
    for (size_t i = 0; i < sizeof psk; i++)
        psk[i] = (uint8_t)i;
    assert_int_equal(skt_packet_mask_keys(skt_crypto_openssl(), psk, c2s, s2c), 0);
    /* made with Python's cryptography: HKDF(SHA256, 32, salt=None, info).derive(psk) */
    assert_string_equal(hex_encode(c2s, 32),
                        "6b8b92b41eb49d7e10de466e1d9fe83ee166174e6d43343b15badaaa05ea3b94");
    assert_string_equal(hex_encode(s2c, 32),
                        "b2cc505762ceb0fd4e33f887ea09639a2f619e36027900a376cf423d889c5694");
}

static int cleanup(void **state)
{
    (void)state;
    skt_crypto_cleanup();
    return 0;
}

CHECK_GROUP(packet)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(replays_and_order),
        cmocka_unit_test(forgeries_leave_the_window_alone),
        cmocka_unit_test(damaged_packets),
        cmocka_unit_test(wrong_keys_and_directions),
        cmocka_unit_test(limits_of_age_and_number),
        cmocka_unit_test(handshake_masks),
        cmocka_unit_test(short_datagrams),
        cmocka_unit_test(runs_are_as_single_packets),
        cmocka_unit_test(headers_look_random),
        cmocka_unit_test(mask_keys_are_hkdf),
    };
    return cmocka_run_group_tests(tests, NULL, cleanup);
}
