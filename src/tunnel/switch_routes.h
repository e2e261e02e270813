/* SPDX-License-Identifier: MIT */
/* Which session has which address: hosts and networks, the longest prefix first. */
#ifndef SKT_TUNNEL_SWITCH_ROUTES_H
#define SKT_TUNNEL_SWITCH_ROUTES_H

#include "base/ipnet.h"

#include <stddef.h>

struct skt_switch_route;

struct skt_switch_routes {
    struct skt_switch_route **buckets; /* hosts, by address */
    size_t bucket_count;               /* of `buckets`; a power of two, or 0 */
    size_t host_count;                 /* in `buckets` */
    struct skt_switch_route *nets;     /* the longest prefix first */
};

void skt_switch_routes_init(struct skt_switch_routes *t);
void skt_switch_routes_dispose(struct skt_switch_routes *t);

/* Gives a network (a host with its full prefix) to an owner. SKT_ERR_FULL: another owner has exactly this
 * one; SKT_ERR_NOMEM. */
int skt_switch_routes_add(struct skt_switch_routes *t, const struct skt_ipnet *net, void *owner);

/* Takes away all that the owner has. */
void skt_switch_routes_remove(struct skt_switch_routes *t, const void *owner);

/* Who has exactly this network, or NULL. */
void *skt_switch_routes_exact(const struct skt_switch_routes *t, const struct skt_ipnet *net);

/* Where a packet for the address goes, or NULL. family: 4 or 6, ip: 4 or 16 bytes. */
void *skt_switch_routes_find(const struct skt_switch_routes *t, uint8_t family, const uint8_t *ip);

#endif
