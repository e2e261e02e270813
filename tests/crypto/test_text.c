/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "crypto/hex.h"

#include <openssl/evp.h>
#include <string.h>

static void password_to_psk(void **state)
{
    (void)state;
    uint8_t psk[32], again[64];
    /* RFC 7914, 12: the library's scrypt at our cost */
    assert_int_equal(EVP_PBE_scrypt("pleaseletmein", 13, (const unsigned char *)"SodiumChloride", 14, 1 << 14,
                                    8, 1, 20 << 20, again, 64),
                     1);
    assert_string_equal(hex_encode(again, 64),
                        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
    /* made with Python's hashlib.scrypt */
    const char *password = "correct horse battery staple";
    assert_int_equal(skt_crypto_psk_from_password(password, strlen(password), psk), 0);
    assert_string_equal(hex_encode(psk, 32),
                        "8b54c171b86bd6051143b26d905633dad34b64b37c46ddf81564a18e59bd8d43");
    assert_int_equal(skt_crypto_psk_from_password("", 0, psk), 0);
    assert_string_equal(hex_encode(psk, 32),
                        "244571bac9cccb30e3ff4e3dba271aa9550f84fd13cfa39464d04bb57ddcc716");
}

static void keys_survive_their_text(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int round = 0; round < 200; round++) {
        uint8_t key[32], back[32];
        char text[SKT_KEY_TEXT_LEN + 1];
        unsigned char oracle[64];
        for (size_t i = 0; i < sizeof key; i++)
            key[i] = (uint8_t)check_random(&seed);
        skt_crypto_key_to_text(key, text);
        assert_int_equal(EVP_EncodeBlock(oracle, key, sizeof key), SKT_KEY_TEXT_LEN);
        assert_string_equal(text, (char *)oracle);
        assert_int_equal(skt_crypto_key_from_text(text, 44, back), 0);
        assert_memory_equal(key, back, 32);
        memset(back, 0, sizeof back);
        assert_int_equal(skt_crypto_key_from_text(text, 43, back), 0);
        assert_memory_equal(key, back, 32);
    }
}

static void bad_key_texts_are_refused(void **state)
{
    (void)state;
    static const char good[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    uint8_t key[32], before[32];
    assert_int_equal(skt_crypto_key_from_text(good, 44, key), 0);
    memcpy(before, key, sizeof key);
    for (size_t len = 0; len < 43; len++)
        assert_int_equal(skt_crypto_key_from_text(good, len, key), SKT_ERR_MALFORMED);
    assert_int_equal(skt_crypto_key_from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8==", 45, key),
                     SKT_ERR_MALFORMED);
    static const char bad[] = {' ', '-', '_', '=', '\n', '\0', '@', '[', '`', '{', ',', '.', ':', (char)0x80};
    for (size_t i = 0; i < 44; i++) {
        for (size_t j = 0; j < sizeof bad; j++) {
            char text[45];
            memcpy(text, good, sizeof text);
            text[i] = bad[j];
            if (text[i] == good[i])
                continue;
            assert_int_equal(skt_crypto_key_from_text(text, 44, key), SKT_ERR_MALFORMED);
        }
    }
    /* bits behind the 256 must be zero, else two texts would name one key */
    assert_int_equal(skt_crypto_key_from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", 44, key),
                     SKT_ERR_MALFORMED);
    assert_memory_equal(key, before, sizeof key);
}

static void fingerprints(void **state)
{
    (void)state;
    uint8_t key[32] = {0};
    char text[SKT_FINGERPRINT_LEN + 1], other[SKT_FINGERPRINT_LEN + 1];
    assert_int_equal(skt_crypto_fingerprint(skt_crypto_openssl(), key, text), 0);
    assert_string_equal(text, "06f191a5673ef7d3");
    key[31] = 1;
    assert_int_equal(skt_crypto_fingerprint(skt_crypto_openssl(), key, other), 0);
    assert_string_not_equal(text, other);
}

static int cleanup(void **state)
{
    (void)state;
    skt_crypto_cleanup();
    return 0;
}

CHECK_GROUP(text)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(password_to_psk),
        cmocka_unit_test(keys_survive_their_text),
        cmocka_unit_test(bad_key_texts_are_refused),
        cmocka_unit_test(fingerprints),
    };
    return cmocka_run_group_tests(tests, NULL, cleanup);
}
