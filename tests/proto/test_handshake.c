/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"
#include "proto/fixed_crypto.h"
#include "proto/keys/handshake.h"
#include "proto/keys/proof.h"

#include <string.h>

static const struct skt_initiation initiation = {
    .version = SKT_WIRE_VERSION,
    .mode = SKT_MODE_PROXY,
    .ciphers = SKT_CIPHER_BIT(SKT_CIPHER_AES_256_GCM) | SKT_CIPHER_BIT(SKT_CIPHER_CHACHA20_POLY1305),
    .sender = 0xc11e4701,
    .stamp_ms = UINT64_C(0x0000019876543210),
    .features = 0x11223344,
    .cost_aes_ns = 600,
    .cost_chacha_ns = 1100,
    .mtu = 1472,
    .keepalive_s = 60,
    .cookie = {0xc0, 0xc1},
    .cid = 0x01020304,
    .return_proof = {0xd0},
};

static const struct skt_response response = {
    .version = SKT_WIRE_VERSION,
    .status = SKT_HS_OK,
    .cipher = SKT_CIPHER_AES_256_GCM,
    .mode = SKT_MODE_PROXY,
    .sender = 0x5e44e402,
    .clock_ms = UINT64_C(0x0000019876543333),
    .features = 5,
    .mtu = 1400,
    .keepalive_s = 30,
};

static struct skt_identity client_id, server_id;

/* pinned: the client knows the server's key; the server always has one. */
static void identities(bool pinned)
{
    memset(&client_id, 0, sizeof client_id);
    memset(client_id.psk, 0x11, sizeof client_id.psk);
    server_id = client_id;
    server_id.has_static = true;
    assert_int_equal(skt_crypto_keypair(skt_crypto_openssl(), server_id.static_priv, server_id.static_pub),
                     0);
    client_id.has_static = pinned;
    if (pinned)
        memcpy(client_id.static_pub, server_id.static_pub, sizeof client_id.static_pub);
}

/* --- payloads --- */

/* Compared as encoded: the structs have padding. */
static void assert_same_initiation(const struct skt_initiation *m)
{
    uint8_t a[SKT_INITIATION_LEN], b[SKT_INITIATION_LEN];
    skt_initiation_encode(m, a);
    skt_initiation_encode(&initiation, b);
    assert_memory_equal(a, b, sizeof a);
}

static void assert_same_response(const struct skt_response *m)
{
    uint8_t a[SKT_RESPONSE_LEN], b[SKT_RESPONSE_LEN];
    skt_response_encode(m, a);
    skt_response_encode(&response, b);
    assert_memory_equal(a, b, sizeof a);
}

static void initiation_on_the_wire(void **state)
{
    (void)state;
    static const uint8_t expected[SKT_INITIATION_LEN] = {
        2,    1,    0x06, 0,    0x01, 0x47, 0x1e, 0xc1, 0x10, 0x32, 0x54, 0x76, 0x98, 0x01,
        0x00, 0x00, 0x44, 0x33, 0x22, 0x11, 0x58, 0x02, 0x4c, 0x04, 0xc0, 0x05, 0x3c, 0x00,
        0xc0, 0xc1, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    4,    3,    2,    1,    0xd0, 0,    0,    0,    0,    0,    0,    0,
    };
    uint8_t buf[SKT_INITIATION_LEN + 3] = {0};
    struct skt_initiation back;
    skt_initiation_encode(&initiation, buf);
    assert_memory_equal(buf, expected, sizeof expected);
    assert_int_equal(skt_initiation_decode(&back, buf, sizeof buf), 0);
    assert_same_initiation(&back);
    for (size_t len = 0; len < SKT_INITIATION_LEN; len++)
        assert_int_equal(skt_initiation_decode(&back, buf, len), SKT_ERR_TRUNCATED);
    memset(buf + 4, 0, 4);
    assert_int_equal(skt_initiation_decode(&back, buf, sizeof buf), SKT_ERR_MALFORMED);
}

static void response_on_the_wire(void **state)
{
    (void)state;
    static const uint8_t expected[SKT_RESPONSE_LEN] = {
        2,    0,    1,    1,    0x02, 0xe4, 0x44, 0x5e, 0x33, 0x33, 0x54, 0x76,
        0x98, 0x01, 0x00, 0x00, 5,    0,    0,    0,    0x78, 0x05, 0x1e, 0x00,
    };
    uint8_t buf[SKT_RESPONSE_LEN];
    struct skt_response back;
    skt_response_encode(&response, buf);
    assert_memory_equal(buf, expected, sizeof expected);
    assert_int_equal(skt_response_decode(&back, buf, sizeof buf), 0);
    assert_same_response(&back);
    for (size_t len = 0; len < SKT_RESPONSE_LEN; len++)
        assert_int_equal(skt_response_decode(&back, buf, len), SKT_ERR_TRUNCATED);
    for (unsigned cipher = 0; cipher < 256; cipher++) {
        buf[2] = (uint8_t)cipher;
        assert_int_equal(skt_response_decode(&back, buf, sizeof buf),
                         cipher == 1 || cipher == 2 ? 0 : SKT_ERR_MALFORMED);
    }
    buf[2] = 0, buf[1] = SKT_HS_CIPHER; /* a refusal names none */
    assert_int_equal(skt_response_decode(&back, buf, sizeof buf), 0);
    buf[1] = SKT_HS_OK, buf[2] = 1;
    memset(buf + 4, 0, 4);
    assert_int_equal(skt_response_decode(&back, buf, sizeof buf), SKT_ERR_MALFORMED);
}

static void cipher_choice(void **state)
{
    (void)state;
    static const struct {
        uint8_t client, own;
        uint16_t client_aes, client_chacha, own_aes, own_chacha;
        enum skt_cipher chosen;
    } cases[] = {
        {6, 6, 500, 1100, 500, 1100, SKT_CIPHER_AES_256_GCM},
        /* a router without AES instructions decides for both */
        {6, 6, 65535, 40000, 500, 1100, SKT_CIPHER_CHACHA20_POLY1305},
        {6, 6, 500, 1100, 30000, 20000, SKT_CIPHER_CHACHA20_POLY1305},
        {6, 6, 500, 1100, 1100, 900, SKT_CIPHER_AES_256_GCM},
        {6, 6, 65535, 65535, 500, 1100, SKT_CIPHER_CHACHA20_POLY1305},
        {2, 6, 65535, 1, 65535, 1, SKT_CIPHER_AES_256_GCM},
        {6, 4, 1, 65535, 1, 65535, SKT_CIPHER_CHACHA20_POLY1305},
        {2, 4, 1, 1, 1, 1, SKT_CIPHER_NONE},
        {0, 6, 1, 1, 1, 1, SKT_CIPHER_NONE},
        {0xf9, 0xff, 1, 1, 1, 1, SKT_CIPHER_NONE}, /* unknown bits are nothing in common */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct skt_initiation m = initiation;
        m.ciphers = cases[i].client;
        m.cost_aes_ns = cases[i].client_aes;
        m.cost_chacha_ns = cases[i].client_chacha;
        assert_int_equal(skt_handshake_choose_cipher(&m, cases[i].own, cases[i].own_aes, cases[i].own_chacha),
                         cases[i].chosen);
    }
}

/* --- whole handshakes --- */

static void both_ends_get_the_same_keys(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    for (int pinned = 0; pinned < 2; pinned++) {
        identities(pinned != 0);
        for (size_t pad = 0; pad <= SKT_HANDSHAKE_PAD_MAX; pad += 160) {
            struct skt_handshake client = {0}, server = {0};
            struct skt_handshake_keys ck, sk;
            struct skt_initiation m1;
            struct skt_response m2;
            uint8_t datagram[SKT_MTU_START];
            int len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, pad,
                                                      datagram, sizeof datagram);
            assert_int_equal(len, SKT_HANDSHAKE_OVERHEAD + SKT_INITIATION_LEN + pad);
            assert_int_equal(skt_get_u32(datagram), SKT_ID_NONE);
            assert_int_equal(skt_get_u32(datagram + 4), pinned ? SKT_PATTERN_NKPSK0 : SKT_PATTERN_NNPSK0);
            assert_int_equal(
                skt_handshake_consume_initiation(&server, c, &server_id, datagram, (size_t)len, &m1), 0);
            assert_same_initiation(&m1);
            len = skt_handshake_create_response(&server, c, &response, pad, datagram, sizeof datagram, &sk);
            assert_int_equal(len, SKT_HANDSHAKE_OVERHEAD + SKT_RESPONSE_LEN + pad);
            assert_int_equal(skt_get_u32(datagram), initiation.sender);
            assert_int_equal(skt_get_u32(datagram + 4), 0);
            assert_int_equal(skt_handshake_consume_response(&client, c, datagram, (size_t)len, &m2, &ck), 0);
            assert_same_response(&m2);
            assert_memory_equal(&ck, &sk, sizeof ck);
            assert_memory_not_equal(ck.client_to_server, ck.server_to_client, 32);
            assert_memory_not_equal(ck.client_to_server, ck.resume, 32);
            /* both are over and hold no secrets */
            struct skt_handshake none = {0};
            assert_memory_equal(&client, &none, sizeof none);
            assert_memory_equal(&server, &none, sizeof none);
        }
    }
}

static void who_does_not_get_in(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    struct skt_handshake client = {0}, server = {0}, none = {0};
    struct skt_initiation m;
    uint8_t datagram[SKT_MTU_START];
    /* another password */
    identities(false);
    client_id.psk[31] ^= 1;
    int len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, 9, datagram,
                                              sizeof datagram);
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, datagram, (size_t)len, &m),
                     SKT_ERR_AUTH);
    /* a client that pins another server */
    identities(true);
    uint8_t other_priv[32];
    assert_int_equal(skt_crypto_keypair(c, other_priv, client_id.static_pub), 0);
    len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, 9, datagram,
                                          sizeof datagram);
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, datagram, (size_t)len, &m),
                     SKT_ERR_AUTH);
    /* a server that has no key pair */
    server_id.has_static = false;
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, datagram, (size_t)len, &m),
                     SKT_ERR_NOTFOUND);
    /* the pattern of one message under the name of the other */
    identities(true);
    len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, 9, datagram,
                                          sizeof datagram);
    datagram[4] = SKT_PATTERN_NNPSK0;
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, datagram, (size_t)len, &m),
                     SKT_ERR_AUTH);
    datagram[4] = 2;
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, datagram, (size_t)len, &m),
                     SKT_ERR_MALFORMED);
    assert_memory_equal(&server, &none, sizeof none);
}

/* A holder of the password who does not have the server's key can't pose as the server that is pinned. */
static void the_password_does_not_make_a_server(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    struct skt_handshake client = {0}, server = {0};
    struct skt_initiation m1;
    struct skt_response m2;
    struct skt_handshake_keys keys;
    uint8_t datagram[SKT_MTU_START];
    identities(true);
    struct skt_identity imposter = server_id;
    memset(imposter.static_priv, 0x77, sizeof imposter.static_priv); /* knows the public key, of course */
    int len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, 0, datagram,
                                              sizeof datagram);
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &imposter, datagram, (size_t)len, &m1),
                     SKT_ERR_AUTH);
    /* answering an NN message of its own making to the client's id leads nowhere either */
    struct skt_identity plain = client_id;
    plain.has_static = false;
    struct skt_handshake own = {0};
    len = skt_handshake_create_initiation(&own, c, &plain, &initiation, NULL, 0, datagram, sizeof datagram);
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &imposter, datagram, (size_t)len, &m1), 0);
    len = skt_handshake_create_response(&server, c, &response, 0, datagram, sizeof datagram, &keys);
    assert_int_equal(skt_handshake_consume_response(&client, c, datagram, (size_t)len, &m2, &keys),
                     SKT_ERR_AUTH);
}

static void damaged_initiations(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    for (int pinned = 0; pinned < 2; pinned++) {
        identities(pinned != 0);
        struct skt_handshake client = {0}, server = {0}, none = {0};
        struct skt_initiation m, untouched;
        uint8_t datagram[SKT_MTU_START], copy[SKT_MTU_START];
        memset(&m, 0xee, sizeof m);
        untouched = m;
        int len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, 7, datagram,
                                                  sizeof datagram);
        for (size_t i = 0; i < (size_t)len; i++) {
            memcpy(copy, datagram, (size_t)len);
            copy[i] ^= (uint8_t)(1u << i % 8);
            check_that(skt_handshake_consume_initiation(&server, c, &server_id, copy, (size_t)len, &m), <, 0);
            check_that(skt_handshake_consume_initiation(&server, c, &server_id, datagram, i, &m), <, 0);
        }
        /* longer than any correct one */
        static uint8_t huge[4096];
        memcpy(huge, datagram, 40);
        assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, huge, sizeof huge, &m),
                         SKT_ERR_MALFORMED);
        assert_memory_equal(&server, &none, sizeof none);
        assert_memory_equal(&m, &untouched, sizeof m);
        assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, datagram, (size_t)len, &m),
                         0);
        skt_handshake_dispose(&server);
    }
}

static void a_genuine_response_after_bad_ones(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    identities(true);
    struct skt_handshake client = {0}, server = {0}, before;
    struct skt_initiation m1;
    struct skt_response m2, no_response;
    struct skt_handshake_keys keys, no_keys, sk;
    uint8_t datagram[SKT_MTU_START], copy[SKT_MTU_START];
    memset(&m2, 0xee, sizeof m2);
    memset(&keys, 0xdd, sizeof keys);
    no_response = m2;
    no_keys = keys;
    int len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, 0, datagram,
                                              sizeof datagram);
    before = client;
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, datagram, (size_t)len, &m1), 0);
    len = skt_handshake_create_response(&server, c, &response, 12, datagram, sizeof datagram, &sk);
    for (size_t i = 0; i < (size_t)len; i++) {
        memcpy(copy, datagram, (size_t)len);
        copy[i] ^= (uint8_t)(1u << i % 8);
        check_that(skt_handshake_consume_response(&client, c, copy, (size_t)len, &m2, &keys), <, 0);
        check_that(skt_handshake_consume_response(&client, c, datagram, i, &m2, &keys), <, 0);
    }
    /* an ephemeral of small order from one who knows the password */
    memcpy(copy, datagram, (size_t)len);
    memset(copy + SKT_HEADER_LEN, 0, 32);
    assert_int_equal(skt_handshake_consume_response(&client, c, copy, (size_t)len, &m2, &keys),
                     SKT_ERR_CRYPTO);
    assert_memory_equal(&client, &before, sizeof before);
    assert_memory_equal(&m2, &no_response, sizeof m2);
    assert_memory_equal(&keys, &no_keys, sizeof keys);
    assert_int_equal(skt_handshake_consume_response(&client, c, datagram, (size_t)len, &m2, &keys), 0);
    assert_memory_equal(&keys, &sk, sizeof keys);
    /* and only once */
    assert_int_equal(skt_handshake_consume_response(&client, c, datagram, (size_t)len, &m2, &keys),
                     SKT_ERR_ARG);
}

static void other_versions_are_told_in_words(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    identities(false);
    struct skt_handshake client = {0}, server = {0}, before;
    struct skt_initiation m1 = initiation, got1;
    struct skt_response m2, got2;
    struct skt_handshake_keys keys;
    uint8_t datagram[SKT_MTU_START];
    m1.version = 1;
    int len =
        skt_handshake_create_initiation(&client, c, &client_id, &m1, NULL, 3, datagram, sizeof datagram);
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, datagram, (size_t)len, &got1),
                     SKT_ERR_VERSION);
    assert_int_equal(got1.version, 1);
    assert_int_equal(got1.sender, initiation.sender);
    assert_int_equal(got1.stamp_ms, initiation.stamp_ms);
    assert_int_equal(got1.mtu, 0); /* its place may have changed */
    /* the server answers, without keys */
    m2 = (struct skt_response){.version = SKT_WIRE_VERSION, .status = SKT_HS_VERSION, .clock_ms = 99};
    len = skt_handshake_create_response(&server, c, &m2, 3, datagram, sizeof datagram, NULL);
    check_that(len, >, 0);
    assert_int_equal(skt_handshake_consume_response(&client, c, datagram, (size_t)len, &got2, &keys), 0);
    assert_int_equal(got2.status, SKT_HS_VERSION);
    assert_int_equal(got2.version, SKT_WIRE_VERSION);
    uint8_t zeros[sizeof keys] = {0};
    assert_memory_equal(&keys, zeros, sizeof keys);

    /* and a server that is of another version itself */
    len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, 3, datagram,
                                          sizeof datagram);
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, datagram, (size_t)len, &got1),
                     0);
    m2.version = 9;
    m2.sender = 77;
    before = client;
    len = skt_handshake_create_response(&server, c, &m2, 3, datagram, sizeof datagram, NULL);
    assert_int_equal(skt_handshake_consume_response(&client, c, datagram, (size_t)len, &got2, &keys),
                     SKT_ERR_VERSION);
    assert_int_equal(got2.version, 9);
    assert_int_equal(got2.clock_ms, 99);
    assert_memory_equal(&client, &before, sizeof before);
}

static void wrong_use_is_refused(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    identities(false);
    struct skt_handshake client = {0}, server = {0}, none = {0};
    struct skt_initiation m = initiation;
    struct skt_response r;
    struct skt_handshake_keys keys;
    uint8_t d[SKT_MTU_START], key[SKT_STAMP_KEY_LEN];
    assert_int_equal(skt_handshake_create_initiation(&client, c, &client_id, &m, NULL,
                                                     SKT_HANDSHAKE_PAD_MAX + 1, d, sizeof d),
                     SKT_ERR_ARG);
    assert_int_equal(skt_handshake_create_initiation(&client, c, &client_id, &m, NULL, 10, d,
                                                     SKT_HANDSHAKE_OVERHEAD + SKT_INITIATION_LEN + 9),
                     SKT_ERR_FULL);
    m.sender = SKT_ID_NONE;
    assert_int_equal(skt_handshake_create_initiation(&client, c, &client_id, &m, NULL, 0, d, sizeof d),
                     SKT_ERR_ARG);
    assert_int_equal(skt_handshake_consume_response(&client, c, d, 100, &r, &keys), SKT_ERR_ARG);
    assert_int_equal(skt_handshake_create_response(&server, c, &response, 0, d, sizeof d, &keys),
                     SKT_ERR_ARG);
    assert_int_equal(skt_handshake_stamp_key(c, d, SKT_HANDSHAKE_OVERHEAD - 1, key), SKT_ERR_TRUNCATED);
    assert_memory_equal(&client, &none, sizeof none);

    int len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, 0, d, sizeof d);
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, d, (size_t)len, &m), 0);
    assert_int_equal(skt_handshake_create_response(&server, c, &response, 0, d, sizeof d, NULL), SKT_ERR_ARG);
    assert_int_equal(skt_handshake_create_response(&server, c, &response, 481, d, sizeof d, &keys),
                     SKT_ERR_ARG);
    assert_int_equal(skt_handshake_create_response(&server, c, &response, 10, d, 80, &keys), SKT_ERR_FULL);
    check_that(skt_handshake_create_response(&server, c, &response, 10, d, sizeof d, &keys), >, 0);
}

/* The stamp cache must know a replay by its key, and tell fresh handshakes apart. */
static void stamp_keys(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    identities(false);
    uint8_t d[2][SKT_MTU_START], keys[3][SKT_STAMP_KEY_LEN];
    int len = 0;
    struct skt_handshake client = {0}, server = {0};
    struct skt_initiation m;
    for (int i = 0; i < 3; i++) {
        if (i < 2)
            len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, 0, d[i],
                                                  sizeof d[i]);
        assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, d[i % 2], (size_t)len, &m),
                         0);
        assert_int_equal(skt_handshake_stamp_key(c, d[i % 2], (size_t)len, keys[i]), 0);
    }
    assert_memory_not_equal(keys[0], keys[1], SKT_STAMP_KEY_LEN);
    assert_memory_equal(keys[0], keys[2], SKT_STAMP_KEY_LEN);
    skt_handshake_dispose(&server);
    skt_handshake_dispose(&client);
}

static void proofs(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    uint8_t resume[32] = {1}, hash[32] = {2}, proof[32], other[32], text[46] = "skcptun resume";
    assert_int_equal(skt_proof_resume(c, resume, hash, proof), 0);
    memcpy(text + 14, hash, 32);
    assert_int_equal(c->hmac(other, resume, 32, text, sizeof text, NULL, 0), 0);
    assert_memory_equal(proof, other, 32);
    hash[31] = 1;
    assert_int_equal(skt_proof_resume(c, resume, hash, other), 0);
    assert_memory_not_equal(proof, other, 32);
}

/* A return proof holds for one message 1 and one secret. */
static void return_proofs(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    struct skt_handshake client = {0}, server = {0};
    struct skt_initiation m;
    uint8_t d[SKT_MTU_START], resume[32] = {7}, other[32] = {8};
    for (int pinned = 0; pinned < 2; pinned++) {
        identities(pinned != 0);
        int len =
            skt_handshake_create_initiation(&client, c, &client_id, &initiation, resume, 5, d, sizeof d);
        assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, d, (size_t)len, &m), 0);
        assert_true(skt_handshake_proves_return(&server, c, &m, resume));
        assert_false(skt_handshake_proves_return(&server, c, &m, other));
        struct skt_initiation changed = m;
        changed.cid++;
        assert_false(skt_handshake_proves_return(&server, c, &changed, resume));
        changed = m;
        changed.stamp_ms++;
        assert_false(skt_handshake_proves_return(&server, c, &changed, resume));
        /* put into a message 1 of another's own */
        struct skt_initiation stolen = m;
        len = skt_handshake_create_initiation(&client, c, &client_id, &stolen, NULL, 5, d, sizeof d);
        assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, d, (size_t)len, &m), 0);
        assert_memory_equal(m.return_proof, stolen.return_proof, sizeof m.return_proof);
        assert_false(skt_handshake_proves_return(&server, c, &m, resume));
        skt_handshake_dispose(&client);
        skt_handshake_dispose(&server);
    }
}

static void cookie_replies(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    struct skt_handshake client = {0}, other = {0}, server = {0};
    struct skt_initiation m;
    uint8_t d[SKT_MTU_START], copy[SKT_MTU_START], cookie[SKT_COOKIE_LEN] = {1, 2, 3}, got[SKT_COOKIE_LEN];
    uint64_t clock_ms = 0;
    identities(false);
    int len = skt_handshake_create_initiation(&other, c, &client_id, &initiation, NULL, 0, d, sizeof d);
    check_that(len, >, 0);
    len = skt_handshake_create_initiation(&client, c, &client_id, &initiation, NULL, 0, d, sizeof d);
    assert_int_equal(skt_handshake_consume_initiation(&server, c, &server_id, d, (size_t)len, &m), 0);
    for (size_t pad = 0; pad <= SKT_COOKIE_PAD_MAX; pad += 60) {
        len = skt_handshake_create_cookie(&server, c, cookie, 12345, pad, d, sizeof d);
        assert_int_equal(len, SKT_PACKET_OVERHEAD + SKT_COOKIE_REPLY_LEN + (int)pad);
        assert_int_equal(skt_get_u32(d), initiation.sender);
        assert_int_equal(skt_get_u32(d + 4), SKT_NUMBER_COOKIE);
        assert_int_equal(skt_handshake_consume_cookie(&client, c, d, (size_t)len, got, &clock_ms), 0);
        assert_memory_equal(got, cookie, sizeof got);
        assert_int_equal(clock_ms, 12345);
        assert_int_equal(skt_handshake_consume_cookie(&other, c, d, (size_t)len, got, &clock_ms),
                         SKT_ERR_AUTH);
    }
    for (size_t i = SKT_HEADER_LEN; i < (size_t)len; i++) {
        memcpy(copy, d, (size_t)len);
        copy[i] ^= 1;
        assert_int_equal(skt_handshake_consume_cookie(&client, c, copy, (size_t)len, got, &clock_ms),
                         SKT_ERR_AUTH);
        check_that(skt_handshake_consume_cookie(&client, c, d, i, got, &clock_ms), <, 0);
    }
    assert_int_equal(skt_handshake_create_cookie(&server, c, cookie, 1, SKT_COOKIE_PAD_MAX + 1, d, sizeof d),
                     SKT_ERR_ARG);
    assert_int_equal(skt_handshake_create_cookie(&server, c, cookie, 1, 0, d, 47), SKT_ERR_FULL);
    /* the server can still answer by message 2 */
    struct skt_handshake_keys keys;
    check_that(skt_handshake_create_response(&server, c, &response, 0, d, sizeof d, &keys), >, 0);
    skt_handshake_dispose(&client);
    skt_handshake_dispose(&other);
}

static int cleanup(void **state)
{
    (void)state;
    skt_crypto_cleanup();
    return 0;
}

CHECK_GROUP(handshake)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initiation_on_the_wire),
        cmocka_unit_test(response_on_the_wire),
        cmocka_unit_test(cipher_choice),
        cmocka_unit_test(both_ends_get_the_same_keys),
        cmocka_unit_test(who_does_not_get_in),
        cmocka_unit_test(the_password_does_not_make_a_server),
        cmocka_unit_test(damaged_initiations),
        cmocka_unit_test(a_genuine_response_after_bad_ones),
        cmocka_unit_test(other_versions_are_told_in_words),
        cmocka_unit_test(wrong_use_is_refused),
        cmocka_unit_test(stamp_keys),
        cmocka_unit_test(proofs),
        cmocka_unit_test(return_proofs),
        cmocka_unit_test(cookie_replies),
    };
    return cmocka_run_group_tests(tests, NULL, cleanup);
}
