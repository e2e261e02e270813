/* SPDX-License-Identifier: MIT */
/* In the helper: networks that go into the tunnel or nowhere (h->shut, told at the start), by unreachable
 * routes that are worse than the tunnel's own. In the journal: "unreachable 0.0.0.0/1". */
#ifndef SKT_NETCFG_SHUT_H
#define SKT_NETCFG_SHUT_H

struct skt_netcfg_helper;

/* How such lines begin. */
#define SKT_NETCFG_SHUT_LINE "unreachable "

/* At the start: the networks go nowhere while there are no routes into the tunnel; others that an earlier run
 * held shut are opened. An error has the text set. */
int skt_netcfg_shut_begin(struct skt_netcfg_helper *h);

/* Puts back what should be there. 1: something was missing; 0: nothing was; negative: it can't be put back,
 * with the text set. */
int skt_netcfg_shut_restore(struct skt_netcfg_helper *h);

/* The undoer. */
int skt_netcfg_shut_undo(struct skt_netcfg_helper *h, const char *rest);

#endif
