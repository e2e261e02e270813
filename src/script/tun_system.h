/* SPDX-License-Identifier: MIT */
/* What a TUN's configuration changes in the system: routes, name servers, NAT, the hook scripts. */
#ifndef SKT_SCRIPT_TUN_SYSTEM_H
#define SKT_SCRIPT_TUN_SYSTEM_H

#include "script/tun.h"

/* With kill_switch: what is needed before there is any session. */
void skt_script_tun_unit_prepare(struct skt_script_tun_unit *u);

/* Routes, dns, nat and the up script of the configuration, once. */
void skt_script_tun_unit_configure(struct skt_script_tun_unit *u);

/* The same for an interface that was made anew; what was for the old one is undone. */
void skt_script_tun_unit_configure_again(struct skt_script_tun_unit *u);

/* Once more what could not be asked for. */
void skt_script_tun_unit_ask_again(struct skt_script_tun_unit *u);

#endif
