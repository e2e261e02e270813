/* SPDX-License-Identifier: MIT */
/* Changes in place, and ICMP errors about a packet. */
#include "base/ippkt.h"

#include "base/netorder.h"

#include <string.h>

/* Headers: RFC 791 (IPv4), 8200 (IPv6), 9293 (TCP), 792 and 4443 (ICMP). */
enum {
    IP4_HEADER = 20,                                  /* bytes, without options */
    IP6_HEADER = 40,                                  /* bytes, without extension headers */
    IP4_CHECKSUM = 10,                                /* offset of the checksum in its header */
    TCP_CHECKSUM = 16,                                /* the same of TCP's */
    TCP_HEADER = 20,                                  /* bytes, without options */
    TCP_FLAG_SYN = 0x02,                              /* it begins a connection: the only one with an MSS */
    TCP_OPTION_END = 0,                               /* no more options */
    TCP_OPTION_NOP = 1,                               /* one byte between two options */
    TCP_OPTION_MSS = 2,                               /* the most that its sender takes in a segment */
    ICMP_HEADER = 8,                                  /* bytes before what is quoted */
    ICMP4_QUOTE_MAX = 576 - IP4_HEADER - ICMP_HEADER, /* RFC 1812 4.3.2.3 */
    ANSWER_TTL = 64,                                  /* hops, as RFC 1700 recommends for what a host sends */
};

bool skt_ippkt_mark_ce(uint8_t *packet, struct skt_ippkt *p)
{
    if (p->ecn == 0)
        return false;
    if (p->version == 4) {
        uint16_t old = skt_net_get16(packet);
        packet[1] |= 3;
        skt_ippkt_sum_replace(packet + IP4_CHECKSUM, old, skt_net_get16(packet));
    } else {
        packet[1] |= 3 << 4;
    }
    p->ecn = 3;
    return true;
}

bool skt_ippkt_hop(uint8_t *packet, struct skt_ippkt *p)
{
    if (p->ttl <= 1)
        return false;
    p->ttl--;
    if (p->version == 4) {
        uint16_t old = skt_net_get16(packet + 8);
        packet[8] = p->ttl;
        skt_ippkt_sum_replace(packet + IP4_CHECKSUM, old, skt_net_get16(packet + 8));
    } else {
        packet[7] = p->ttl;
    }
    return true;
}

/* The value of a TCP header's MSS option, or NULL. */
static uint8_t *find_mss(uint8_t *option, const uint8_t *end)
{
    while (option < end && *option != TCP_OPTION_END) {
        if (*option == TCP_OPTION_NOP) {
            option++;
            continue;
        }
        if (end - option < 2 || option[1] < 2 || option[1] > end - option)
            return NULL;
        if (*option == TCP_OPTION_MSS)
            return option[1] == 4 ? option + 2 : NULL;
        option += option[1];
    }
    return NULL;
}

/* A value at an odd offset lies across two words of the sum: swapped, it changes the sum alike. */
static uint16_t swapped(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}

bool skt_ippkt_clamp_mss(uint8_t *packet, const struct skt_ippkt *p, uint16_t mss, bool partial)
{
    if (p->protocol != SKT_IPPKT_TCP || !p->has_ports || !(p->tcp_flags & TCP_FLAG_SYN))
        return false;
    uint8_t *tcp = packet + p->transport;
    uint8_t *value = find_mss(tcp + TCP_HEADER, packet + p->payload);
    if (!value || skt_net_get16(value) <= mss)
        return false;
    uint16_t old = skt_net_get16(value);
    skt_net_put16(value, mss);
    if (partial)
        return true;
    bool odd = (value - tcp) % 2 != 0;
    skt_ippkt_sum_replace(tcp + TCP_CHECKSUM, odd ? swapped(old) : old, odd ? swapped(mss) : mss);
    return true;
}

/* --- ICMP errors --- */

static bool is_unspecified(const uint8_t *ip, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (ip[i])
            return false;
    return true;
}

/* Is it an ICMP message that no error may answer? Errors are; queries are not. */
static bool is_icmp_error(const uint8_t *packet, const struct skt_ippkt *p)
{
    if (p->protocol != (p->version == 4 ? SKT_IPPKT_ICMP : SKT_IPPKT_ICMPV6))
        return false;
    if (p->transport >= p->len)
        return true;
    uint8_t type = packet[p->transport];
    if (p->version == 6)
        return type < 128 || type == 137; /* RFC 4443 2.1; redirect */
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static bool may_answer(const uint8_t *packet, const struct skt_ippkt *p, enum skt_ippkt_error error)
{
    size_t address = p->version == 4 ? 4 : 16;
    if (skt_ippkt_is_multicast(p->version, p->src) || skt_ippkt_is_broadcast(p->version, p->src) ||
        is_unspecified(p->src, address))
        return false;
    bool group = skt_ippkt_is_multicast(p->version, p->dst) || skt_ippkt_is_broadcast(p->version, p->dst);
    if (group && (p->version == 4 || error != SKT_IPPKT_TOO_BIG))
        return false;
    if (p->version == 4 && (skt_net_get16(packet + 6) & 0x1fff))
        return false;
    return !is_icmp_error(packet, p);
}

/* How an ICMP message says it (IANA, ICMP parameters). */
struct icmp_kind {
    uint8_t type; /* what went wrong */
    uint8_t code; /* more exactly */
};

static struct icmp_kind kind_of(uint8_t version, enum skt_ippkt_error error)
{
    static const struct icmp_kind v4[] = {[SKT_IPPKT_TOO_BIG] = {3, 4},
                                          [SKT_IPPKT_UNREACHABLE] = {3, 1},
                                          [SKT_IPPKT_PROHIBITED] = {3, 13},
                                          [SKT_IPPKT_TIME_EXCEEDED] = {11, 0}};
    static const struct icmp_kind v6[] = {[SKT_IPPKT_TOO_BIG] = {2, 0},
                                          [SKT_IPPKT_UNREACHABLE] = {1, 0},
                                          [SKT_IPPKT_PROHIBITED] = {1, 1},
                                          [SKT_IPPKT_TIME_EXCEEDED] = {3, 0}};
    return version == 4 ? v4[error] : v6[error];
}

static void put_ip_header(uint8_t *out, const struct skt_ippkt *p, const uint8_t *from, size_t len)
{
    if (p->version == 4) {
        memset(out, 0, IP4_HEADER);
        out[0] = 0x45;
        out[1] = 0xc0; /* internetwork control (RFC 1812 4.3.2.5) */
        skt_net_put16(out + 2, len);
        out[8] = ANSWER_TTL;
        out[9] = SKT_IPPKT_ICMP;
        memcpy(out + 12, from, 4);
        memcpy(out + 16, p->src, 4);
        skt_net_put16(out + IP4_CHECKSUM, (uint16_t)~skt_ippkt_fold(skt_ippkt_sum(0, out, IP4_HEADER)));
        return;
    }
    memset(out, 0, IP6_HEADER);
    out[0] = 0x60;
    skt_net_put16(out + 4, len - IP6_HEADER);
    out[6] = SKT_IPPKT_ICMPV6;
    out[7] = ANSWER_TTL;
    memcpy(out + 8, from, 16);
    memcpy(out + 24, p->src, 16);
}

size_t skt_ippkt_icmp_error(uint8_t *out, size_t cap, const uint8_t *packet, const struct skt_ippkt *p,
                            enum skt_ippkt_error error, const uint8_t *from, size_t mtu)
{
    size_t header = p->version == 4 ? IP4_HEADER : IP6_HEADER;
    size_t most = p->version == 4 ? ICMP4_QUOTE_MAX : SKT_IPPKT_ICMP_MAX - IP6_HEADER - ICMP_HEADER;
    if (!may_answer(packet, p, error) || cap < header + ICMP_HEADER)
        return 0;
    if (most > cap - header - ICMP_HEADER)
        most = cap - header - ICMP_HEADER;
    size_t quote = p->len < most ? p->len : most;
    size_t len = header + ICMP_HEADER + quote;
    put_ip_header(out, p, from, len);
    uint8_t *icmp = out + header;
    struct icmp_kind kind = kind_of(p->version, error);
    memset(icmp, 0, ICMP_HEADER);
    icmp[0] = kind.type;
    icmp[1] = kind.code;
    if (error == SKT_IPPKT_TOO_BIG) { /* IPv4: 16 bits at 6; IPv6: 32 bits at 4 */
        size_t stated = p->version == 4 && mtu > 65535 ? 65535 : mtu;
        skt_net_put16(icmp + 6, stated);
        skt_net_put16(icmp + 4, p->version == 4 ? 0 : stated >> 16);
    }
    memcpy(icmp + ICMP_HEADER, packet, quote);
    uint64_t sum = 0;
    struct skt_ippkt answer = {.version = p->version, .src = from, .dst = p->src};
    if (p->version == 6)
        sum = skt_ippkt_pseudo(0, &answer, SKT_IPPKT_ICMPV6, len - header);
    sum = skt_ippkt_sum(sum, icmp, len - header);
    skt_net_put16(icmp + 2, (uint16_t)~skt_ippkt_fold(sum));
    return len;
}
