/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    ICMP_HEADER = 8,
    ICMP4_QUOTE = 28, /* RFC 792: the header and 8 bytes */
    IPV4_DF = 0x4000,
    IPV4_MF = 0x2000,
    IPV4_OFFSET = 0x1fff,
};

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

bool link_ip_is_udp(const uint8_t *packet, size_t len)
{
    if (len >= IPV4_HEADER && packet[0] >> 4 == 4)
        return packet[9] == IPPROTO_UDP;
    return len >= IPV6_HEADER && packet[0] >> 4 == 6 && packet[6] == IPPROTO_UDP;
}

bool link_ip_has_port(const uint8_t *packet, size_t len, unsigned port)
{
    if (!link_ip_is_udp(packet, len))
        return false;
    size_t at = packet[0] >> 4 == 6 ? IPV6_HEADER : (size_t)(packet[0] & 15) * 4;
    bool first = packet[0] >> 4 == 6 || (get16(packet + 6) & IPV4_OFFSET) == 0;
    return first && at + 4 <= len && (get16(packet + at) == port || get16(packet + at + 2) == port);
}

uint16_t link_ip_checksum(const uint8_t *data, size_t len, uint32_t sum)
{
    for (; len > 1; data += 2, len -= 2)
        sum += get16(data);
    if (len)
        sum += (uint32_t)data[0] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static void seal_ipv4(uint8_t *packet, size_t header_len)
{
    put16(packet + 10, 0);
    uint16_t sum = link_ip_checksum(packet, header_len, 0);
    memcpy(packet + 10, &sum, sizeof sum);
}

/* Cuts an IPv4 packet that may be fragmented (RFC 791, 3.2; options are copied to all, which is enough here).
 */
static void fragment(struct link_dir *d, uint32_t slot, size_t len, int64_t now)
{
    const uint8_t *packet = link_pool_at(d->pool, slot);
    size_t header_len = (size_t)(packet[0] & 15) * 4;
    size_t step = (d->set.mtu - header_len) & ~(size_t)7;
    unsigned field = get16(packet + 6);
    d->count.fragmented++;
    for (size_t at = header_len; at < len; at += step) {
        uint32_t piece;
        if (!link_pool_take(d->pool, &piece)) {
            d->count.overflow++;
            break;
        }
        bool last = len - at <= step;
        size_t part = last ? len - at : step;
        uint8_t *out = link_pool_at(d->pool, piece);
        memcpy(out, packet, header_len);
        memcpy(out + header_len, packet + at, part);
        put16(out + 2, (unsigned)(header_len + part));
        unsigned more = last ? field & IPV4_MF : IPV4_MF;
        put16(out + 6, ((field & IPV4_OFFSET) + (unsigned)((at - header_len) / 8)) | more);
        seal_ipv4(out, header_len);
        link_dir_admit(d, piece, header_len + part, now);
    }
    link_pool_give(d->pool, slot);
}

/* Destination unreachable, fragmentation needed (RFC 1191, 4), as if sent by the destination. */
static size_t icmp_frag_needed(uint8_t *out, const uint8_t *packet, size_t len, unsigned mtu)
{
    size_t quote = len < ICMP4_QUOTE ? len : ICMP4_QUOTE;
    size_t total = IPV4_HEADER + ICMP_HEADER + quote;
    memset(out, 0, IPV4_HEADER + ICMP_HEADER);
    out[0] = 0x45;
    put16(out + 2, (unsigned)total);
    out[8] = 64;
    out[9] = IPPROTO_ICMP;
    memcpy(out + 12, packet + 16, 4);
    memcpy(out + 16, packet + 12, 4);
    seal_ipv4(out, IPV4_HEADER);
    uint8_t *icmp = out + IPV4_HEADER;
    icmp[0] = 3;
    icmp[1] = 4;
    put16(icmp + 6, mtu);
    memcpy(icmp + ICMP_HEADER, packet, quote);
    uint16_t sum = link_ip_checksum(icmp, ICMP_HEADER + quote, 0);
    memcpy(icmp + 2, &sum, sizeof sum);
    return total;
}

/* Packet too big (RFC 4443, 3.2). */
static size_t icmp6_too_big(uint8_t *out, const uint8_t *packet, size_t len, unsigned mtu)
{
    enum { QUOTE_MAX = 1280 - IPV6_HEADER - ICMP_HEADER };
    size_t quote = len < QUOTE_MAX ? len : QUOTE_MAX;
    memset(out, 0, IPV6_HEADER + ICMP_HEADER);
    out[0] = 0x60;
    put16(out + 4, (unsigned)(ICMP_HEADER + quote));
    out[6] = IPPROTO_ICMPV6;
    out[7] = 64;
    memcpy(out + 8, packet + 24, 16);
    memcpy(out + 24, packet + 8, 16);
    uint8_t *icmp = out + IPV6_HEADER;
    icmp[0] = 2;
    put16(icmp + 6, mtu);
    memcpy(icmp + ICMP_HEADER, packet, quote);
    /* The pseudo-header: addresses, length, next header. */
    uint32_t sum = (uint32_t)(ICMP_HEADER + quote) + IPPROTO_ICMPV6;
    for (size_t i = 8; i < IPV6_HEADER; i += 2)
        sum += get16(out + i);
    uint16_t check = link_ip_checksum(icmp, ICMP_HEADER + quote, sum);
    memcpy(icmp + 2, &check, sizeof check);
    return IPV6_HEADER + ICMP_HEADER + quote;
}

void link_ip_too_big(struct link_dir *d, struct link_dir *back, uint32_t slot, size_t len, int64_t now)
{
    const uint8_t *packet = link_pool_at(d->pool, slot);
    bool is4 = len >= IPV4_HEADER && packet[0] >> 4 == 4;
    size_t header_len = (size_t)(packet[0] & 15) * 4;
    if (is4 && !(get16(packet + 6) & IPV4_DF) && header_len >= IPV4_HEADER && header_len + 8 <= d->set.mtu) {
        fragment(d, slot, len, now);
        return;
    }
    d->count.too_big++;
    uint32_t reply;
    if (d->set.icmp && len >= IPV6_HEADER && link_pool_take(d->pool, &reply)) {
        uint8_t *out = link_pool_at(d->pool, reply);
        size_t n = is4 ? icmp_frag_needed(out, packet, len, d->set.mtu)
                       : icmp6_too_big(out, packet, len, d->set.mtu);
        link_dir_admit(back, reply, n, now);
    }
    link_pool_give(d->pool, slot);
}
