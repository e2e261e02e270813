/* SPDX-License-Identifier: MIT */
#include "base/ippkt_tcp.h"

#include "base/netorder.h"

#include <string.h>

/* Headers: RFC 791 (IPv4), 8200 (IPv6), 9293 (TCP). */
enum {
    IP4_HEADER = 20,   /* bytes, without options */
    IP6_HEADER = 40,   /* bytes, without extension headers */
    IP4_CHECKSUM = 10, /* offset of the checksum in its header */
    IP4_SRC = 12,      /* offset of the source address */
    IP4_DST = 16,      /* offset of the destination address */
    IP6_SRC = 8,       /* offset of the source address */
    IP6_DST = 24,      /* offset of the destination address */
    TCP_HEADER = 20,   /* bytes, without options */
    TCP_CHECKSUM = 16, /* offset of the checksum in its header */
    ANSWER_TTL = 64,   /* hops, as RFC 1700 recommends for what a host sends */
    ICMP_HEADER = 8,
    QUOTED_TCP = 8, /* bytes of ports and sequence number: what every router quotes (RFC 792) */
};

bool skt_ippkt_is_plain_tcp(const struct skt_ippkt *p)
{
    return p->protocol == SKT_IPPKT_TCP && p->has_ports && !p->fragment &&
           p->transport == (p->version == 4 ? IP4_HEADER : IP6_HEADER) &&
           p->payload >= p->transport + TCP_HEADER;
}

/* A checksum field that holds the sum itself, not its complement. */
static void replace_plain(uint8_t *at, uint16_t old_word, uint16_t new_word)
{
    uint64_t sum = (uint64_t)skt_net_get16(at) + (uint16_t)~old_word + new_word;
    skt_net_put16(at, skt_ippkt_fold(sum));
}

/* Sets a run of words, and the sums that cover it. */
struct change {
    uint8_t *ip_sum;  /* IPv4's header checksum; NULL: does not cover it */
    uint8_t *tcp_sum; /* NULL: does not cover it */
    bool partial;
};

static void set_words(const struct change *c, uint8_t *at, const uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i += 2) {
        uint16_t old_word = skt_net_get16(at + i), new_word = skt_net_get16(to + i);
        if (c->ip_sum)
            skt_ippkt_sum_replace(c->ip_sum, old_word, new_word);
        if (c->tcp_sum && c->partial)
            replace_plain(c->tcp_sum, old_word, new_word);
        else if (c->tcp_sum)
            skt_ippkt_sum_replace(c->tcp_sum, old_word, new_word);
        skt_net_put16(at + i, new_word);
    }
}

static void set_port(const struct change *c, uint8_t *at, uint16_t port)
{
    uint8_t word[2];
    skt_net_put16(word, port);
    set_words(c, at, word, sizeof word);
}

void skt_ippkt_readdress(uint8_t *packet, const struct skt_ippkt *p, const struct skt_tcp_ends *to,
                         bool partial)
{
    bool v4 = p->version == 4;
    size_t len = v4 ? 4 : 16;
    uint8_t *tcp = packet + p->transport;
    struct change addresses = {v4 ? packet + IP4_CHECKSUM : NULL, tcp + TCP_CHECKSUM, partial};
    /* The ports are not in the pseudo header: an open checksum does not cover them yet. */
    struct change ports = {NULL, partial ? NULL : tcp + TCP_CHECKSUM, false};
    set_words(&addresses, packet + (v4 ? IP4_SRC : IP6_SRC), to->src, len);
    set_words(&addresses, packet + (v4 ? IP4_DST : IP6_DST), to->dst, len);
    set_port(&ports, tcp, to->src_port);
    set_port(&ports, tcp + 2, to->dst_port);
}

/* A TCP header of its own, without options or data, from one address to another; the sum is to be set. */
static size_t put_headers(uint8_t *out, uint8_t version, const struct skt_tcp_ends *ends)
{
    size_t header = version == 4 ? IP4_HEADER : IP6_HEADER;
    memset(out, 0, header + TCP_HEADER);
    if (version == 4) {
        out[0] = 0x45;
        skt_net_put16(out + 2, header + TCP_HEADER);
        out[6] = 0x40; /* DF, as hosts do with what is this small */
        out[8] = ANSWER_TTL;
        out[9] = SKT_IPPKT_TCP;
        memcpy(out + IP4_SRC, ends->src, 4);
        memcpy(out + IP4_DST, ends->dst, 4);
        skt_net_put16(out + IP4_CHECKSUM, (uint16_t)~skt_ippkt_fold(skt_ippkt_sum(0, out, IP4_HEADER)));
    } else {
        out[0] = 0x60;
        skt_net_put16(out + 4, TCP_HEADER);
        out[6] = SKT_IPPKT_TCP;
        out[7] = ANSWER_TTL;
        memcpy(out + IP6_SRC, ends->src, 16);
        memcpy(out + IP6_DST, ends->dst, 16);
    }
    skt_net_put16(out + header, ends->src_port);
    skt_net_put16(out + header + 2, ends->dst_port);
    out[header + 12] = TCP_HEADER / 4 << 4;
    return header;
}

static void put_tcp_sum(uint8_t *out, size_t header, uint8_t version, const struct skt_tcp_ends *ends)
{
    struct skt_ippkt p = {.version = version, .src = ends->src, .dst = ends->dst};
    uint64_t sum = skt_ippkt_pseudo(0, &p, SKT_IPPKT_TCP, TCP_HEADER);
    sum = skt_ippkt_sum(sum, out + header, TCP_HEADER);
    skt_net_put16(out + header + TCP_CHECKSUM, (uint16_t)~skt_ippkt_fold(sum));
}

size_t skt_ippkt_tcp_refusal(uint8_t out[SKT_IPPKT_RESET_MAX], const uint8_t *packet,
                             const struct skt_ippkt *p)
{
    if (!skt_ippkt_is_plain_tcp(p) || p->tcp_flags & SKT_TCP_RST)
        return 0;
    struct skt_tcp_ends back = {p->dst, p->src, p->dst_port, p->src_port};
    const uint8_t *theirs = packet + p->transport;
    size_t header = put_headers(out, p->version, &back);
    uint8_t *tcp = out + header;
    tcp[13] = SKT_TCP_RST;
    if (p->tcp_flags & SKT_TCP_ACK) {
        memcpy(tcp + 4, theirs + 8, 4); /* it begins where they say that we are */
    } else {
        bool syn = p->tcp_flags & SKT_TCP_SYN, fin = p->tcp_flags & SKT_TCP_FIN;
        skt_net_put32(tcp + 8, skt_net_get32(theirs + 4) + (uint32_t)(p->len - p->payload) + syn + fin);
        tcp[13] |= SKT_TCP_ACK;
    }
    put_tcp_sum(out, header, p->version, &back);
    return header + TCP_HEADER;
}

/* --- too big --- */

/* The kind of ICMP message, and where the MTU is in it; false: another one. */
static bool is_too_big(const uint8_t *packet, const struct skt_ippkt *p)
{
    uint8_t protocol = p->version == 4 ? SKT_IPPKT_ICMP : SKT_IPPKT_ICMPV6;
    if (p->protocol != protocol || p->fragment || p->len < p->transport + ICMP_HEADER)
        return false;
    const uint8_t *icmp = packet + p->transport;
    return p->version == 4 ? icmp[0] == 3 && icmp[1] == 4 : icmp[0] == 2;
}

bool skt_ippkt_read_too_big(struct skt_tcp_too_big *out, const uint8_t *packet, const struct skt_ippkt *p)
{
    bool v4 = p->version == 4;
    size_t header = v4 ? IP4_HEADER : IP6_HEADER;
    if (!is_too_big(packet, p) || p->len < p->transport + ICMP_HEADER + header + QUOTED_TCP)
        return false;
    const uint8_t *icmp = packet + p->transport, *ip = icmp + ICMP_HEADER, *tcp = ip + header;
    if (ip[0] >> 4 != p->version || ip[v4 ? 9 : 6] != SKT_IPPKT_TCP ||
        (v4 && (ip[0] != 0x45 || skt_net_get16(ip + 6) & 0x3fff)))
        return false;
    out->ends = (struct skt_tcp_ends){ip + (v4 ? IP4_SRC : IP6_SRC), ip + (v4 ? IP4_DST : IP6_DST),
                                      skt_net_get16(tcp), skt_net_get16(tcp + 2)};
    memcpy(out->seq, tcp + 4, sizeof out->seq);
    out->mtu = v4 ? skt_net_get16(icmp + 6) : skt_net_get32(icmp + 4);
    return true;
}

size_t skt_ippkt_write_too_big(uint8_t out[SKT_IPPKT_TOO_BIG_MAX], uint8_t version,
                               const struct skt_tcp_too_big *about)
{
    uint8_t segment[IP6_HEADER + TCP_HEADER];
    struct skt_ippkt p;
    size_t header = put_headers(segment, version, &about->ends);
    memcpy(segment + header + 4, about->seq, sizeof about->seq);
    put_tcp_sum(segment, header, version, &about->ends);
    if (skt_ippkt_parse(&p, segment, header + TCP_HEADER))
        return 0;
    return skt_ippkt_icmp_error(out, SKT_IPPKT_TOO_BIG_MAX, segment, &p, SKT_IPPKT_TOO_BIG, about->ends.dst,
                                about->mtu);
}
