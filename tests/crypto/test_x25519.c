/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "crypto/hex.h"

#include <string.h>

struct exchange {
    const char *priv, *pub, *shared;
};

static void rfc_7748_vectors(void **state)
{
    (void)state;
    static const struct exchange cases[] = {
        /* 5.2 */
        {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
         "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
         "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
        /* the highest bit of the public key is ignored */
        {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
         "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
         "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
        /* 6.1, from both sides */
        {"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
         "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
         "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
        {"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
         "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
         "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
    };
    const struct skt_crypto *c = skt_crypto_openssl();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t priv[32], pub[32], shared[32];
        hex_decode(cases[i].priv, priv, 32);
        hex_decode(cases[i].pub, pub, 32);
        assert_int_equal(c->x25519(shared, priv, pub), 0);
        assert_string_equal(hex_encode(shared, 32), cases[i].shared);
    }
    uint8_t priv[32], pub[32];
    hex_decode("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", priv, 32);
    assert_int_equal(c->x25519_public(pub, priv), 0);
    assert_string_equal(hex_encode(pub, 32),
                        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
}

/* Points of small order (curve25519 has them on the curve and its twist) lead to zero whatever the private
 * key. */
static void small_orders_are_refused(void **state)
{
    (void)state;
    static const char *points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    const struct skt_crypto *c = skt_crypto_openssl();
    uint8_t priv[32] = {0x42}, pub[32], shared[32];
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        hex_decode(points[i], pub, 32);
        assert_int_equal(c->x25519(shared, priv, pub), SKT_ERR_CRYPTO);
    }
    memset(pub, 0, sizeof pub);
    assert_int_equal(skt_crypto_null()->x25519(shared, priv, pub), SKT_ERR_CRYPTO);
}

static void both_ends_agree(void **state)
{
    (void)state;
    const struct skt_crypto *tables[] = {skt_crypto_openssl(), skt_crypto_null()};
    for (size_t t = 0; t < 2; t++) {
        uint8_t a[32], A[32], b[32], B[32], ab[32], ba[32];
        for (int round = 0; round < 5; round++) {
            assert_int_equal(skt_crypto_keypair(tables[t], a, A), 0);
            assert_int_equal(skt_crypto_keypair(tables[t], b, B), 0);
            assert_memory_not_equal(a, b, 32);
            assert_int_equal(tables[t]->x25519(ab, a, B), 0);
            assert_int_equal(tables[t]->x25519(ba, b, A), 0);
            assert_memory_equal(ab, ba, 32);
        }
    }
}

static void null_random_repeats_with_its_seed(void **state)
{
    (void)state;
    const struct skt_crypto *c = skt_crypto_null();
    uint8_t a[40], b[40];
    skt_crypto_null_seed(7);
    assert_int_equal(c->random(a, sizeof a), 0);
    assert_int_equal(c->random(b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
    skt_crypto_null_seed(7);
    assert_int_equal(c->random(b, sizeof b), 0);
    assert_memory_equal(a, b, sizeof a);
}

static int cleanup(void **state)
{
    (void)state;
    skt_crypto_cleanup();
    return 0;
}

CHECK_GROUP(x25519)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_7748_vectors),
        cmocka_unit_test(small_orders_are_refused),
        cmocka_unit_test(both_ends_agree),
        cmocka_unit_test(null_random_repeats_with_its_seed),
    };
    return cmocka_run_group_tests(tests, NULL, cleanup);
}
