/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { IPV4_HEADER = 20, FIRST_PORT = 20000 };

/* The places of an IPv4 packet that NAT changes. */
struct view {
    uint8_t *packet, *udp; /* udp NULL: a fragment without the UDP header */
};

static bool look(struct view *v, uint8_t *packet, size_t len)
{
    if (len < IPV4_HEADER || packet[0] >> 4 != 4 || packet[9] != IPPROTO_UDP)
        return false;
    size_t header_len = (size_t)(packet[0] & 15) * 4;
    bool first = ((packet[6] & 0x1f) | packet[7]) == 0;
    v->packet = packet;
    v->udp = first && header_len >= IPV4_HEADER && header_len + 8 <= len ? packet + header_len : NULL;
    return true;
}

/* RFC 1624, equation 3, for `n` bytes at `field` (n even) about to become those at `to`. */
static void adjust(uint8_t *checksum, const uint8_t *field, const uint8_t *to, size_t n)
{
    uint32_t sum = (uint16_t) ~((unsigned)checksum[0] << 8 | checksum[1]);
    for (size_t i = 0; i < n; i += 2) {
        sum += (uint16_t) ~((unsigned)field[i] << 8 | field[i + 1]);
        sum += (unsigned)to[i] << 8 | to[i + 1];
    }
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum & 0xffff;
    checksum[0] = (uint8_t)(sum >> 8);
    checksum[1] = (uint8_t)sum;
}

/* Sets the address at `at` of the IP header and the port at `port_at` of the UDP header. */
static void rewrite(struct view *v, size_t at, uint32_t addr, size_t port_at, uint16_t port)
{
    uint8_t new_addr[4], new_port[2];
    memcpy(new_addr, &addr, sizeof new_addr);
    memcpy(new_port, &port, sizeof new_port);
    if (v->udp && (v->udp[6] | v->udp[7]) != 0) { /* 0: sent without a checksum */
        adjust(v->udp + 6, v->packet + at, new_addr, 4);
        adjust(v->udp + 6, v->udp + port_at, new_port, 2);
        if ((v->udp[6] | v->udp[7]) == 0)
            v->udp[6] = v->udp[7] = 0xff;
    }
    adjust(v->packet + 10, v->packet + at, new_addr, 4);
    memcpy(v->packet + at, new_addr, 4);
    if (v->udp)
        memcpy(v->udp + port_at, new_port, 2);
}

void link_nat_rebind(struct link_nat *nat, uint32_t addr)
{
    nat->generation++;
    nat->addr = addr;
    nat->next = 0;
    memset(nat->flows, 0, sizeof nat->flows);
}

static struct link_flow *flow_of(struct link_nat *nat, uint32_t addr, uint16_t port)
{
    for (size_t i = 0; i < LINK_FLOWS; i++)
        if (nat->flows[i].inner_addr == addr && nat->flows[i].inner_port == port)
            return &nat->flows[i];
    /* A full table forgets the oldest mapping. Ports of two neighbouring generations differ. */
    unsigned n = nat->next++;
    struct link_flow *f = &nat->flows[n % LINK_FLOWS];
    f->inner_addr = addr;
    f->inner_port = port;
    f->outer_addr = nat->addr ? nat->addr : addr;
    f->outer_port = htons((uint16_t)(FIRST_PORT + nat->generation % 64 * 512 + n % 512));
    return f;
}

void link_nat_outward(struct link_nat *nat, uint8_t *packet, size_t len)
{
    struct view v;
    uint32_t addr;
    uint16_t port;
    if (nat->generation == 0 || !look(&v, packet, len))
        return;
    memcpy(&addr, packet + 12, sizeof addr);
    if (!v.udp) {
        rewrite(&v, 12, nat->addr ? nat->addr : addr, 0, 0);
        return;
    }
    memcpy(&port, v.udp, sizeof port);
    const struct link_flow *f = flow_of(nat, addr, port);
    rewrite(&v, 12, f->outer_addr, 0, f->outer_port);
}

bool link_nat_inward(const struct link_nat *nat, uint8_t *packet, size_t len)
{
    struct view v;
    uint32_t addr;
    uint16_t port = 0;
    if (nat->generation == 0 || !look(&v, packet, len))
        return true;
    memcpy(&addr, packet + 16, sizeof addr);
    if (v.udp)
        memcpy(&port, v.udp + 2, sizeof port);
    for (size_t i = 0; i < LINK_FLOWS; i++) {
        const struct link_flow *f = &nat->flows[i];
        if (f->inner_addr && f->outer_addr == addr && (!v.udp || f->outer_port == port)) {
            rewrite(&v, 16, f->inner_addr, 2, f->inner_port);
            return true;
        }
    }
    return false;
}
