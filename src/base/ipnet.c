/* SPDX-License-Identifier: MIT */
#include "base/ipnet.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static unsigned bits_of(uint8_t family)
{
    return family == 4 ? 32 : family == 6 ? 128 : 0;
}

/* An address in text: its family, 0 for none. */
static uint8_t parse_ip(uint8_t ip[16], const char *text)
{
    memset(ip, 0, 16);
    if (inet_pton(AF_INET, text, ip) == 1)
        return 4;
    return inet_pton(AF_INET6, text, ip) == 1 ? 6 : 0;
}

/* A decimal number without sign or leading zeros, at most `most`; -1. */
static int parse_prefix(const char *text, unsigned most)
{
    unsigned value = 0;
    if (!*text || (text[0] == '0' && text[1]))
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (unsigned)(*text - '0');
        if (value > most)
            return -1;
    }
    return (int)value;
}

int skt_ipnet_parse(struct skt_ipnet *net, const char *text)
{
    char ip[SKT_IPNET_TEXT_MAX];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof ip)
        return SKT_ERR_ARG;
    memcpy(ip, text, len);
    ip[len] = '\0';
    struct skt_ipnet result = {0};
    result.family = parse_ip(result.ip, ip);
    if (!result.family)
        return SKT_ERR_ARG;
    unsigned bits = bits_of(result.family);
    int prefix = slash ? parse_prefix(slash + 1, bits) : (int)bits;
    if (prefix < 0)
        return SKT_ERR_ARG;
    result.prefix = (uint8_t)prefix;
    *net = result;
    return SKT_OK;
}

int skt_ipnet_parse_mask(struct skt_ipnet *net, const char *ip, const char *mask)
{
    struct skt_ipnet result = {0};
    uint8_t m[16];
    if (parse_ip(result.ip, ip) != 4 || parse_ip(m, mask) != 4)
        return SKT_ERR_ARG;
    uint32_t bits = (uint32_t)m[0] << 24 | (uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | m[3];
    while (bits & UINT32_C(1) << 31) {
        result.prefix++;
        bits <<= 1;
    }
    if (bits)
        return SKT_ERR_ARG;
    result.family = 4;
    *net = result;
    return SKT_OK;
}

struct skt_ipnet skt_ipnet_host(uint8_t family, const uint8_t *ip)
{
    struct skt_ipnet net = {.family = family, .prefix = (uint8_t)bits_of(family)};
    memcpy(net.ip, ip, bits_of(family) / 8);
    return net;
}

const char *skt_ipnet_text(const struct skt_ipnet *net, bool with_prefix, char buf[SKT_IPNET_TEXT_MAX])
{
    int family = net->family == 4 ? AF_INET : AF_INET6;
    if (!net->family || !inet_ntop(family, net->ip, buf, SKT_IPNET_TEXT_MAX)) {
        memcpy(buf, "none", sizeof "none");
        return buf;
    }
    size_t len = strlen(buf);
    if (with_prefix)
        snprintf(buf + len, SKT_IPNET_TEXT_MAX - len, "/%u", (unsigned)net->prefix);
    return buf;
}

/* The part of byte i that belongs to a prefix. */
static uint8_t mask_byte(unsigned prefix, unsigned i)
{
    unsigned start = i * 8;
    if (prefix >= start + 8)
        return 0xff;
    if (prefix <= start)
        return 0;
    return (uint8_t)(0xff << (8 - (prefix - start)));
}

struct skt_ipnet skt_ipnet_masked(const struct skt_ipnet *net)
{
    struct skt_ipnet result = *net;
    for (unsigned i = 0; i < 16; i++)
        result.ip[i] &= mask_byte(net->prefix, i);
    return result;
}

bool skt_ipnet_has(const struct skt_ipnet *net, uint8_t family, const uint8_t *ip)
{
    if (!net->family || net->family != family)
        return false;
    for (unsigned i = 0; i * 8 < net->prefix; i++)
        if ((net->ip[i] ^ ip[i]) & mask_byte(net->prefix, i))
            return false;
    return true;
}

bool skt_ipnet_broadcast(const struct skt_ipnet *net, uint8_t ip[4])
{
    if (net->family != 4 || net->prefix > 30)
        return false;
    for (unsigned i = 0; i < 4; i++)
        ip[i] = (uint8_t)(net->ip[i] | (uint8_t)~mask_byte(net->prefix, i));
    return true;
}
