/* SPDX-License-Identifier: MIT */
/* Which sources a client takes from its server. The server may be the way to everywhere, so any address of
 * the Internet and of networks elsewhere is one; but none that would pass for the client itself, for a
 * neighbour in one of its own networks, or for nobody. */
#ifndef SKT_TUNNEL_SWITCH_SOURCE_H
#define SKT_TUNNEL_SWITCH_SOURCE_H

#include "base/clock.h"
#include "base/ipnet.h"

enum { SKT_SWITCH_NEAR_MAX = 64 }; /* of a machine's networks; a router has a dozen */

struct skt_switch_sources {
    const char *tun;                /* the TUN's own interface, whose network is the other end's */
    struct skt_ipnet own[2];        /* its addresses; family 0: none */
    const struct skt_ipnet *routes; /* networks that are reached through the TUN on purpose; the owner's */
    size_t route_count;             /* of `routes` */
    struct skt_ipnet near[SKT_SWITCH_NEAR_MAX]; /* networks of the other interfaces, as of the last look */
    size_t near_count;                          /* of `near` */
    skt_us look_at;                             /* when they are looked at again */
};

/* May a packet from the server have this source? Looks at the interfaces now and then: networks come and go.
 */
bool skt_switch_source_ok(struct skt_switch_sources *t, skt_us now, uint8_t family, const uint8_t *ip);

#endif
