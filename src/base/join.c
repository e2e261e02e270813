/* SPDX-License-Identifier: MIT */
#include "base/join.h"

#include "base/err.h"
#include "base/netorder.h"

#include <assert.h>
#include <string.h>

/* Headers: RFC 791 (IPv4), 8200 (IPv6), 9293 (TCP), 768 (UDP). */
enum {
    IP4_HEADER = 20, /* bytes, without options */
    IP6_HEADER = 40, /* bytes, without extension headers */
    /* Offsets of fields in their headers. */
    IP4_CHECKSUM = 10, /* the header's own */
    TCP_SEQ = 4,       /* of the first byte */
    TCP_ACK = 8,       /* what its sender has got */
    TCP_FLAGS = 13,    /* below */
    TCP_WINDOW = 14,   /* what its sender still takes */
    TCP_CHECKSUM = 16, /* of the segment */
    TCP_URGENT = 18,   /* where urgent data ends */
    UDP_LENGTH = 4,    /* of header and data */
    UDP_CHECKSUM = 6,  /* of both; 0: none */
    /* Flags. */
    FLAG_PSH = 0x08, /* to be handed on now */
    FLAG_ACK = 0x10, /* TCP_ACK counts */
};

static uint32_t seq_of(const uint8_t *packet, const struct skt_ippkt *ip)
{
    const uint8_t *tcp = packet + ip->transport;
    return skt_net_get32(tcp + TCP_SEQ);
}

void skt_join_init(struct skt_join *j, uint8_t *buf, bool datagrams)
{
    *j = (struct skt_join){.buf = buf, .datagrams = datagrams};
}

static bool is_udp(const struct skt_ippkt *ip)
{
    return ip->protocol == SKT_IPPKT_UDP;
}

/* Each piece has a checksum of its own, which a datagram without any would gain. */
static bool is_plain_datagram(const struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    const uint8_t *udp = p->data + ip->transport;
    return skt_net_get16(udp + UDP_LENGTH) == ip->len - ip->transport &&
           (p->offload.partial || skt_net_get16(udp + UDP_CHECKSUM) != 0);
}

/* May anything be joined to it, or it to anything? */
static bool is_candidate(const struct skt_join *j, const struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    if (!ip->has_ports || ip->fragment || p->offload.gso != SKT_GSO_NONE || p->len != ip->len ||
        p->len > SKT_JOIN_LEN_MAX || ip->len <= ip->payload ||
        ip->transport != (ip->version == 4 ? IP4_HEADER : IP6_HEADER))
        return false;
    if (is_udp(ip))
        return j->datagrams && is_plain_datagram(p, ip);
    return ip->protocol == SKT_IPPKT_TCP && (ip->tcp_flags & ~FLAG_PSH) == FLAG_ACK;
}

static bool begin(struct skt_join *j, const struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    size_t data = ip->len - ip->payload;
    if (!is_udp(ip) && data < SKT_JOIN_PIECE_MIN)
        return false;
    memcpy(j->buf, p->data, p->len);
    j->ip = *ip;
    j->ip.src = j->buf + (ip->src - p->data);
    j->ip.dst = j->buf + (ip->dst - p->data);
    j->offload = p->offload;
    j->count = 1;
    j->len = p->len;
    j->piece = data;
    j->next_seq = is_udp(ip) ? 0 : seq_of(p->data, ip) + (uint32_t)data;
    j->checked = p->offload.partial;
    j->ended = (ip->tcp_flags & FLAG_PSH) != 0;
    return true;
}

static bool same(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
    return memcmp(a + from, b + from, to - from) == 0;
}

static bool same_ip(const struct skt_join *j, const uint8_t *packet, const struct skt_ippkt *ip)
{
    const uint8_t *first = j->buf;
    if (j->ip.version != ip->version)
        return false;
    if (ip->version == 6)
        return same(first, packet, 0, 4) && same(first, packet, 6, IP6_HEADER);
    if (!same(first, packet, 0, 2) || !same(first, packet, 6, IP4_CHECKSUM) ||
        !same(first, packet, IP4_CHECKSUM + 2, IP4_HEADER))
        return false;
    return ip->df || ip->id == (uint16_t)(j->ip.id + j->count);
}

static bool same_udp(const struct skt_join *j, const uint8_t *packet, const struct skt_ippkt *ip)
{
    return j->count < SKT_JOIN_DATAGRAMS && j->ip.payload == ip->payload &&
           same(j->buf + j->ip.transport, packet + ip->transport, 0, UDP_LENGTH);
}

static bool same_tcp(const struct skt_join *j, const uint8_t *packet, const struct skt_ippkt *ip)
{
    const uint8_t *first = j->buf + j->ip.transport, *tcp = packet + ip->transport;
    return j->ip.payload == ip->payload && seq_of(packet, ip) == j->next_seq &&
           same(first, tcp, 0, TCP_SEQ) && same(first, tcp, TCP_ACK, TCP_FLAGS) &&
           same(first, tcp, TCP_WINDOW, TCP_CHECKSUM) &&
           same(first, tcp, TCP_URGENT, ip->payload - ip->transport);
}

static bool follows(struct skt_join *j, const struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    size_t data = ip->len - ip->payload;
    if (j->ended || data > j->piece || j->len + data > SKT_JOIN_LEN_MAX ||
        p->offload.partial != j->offload.partial)
        return false;
    if (!same_ip(j, p->data, ip) || !(is_udp(ip) ? same_udp(j, p->data, ip) : same_tcp(j, p->data, ip)))
        return false;
    if (!j->checked && !skt_ippkt_sums_ok(j->buf, j->len)) {
        j->ended = true;
        return false;
    }
    j->checked = true;
    return p->offload.partial || skt_ippkt_sums_ok(p->data, p->len);
}

bool skt_join_add(struct skt_join *j, const struct skt_tun_packet *p, const struct skt_ippkt *ip)
{
    if (!is_candidate(j, p, ip))
        return false;
    if (j->count == 0)
        return begin(j, p, ip);
    if (!follows(j, p, ip))
        return false;
    size_t data = ip->len - ip->payload;
    memcpy(j->buf + j->len, p->data + ip->payload, data);
    if (!is_udp(ip))
        j->buf[j->ip.transport + TCP_FLAGS] |= ip->tcp_flags & FLAG_PSH;
    j->len += data;
    j->next_seq += (uint32_t)data;
    j->count++;
    j->ended = data < j->piece || (ip->tcp_flags & FLAG_PSH);
    return true;
}

/* The headers of all of it; the kernel finishes the checksum, or each piece's. */
static void write_headers(struct skt_join *j)
{
    uint8_t *packet = j->buf;
    size_t len = j->len - j->ip.transport;
    if (j->ip.version == 4) {
        skt_net_put16(packet + 2, j->len);
        skt_net_put16(packet + IP4_CHECKSUM, 0);
        skt_net_put16(packet + IP4_CHECKSUM, (uint16_t)~skt_ippkt_fold(skt_ippkt_sum(0, packet, IP4_HEADER)));
    } else {
        skt_net_put16(packet + 4, len);
    }
    if (is_udp(&j->ip))
        skt_net_put16(packet + j->ip.transport + UDP_LENGTH, len);
    skt_net_put16(packet + j->ip.transport + (is_udp(&j->ip) ? UDP_CHECKSUM : TCP_CHECKSUM),
                  skt_ippkt_fold(skt_ippkt_pseudo(0, &j->ip, j->ip.protocol, len)));
}

bool skt_join_take(struct skt_join *j, struct skt_tun_packet *out)
{
    if (j->count == 0)
        return false;
    *out = (struct skt_tun_packet){.data = j->buf, .len = j->len, .offload = j->offload};
    if (j->count > 1) {
        write_headers(j);
        int err = skt_offload_derive(&out->offload, out->data, out->len, j->piece, true);
        assert(err == SKT_OK);
        (void)err;
    }
    j->count = 0;
    return true;
}
