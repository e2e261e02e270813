/* SPDX-License-Identifier: MIT */
#include "base/offload.h"

#include "base/err.h"
#include "base/ippkt.h"
#include "base/netorder.h"

#include <string.h>

/* Headers: RFC 791 (IPv4), 8200 (IPv6), 9293 (TCP), 768 (UDP). */
enum {
    IP6_HEADER = 40,     /* bytes, without extension headers */
    IP4_CHECKSUM = 10,   /* offset of the checksum in its header */
    TCP_CHECKSUM = 16,   /* the same of TCP's */
    UDP_CHECKSUM = 6,    /* the same of UDP's */
    TCP_FLAG_FIN = 0x01, /* of the last piece alone */
    TCP_FLAG_PSH = 0x08, /* of the last piece alone */
    TCP_FLAG_CWR = 0x80, /* of the first piece alone (RFC 3168) */
};

static uint16_t checksum_offset(uint8_t protocol)
{
    return protocol == SKT_IPPKT_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
}

/* --- what an offload is --- */

/* A packet that an offload can be about: whole, nothing behind it, TCP or UDP. */
static int parse_segmentable(struct skt_ippkt *p, const uint8_t *packet, size_t len)
{
    int err = skt_ippkt_parse(p, packet, len);
    if (err)
        return err;
    if (p->len != len || p->fragment || !p->has_ports || p->payload > UINT16_MAX)
        return SKT_ERR_MALFORMED;
    return SKT_OK;
}

static enum skt_gso gso_of(const struct skt_ippkt *p)
{
    if (p->protocol == SKT_IPPKT_UDP)
        return SKT_GSO_UDP;
    return p->version == 4 ? SKT_GSO_TCP4 : SKT_GSO_TCP6;
}

int skt_offload_derive(struct skt_offload *out, const uint8_t *packet, size_t len, size_t size, bool partial)
{
    *out = (struct skt_offload){0};
    if (size == 0 && !partial)
        return SKT_OK;
    struct skt_ippkt p;
    if (size > UINT16_MAX || parse_segmentable(&p, packet, len))
        return SKT_ERR_MALFORMED;
    out->partial = true;
    out->csum_start = (uint16_t)p.transport;
    out->csum_offset = checksum_offset(p.protocol);
    if (size > 0 && p.len - p.payload > size) {
        out->gso = gso_of(&p);
        out->size = (uint16_t)size;
        out->hdr_len = (uint16_t)p.payload;
    }
    return SKT_OK;
}

int skt_offload_normalize(struct skt_tun_packet *p)
{
    const struct skt_offload given = p->offload;
    struct skt_offload derived;
    if (given.gso == SKT_GSO_NONE && !given.partial)
        return SKT_OK;
    size_t size = given.gso == SKT_GSO_NONE ? 0 : given.size;
    int err = skt_offload_derive(&derived, p->data, p->len, size, true);
    if (given.gso != SKT_GSO_NONE) {
        if (err || given.size == 0 || (derived.gso != SKT_GSO_NONE && derived.gso != given.gso))
            return SKT_ERR_MALFORMED;
    } else if (err || derived.csum_start != given.csum_start || derived.csum_offset != given.csum_offset) {
        return skt_offload_complete(p);
    }
    p->offload = derived;
    return SKT_OK;
}

/* Stores the checksum of packet[start..len) at `at`, which holds a part of the sum already. 0 means "none" to
 * UDP; its other form is right for all. */
static void finish_checksum(uint8_t *packet, size_t len, size_t start, size_t at)
{
    uint16_t check = (uint16_t)~skt_ippkt_fold(skt_ippkt_sum(0, packet + start, len - start));
    skt_net_put16(packet + at, check ? check : 0xffff);
}

int skt_offload_complete(struct skt_tun_packet *p)
{
    const struct skt_offload *o = &p->offload;
    if (o->gso != SKT_GSO_NONE)
        return SKT_ERR_MALFORMED;
    if (!o->partial)
        return SKT_OK;
    size_t at = (size_t)o->csum_start + o->csum_offset;
    if (at + 2 > p->len)
        return SKT_ERR_MALFORMED;
    finish_checksum(p->data, p->len, o->csum_start, at);
    p->offload = (struct skt_offload){0};
    return SKT_OK;
}

size_t skt_offload_pieces(const struct skt_tun_packet *p)
{
    const struct skt_offload *o = &p->offload;
    if (o->gso == SKT_GSO_NONE || o->size == 0 || p->len <= o->hdr_len)
        return 1;
    return (p->len - o->hdr_len + o->size - 1) / o->size;
}

/* --- cutting --- */

static int cut_whole(struct skt_offload_cutter *c, const struct skt_tun_packet *p, size_t mtu)
{
    if (p->len > mtu)
        return SKT_ERR_FULL;
    if (p->offload.partial && (size_t)p->offload.csum_start + p->offload.csum_offset + 2 > p->len)
        return SKT_ERR_MALFORMED;
    *c = (struct skt_offload_cutter){.packet = p->data,
                                     .len = p->len,
                                     .whole = true,
                                     .partial = p->offload.partial,
                                     .csum_start = p->offload.csum_start,
                                     .csum_offset = p->offload.csum_offset};
    return SKT_OK;
}

int skt_offload_cut(struct skt_offload_cutter *c, const struct skt_tun_packet *p, size_t mtu)
{
    if (p->offload.gso == SKT_GSO_NONE)
        return cut_whole(c, p, mtu);
    struct skt_ippkt ip;
    size_t size = p->offload.size;
    if (size == 0 || parse_segmentable(&ip, p->data, p->len))
        return SKT_ERR_MALFORMED;
    if (mtu <= ip.payload || (ip.protocol == SKT_IPPKT_UDP && size > mtu - ip.payload))
        return SKT_ERR_FULL;
    if (size > mtu - ip.payload)
        size = mtu - ip.payload;
    *c = (struct skt_offload_cutter){.packet = p->data,
                                     .len = p->len,
                                     .headers = ip.payload,
                                     .transport = ip.transport,
                                     .piece = size,
                                     .id = ip.id,
                                     .version = ip.version,
                                     .protocol = ip.protocol,
                                     .flags = ip.tcp_flags};
    if (ip.protocol == SKT_IPPKT_TCP)
        c->seq = skt_net_get32(p->data + ip.transport + 4);
    return SKT_OK;
}

static size_t next_whole(struct skt_offload_cutter *c, uint8_t *out)
{
    memcpy(out, c->packet, c->len);
    if (c->partial)
        finish_checksum(out, c->len, c->csum_start, (size_t)c->csum_start + c->csum_offset);
    c->ended = true;
    return c->len;
}

static void put_ip_lengths(const struct skt_offload_cutter *c, uint8_t *out, size_t len)
{
    if (c->version == 6) {
        skt_net_put16(out + 4, len - IP6_HEADER);
        return;
    }
    skt_net_put16(out + 2, len);
    skt_net_put16(out + 4, (uint16_t)(c->id + c->done / c->piece));
    skt_net_put16(out + IP4_CHECKSUM, 0);
    size_t header = (size_t)(out[0] & 15) * 4;
    skt_net_put16(out + IP4_CHECKSUM, (uint16_t)~skt_ippkt_fold(skt_ippkt_sum(0, out, header)));
}

/* CWR says something about the first segment's moment, FIN and PSH belong to the last byte. */
static void put_tcp_fields(const struct skt_offload_cutter *c, uint8_t *tcp, bool last)
{
    skt_net_put32(tcp + 4, c->seq + (uint32_t)c->done);
    uint8_t flags = c->flags;
    if (c->done > 0)
        flags &= (uint8_t)~TCP_FLAG_CWR;
    if (!last)
        flags &= (uint8_t) ~(TCP_FLAG_FIN | TCP_FLAG_PSH);
    tcp[13] = flags;
}

size_t skt_offload_cut_next(struct skt_offload_cutter *c, uint8_t *out)
{
    if (c->ended)
        return 0;
    if (c->whole)
        return next_whole(c, out);
    size_t left = c->len - c->headers - c->done;
    size_t piece = left < c->piece ? left : c->piece;
    size_t len = c->headers + piece;
    bool last = piece == left;
    memcpy(out, c->packet, c->headers);
    memcpy(out + c->headers, c->packet + c->headers + c->done, piece);
    put_ip_lengths(c, out, len);
    uint8_t *transport = out + c->transport;
    if (c->protocol == SKT_IPPKT_TCP)
        put_tcp_fields(c, transport, last);
    else
        skt_net_put16(transport + 4, len - c->transport);

    struct skt_ippkt ip = {.version = c->version,
                           .src = out + (c->version == 4 ? 12 : 8),
                           .dst = out + (c->version == 4 ? 16 : 24)};
    size_t at = c->transport + checksum_offset(c->protocol);
    skt_net_put16(out + at, skt_ippkt_fold(skt_ippkt_pseudo(0, &ip, c->protocol, len - c->transport)));
    finish_checksum(out, len, c->transport, at);
    c->done += piece;
    c->ended = last;
    return len;
}
