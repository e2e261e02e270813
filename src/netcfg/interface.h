/* SPDX-License-Identifier: MIT */
/* In the helper: the tunnel's interface: its MTU, and that it is up and has its addresses and their networks.
 */
#ifndef SKT_NETCFG_INTERFACE_H
#define SKT_NETCFG_INTERFACE_H

#include "base/ipnet.h"

#include <stddef.h>

struct skt_netcfg_helper;

enum { SKT_NETCFG_ADDRESSES_MAX = 2 }; /* IPv4 and IPv6 */

struct skt_netcfg_interface {
    struct skt_ipnet addresses[SKT_NETCFG_ADDRESSES_MAX]; /* that it has, with their networks' prefixes */
    size_t n;                                             /* of them */
    size_t mtu;                                           /* the last that was asked for */
};

/* "10.0.0.2/24": an address that it has. SKT_ERR_ARG, SKT_ERR_FULL. */
int skt_netcfg_interface_address(struct skt_netcfg_helper *h, const char *text);

/* Sets the MTU; the last one once more. An error has the text set. */
int skt_netcfg_interface_mtu(struct skt_netcfg_helper *h, size_t mtu);
int skt_netcfg_interface_mtu_again(struct skt_netcfg_helper *h);

/* Put back what others have taken: up, addresses, the routes of their networks. 1: something was missing and
 * is there again; 0: nothing was; negative: it can't be put back, with the text set. */
int skt_netcfg_interface_restore_link(struct skt_netcfg_helper *h);
int skt_netcfg_interface_restore_addresses(struct skt_netcfg_helper *h);
int skt_netcfg_interface_restore_networks(struct skt_netcfg_helper *h);

#endif
