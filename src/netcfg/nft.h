/* SPDX-License-Identifier: MIT */
/* In the helper: NAT by nftables. In the journal: "nft skcptun_skt0". */
#ifndef SKT_NETCFG_NFT_H
#define SKT_NETCFG_NFT_H

#include "base/ipnet.h"
#include "netcfg/hook.h"

#include <stdbool.h>
#include <stddef.h>

struct skt_netcfg_helper;

/* Tables for the families of these networks, or for all that leaves by the tunnel (n = 0). An error has a
 * text. */
int skt_netcfg_nft_set(struct skt_netcfg_helper *h, const struct skt_ipnet *from, size_t n,
                       char text[SKT_HOOK_TEXT_MAX]);

/* Is it such a line of the journal, and its table gone? What can't be asked now is not missing. */
bool skt_netcfg_nft_is_missing(const struct skt_netcfg_helper *h, const char *line);

/* The undoer. */
int skt_netcfg_nft_undo(struct skt_netcfg_helper *h, const char *rest);

#endif
