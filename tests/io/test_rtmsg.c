/* SPDX-License-Identifier: MIT */
#include "io/rtmsg.h"

#include "base/check.h"
#include "base/err.h"

#include <string.h>

/* Numbers are in the order of the machine that runs the test. */
static uint32_t u32_at(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static uint16_t u16_at(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}

static struct skt_ipnet net(const char *text)
{
    struct skt_ipnet n;
    assert_int_equal(skt_ipnet_parse(&n, text), SKT_OK);
    return n;
}

/* What `route add -net 10.1.0.0/16 -interface utun4` says, address by address. */
static void a_network_on_a_link_has_three_addresses(void **state)
{
    (void)state;
    static const uint8_t dst[16] = {16, 2, 0, 0, 10, 1}, mask[16] = {16, 2, 0, 0, 255, 255};
    uint8_t m[SKT_RTMSG_LEN_MAX], link[20] = {20, 18};
    uint16_t index = 7;
    memcpy(link + 2, &index, 2);
    struct skt_net_route route = {.dst = net("10.1.2.3/16"), .ifindex = 7};
    assert_int_equal(skt_rtmsg_build(m, SKT_RTMSG_ADD, &route), 92 + 16 + 20 + 16);
    assert_int_equal(u16_at(m), 144);
    assert_int_equal(m[2], 5);
    assert_int_equal(m[3], 1);
    assert_int_equal(u32_at(m + 8), 0x8801); /* up, static, protocol 1: no gateway, no host */
    assert_int_equal(u32_at(m + 12), 7);     /* destination, gateway, mask */
    assert_memory_equal(m + 92, dst, 16);
    assert_memory_equal(m + 108, link, 20);
    assert_memory_equal(m + 128, mask, 16);
}

static void a_host_by_a_gateway_has_no_mask(void **state)
{
    (void)state;
    uint8_t m[SKT_RTMSG_LEN_MAX];
    struct skt_net_route route = {.dst = net("2001:db8::5"), .gateway = net("fe80::1"), .ifindex = 4};
    assert_int_equal(skt_rtmsg_build(m, SKT_RTMSG_DELETE, &route), 92 + 28 + 28);
    assert_int_equal(m[3], 2);
    assert_int_equal(u32_at(m + 8), 0x8807);
    assert_int_equal(u32_at(m + 12), 3);
    assert_int_equal(m[92], 28);
    assert_int_equal(m[93], 30);
    assert_memory_equal(m + 92 + 8, route.dst.ip, 16);
    assert_memory_equal(m + 92 + 28 + 8, route.gateway.ip, 16);
}

static void the_default_route_has_a_mask_of_zeros(void **state)
{
    (void)state;
    static const uint8_t mask[28] = {28, 30};
    uint8_t m[SKT_RTMSG_LEN_MAX];
    struct skt_net_route route = {.dst = net("::/0"), .ifindex = 4};
    assert_int_equal(skt_rtmsg_build(m, SKT_RTMSG_ADD, &route), 92 + 28 + 20 + 28);
    assert_memory_equal(m + 92 + 28 + 20, mask, 28);
}

/* --- the table --- */

struct table {
    uint8_t bytes[2048];
    size_t len;
};

/* An entry as the kernel writes it; the mask of mask_len bytes (0: an empty address; -1: none at all). */
static void add_entry(struct table *t, int flags, unsigned ifindex, const char *dst, const char *gateway,
                      int mask_len, const uint8_t *mask)
{
    uint8_t *m = t->bytes + t->len, *at = m + SKT_RTMSG_HEADER_LEN;
    struct skt_ipnet d = net(dst), g = gateway ? net(gateway) : (struct skt_ipnet){0};
    uint16_t index = (uint16_t)ifindex;
    int32_t addrs = mask_len < 0 ? 3 : 7, f = flags | (gateway ? SKT_RTF_GATEWAY : 0);
    size_t offset = d.family == 4 ? 4 : 8, ip_len = d.family == 4 ? 4 : 16;
    uint8_t sa_len = d.family == 4 ? 16 : 28, family = d.family == 4 ? 2 : 30;
    at[0] = sa_len;
    at[1] = family;
    memcpy(at + offset, d.ip, ip_len);
    at += sa_len;
    at[0] = gateway ? sa_len : 20;
    at[1] = gateway ? family : 18;
    if (gateway)
        memcpy(at + offset, g.ip, ip_len);
    at += at[0];
    if (mask_len > 0) {
        at[0] = (uint8_t)mask_len;
        memcpy(at + offset, mask, (size_t)mask_len - offset);
    }
    at += mask_len < 0 ? 0 : mask_len == 0 ? 4 : (mask_len + 3) & ~3;
    uint16_t len = (uint16_t)(at - m);
    memcpy(m, &len, 2);
    m[2] = SKT_RTMSG_VERSION;
    m[3] = SKT_RTMSG_GET;
    memcpy(m + 4, &index, 2);
    memcpy(m + 8, &f, 4);
    memcpy(m + 12, &addrs, 4);
    t->len += len;
    check_that(t->len, <, sizeof t->bytes - 300);
}

static const uint8_t ones[16] = {255, 255, 255, 255, 255, 255, 255, 255};

/* A Wi-Fi network with a default route, a second line's scoped one, our own, and neighbours. */
static void fill(struct table *t)
{
    memset(t, 0, sizeof *t);
    add_entry(t, SKT_RTF_UP | SKT_RTF_STATIC, 4, "0.0.0.0", "192.168.1.1", 0, NULL);
    add_entry(t, SKT_RTF_UP | SKT_RTF_IFSCOPE, 5, "0.0.0.0", "172.16.0.1", 0, NULL);
    add_entry(t, SKT_RTF_UP | SKT_RTF_OURS, 9, "0.0.0.0", NULL, 5, (const uint8_t[]){0x80});
    add_entry(t, SKT_RTF_UP, 4, "192.168.1.0", NULL, 7, ones);
    add_entry(t, SKT_RTF_UP | SKT_RTF_HOST | SKT_RTF_LLINFO, 4, "192.168.1.9", NULL, -1, NULL);
    add_entry(t, SKT_RTF_UP, 8, "10.0.0.0", "192.168.1.2", 5, ones);
    add_entry(t, SKT_RTF_UP | SKT_RTF_REJECT, 1, "10.3.0.0", NULL, 6, ones);
    add_entry(t, 0, 6, "10.4.0.0", NULL, 6, ones);
    add_entry(t, SKT_RTF_UP | SKT_RTF_OURS | SKT_RTF_HOST, 4, "203.0.113.5", "192.168.1.1", -1, NULL);
}

static void expect(const struct table *t, const char *host, unsigned without, unsigned ifindex,
                   const char *gateway)
{
    struct skt_net_route out;
    struct skt_ipnet h = net(host), g = gateway ? net(gateway) : (struct skt_ipnet){0};
    assert_int_equal(skt_rtmsg_find(t->bytes, t->len, &h, without, &out), SKT_OK);
    assert_int_equal(out.ifindex, ifindex);
    assert_int_equal(out.gateway.family, g.family);
    assert_memory_equal(out.gateway.ip, g.ip, 16);
    assert_memory_equal(out.dst.ip, h.ip, 16);
}

static void the_longest_prefix_wins(void **state)
{
    (void)state;
    struct table t;
    struct skt_net_route out;
    struct skt_ipnet h6 = net("2001:db8::5");
    fill(&t);
    expect(&t, "203.0.113.5", 9, 4, "192.168.1.1"); /* neither ours nor the scoped one */
    expect(&t, "192.168.1.9", 9, 4, NULL);
    expect(&t, "10.9.9.9", 9, 8, "192.168.1.2");
    expect(&t, "10.9.9.9", 8, 4, "192.168.1.1");
    expect(&t, "10.3.0.1", 9, 8, "192.168.1.2"); /* what rejects is no way out */
    expect(&t, "10.4.0.1", 9, 8, "192.168.1.2"); /* nor what is down */
    assert_int_equal(skt_rtmsg_find(t.bytes, t.len, &h6, 0, &out), SKT_ERR_NOTFOUND);
    add_entry(&t, SKT_RTF_UP, 4, "::", "fe80:4::1", -1, NULL); /* without a mask: the default */
    add_entry(&t, SKT_RTF_UP, 4, "2001:db8::", NULL, 16, ones);
    expect(&t, "2001:db8::5", 0, 4, NULL);
    expect(&t, "2001:db9::5", 0, 4, "fe80:4::1");
}

static void only_marked_routes_are_ours(void **state)
{
    (void)state;
    struct table t;
    fill(&t);
    struct skt_ipnet half = net("0.0.0.0/1"), all = net("0.0.0.0/0"), host = net("203.0.113.5");
    assert_true(skt_rtmsg_has_ours(t.bytes, t.len, &half));
    assert_false(skt_rtmsg_has_ours(t.bytes, t.len, &all));
    assert_true(skt_rtmsg_has_ours(t.bytes, t.len, &host));
}

/* A table cut off anywhere, or with a byte changed, is read without leaving it (sanitizers watch). */
static void nothing_is_read_outside_the_table(void **state)
{
    (void)state;
    struct table t;
    struct skt_net_route out;
    struct skt_ipnet host = net("203.0.113.5");
    fill(&t);
    for (size_t len = 0; len < t.len; len++) {
        uint8_t *copy = test_malloc(len ? len : 1);
        memcpy(copy, t.bytes, len);
        (void)skt_rtmsg_find(copy, len, &host, 9, &out);
        test_free(copy);
    }
    for (size_t at = 0; at < t.len; at++)
        for (unsigned value = 0; value < 256; value += 51) {
            uint8_t *copy = test_malloc(t.len);
            memcpy(copy, t.bytes, t.len);
            copy[at] = (uint8_t)value;
            (void)skt_rtmsg_find(copy, t.len, &host, 9, &out);
            (void)skt_rtmsg_has_ours(copy, t.len, &host);
            test_free(copy);
        }
}

CHECK_GROUP(rtmsg)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_on_a_link_has_three_addresses),
        cmocka_unit_test(a_host_by_a_gateway_has_no_mask),
        cmocka_unit_test(the_default_route_has_a_mask_of_zeros),
        cmocka_unit_test(the_longest_prefix_wins),
        cmocka_unit_test(only_marked_routes_are_ours),
        cmocka_unit_test(nothing_is_read_outside_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
