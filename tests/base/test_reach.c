/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "base/reach.h"

static struct skt_addr addr(const char *ip, uint16_t port)
{
    struct skt_addr a;
    assert_int_equal(skt_addr_parse(&a, ip, port), SKT_OK);
    return a;
}

static void rules_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *net;
        uint16_t lo, hi;
    } good[] = {
        {"10.0.0.0/8", "10.0.0.0/8", 1, 65535},
        {"10.0.0.5", "10.0.0.5/32", 1, 65535},
        {"10.0.0.5:443", "10.0.0.5/32", 443, 443},
        {"10.0.0.0/8:80-90", "10.0.0.0/8", 80, 90},
        {"fd00::/8", "fd00::/8", 1, 65535},
        {"[fd00::/8]", "fd00::/8", 1, 65535},
        {"[fd00::1]:22", "fd00::1/128", 22, 22},
        {"::/0", "::/0", 1, 65535},
        {"*", "none", 1, 65535},
        {"*:25", "none", 25, 25},
        {"*:1-65535", "none", 1, 65535},
    };
    char text[SKT_IPNET_TEXT_MAX];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct skt_reach_rule r;
        assert_int_equal(skt_reach_parse(&r, good[i].text), SKT_OK);
        assert_string_equal(skt_ipnet_text(&r.net, true, text), good[i].net);
        assert_int_equal(r.port_lo, good[i].lo);
        assert_int_equal(r.port_hi, good[i].hi);
    }
}

static void what_is_no_rule_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "example.org",
                                      "10.0.0.0/8:",
                                      "10.0.0.0/8:0",
                                      "10.0.0.0/8:65536",
                                      "10.0.0.1:80-",
                                      "10.0.0.1:90-80",
                                      "10.0.0.1:80,90",
                                      "10.0.0.1:080",
                                      "[fd00::1",
                                      "[fd00::1]80",
                                      "[fd00::1]:",
                                      "*:",
                                      "**",
                                      "[*]:80",
                                      ":80",
                                      "fd00::1:80/8/8",
                                      "10.0.0.1:-80",
                                      "10.0.0.1:99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct skt_reach_rule r = {.port_lo = 7};
        assert_int_equal(skt_reach_parse(&r, bad[i]), SKT_ERR_ARG);
        assert_int_equal(r.port_lo, 7);
    }
}

/* What an attacker would like to have connected to. */
static void local_addresses_are_known(void **state)
{
    (void)state;
    static const char *const local[] = {"0.0.0.0",
                                        "0.1.2.3",
                                        "10.0.0.1",
                                        "100.64.0.1",
                                        "100.100.100.200",
                                        "127.0.0.1",
                                        "127.255.255.254",
                                        "169.254.169.254",
                                        "172.16.0.1",
                                        "172.31.255.255",
                                        "192.0.0.192",
                                        "192.168.1.1",
                                        "198.18.0.1",
                                        "224.0.0.1",
                                        "239.255.255.250",
                                        "240.0.0.1",
                                        "255.255.255.255",
                                        "168.63.129.16",
                                        "::",
                                        "::1",
                                        "::7f00:1",
                                        "::ffff:127.0.0.1",
                                        "::ffff:10.0.0.1",
                                        "::ffff:0.0.0.0",
                                        "fd00::1",
                                        "fd00:ec2::254",
                                        "fe80::1",
                                        "fec0::1",
                                        "ff02::1",
                                        "64:ff9b::7f00:1",
                                        "64:ff9b::a9fe:a9fe",
                                        "64:ff9b:1::1",
                                        "2002:7f00:1::",
                                        "2002:c0a8:101::1",
                                        "2001::1",
                                        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                                        "100::1",
                                        "4000::1"};
    static const char *const global[] = {
        "1.1.1.1",        "8.8.8.8",          "100.63.255.255", "100.128.0.1", "172.15.0.1",
        "172.32.0.1",     "192.0.1.1",        "198.20.0.1",     "203.0.113.7", "223.255.255.255",
        "168.63.129.17",  "2606:4700::1111",  "2a00:1450::1",   "2001:db8::1", "2001:4860::8888",
        "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        struct skt_addr a = addr(local[i], 80);
        if (!skt_reach_is_local(&a))
            fail_msg("%s", local[i]);
    }
    for (size_t i = 0; i < sizeof global / sizeof *global; i++) {
        struct skt_addr a = addr(global[i], 80);
        if (skt_reach_is_local(&a))
            fail_msg("%s", global[i]);
    }
    assert_true(skt_reach_is_local(&(struct skt_addr){.family = 0}));
}

static struct skt_reach_rules rules(struct skt_reach_rule *at, size_t n, const char *const *texts)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(skt_reach_parse(&at[i], texts[i]), SKT_OK);
    return (struct skt_reach_rules){at, n};
}

static void is_judged(const struct skt_reach *r, const char *ip, uint16_t port, enum skt_reach_verdict want)
{
    struct skt_addr a = addr(ip, port);
    enum skt_reach_verdict got = skt_reach_judge(r, &a);
    if (got != want)
        fail_msg("%s port %u: %s", ip, port, skt_reach_words(got));
}

static void denials_go_first(void **state)
{
    (void)state;
    struct skt_reach_rule allow[2], deny[2];
    struct skt_reach r = {.any = true};
    r.allow = rules(allow, 2, (const char *const[]){"10.1.0.0/16", "[fd00::1]:53"});
    r.deny = rules(deny, 2, (const char *const[]){"*:25", "10.1.2.0/24"});
    is_judged(&r, "1.1.1.1", 443, SKT_REACH_ANY);
    is_judged(&r, "1.1.1.1", 25, SKT_REACH_DENIED);
    is_judged(&r, "::ffff:1.1.1.1", 25, SKT_REACH_DENIED);
    is_judged(&r, "2606:4700::1111", 25, SKT_REACH_DENIED);
    is_judged(&r, "10.1.1.1", 80, SKT_REACH_NAMED);
    is_judged(&r, "::ffff:10.1.1.1", 80, SKT_REACH_NAMED);
    is_judged(&r, "10.1.2.1", 80, SKT_REACH_DENIED);
    is_judged(&r, "::ffff:10.1.2.1", 80, SKT_REACH_DENIED);
    is_judged(&r, "10.2.0.1", 80, SKT_REACH_LOCAL);
    is_judged(&r, "127.0.0.1", 80, SKT_REACH_LOCAL);
    is_judged(&r, "fd00::1", 53, SKT_REACH_NAMED);
    is_judged(&r, "fd00::1", 54, SKT_REACH_LOCAL);
}

static void without_any_only_what_is_named(void **state)
{
    (void)state;
    struct skt_reach_rule allow[1];
    struct skt_reach r = {.any = false};
    is_judged(&r, "1.1.1.1", 443, SKT_REACH_NOT_NAMED);
    r.allow = rules(allow, 1, (const char *const[]){"1.1.1.0/24:400-500"});
    is_judged(&r, "1.1.1.1", 443, SKT_REACH_NAMED);
    is_judged(&r, "1.1.1.1", 80, SKT_REACH_NOT_NAMED);
    is_judged(&r, "10.0.0.1", 443, SKT_REACH_LOCAL);
}

static void addresses_lose_their_coat(void **state)
{
    (void)state;
    struct skt_addr a = addr("::ffff:192.0.2.7", 81), plain = skt_reach_plain(&a),
                    want = addr("192.0.2.7", 81);
    assert_true(skt_addr_equal(&plain, &want));
    a = addr("2001:db8::7", 81);
    plain = skt_reach_plain(&a);
    assert_true(skt_addr_equal(&plain, &a));
}

CHECK_GROUP(reach)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_read),
        cmocka_unit_test(what_is_no_rule_is_refused),
        cmocka_unit_test(local_addresses_are_known),
        cmocka_unit_test(denials_go_first),
        cmocka_unit_test(without_any_only_what_is_named),
        cmocka_unit_test(addresses_lose_their_coat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
