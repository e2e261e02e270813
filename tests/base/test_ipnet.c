/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "base/ipnet.h"

#include <string.h>

static void text_goes_in_and_out(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"192.168.2.7", "192.168.2.7/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"fd00::1/64", "fd00::1/64"},
        {"::/0", "::/0"},
        {"2001:db8::1", "2001:db8::1/128"},
        {"10.1.2.3/24", "10.1.2.3/24"},
    };
    char buf[SKT_IPNET_TEXT_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct skt_ipnet net;
        assert_int_equal(skt_ipnet_parse(&net, cases[i].in), SKT_OK);
        assert_string_equal(skt_ipnet_text(&net, true, buf), cases[i].out);
    }
    struct skt_ipnet none = {0};
    assert_string_equal(skt_ipnet_text(&none, true, buf), "none");
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0/8",
        "fd00::/129",
        "10.0.0.0/+8",
        "10.0.0.0/08",
        "10.0.0.0/8 ",
        " 10.0.0.0/8",
        "host/8",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "fd00::1%eth0/64",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/1"};
    struct skt_ipnet net;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(skt_ipnet_parse(&net, bad[i]), SKT_ERR_ARG);
}

static void masks_become_prefixes(void **state)
{
    (void)state;
    struct skt_ipnet net;
    assert_int_equal(skt_ipnet_parse_mask(&net, "192.168.2.1", "255.255.255.0"), SKT_OK);
    assert_int_equal(net.prefix, 24);
    assert_int_equal(skt_ipnet_parse_mask(&net, "192.168.2.1", "255.255.255.255"), SKT_OK);
    assert_int_equal(net.prefix, 32);
    assert_int_equal(skt_ipnet_parse_mask(&net, "192.168.2.1", "0.0.0.0"), SKT_OK);
    assert_int_equal(net.prefix, 0);
    assert_int_equal(skt_ipnet_parse_mask(&net, "192.168.2.1", "255.0.255.0"), SKT_ERR_ARG);
    assert_int_equal(skt_ipnet_parse_mask(&net, "192.168.2.1", "24"), SKT_ERR_ARG);
    assert_int_equal(skt_ipnet_parse_mask(&net, "fd00::1", "255.255.255.0"), SKT_ERR_ARG);
}

static void networks_know_their_hosts(void **state)
{
    (void)state;
    struct skt_ipnet net, other;
    uint8_t ip[4] = {10, 1, 2, 127};
    assert_int_equal(skt_ipnet_parse(&net, "10.1.2.64/26"), SKT_OK);
    assert_true(skt_ipnet_has(&net, 4, ip));
    ip[3] = 128;
    assert_false(skt_ipnet_has(&net, 4, ip));
    assert_false(skt_ipnet_has(&net, 6, (const uint8_t[16]){10, 1, 2, 64}));

    uint8_t broadcast[4];
    assert_true(skt_ipnet_broadcast(&net, broadcast));
    assert_memory_equal(broadcast, ((uint8_t[]){10, 1, 2, 127}), 4);
    assert_int_equal(skt_ipnet_parse(&other, "10.1.2.0/31"), SKT_OK);
    assert_false(skt_ipnet_broadcast(&other, broadcast));

    char buf[SKT_IPNET_TEXT_MAX];
    assert_int_equal(skt_ipnet_parse(&net, "fd00:1:2:3:4::1/65"), SKT_OK);
    struct skt_ipnet masked = skt_ipnet_masked(&net);
    assert_string_equal(skt_ipnet_text(&masked, true, buf), "fd00:1:2:3::/65");
    masked = skt_ipnet_host(4, broadcast);
    assert_string_equal(skt_ipnet_text(&masked, false, buf), "10.1.2.127");
}

CHECK_GROUP(ipnet)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_in_and_out),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(masks_become_prefixes),
        cmocka_unit_test(networks_know_their_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
