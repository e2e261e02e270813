/* SPDX-License-Identifier: MIT */
/* Messages of a macOS routing socket and entries of its table (route(4), net/route.h), as bytes: built and
 * read on any system, so that they can be tested on any. Numbers are in the machine's order, addresses begin
 * with their length and family and are padded to 4 bytes. io/net_darwin.c checks every number here against
 * the system's headers. */
#ifndef SKT_IO_RTMSG_H
#define SKT_IO_RTMSG_H

#include "io/net.h"

enum {
    SKT_RTMSG_VERSION = 5, /* of the messages' form (RTM_VERSION) */
    SKT_RTMSG_ADD = 1,     /* a message's type: adds a route */
    SKT_RTMSG_DELETE = 2,  /* deletes one */
    SKT_RTMSG_GET = 4,     /* entries of the table */

    SKT_RTMSG_HEADER_LEN = 92, /* bytes before the addresses */
    /* Offsets in the header, whose length is in the first two bytes. */
    SKT_RTMSG_AT_VERSION = 2, /* rtm_version */
    SKT_RTMSG_AT_TYPE = 3,    /* rtm_type */
    SKT_RTMSG_AT_INDEX = 4,   /* rtm_index: the interface */
    SKT_RTMSG_AT_FLAGS = 8,   /* rtm_flags: SKT_RTF_* */
    SKT_RTMSG_AT_ADDRS = 12,  /* rtm_addrs: a bit for each address that follows */
    SKT_RTMSG_AT_SEQ = 20,    /* rtm_seq: tells answers apart */

    /* The addresses' order, and their bits in rtm_addrs. */
    SKT_RTMSG_DST = 0,       /* where packets go */
    SKT_RTMSG_GATEWAY = 1,   /* by which gateway or interface */
    SKT_RTMSG_NETMASK = 2,   /* which bits of the first count */
    SKT_RTMSG_ADDRESSES = 8, /* how many there can be */

    SKT_RTMSG_INET = 2,       /* families: AF_INET */
    SKT_RTMSG_LINK = 18,      /* AF_LINK: an interface */
    SKT_RTMSG_INET6 = 30,     /* AF_INET6 */
    SKT_RTMSG_INET_LEN = 16,  /* bytes of such an address: sockaddr_in */
    SKT_RTMSG_LINK_LEN = 20,  /* sockaddr_dl */
    SKT_RTMSG_INET6_LEN = 28, /* sockaddr_in6 */

    /* What we send has the first three addresses at most. */
    SKT_RTMSG_LEN_MAX = SKT_RTMSG_HEADER_LEN + 3 * SKT_RTMSG_INET6_LEN,
};

/* Flags of a route (net/route.h: RTF_*). */
enum {
    SKT_RTF_UP = 0x1,            /* it can be used */
    SKT_RTF_GATEWAY = 0x2,       /* the second address is a gateway's */
    SKT_RTF_HOST = 0x4,          /* to one host, without a mask */
    SKT_RTF_REJECT = 0x8,        /* packets are refused */
    SKT_RTF_LLINFO = 0x400,      /* a neighbour's entry, no route */
    SKT_RTF_STATIC = 0x800,      /* set by hand */
    SKT_RTF_BLACKHOLE = 0x1000,  /* packets are dropped */
    SKT_RTF_WASCLONED = 0x20000, /* made by the system out of another one */
    SKT_RTF_IFSCOPE = 0x1000000, /* for sockets that are bound to the interface only */
    SKT_RTF_OURS =
        0x8000, /* RTF_PROTO1: what our routes are marked with, so that nobody else's is ever removed */
};

/* A message that adds or deletes a route of ours; its length. */
size_t skt_rtmsg_build(uint8_t out[SKT_RTMSG_LEN_MAX], uint8_t type, const struct skt_net_route *route);

/* --- a table, one family's: entries one after the other --- */

/* The best route to a host, as skt_net_route_find has it: SKT_ERR_NOTFOUND. */
int skt_rtmsg_find(const uint8_t *table, size_t len, const struct skt_ipnet *host, unsigned without,
                   struct skt_net_route *out);

/* Is there a route of ours to this network? */
bool skt_rtmsg_has_ours(const uint8_t *table, size_t len, const struct skt_ipnet *dst);

#endif
