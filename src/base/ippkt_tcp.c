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

static void put_ip_header(uint8_t *out, const struct skt_ippkt *p, size_t header)
{
    memset(out, 0, header);
    if (p->version == 4) {
        out[0] = 0x45;
        skt_net_put16(out + 2, header + TCP_HEADER);
        out[6] = 0x40; /* DF, as hosts do with what is this small */
        out[8] = ANSWER_TTL;
        out[9] = SKT_IPPKT_TCP;
        memcpy(out + IP4_SRC, p->dst, 4);
        memcpy(out + IP4_DST, p->src, 4);
        skt_net_put16(out + IP4_CHECKSUM, (uint16_t)~skt_ippkt_fold(skt_ippkt_sum(0, out, IP4_HEADER)));
        return;
    }
    out[0] = 0x60;
    skt_net_put16(out + 4, TCP_HEADER);
    out[6] = SKT_IPPKT_TCP;
    out[7] = ANSWER_TTL;
    memcpy(out + IP6_SRC, p->dst, 16);
    memcpy(out + IP6_DST, p->src, 16);
}

size_t skt_ippkt_tcp_refusal(uint8_t out[SKT_IPPKT_RESET_MAX], const uint8_t *packet,
                             const struct skt_ippkt *p)
{
    if (!skt_ippkt_is_plain_tcp(p) || p->tcp_flags & SKT_TCP_RST)
        return 0;
    size_t header = p->version == 4 ? IP4_HEADER : IP6_HEADER;
    const uint8_t *theirs = packet + p->transport;
    uint8_t *tcp = out + header;
    put_ip_header(out, p, header);
    memset(tcp, 0, TCP_HEADER);
    skt_net_put16(tcp, p->dst_port);
    skt_net_put16(tcp + 2, p->src_port);
    tcp[12] = TCP_HEADER / 4 << 4;
    tcp[13] = SKT_TCP_RST;
    if (p->tcp_flags & SKT_TCP_ACK) {
        memcpy(tcp + 4, theirs + 8, 4); /* it begins where they say that we are */
    } else {
        bool syn = p->tcp_flags & SKT_TCP_SYN, fin = p->tcp_flags & SKT_TCP_FIN;
        skt_net_put32(tcp + 8, skt_net_get32(theirs + 4) + (uint32_t)(p->len - p->payload) + syn + fin);
        tcp[13] |= SKT_TCP_ACK;
    }
    struct skt_ippkt answer = {.version = p->version, .src = p->dst, .dst = p->src};
    uint64_t sum = skt_ippkt_pseudo(0, &answer, SKT_IPPKT_TCP, TCP_HEADER);
    skt_net_put16(tcp + TCP_CHECKSUM, (uint16_t)~skt_ippkt_fold(skt_ippkt_sum(sum, tcp, TCP_HEADER)));
    return header + TCP_HEADER;
}
