/* SPDX-License-Identifier: MIT */
/* In the helper: what it is told before it begins: lines of text, one byte read after the other, since what
 * follows them is requests. */
#ifndef SKT_NETCFG_OPTIONS_H
#define SKT_NETCFG_OPTIONS_H

#include "netcfg/limits.h"

struct skt_netcfg_helper;

/* Reads all of them up to "begin", and fills in what was left out. SKT_ERR_CLOSED: who wanted us is gone;
 * others: one can't be taken, with the text set. */
int skt_netcfg_options_read(struct skt_netcfg_helper *h, char journal[SKT_NETCFG_PATH_MAX]);

#endif
