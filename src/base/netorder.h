/* SPDX-License-Identifier: MIT */
/* Numbers in network byte order (RFC 1700), as in IP, TCP, UDP and ICMP headers, at any alignment. The
 * tunnel's own formats are little-endian (base/bytes.h). Bounds are the caller's. */
#ifndef SKT_BASE_NETORDER_H
#define SKT_BASE_NETORDER_H

#include <stddef.h>
#include <stdint.h>

static inline uint16_t skt_net_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t skt_net_get32(const uint8_t *p)
{
    return (uint32_t)skt_net_get16(p) << 16 | skt_net_get16(p + 2);
}

/* The low 16 bits of v. */
static inline void skt_net_put16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void skt_net_put32(uint8_t *p, uint32_t v)
{
    skt_net_put16(p, v >> 16);
    skt_net_put16(p + 2, v);
}

#endif
