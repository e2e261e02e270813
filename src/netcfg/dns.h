/* SPDX-License-Identifier: MIT */
/* In the helper: name servers. Through systemd-resolved or resolvconf where one of them owns the file, else
 * by the file itself (dns_file.h). In the journal: "dns-resolved skt0", "dns-resolvconf tun.skt0.skcptun". */
#ifndef SKT_NETCFG_DNS_H
#define SKT_NETCFG_DNS_H

#include "base/ipnet.h"
#include "netcfg/limits.h"

#include <stddef.h>

struct skt_netcfg_helper;

enum { SKT_NETCFG_DNS_MAX = 16 }; /* glibc takes three; resolved takes more */

struct skt_netcfg_dns {
    char resolv_conf[SKT_NETCFG_PATH_MAX];        /* the file, or where it would be */
    struct skt_ipnet servers[SKT_NETCFG_DNS_MAX]; /* of the last request */
    size_t n;                                     /* of them */
};

/* Makes these the system's; n = 0: what was before. The last ones once more. An error has the text set, and
 * what was before stays. */
int skt_netcfg_dns_set(struct skt_netcfg_helper *h, const struct skt_ipnet *servers, size_t n);
int skt_netcfg_dns_again(struct skt_netcfg_helper *h);

/* The undoers. */
int skt_netcfg_dns_resolved_undo(struct skt_netcfg_helper *h, const char *rest);
int skt_netcfg_dns_resolvconf_undo(struct skt_netcfg_helper *h, const char *rest);

#endif
