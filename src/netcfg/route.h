/* SPDX-License-Identifier: MIT */
/* In the helper: one route of ours, as it is set and as it stands in the journal:
 * "route 10.0.0.0/8 - skt0 0", "route 192.0.2.1/32 192.168.1.1 eth0 0" (network, gateway, interface, metric).
 * Which routes: through.h, pins.h. */
#ifndef SKT_NETCFG_ROUTE_H
#define SKT_NETCFG_ROUTE_H

#include "io/net.h"
#include "netcfg/journal.h"
#include "netcfg/limits.h"

#include <stdbool.h>

struct skt_netcfg_helper;

/* Its line. SKT_ERR_NOTFOUND: the interface is gone; SKT_ERR_IO with errno: nobody knows now. */
int skt_netcfg_route_line(char line[SKT_JOURNAL_LINE_MAX], const struct skt_net_route *r);

/* Reads what follows "route ", all but the interface's number, which is by its name; false: no line of ours.
 */
bool skt_netcfg_route_read(const char *rest, struct skt_net_route *r, char dev[SKT_NETCFG_IFNAME_MAX]);

/* Sets it, into the journal first unless it is there. SKT_ERR_FULL: somebody has such a route already. */
int skt_netcfg_route_add(struct skt_netcfg_helper *h, const struct skt_net_route *r, bool in_journal);

/* The undoer of "route ". */
int skt_netcfg_route_undo(struct skt_netcfg_helper *h, const char *rest);

/* The network itself, or the two halves of a default route, so that the default route itself stays; how many.
 */
size_t skt_netcfg_route_halves(struct skt_ipnet nets[2], const struct skt_ipnet *net);

#endif
