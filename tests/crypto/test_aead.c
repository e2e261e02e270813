/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "crypto/hex.h"

#include <stdbool.h>
#include <string.h>

struct aead_case {
    const char *name;
    enum skt_cipher cipher;
    const char *key;
    uint64_t counter;
    const char *ad, *text, *sealed;
};

/* Published cases whose nonces begin with 32 zero bits, as ours do. */
static const struct aead_case cases[] = {
    {"GCM specification, case 13", SKT_CIPHER_AES_256_GCM,
     "0000000000000000000000000000000000000000000000000000000000000000", 0, "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {"GCM specification, case 14", SKT_CIPHER_AES_256_GCM,
     "0000000000000000000000000000000000000000000000000000000000000000", 0, "",
     "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919"},
    {"RFC 8439, A.5", SKT_CIPHER_CHACHA20_POLY1305,
     "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0", UINT64_C(0x0807060504030201),
     "f33388860000000000004e91",
     "496e7465726e65742d4472616674732061726520647261667420646f63756d656e74732076616c696420666f722061206d61786"
     "96d756d"
     "206f6620736978206d6f6e74687320616e64206d617920626520757064617465642c207265706c616365642c206f72206f62736"
     "f6c6574"
     "6564206279206f7468657220646f63756d656e747320617420616e792074696d652e20497420697320696e617070726f7072696"
     "1746520"
     "746f2075736520496e7465726e65742d447261667473206173207265666572656e6365206d6174657269616c206f7220746f206"
     "3697465"
     "207468656d206f74686572207468616e206173202fe2809c776f726b20696e2070726f67726573732e2fe2809d",
     "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73"
     "c321b01"
     "00d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c1863"
     "24e2b35"
     "06383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4"
     "534d7f8"
     "3fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a0bb2316053fa76991955ebd63159434ecebb4e466dae5a107"
     "3a67276"
     "27097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709b"
     "eead9d67890cbb22392336fea1851f38"},
    /* The nonce's byte order differs between the ciphers (Noise, 12.3, 12.4); made with Python's
       cryptography. */
    {"byte order, AES", SKT_CIPHER_AES_256_GCM,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", UINT64_C(0x0102030405060708),
     "0000000000000000", "736b637074756e", "773a067ea994677cb1965fcc95113e87979a47be3bf926"},
    {"byte order, ChaCha20", SKT_CIPHER_CHACHA20_POLY1305,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", UINT64_C(0x0102030405060708),
     "0000000000000000", "736b637074756e", "8322ce94df4c844e08973142db594c169415b692035acf"},
};

static void published_cases(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct aead_case *t = &cases[i];
        uint8_t key[32], ad[32], text[512], sealed[512], out[512];
        print_message("%s\n", t->name);
        hex_decode(t->key, key, sizeof key);
        size_t ad_len = hex_decode(t->ad, ad, sizeof ad), len = hex_decode(t->text, text, sizeof text);
        assert_int_equal(hex_decode(t->sealed, sealed, sizeof sealed), len + SKT_TAG_LEN);

        struct skt_aead *seal = c->aead_new(t->cipher, key, 1), *open = c->aead_new(t->cipher, key, 0);
        assert_non_null(seal);
        assert_non_null(open);
        assert_int_equal(c->aead_seal(seal, out, t->counter, ad, ad_len, text, len), 0);
        assert_memory_equal(out, sealed, len + SKT_TAG_LEN);
        assert_int_equal(c->aead_open(open, out, t->counter, ad, ad_len, sealed, len + SKT_TAG_LEN), 0);
        assert_memory_equal(out, text, len);
        c->aead_free(seal);
        c->aead_free(open);
    }
}

struct table_case {
    const struct skt_crypto *crypto;
    enum skt_cipher cipher;
};

static const enum skt_cipher ciphers[] = {SKT_CIPHER_AES_256_GCM, SKT_CIPHER_CHACHA20_POLY1305};

/* Each of both tables with each cipher. */
static struct table_case table_case(size_t i)
{
    return (struct table_case){i < 2 ? skt_crypto_openssl() : skt_crypto_null(), ciphers[i % 2]};
}

static void every_damage_is_found(void **state)
{
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        const struct skt_crypto *c = table_case(t).crypto;
        uint8_t key[32] = {7}, ad[8] = {1, 2, 3}, text[40], sealed[56], out[56];
        memset(text, 0x5a, sizeof text);
        struct skt_aead *seal = c->aead_new(table_case(t).cipher, key, 1);
        struct skt_aead *open = c->aead_new(table_case(t).cipher, key, 0);
        assert_int_equal(c->aead_seal(seal, sealed, 5, ad, sizeof ad, text, sizeof text), 0);
        for (size_t i = 0; i < sizeof sealed; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                sealed[i] ^= (uint8_t)(1u << bit);
                assert_int_equal(c->aead_open(open, out, 5, ad, sizeof ad, sealed, sizeof sealed),
                                 SKT_ERR_AUTH);
                sealed[i] ^= (uint8_t)(1u << bit);
            }
        }
        for (size_t len = 0; len < sizeof sealed; len++)
            assert_int_equal(c->aead_open(open, out, 5, ad, sizeof ad, sealed, len),
                             len < SKT_TAG_LEN ? SKT_ERR_TRUNCATED : SKT_ERR_AUTH);
        for (size_t i = 0; i < sizeof ad; i++) {
            ad[i] ^= 0x80;
            assert_int_equal(c->aead_open(open, out, 5, ad, sizeof ad, sealed, sizeof sealed), SKT_ERR_AUTH);
            ad[i] ^= 0x80;
        }
        assert_int_equal(c->aead_open(open, out, 4, ad, sizeof ad, sealed, sizeof sealed), SKT_ERR_AUTH);
        assert_int_equal(c->aead_open(open, out, 5, ad, sizeof ad - 1, sealed, sizeof sealed), SKT_ERR_AUTH);
        /* and after all these failures the context still works */
        assert_int_equal(c->aead_open(open, out, 5, ad, sizeof ad, sealed, sizeof sealed), 0);
        assert_memory_equal(out, text, sizeof text);
        c->aead_free(seal);
        c->aead_free(open);
    }
}

static void one_context_seals_many_packets_in_place(void **state)
{
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        const struct skt_crypto *c = table_case(t).crypto;
        uint8_t key[32] = {9}, buf[1500], before[1500];
        struct skt_aead *seal = c->aead_new(table_case(t).cipher, key, 1);
        struct skt_aead *open = c->aead_new(table_case(t).cipher, key, 0);
        uint64_t seed = 11;
        for (uint64_t n = 1; n < 300; n++) {
            size_t len = check_random(&seed) % 1400;
            for (size_t i = 0; i < len; i++)
                before[i] = (uint8_t)check_random(&seed);
            memcpy(buf, before, len);
            assert_int_equal(c->aead_seal(seal, buf, n, &n, sizeof n, buf, len), 0);
            assert_int_equal(c->aead_open(open, buf, n, &n, sizeof n, buf, len + SKT_TAG_LEN), 0);
            assert_memory_equal(buf, before, len);
        }
        c->aead_free(seal);
        c->aead_free(open);
    }
}

static void unknown_ciphers_are_refused(void **state)
{
    (void)state;
    uint8_t key[32] = {0};
    assert_null(skt_crypto_openssl()->aead_new(SKT_CIPHER_NONE, key, 1));
    assert_null(skt_crypto_openssl()->aead_new((enum skt_cipher)3, key, 1));
    assert_null(skt_crypto_null()->aead_new(SKT_CIPHER_NONE, key, 1));
    skt_crypto_openssl()->aead_free(NULL);
}

static void the_measurement_is_plausible(void **state)
{
    (void)state;
    struct skt_crypto_costs costs = {0, 0};
    assert_int_equal(skt_crypto_measure(skt_crypto_openssl(), &costs), 0);
    assert_in_range(costs.aes_ns, 50, UINT16_MAX);
    assert_in_range(costs.chacha_ns, 50, UINT16_MAX);
}

static int cleanup(void **state)
{
    (void)state;
    skt_crypto_cleanup();
    return 0;
}

CHECK_GROUP(aead)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_cases),
        cmocka_unit_test(every_damage_is_found),
        cmocka_unit_test(one_context_seals_many_packets_in_place),
        cmocka_unit_test(unknown_ciphers_are_refused),
        cmocka_unit_test(the_measurement_is_plausible),
    };
    return cmocka_run_group_tests(tests, NULL, cleanup);
}
