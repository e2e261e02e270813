/* SPDX-License-Identifier: MIT */
/* In the helper: networks that go through the tunnel. */
#ifndef SKT_NETCFG_THROUGH_H
#define SKT_NETCFG_THROUGH_H

#include "base/ipnet.h"

struct skt_netcfg_helper;

/* Sends a network into the tunnel. Waits (SKT_ERR_AGAIN, which passes) while a host in it that must stay
 * outside has no way yet: its packets would go in circles. An error has the text set. */
int skt_netcfg_through_add(struct skt_netcfg_helper *h, const struct skt_ipnet *net);

/* Puts back what should be there by the journal. 1: something was missing; 0: nothing was; negative: it can't
 * be put back, with the text set. */
int skt_netcfg_through_restore(struct skt_netcfg_helper *h);

#endif
