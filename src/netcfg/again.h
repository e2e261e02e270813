/* SPDX-License-Identifier: MIT */
/* In the helper: what is owed (owed.h) is tried again with growing pauses, until it is done or no longer
 * wanted. Who asked has been told of the failure; that it is done then, or that it goes on, is said in the
 * log. */
#ifndef SKT_NETCFG_AGAIN_H
#define SKT_NETCFG_AGAIN_H

struct skt_netcfg_helper;

/* Tries what is owed where it is time to. */
void skt_netcfg_again_turn(struct skt_netcfg_helper *h);

#endif
