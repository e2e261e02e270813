/* SPDX-License-Identifier: MIT */
/* Servers' addresses that stay outside of the tunnel: routes to them past it, which the helper sets. Also
 * what all requests to the helper have in common. */
#ifndef SKT_SCRIPT_TUN_PINS_H
#define SKT_SCRIPT_TUN_PINS_H

#include "script/tun.h"

/* The answer to a request, for the log; user is what it was about, by skt_script_tun_label. */
void skt_script_tun_asked(void *user, int err, const char *text);

static inline void *skt_script_tun_label(const char *text)
{
    return (void *)(uintptr_t)text;
}

/* Could it not be asked for only for want of memory or of room on the way? Else there is no helper. */
bool skt_script_tun_is_passing(int err);

/* Asks for routes past the tunnel; what: their kind, for the log. SKT_OK, or an error that passes. */
int skt_script_tun_pin(struct skt_script_tun_unit *u, const struct skt_addr *addrs, size_t n,
                       const char *what);

/* Asks for those to all servers that the client knows. SKT_OK, or an error that passes. */
int skt_script_tun_pin_servers(struct skt_script_tun_unit *u);

/* Client: a server has these addresses. */
void skt_script_tun_unit_pin(struct skt_script *app, const struct skt_addr *addrs, size_t n);

#endif
