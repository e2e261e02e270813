/* SPDX-License-Identifier: MIT */
/* Which sources a client takes from its server. */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "io/ifaddr.h"
#include "tunnel/switch_source.h"

#define SEC SKT_US_PER_SEC

static struct skt_ipnet net(const char *text)
{
    struct skt_ipnet n;
    assert_int_equal(skt_ipnet_parse(&n, text), SKT_OK);
    return n;
}

static bool ok(struct skt_switch_sources *t, const char *ip)
{
    struct skt_ipnet n = net(ip);
    return skt_switch_source_ok(t, 5 * SEC, n.family, n.ip);
}

/* As if the interfaces had been looked at: an office's network, a wide one of another tunnel, one of IPv6. */
static struct skt_switch_sources sources(void)
{
    return (struct skt_switch_sources){
        .tun = "none",
        .own = {net("10.9.0.2/24"), net("fd00:9::2/64")},
        .near = {net("192.168.1.7/24"), net("172.16.0.1/12"), net("2001:db8:1::5/64")},
        .near_count = 3,
        .look_at = SKT_NEVER};
}

static void test_what_is_elsewhere(void **state)
{
    (void)state;
    static const char *const good[] = {"10.9.0.1",   "10.9.0.77",     "8.8.8.8",      "192.168.2.1",
                                       "100.64.0.1", "172.32.0.1",    "223.1.2.3",    "2001:db8:2::1",
                                       "fd00:9::1",  "64:ff9b::1",    "2606:4700::1", "1.0.0.1",
                                       "fc00::1",    "::ffff:8.8.8.8"};
    struct skt_switch_sources t = sources();
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!ok(&t, good[i]))
            fail_msg("%s", good[i]);
}

static void test_what_is_here_or_nowhere(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "10.9.0.2",  "fd00:9::2", "192.168.1.7",     "192.168.1.200", "172.20.1.1",
        "127.0.0.1", "127.9.9.9", "0.0.0.0",         "0.1.2.3",       "224.0.0.1",
        "239.1.1.1", "240.0.0.1", "255.255.255.255", "169.254.1.1",   "::",
        "::1",       "ff02::1",   "fe80::1",         "2001:db8:1::9", "::ffff:127.0.0.1"};
    struct skt_switch_sources t = sources();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ok(&t, bad[i]))
            fail_msg("%s", bad[i]);
}

/* Where the configuration sends a part of a near network into the TUN, its hosts are behind the TUN. */
static void test_routes_into_the_tun(void **state)
{
    (void)state;
    const struct skt_ipnet routes[] = {net("172.20.0.0/16"), net("0.0.0.0/0"), net("2001:db8:1::/64")};
    struct skt_switch_sources t = sources();
    t.routes = routes;
    t.route_count = 3;
    assert_true(ok(&t, "172.20.1.1"));
    assert_false(ok(&t, "172.21.1.1")); /* the way to everywhere leaves out what is near */
    assert_false(ok(&t, "192.168.1.200"));
    assert_true(ok(&t, "2001:db8:1::9"));
}

/* The interfaces are looked at again when that was long ago, and not for each packet. */
static void test_networks_come_and_go(void **state)
{
    (void)state;
    struct skt_switch_sources t = sources();
    struct skt_ipnet n = net("192.168.1.200");
    t.look_at = 10 * SEC;
    assert_false(skt_switch_source_ok(&t, 9 * SEC, 4, n.ip));
    (void)skt_switch_source_ok(&t, 10 * SEC, 4, n.ip);
    assert_true(t.look_at > 10 * SEC && t.look_at <= 60 * SEC);
    for (size_t i = 0; i < t.near_count; i++)
        assert_true(t.near[i].prefix > 0 && (t.near[i].family == 4 || t.near[i].family == 6));
}

static void test_interfaces(void **state)
{
    (void)state;
    struct skt_ipnet nets[4];
    size_t n = skt_ifaddr_nets(nets, 4, NULL);
    check_that(n, <=, 4);
    for (size_t i = 0; i < n; i++)
        assert_true(nets[i].prefix > 0 && nets[i].ip[0] != 127);
    assert_int_equal(skt_ifaddr_nets(nets, 0, "none"), 0);
}

CHECK_GROUP(switch_source)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_elsewhere),   cmocka_unit_test(test_what_is_here_or_nowhere),
        cmocka_unit_test(test_routes_into_the_tun), cmocka_unit_test(test_networks_come_and_go),
        cmocka_unit_test(test_interfaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
