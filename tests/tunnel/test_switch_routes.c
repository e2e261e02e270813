/* SPDX-License-Identifier: MIT */
/* The table of addresses, against a plain list. */
#include "base/err.h"
#include "sim/rng.h"
#include "tunnel/switch_routes.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

static struct skt_ipnet net_of(const char *text)
{
    struct skt_ipnet net;
    assert_int_equal(skt_ipnet_parse(&net, text), SKT_OK);
    return net;
}

static void *find(const struct skt_switch_routes *t, const char *ip)
{
    struct skt_ipnet net = net_of(ip);
    return skt_switch_routes_find(t, net.family, net.ip);
}

static void test_longest_prefix_wins(void **state)
{
    (void)state;
    struct skt_switch_routes t;
    int a, b, c;
    struct {
        const char *net;
        void *owner;
    } entries[] = {{"10.0.0.0/8", &a},  {"10.1.0.0/16", &b}, {"10.1.2.3", &c},   {"0.0.0.0/0", &c},
                   {"fd00:1::/32", &a}, {"fd00:1::5", &b},   {"10.1.2.0/24", &a}};
    skt_switch_routes_init(&t);
    assert_null(find(&t, "10.0.0.1"));
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        struct skt_ipnet net = net_of(entries[i].net);
        assert_int_equal(skt_switch_routes_add(&t, &net, entries[i].owner), SKT_OK);
        assert_ptr_equal(skt_switch_routes_exact(&t, &net), entries[i].owner);
    }
    assert_ptr_equal(find(&t, "10.200.0.1"), &a);
    assert_ptr_equal(find(&t, "10.1.9.9"), &b);
    assert_ptr_equal(find(&t, "10.1.2.9"), &a);
    assert_ptr_equal(find(&t, "10.1.2.3"), &c);
    assert_ptr_equal(find(&t, "192.0.2.1"), &c);
    assert_ptr_equal(find(&t, "fd00:1::6"), &a);
    assert_ptr_equal(find(&t, "fd00:1::5"), &b);
    assert_null(find(&t, "fd00:2::1"));
    skt_switch_routes_remove(&t, &c);
    assert_ptr_equal(find(&t, "10.1.2.3"), &a);
    assert_null(find(&t, "192.0.2.1"));
    skt_switch_routes_dispose(&t);
}

static void test_what_is_taken_stays_taken(void **state)
{
    (void)state;
    struct skt_switch_routes t;
    int a, b;
    skt_switch_routes_init(&t);
    struct skt_ipnet host = net_of("10.0.0.2"), net = net_of("10.0.0.9/24"), same = net_of("10.0.0.0/24");
    assert_int_equal(skt_switch_routes_add(&t, &host, &a), SKT_OK);
    assert_int_equal(skt_switch_routes_add(&t, &host, &a), SKT_OK);
    assert_int_equal(skt_switch_routes_add(&t, &host, &b), SKT_ERR_FULL);
    assert_int_equal(skt_switch_routes_add(&t, &net, &b), SKT_OK);
    assert_int_equal(skt_switch_routes_add(&t, &same, &a), SKT_ERR_FULL);
    assert_ptr_equal(find(&t, "10.0.0.2"), &a);
    skt_switch_routes_remove(&t, &a);
    assert_ptr_equal(find(&t, "10.0.0.2"), &b);
    skt_switch_routes_dispose(&t);
}

enum { HOSTS = 3000 };

static void test_many_hosts_come_and_go(void **state)
{
    (void)state;
    struct skt_switch_routes t;
    static int owners[HOSTS];
    static bool there[HOSTS];
    struct sim_rng rng = sim_rng_of(4);
    skt_switch_routes_init(&t);
    for (int i = 0; i < 20000; i++) {
        uint32_t n = (uint32_t)sim_rng_below(&rng, HOSTS);
        uint8_t ip[4] = {10, 7, (uint8_t)(n >> 8), (uint8_t)n};
        struct skt_ipnet host = skt_ipnet_host(4, ip);
        assert_ptr_equal(skt_switch_routes_find(&t, 4, ip), there[n] ? &owners[n] : NULL);
        if (there[n])
            skt_switch_routes_remove(&t, &owners[n]);
        else
            assert_int_equal(skt_switch_routes_add(&t, &host, &owners[n]), SKT_OK);
        there[n] = !there[n];
    }
    skt_switch_routes_dispose(&t);
}

CHECK_GROUP(switch_routes)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_prefix_wins),
        cmocka_unit_test(test_what_is_taken_stays_taken),
        cmocka_unit_test(test_many_hosts_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
