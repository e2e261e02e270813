/* SPDX-License-Identifier: MIT */
/* The MTU of the TUN's interface, which follows that of the session in use. */
#ifndef SKT_SCRIPT_TUN_MTU_H
#define SKT_SCRIPT_TUN_MTU_H

#include "config/config.h"
#include "script/tun.h"

/* What goes in one datagram on the best path that the configuration allows. */
size_t skt_script_tun_best_mtu(const struct skt_config *conf);

/* The session in use has another MTU; the interface follows, so that the system cuts and tells by itself. The
 * switch's on_mtu; user is the unit. */
void skt_script_tun_on_mtu(void *user, size_t mtu);

#endif
