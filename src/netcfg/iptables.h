/* SPDX-License-Identifier: MIT */
/* In the helper: NAT by iptables, and what lets the tunnel's packets through a FORWARD chain that drops the
 * rest. In the journal: "iptables skcptun_skt0", "ip6tables skcptun_skt0". */
#ifndef SKT_NETCFG_IPTABLES_H
#define SKT_NETCFG_IPTABLES_H

#include "base/ipnet.h"
#include "netcfg/hook.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_netcfg_helper;

/* One family's chains. An error has a text. */
int skt_netcfg_iptables_set(struct skt_netcfg_helper *h, uint8_t family, const struct skt_ipnet *from,
                            size_t n, char text[SKT_HOOK_TEXT_MAX]);

/* Beside nftables, whose own table can't let through what another one drops (as Docker's does). */
void skt_netcfg_iptables_open_forward(struct skt_netcfg_helper *h);

/* Is it such a line of the journal, and its chain gone? What can't be asked now is not missing. */
bool skt_netcfg_iptables_is_missing(const char *line);

/* The undoers. */
int skt_netcfg_iptables_undo(struct skt_netcfg_helper *h, const char *rest);
int skt_netcfg_ip6tables_undo(struct skt_netcfg_helper *h, const char *rest);

#endif
