/* SPDX-License-Identifier: MIT */
#include "base/ippkt.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/netorder.h"

#include <string.h>

/* Headers: RFC 791 (IPv4), 8200 (IPv6), 9293 (TCP), 768 (UDP). */
enum {
    IP4_HEADER = 20,      /* bytes, without options */
    IP6_HEADER = 40,      /* bytes, without extension headers */
    TCP_HEADER = 20,      /* bytes, without options */
    UDP_HEADER = 8,       /* bytes */
    UDP_CHECKSUM = 6,     /* offset of the field */
    IP4_FLAG_DF = 0x4000, /* "don't fragment", beside the offset */
    IP4_FLAG_MF = 0x2000, /* "more fragments" */
    IP4_OFFSET = 0x1fff,  /* the fragment's offset, in units of 8 bytes */
    IP6_HEADERS_MAX = 16, /* extension headers that are followed: honest packets have a few */
};

/* --- reading --- */

static int parse_4(struct skt_ippkt *p, const uint8_t *packet, size_t len, bool *later)
{
    if (len < IP4_HEADER)
        return SKT_ERR_TRUNCATED;
    size_t header = (size_t)(packet[0] & 15) * 4;
    p->len = skt_net_get16(packet + 2);
    if (header < IP4_HEADER || p->len < header)
        return SKT_ERR_MALFORMED;
    if (p->len > len)
        return SKT_ERR_TRUNCATED;
    unsigned fragment = skt_net_get16(packet + 6);
    p->df = (fragment & IP4_FLAG_DF) != 0;
    p->fragment = (fragment & (IP4_FLAG_MF | IP4_OFFSET)) != 0;
    *later = (fragment & IP4_OFFSET) != 0;
    p->id = skt_net_get16(packet + 4);
    p->ecn = packet[1] & 3;
    p->ttl = packet[8];
    p->protocol = packet[9];
    p->src = packet + 12;
    p->dst = packet + 16;
    p->transport = header;
    return SKT_OK;
}

/* Hop-by-hop options, routing, destination options; the fragment and authentication headers besides. */
static bool is_extension(uint8_t header)
{
    return header == 0 || header == 43 || header == 44 || header == 51 || header == 60;
}

/* Steps over extension headers. A packet may end in the middle of them: what they hide stays unknown. */
static void skip_extensions(struct skt_ippkt *p, const uint8_t *packet, bool *later)
{
    for (int i = 0; i < IP6_HEADERS_MAX && is_extension(p->protocol) && p->transport + 8 <= p->len; i++) {
        const uint8_t *h = packet + p->transport;
        size_t header = 8 + (size_t)h[1] * 8;
        if (p->protocol == 44) {
            header = 8;
            p->fragment = (skt_net_get16(h + 2) & 0xfff9) != 0; /* not "atomic" (RFC 6946) */
            *later = (skt_net_get16(h + 2) & 0xfff8) != 0;
            p->id = skt_net_get16(h + 6);
        } else if (p->protocol == 51) {
            header = 8 + (size_t)h[1] * 4;
        }
        if (p->transport + header > p->len)
            return;
        p->protocol = h[0];
        p->transport += header;
        if (*later)
            return;
    }
}

static int parse_6(struct skt_ippkt *p, const uint8_t *packet, size_t len, bool *later)
{
    if (len < IP6_HEADER)
        return SKT_ERR_TRUNCATED;
    p->len = (size_t)skt_net_get16(packet + 4) + IP6_HEADER;
    if (p->len > len)
        return SKT_ERR_TRUNCATED;
    p->df = true;
    p->ecn = (uint8_t)(packet[1] >> 4 & 3);
    p->protocol = packet[6];
    p->ttl = packet[7];
    p->src = packet + 8;
    p->dst = packet + 24;
    p->transport = IP6_HEADER;
    skip_extensions(p, packet, later);
    return SKT_OK;
}

static void parse_ports(struct skt_ippkt *p, const uint8_t *packet)
{
    const uint8_t *t = packet + p->transport;
    size_t left = p->len - p->transport;
    size_t header;
    if (p->protocol == SKT_IPPKT_UDP) {
        header = UDP_HEADER;
    } else if (p->protocol == SKT_IPPKT_TCP && left >= TCP_HEADER) {
        header = (size_t)(t[12] >> 4) * 4;
        if (header < TCP_HEADER)
            return;
        p->tcp_flags = t[13];
    } else {
        return;
    }
    if (left < header)
        return;
    p->has_ports = true;
    p->src_port = skt_net_get16(t);
    p->dst_port = skt_net_get16(t + 2);
    p->payload = p->transport + header;
}

int skt_ippkt_parse(struct skt_ippkt *out, const uint8_t *packet, size_t len)
{
    struct skt_ippkt p = {0};
    bool later = false;
    if (len == 0)
        return SKT_ERR_TRUNCATED;
    p.version = packet[0] >> 4;
    int err = SKT_ERR_MALFORMED;
    if (p.version == 4)
        err = parse_4(&p, packet, len, &later);
    else if (p.version == 6)
        err = parse_6(&p, packet, len, &later);
    if (err)
        return err;
    p.payload = p.transport;
    if (!later)
        parse_ports(&p, packet);
    *out = p;
    return SKT_OK;
}

/* --- flows --- */

/* One round of a 64-bit mixer: multiply and fold, both halves. */
static uint64_t mix(uint64_t h, uint64_t word)
{
    h ^= word;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 29;
}

uint64_t skt_ippkt_hash(const struct skt_ippkt *p, uint64_t key)
{
    uint64_t h = mix(key, (uint64_t)p->version << 8 | p->protocol);
    if (p->version == 4) {
        h = mix(h, (uint64_t)skt_get_u32(p->src) << 32 | skt_get_u32(p->dst));
    } else {
        h = mix(mix(h, skt_get_u64(p->src)), skt_get_u64(p->src + 8));
        h = mix(mix(h, skt_get_u64(p->dst)), skt_get_u64(p->dst + 8));
    }
    if (p->fragment)
        return mix(h, UINT64_C(1) << 32 | p->id);
    return p->has_ports ? mix(h, (uint64_t)p->src_port << 16 | p->dst_port) : h;
}

bool skt_ippkt_is_multicast(uint8_t version, const uint8_t *ip)
{
    return version == 4 ? (ip[0] & 0xf0) == 0xe0 : ip[0] == 0xff;
}

bool skt_ippkt_is_broadcast(uint8_t version, const uint8_t *ip)
{
    return version == 4 && (ip[0] & ip[1] & ip[2] & ip[3]) == 0xff;
}

bool skt_ippkt_is_link_local(uint8_t version, const uint8_t *ip)
{
    return version == 4 ? ip[0] == 169 && ip[1] == 254 : ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

/* --- checksums --- */

uint64_t skt_ippkt_sum(uint64_t sum, const uint8_t *data, size_t len)
{
    /* Sums in the machine's byte order and turns the result (RFC 1071 2.B); 64 KiB of 32-bit words stay far
     * from an overflow of 64 bits. */
    uint64_t s = 0;
    for (; len >= 32; data += 32, len -= 32) {
        uint32_t w[8];
        memcpy(w, data, sizeof w);
        s += (uint64_t)w[0] + w[1] + w[2] + w[3] + w[4] + w[5] + w[6] + w[7];
    }
    for (; len >= 2; data += 2, len -= 2) {
        uint16_t w;
        memcpy(&w, data, sizeof w);
        s += w;
    }
    if (len) {
        uint16_t w = 0;
        memcpy(&w, data, 1);
        s += w;
    }
    uint16_t folded = skt_ippkt_fold(s);
    uint8_t bytes[2];
    memcpy(bytes, &folded, sizeof bytes);
    return sum + skt_net_get16(bytes);
}

uint16_t skt_ippkt_fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

uint64_t skt_ippkt_pseudo(uint64_t sum, const struct skt_ippkt *p, uint8_t protocol, size_t transport_len)
{
    size_t address = p->version == 4 ? 4 : 16;
    sum = skt_ippkt_sum(sum, p->src, address);
    sum = skt_ippkt_sum(sum, p->dst, address);
    return sum + protocol + transport_len;
}

void skt_ippkt_sum_replace(uint8_t *at, uint16_t old_word, uint16_t new_word)
{
    /* HC' = ~(~HC + ~m + m') */
    uint64_t sum = (uint64_t)(uint16_t)~skt_net_get16(at) + (uint16_t)~old_word + new_word;
    uint16_t check = (uint16_t)~skt_ippkt_fold(sum);
    at[0] = (uint8_t)(check >> 8);
    at[1] = (uint8_t)check;
}

static bool transport_sum_ok(const struct skt_ippkt *p, const uint8_t *packet)
{
    const uint8_t *t = packet + p->transport;
    size_t len = p->len - p->transport;
    uint64_t sum = 0;
    switch (p->protocol) {
    case SKT_IPPKT_TCP:
    case SKT_IPPKT_UDP:
        if (!p->has_ports)
            return false;
        if (p->protocol == SKT_IPPKT_UDP && skt_net_get16(t + UDP_CHECKSUM) == 0)
            return p->version == 4;
        if (p->protocol == SKT_IPPKT_UDP) {
            if (skt_net_get16(t + 4) < UDP_HEADER || skt_net_get16(t + 4) > len)
                return false;
            len = skt_net_get16(t + 4);
        }
        sum = skt_ippkt_pseudo(0, p, p->protocol, len);
        break;
    case SKT_IPPKT_ICMPV6:
        if (len < 4)
            return false;
        sum = skt_ippkt_pseudo(0, p, p->protocol, len);
        break;
    case SKT_IPPKT_ICMP:
        if (len < 4)
            return false;
        break;
    default:
        return true;
    }
    return skt_ippkt_fold(skt_ippkt_sum(sum, t, len)) == 0xffff;
}

bool skt_ippkt_sums_ok(const uint8_t *packet, size_t len)
{
    struct skt_ippkt p;
    if (skt_ippkt_parse(&p, packet, len))
        return false;
    if (p.version == 4 && skt_ippkt_fold(skt_ippkt_sum(0, packet, (size_t)(packet[0] & 15) * 4)) != 0xffff)
        return false;
    return p.fragment || transport_sum_ok(&p, packet);
}
