/* SPDX-License-Identifier: MIT */
/* In the helper: masquerade, and the forwarding that it needs. By nftables, else by iptables; each tunnel has
 * a table or chains of its own, so that nobody else's rules are touched. */
#ifndef SKT_NETCFG_NAT_H
#define SKT_NETCFG_NAT_H

#include "base/ipnet.h"
#include "netcfg/request.h"

#include <stddef.h>

struct skt_netcfg_helper;

enum { SKT_NETCFG_FROM_MAX = SKT_NETCFG_WORDS_MAX }; /* as many as a request holds */

struct skt_netcfg_nat {
    struct skt_ipnet from[SKT_NETCFG_FROM_MAX]; /* networks that are hidden, of the last request */
    size_t n;                                   /* of them; 0: all that leaves by the tunnel is */
};

/* Done again it replaces what was; the last one once more. An error has the text set. */
int skt_netcfg_nat_set(struct skt_netcfg_helper *h, const struct skt_ipnet *from, size_t n);
int skt_netcfg_nat_again(struct skt_netcfg_helper *h);

/* Does it once more where its rules are gone. 1, 0, or negative with the text set. */
int skt_netcfg_nat_restore(struct skt_netcfg_helper *h);

#endif
