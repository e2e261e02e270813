/* SPDX-License-Identifier: MIT */
#include "io/rtmsg.h"

#include "base/err.h"

#include <string.h>

/* Bytes that an address takes in a message: padded to 4, and 4 where it is empty. */
static size_t padded(size_t len)
{
    return len ? (len + 3) & ~(size_t)3 : 4;
}

/* Where the address is in a sockaddr_in or sockaddr_in6, and how long. */
static size_t ip_offset(uint8_t family)
{
    return family == 4 ? 4 : 8;
}

static size_t ip_len(uint8_t family)
{
    return family == 4 ? 4 : 16;
}

/* --- building --- */

static size_t put_ip(uint8_t *at, uint8_t family, const uint8_t *ip)
{
    size_t len = family == 4 ? SKT_RTMSG_INET_LEN : SKT_RTMSG_INET6_LEN;
    memset(at, 0, len);
    at[0] = (uint8_t)len;
    at[1] = family == 4 ? SKT_RTMSG_INET : SKT_RTMSG_INET6;
    memcpy(at + ip_offset(family), ip, ip_len(family));
    return padded(len);
}

/* An interface as a gateway: the network is on its link. */
static size_t put_link(uint8_t *at, unsigned ifindex)
{
    uint16_t index = (uint16_t)ifindex;
    memset(at, 0, SKT_RTMSG_LINK_LEN);
    at[0] = SKT_RTMSG_LINK_LEN;
    at[1] = SKT_RTMSG_LINK;
    memcpy(at + 2, &index, 2);
    return padded(SKT_RTMSG_LINK_LEN);
}

static size_t put_mask(uint8_t *at, const struct skt_ipnet *net)
{
    struct skt_ipnet ones = {.family = net->family, .prefix = net->prefix};
    memset(ones.ip, 0xff, ip_len(net->family));
    ones = skt_ipnet_masked(&ones);
    return put_ip(at, net->family, ones.ip);
}

size_t skt_rtmsg_build(uint8_t out[SKT_RTMSG_LEN_MAX], uint8_t type, const struct skt_net_route *route)
{
    struct skt_ipnet dst = skt_ipnet_masked(&route->dst);
    int32_t flags = SKT_RTF_UP | SKT_RTF_STATIC | SKT_RTF_OURS;
    int32_t addrs = 1 << SKT_RTMSG_DST | 1 << SKT_RTMSG_GATEWAY, seq = 1;
    size_t len = SKT_RTMSG_HEADER_LEN;
    memset(out, 0, SKT_RTMSG_LEN_MAX);
    len += put_ip(out + len, dst.family, dst.ip);
    if (route->gateway.family) {
        flags |= SKT_RTF_GATEWAY;
        len += put_ip(out + len, route->gateway.family, route->gateway.ip);
    } else {
        len += put_link(out + len, route->ifindex);
    }
    if (dst.prefix == 8 * ip_len(dst.family)) {
        flags |= SKT_RTF_HOST;
    } else {
        addrs |= 1 << SKT_RTMSG_NETMASK;
        len += put_mask(out + len, &dst);
    }
    uint16_t len16 = (uint16_t)len;
    memcpy(out, &len16, 2);
    out[SKT_RTMSG_AT_VERSION] = SKT_RTMSG_VERSION;
    out[SKT_RTMSG_AT_TYPE] = type;
    memcpy(out + SKT_RTMSG_AT_FLAGS, &flags, 4);
    memcpy(out + SKT_RTMSG_AT_ADDRS, &addrs, 4);
    memcpy(out + SKT_RTMSG_AT_SEQ, &seq, 4);
    return len;
}

/* --- reading --- */

/* What is of interest in an entry. */
struct entry {
    int32_t flags;            /* SKT_RTF_* */
    unsigned ifindex;         /* by which interface */
    struct skt_ipnet dst;     /* where packets go */
    struct skt_ipnet gateway; /* family 0: none, or no address of a host */
};

/* An address of sa_len bytes. IPv4 ones may end early, where only zeros would follow. */
static void read_ip(struct skt_ipnet *net, const uint8_t *sa, size_t sa_len)
{
    *net = (struct skt_ipnet){0};
    if (sa_len >= 8 && sa[1] == SKT_RTMSG_INET)
        *net = skt_ipnet_host(4, sa + ip_offset(4));
    else if (sa_len >= 24 && sa[1] == SKT_RTMSG_INET6)
        *net = skt_ipnet_host(6, sa + ip_offset(6));
}

/* Masks end where only zeros follow, may be of length 0, and often have no family. */
static uint8_t read_prefix(const uint8_t *sa, size_t sa_len, uint8_t family)
{
    size_t start = ip_offset(family), end = start + ip_len(family);
    uint8_t prefix = 0;
    for (size_t i = start; i < end && i < sa_len; i++)
        for (uint8_t bits = sa[i]; bits & 0x80; bits = (uint8_t)(bits << 1))
            prefix++;
    return prefix;
}

/* The addresses of a message; false where the destination is missing or of another family. */
static bool read_addresses(struct entry *e, int32_t addrs, const uint8_t *at, const uint8_t *end)
{
    bool masked = false;
    for (int i = 0; i < SKT_RTMSG_ADDRESSES && at < end; i++) {
        if (!(addrs & 1 << i))
            continue;
        size_t len = at[0], left = (size_t)(end - at);
        if (len > left || len == 1)
            return false;
        if (i == SKT_RTMSG_DST) {
            read_ip(&e->dst, at, len);
        } else if (i == SKT_RTMSG_GATEWAY) {
            read_ip(&e->gateway, at, len);
        } else if (i == SKT_RTMSG_NETMASK && e->dst.family && !(e->flags & SKT_RTF_HOST)) {
            e->dst.prefix = read_prefix(at, len, e->dst.family);
            masked = true;
        }
        at += padded(len) < left ? padded(len) : left;
    }
    if (!masked && !(e->flags & SKT_RTF_HOST))
        e->dst.prefix = 0; /* only the default route goes without */
    return e->dst.family != 0;
}

/* Reads the entry at *at and moves on. False: the end, or what is no table. */
static bool next_entry(const uint8_t *table, size_t len, size_t *at, struct entry *e)
{
    while (len - *at >= SKT_RTMSG_HEADER_LEN) {
        const uint8_t *m = table + *at;
        uint16_t m_len, index;
        int32_t addrs;
        memcpy(&m_len, m, 2);
        if (m_len < SKT_RTMSG_HEADER_LEN || m_len > len - *at)
            return false;
        *at += m_len;
        memcpy(&index, m + SKT_RTMSG_AT_INDEX, 2);
        memcpy(&addrs, m + SKT_RTMSG_AT_ADDRS, 4);
        *e = (struct entry){.ifindex = index};
        memcpy(&e->flags, m + SKT_RTMSG_AT_FLAGS, 4);
        if (m[SKT_RTMSG_AT_VERSION] == SKT_RTMSG_VERSION &&
            read_addresses(e, addrs, m + SKT_RTMSG_HEADER_LEN, m + m_len))
            return true;
    }
    return false;
}

int skt_rtmsg_find(const uint8_t *table, size_t len, const struct skt_ipnet *host, unsigned without,
                   struct skt_net_route *out)
{
    const int32_t never = SKT_RTF_OURS | SKT_RTF_REJECT | SKT_RTF_BLACKHOLE | SKT_RTF_LLINFO |
                          SKT_RTF_WASCLONED | SKT_RTF_IFSCOPE;
    int best_prefix = -1;
    struct entry e;
    for (size_t at = 0; next_entry(table, len, &at, &e);) {
        if (!(e.flags & SKT_RTF_UP) || e.flags & never || e.ifindex == 0 || e.ifindex == without ||
            e.dst.prefix <= best_prefix || !skt_ipnet_has(&e.dst, host->family, host->ip))
            continue;
        best_prefix = e.dst.prefix;
        *out = (struct skt_net_route){.dst = *host, .ifindex = e.ifindex};
        if (e.flags & SKT_RTF_GATEWAY)
            out->gateway = e.gateway;
    }
    return best_prefix < 0 ? SKT_ERR_NOTFOUND : SKT_OK;
}

bool skt_rtmsg_has_ours(const uint8_t *table, size_t len, const struct skt_ipnet *dst)
{
    struct skt_ipnet wanted = skt_ipnet_masked(dst);
    struct entry e;
    for (size_t at = 0; next_entry(table, len, &at, &e);)
        if (e.flags & SKT_RTF_OURS && e.dst.family == wanted.family && e.dst.prefix == wanted.prefix &&
            memcmp(e.dst.ip, wanted.ip, sizeof wanted.ip) == 0)
            return true;
    return false;
}
