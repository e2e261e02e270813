/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "base/check.h"
#include "base/err.h"

#include <string.h>

static void text_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *ip, *text;
        uint16_t port;
        uint8_t family;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1:4000", 4000, 4},
        {"0.0.0.0", "0.0.0.0:0", 0, 4},
        {"2001:db8::1", "[2001:db8::1]:65535", 65535, 6},
        {"::", "[::]:1", 1, 6},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
         65535, 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct skt_addr a;
        char buf[SKT_ADDR_TEXT_MAX];
        assert_int_equal(skt_addr_parse(&a, cases[i].ip, cases[i].port), SKT_OK);
        assert_int_equal(a.family, cases[i].family);
        assert_string_equal(skt_addr_text(&a, buf), cases[i].text);
    }
}

static void what_is_no_address_leaves_the_value_alone(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",          "example.org", "1.2.3", "1.2.3.4.5",
                                        "1.2.3.256", "1.2.3.4:5",   ":::",   "[::1]"};
    struct skt_addr a, before;
    assert_int_equal(skt_addr_parse(&a, "192.0.2.7", 7), SKT_OK);
    before = a;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(skt_addr_parse(&a, wrong[i], 1), SKT_ERR_ARG);
        assert_true(skt_addr_equal(&a, &before));
    }
}

static void equality_looks_at_every_part(void **state)
{
    (void)state;
    struct skt_addr a, b, c;
    assert_int_equal(skt_addr_parse(&a, "192.0.2.1", 4000), SKT_OK);
    assert_int_equal(skt_addr_parse(&b, "192.0.2.1", 4001), SKT_OK);
    assert_int_equal(skt_addr_parse(&c, "192.0.2.2", 4000), SKT_OK);
    assert_true(skt_addr_equal(&a, &a));
    assert_false(skt_addr_equal(&a, &b));
    assert_true(skt_addr_same_ip(&a, &b));
    assert_false(skt_addr_same_ip(&a, &c));

    struct skt_addr v4 = {.family = 4}, v6 = {.family = 6};
    assert_false(skt_addr_same_ip(&v4, &v6));
    struct skt_addr scoped = v6;
    scoped.scope = 3;
    assert_false(skt_addr_same_ip(&v6, &scoped));

    struct skt_addr other_way = a; /* the same far end, reached from another address of ours */
    other_way.local[3] = 1;
    assert_true(skt_addr_same_ip(&a, &other_way));
    assert_false(skt_addr_equal(&a, &other_way));

    char buf[SKT_ADDR_TEXT_MAX];
    struct skt_addr none = {.family = 0};
    assert_string_equal(skt_addr_text(&none, buf), "none");
}

CHECK_GROUP(addr)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_back),
        cmocka_unit_test(what_is_no_address_leaves_the_value_alone),
        cmocka_unit_test(equality_looks_at_every_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
