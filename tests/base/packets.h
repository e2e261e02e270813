/* SPDX-License-Identifier: MIT */
/* Builds packets for tests, byte by byte and with checksums of its own (RFC 1071, the plain way). */
#ifndef SKT_TESTS_PACKETS_H
#define SKT_TESTS_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline void packet_put16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline uint16_t packet_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t packet_get32(const uint8_t *p)
{
    return (uint32_t)packet_get16(p) << 16 | packet_get16(p + 2);
}

/* The one's-complement sum in 16 bits, word by word. */
static inline uint32_t packet_sum(uint32_t sum, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i += 2) {
        sum += (uint32_t)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0u);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static inline uint32_t packet_pseudo(const uint8_t *packet, uint8_t protocol, size_t len)
{
    bool v4 = packet[0] >> 4 == 4;
    uint32_t sum = packet_sum(0, packet + (v4 ? 12 : 8), v4 ? 8 : 32);
    uint8_t rest[4] = {0, protocol, (uint8_t)(len >> 8), (uint8_t)len};
    return packet_sum(sum, rest, 4);
}

struct packet_spec {
    int version; /* 4, 6 */
    uint8_t protocol;
    uint8_t tos, flags; /* flags: TCP's */
    uint16_t id, frag;  /* IPv4; frag: flags and offset */
    uint16_t sport, dport;
    uint32_t seq;
    size_t options; /* bytes of TCP options, NOPs */
    size_t payload; /* bytes, 0, 1, 2, ... */
    bool partial;   /* only the pseudo header's sum in the transport checksum */
};

/* Writes the packet; its length. */
static inline size_t packet_build(uint8_t *out, const struct packet_spec *s)
{
    size_t ip = s->version == 4 ? 20 : 40;
    size_t transport = s->protocol == 6 ? 20 + s->options : 8;
    size_t len = ip + transport + s->payload;
    uint8_t *t = out + ip;
    memset(out, 0, ip + transport);
    if (s->version == 4) {
        out[0] = 0x45;
        out[1] = s->tos;
        packet_put16(out + 2, len);
        packet_put16(out + 4, s->id);
        packet_put16(out + 6, s->frag);
        out[8] = 64;
        out[9] = s->protocol;
        memcpy(out + 12, (const uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2}, 8);
        packet_put16(out + 10, (uint16_t)~packet_sum(0, out, 20));
    } else {
        out[0] = (uint8_t)(0x60 | s->tos >> 4);
        out[1] = (uint8_t)(s->tos << 4);
        packet_put16(out + 4, len - 40);
        out[6] = s->protocol;
        out[7] = 64;
        out[8] = out[24] = 0xfd;
        out[23] = 1;
        out[39] = 2;
    }
    if (s->protocol == 1 || s->protocol == 58) {
        t[0] = s->protocol == 1 ? 8 : 128; /* echo request */
    } else {
        packet_put16(t, s->sport);
        packet_put16(t + 2, s->dport);
    }
    if (s->protocol == 6) {
        packet_put16(t + 4, s->seq >> 16);
        packet_put16(t + 6, s->seq & 0xffff);
        t[12] = (uint8_t)((20 + s->options) / 4 << 4);
        t[13] = s->flags;
        packet_put16(t + 14, 1000);
        memset(t + 20, 1, s->options);
    } else if (s->protocol == 17) {
        packet_put16(t + 4, 8 + s->payload);
    }
    for (size_t i = 0; i < s->payload; i++)
        t[transport + i] = (uint8_t)(i * 7 + i / 256);
    size_t at = s->protocol == 6 ? 16 : s->protocol == 17 ? 6 : 2;
    uint32_t sum = s->protocol == 1 ? 0 : packet_pseudo(out, s->protocol, len - ip);
    if (s->partial) {
        packet_put16(t + at, sum);
    } else {
        uint16_t check = (uint16_t)~packet_sum(sum, t, len - ip);
        packet_put16(t + at, s->protocol == 17 && check == 0 ? 0xffff : check);
    }
    return len;
}

/* A copy in a block of exactly its size, so that AddressSanitizer sees every byte too far. */
static inline uint8_t *packet_exact(const uint8_t *p, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (copy && len > 0)
        memcpy(copy, p, len);
    return copy;
}

#endif
