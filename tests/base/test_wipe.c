/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/wipe.h"

#include <string.h>

static void wipes_exactly_what_it_is_given(void **state)
{
    (void)state;
    uint8_t buf[34];
    memset(buf, 0xaa, sizeof buf);
    skt_wipe(buf + 1, 32);
    static const uint8_t zeros[32] = {0};
    assert_memory_equal(buf + 1, zeros, 32);
    assert_int_equal(buf[0], 0xaa);
    assert_int_equal(buf[33], 0xaa);
    skt_wipe(buf, 0);
    skt_wipe(NULL, 0); /* the sanitizer says what memset thinks of that */
    assert_int_equal(buf[0], 0xaa);
}

/* Every single bit counts, wherever it is, and none outside the length. */
static void every_bit_counts(void **state)
{
    (void)state;
    uint8_t a[33], b[33];
    for (size_t i = 0; i < sizeof a; i++)
        a[i] = (uint8_t)(i * 37);
    memcpy(b, a, sizeof b);
    assert_true(skt_equal_ct(a, b, 32));
    assert_true(skt_equal_ct(a, b, 0));
    for (size_t bit = 0; bit < 32 * 8; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(skt_equal_ct(a, b, 32));
        assert_false(skt_equal_ct(b, a, 32));
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    b[32] ^= 1;
    assert_true(skt_equal_ct(a, b, 32));
    /* Two differences that would cancel out in a sum or a xor of everything. */
    b[3] ^= 0x40;
    b[9] ^= 0x40;
    assert_false(skt_equal_ct(a, b, 32));
}

CHECK_GROUP(wipe)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wipes_exactly_what_it_is_given),
        cmocka_unit_test(every_bit_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
