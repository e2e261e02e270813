/* SPDX-License-Identifier: MIT */
/* In the helper: what both ways of NAT (nft.h, iptables.h) call their own, and of which family the networks
 * are. */
#ifndef SKT_NETCFG_RULES_H
#define SKT_NETCFG_RULES_H

#include "base/ipnet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SKT_NETCFG_RULES_NAME_MAX = 32
}; /* "skcptun_", an interface's name, the end; iptables takes 28 letters */

/* "skcptun_skt0", of a table or chain; nft takes letters, digits and a few signs only. */
void skt_netcfg_rules_name(char name[SKT_NETCFG_RULES_NAME_MAX], const char *ifname);

/* Could it be such a name? */
bool skt_netcfg_rules_is_name(const char *name);

/* Is one of the networks of this family (4 or 6)? */
bool skt_netcfg_rules_have(const struct skt_ipnet *from, size_t n, uint8_t family);

#endif
