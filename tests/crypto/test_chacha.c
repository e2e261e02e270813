/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "crypto/crypto.h"
#include "crypto/hex.h"

#include <openssl/evp.h>
#include <string.h>

static void rfc_8439_block(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    uint8_t key[32], iv[16], buf[64] = {0};
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    hex_decode("01000000 000000090000004a00000000", iv, sizeof iv); /* 2.3.2 */
    struct skt_mask *m = c->mask_new(key);
    assert_int_equal(c->mask_apply(m, buf, sizeof buf, iv), 0);
    assert_string_equal(hex_encode(buf, sizeof buf),
                        "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
                        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
    c->mask_free(m);
}

/* OpenSSL's ChaCha20 is the oracle, for every length and random keys; the counter does not overflow here
 * (there the two may differ). */
static void as_openssl(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    EVP_CIPHER *chacha = EVP_CIPHER_fetch(NULL, "ChaCha20", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint64_t seed = 3;
    for (size_t len = 0; len <= 200; len++) {
        uint8_t key[32], iv[16], a[200], b[200];
        int n = 0;
        for (size_t i = 0; i < sizeof key; i++)
            key[i] = (uint8_t)check_random(&seed);
        for (size_t i = 0; i < sizeof iv; i++)
            iv[i] = (uint8_t)check_random(&seed);
        iv[3] &= 0x7f;
        for (size_t i = 0; i < len; i++)
            a[i] = b[i] = (uint8_t)check_random(&seed);
        struct skt_mask *m = c->mask_new(key);
        assert_int_equal(c->mask_apply(m, a, len, iv), 0);
        c->mask_free(m);
        assert_int_equal(EVP_EncryptInit_ex2(ctx, chacha, key, iv, NULL), 1);
        if (len > 0)
            assert_int_equal(EVP_EncryptUpdate(ctx, b, &n, b, (int)len), 1);
        assert_memory_equal(a, b, len);
    }
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(chacha);
}

static void masks_undo_themselves(void **state)
{
    (void)state;
    const struct skt_crypto *tables[] = {skt_crypto_openssl(), skt_crypto_null()};
    for (size_t t = 0; t < 2; t++) {
        uint8_t key[32] = {1}, iv[16] = {2}, buf[40] = {3}, once[40], before[40];
        struct skt_mask *m = tables[t]->mask_new(key);
        memcpy(before, buf, sizeof buf);
        assert_int_equal(tables[t]->mask_apply(m, buf, sizeof buf, iv), 0);
        memcpy(once, buf, sizeof buf);
        assert_memory_not_equal(buf, before, sizeof buf);
        /* a prefix is masked as the whole is */
        assert_int_equal(tables[t]->mask_apply(m, buf, 8, iv), 0);
        assert_memory_equal(buf, before, 8);
        assert_memory_equal(buf + 8, once + 8, sizeof buf - 8);
        /* another IV gives another mask */
        uint8_t other[40];
        memcpy(other, before, sizeof other);
        iv[15] ^= 1;
        assert_int_equal(tables[t]->mask_apply(m, other, sizeof other, iv), 0);
        assert_memory_not_equal(other, once, 8);
        tables[t]->mask_free(m);
    }
}

/* Any number of parts at once, of any length, is each of them alone. */
static void together_as_one_by_one(void **state)
{
    (void)state;
    enum { PARTS = 11, LEN = 130 };
    const struct skt_crypto *tables[] = {skt_crypto_openssl(), skt_crypto_null()};
    static const size_t lengths[] = {0, 1, 7, 8, 40, 63, 64, 65, 129};
    uint64_t seed = 5;
    uint8_t key[32], iv[PARTS][16], a[PARTS][LEN], b[PARTS][LEN];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)check_random(&seed);
    for (size_t t = 0; t < 2; t++) {
        struct skt_mask *m = tables[t]->mask_new(key);
        for (size_t count = 0; count <= PARTS; count++) {
            for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
                struct skt_mask_part parts[PARTS];
                for (size_t i = 0; i < PARTS; i++) {
                    for (size_t k = 0; k < 16; k++)
                        iv[i][k] = (uint8_t)check_random(&seed);
                    for (size_t k = 0; k < LEN; k++)
                        a[i][k] = b[i][k] = (uint8_t)check_random(&seed);
                    parts[i] = (struct skt_mask_part){a[i], iv[i]};
                    if (i < count)
                        assert_int_equal(tables[t]->mask_apply(m, b[i], lengths[l], iv[i]), 0);
                }
                assert_int_equal(tables[t]->mask_apply_all(m, parts, count, lengths[l]), 0);
                assert_memory_equal(a, b, sizeof a);
            }
        }
        tables[t]->mask_free(m);
    }
}

static int cleanup(void **state)
{
    (void)state;
    skt_crypto_cleanup();
    return 0;
}

CHECK_GROUP(chacha)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_8439_block),
        cmocka_unit_test(as_openssl),
        cmocka_unit_test(masks_undo_themselves),
        cmocka_unit_test(together_as_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, cleanup);
}
