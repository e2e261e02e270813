/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "crypto/hex.h"
#include "proto/keys/noise.h"

#include <string.h>

static void assert_hex(const uint8_t *data, size_t len, const char *expected)
{
    assert_string_equal(hex_encode(data, len), expected);
}

static void sha256_of_two_parts(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    uint8_t out[32];
    /* FIPS 180-2, B.1, cut at every place */
    for (size_t cut = 0; cut <= 3; cut++) {
        assert_int_equal(c->sha256(out, "abc", cut, &"abc"[cut], 3 - cut), 0);
        assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
    assert_int_equal(c->sha256(out, NULL, 0, NULL, 0), 0);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void hmac_as_rfc_4231(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    uint8_t key[131], out[32];
    memset(key, 0x0b, 20);
    assert_int_equal(c->hmac(out, key, 20, "Hi", 2, " There", 6), 0); /* case 1 */
    assert_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_int_equal(c->hmac(out, "Jefe", 4, "what do ya want for nothing?", 28, NULL, 0), 0); /* case 2 */
    assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    const char *text = "Test Using Larger Than Block-Size Key - Hash Key First"; /* case 6 */
    assert_int_equal(c->hmac(out, key, sizeof key, NULL, 0, text, strlen(text)), 0);
    assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hkdf_as_rfc_5869(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_openssl();
    uint8_t ikm[22], salt[32] = {0}, o1[32], o2[32], o3[32];
    memset(ikm, 0x0b, sizeof ikm);
    /* A.3: no salt, no info, 42 bytes; Noise's HKDF is the same function without info */
    assert_int_equal(skt_noise_hkdf(c, salt, ikm, sizeof ikm, o1, o2, o3), 0);
    assert_hex(o1, 32, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
    assert_hex(o2, 10, "9d201395faa4b61a96c8");
    /* one output, written over the chaining key */
    assert_int_equal(skt_noise_hkdf(c, salt, ikm, sizeof ikm, salt, NULL, NULL), 0);
    assert_memory_equal(salt, o1, 32);
}

/* The null table must be good enough for what stands on it. */
static void null_hash_depends_on_everything(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_null();
    uint8_t text[70], out[32], other[32];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)i;
    assert_int_equal(c->sha256(out, text, sizeof text, NULL, 0), 0);
    for (size_t cut = 0; cut <= sizeof text; cut++) {
        assert_int_equal(c->sha256(other, text, cut, text + cut, sizeof text - cut), 0);
        assert_memory_equal(other, out, 32);
    }
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] ^= 1;
        assert_int_equal(c->sha256(other, text, sizeof text, NULL, 0), 0);
        assert_memory_not_equal(other, out, 32);
        text[i] ^= 1;
        assert_int_equal(c->sha256(other, text, i, NULL, 0), 0);
        assert_memory_not_equal(other, out, 32);
    }
    uint8_t zeros[8] = {0};
    assert_int_equal(c->hmac(out, zeros, 1, zeros, 3, NULL, 0), 0);
    assert_int_equal(c->hmac(other, zeros, 2, zeros, 2, NULL, 0), 0);
    assert_memory_not_equal(other, out, 32);
}

static int cleanup(void **state)
{
    (void)state;
    skt_crypto_cleanup();
    return 0;
}

CHECK_GROUP(hash)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_two_parts),
        cmocka_unit_test(hmac_as_rfc_4231),
        cmocka_unit_test(hkdf_as_rfc_5869),
        cmocka_unit_test(null_hash_depends_on_everything),
    };
    return cmocka_run_group_tests(tests, NULL, cleanup);
}
