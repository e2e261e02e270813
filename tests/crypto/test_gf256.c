/* SPDX-License-Identifier: MIT */
/* The field, and each implementation of it against the other. */
#include "base/check.h"
#include "base/gf.h"
#include "crypto/crypto.h"

#include <string.h>

static void known_products(void **state)
{
    (void)state;
    /* Powers of x modulo 0x11D. */
    static const uint8_t powers[] = {1, 2, 4, 8, 16, 32, 64, 128, 0x1d, 0x3a, 0x74, 0xe8, 0xcd, 0x87, 0x13};
    uint8_t a = 1;
    for (size_t i = 0; i < sizeof powers; i++, a = gf_mul(a, 2))
        assert_int_equal(a, powers[i]);
    assert_int_equal(gf_mul(0x80, 2), 0x1d);
    assert_int_equal(skt_gf256_inv(2), 0x8e); /* 2 * 0x8e = 0x11c = 0x11d + 1 */
}

static void axioms(void **state)
{
    (void)state;
    assert_int_equal(skt_gf256_inv(0), 0);
    unsigned order = 1;
    for (uint8_t a = 2; a != 1; a = gf_mul(a, 2))
        order++;
    assert_int_equal(order, 255); /* 2 generates all elements but 0 */
    for (unsigned a = 0; a < 256; a++) {
        assert_int_equal(gf_mul((uint8_t)a, 1), a);
        assert_int_equal(gf_mul((uint8_t)a, 0), 0);
        if (a > 0)
            assert_int_equal(gf_mul((uint8_t)a, skt_gf256_inv((uint8_t)a)), 1);
        for (unsigned b = 0; b < 256; b++) {
            uint8_t ab = gf_mul((uint8_t)a, (uint8_t)b), c = (uint8_t)(a * 7 + b * 13 + 5);
            assert_int_equal(ab, gf_mul((uint8_t)b, (uint8_t)a));
            assert_int_equal(gf_mul(ab, c), gf_mul((uint8_t)a, gf_mul((uint8_t)b, c)));
            assert_int_equal(gf_mul((uint8_t)a, (uint8_t)(b ^ c)), ab ^ gf_mul((uint8_t)a, c));
        }
    }
}

/* Every pair of bytes through the table's function, in one go and in short pieces. */
static void portable_multiplies(void **state)
{
    (void)state;
    uint8_t src[256], dst[256];
    for (unsigned i = 0; i < 256; i++)
        src[i] = (uint8_t)i;
    for (unsigned c = 0; c < 256; c++) {
        for (unsigned step = 256; step >= 8; step /= 32) {
            memset(dst, 0x55, sizeof dst);
            for (unsigned at = 0; at < 256; at += step)
                skt_gf256_portable.mul_add(dst + at, src + at, (uint8_t)c, step);
            for (unsigned i = 0; i < 256; i++)
                assert_int_equal(dst[i], 0x55 ^ gf_mul((uint8_t)c, (uint8_t)i));
        }
    }
}

/* Any length at odd places; nothing beside it is touched. */
static void each_as_the_other(void **state)
{
    (void)state;
    enum { MAX = 2000, BEFORE = 16, ALL = MAX + 2 * BEFORE };
    static uint8_t src[ALL], a[ALL], b[ALL];
    const struct skt_gf256 *other = skt_crypto_gf256();
    if (other == &skt_gf256_portable) {
        print_message("built without ISA-L: nothing to compare with\n");
        skip();
    }
    uint64_t seed = 11;
    for (size_t len = 0; len <= MAX; len++) {
        for (size_t i = 0; i < ALL; i++) {
            src[i] = (uint8_t)check_random(&seed);
            a[i] = b[i] = (uint8_t)check_random(&seed);
        }
        size_t at = BEFORE + check_random(&seed) % BEFORE, from = check_random(&seed) % (2 * BEFORE);
        uint8_t c = (uint8_t)(len < 256 ? len : check_random(&seed));
        skt_gf256_portable.mul_add(a + at, src + from, c, len);
        other->mul_add(b + at, src + from, c, len);
        assert_memory_equal(a, b, ALL);
    }
}

CHECK_GROUP(gf256)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_products),
        cmocka_unit_test(axioms),
        cmocka_unit_test(portable_multiplies),
        cmocka_unit_test(each_as_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
