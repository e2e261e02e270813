/* SPDX-License-Identifier: MIT */
/* The networks that this machine's interfaces are in. */
#ifndef SKT_IO_IFADDR_H
#define SKT_IO_IFADDR_H

#include "base/ipnet.h"

/* Fills in up to `max` networks, those of `except` (an interface's name; may be NULL) left out, and
 * link-local and loopback ones, which need no look; returns how many. 0 where the system does not tell. */
size_t skt_ifaddr_nets(struct skt_ipnet *out, size_t max, const char *except);

#endif
