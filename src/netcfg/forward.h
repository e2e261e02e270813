/* SPDX-License-Identifier: MIT */
/* In the helper: forwarding, by /proc/sys. In the journal: "sysctl NAME OLD NEW" for what was changed, "uses
 * NAME" for what was so before: whoever set that may leave it to us to put back. */
#ifndef SKT_NETCFG_FORWARD_H
#define SKT_NETCFG_FORWARD_H

#include <stdbool.h>

struct skt_netcfg_helper;

/* Switches it on. An error has the text set. */
int skt_netcfg_forward_set(struct skt_netcfg_helper *h, bool v4, bool v6);

/* Sets again what others have switched off. 1, 0, or negative with the text set. */
int skt_netcfg_forward_restore(struct skt_netcfg_helper *h);

/* The undoer of "sysctl ": puts the old value back, unless somebody has set another one since, or another
 * tunnel needs this one: then that one does it at its end. */
int skt_netcfg_forward_undo(struct skt_netcfg_helper *h, const char *rest);

#endif
