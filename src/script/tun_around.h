/* SPDX-License-Identifier: MIT */
/* Name servers past the tunnel: what the tunnel itself asks must not go into it, and where all else is held
 * shut (kill_switch) the name servers need a way. */
#ifndef SKT_SCRIPT_TUN_AROUND_H
#define SKT_SCRIPT_TUN_AROUND_H

#include "script/tun.h"

/* Looks up names past the tunnel from now on, and follows what name servers there are. SKT_OK, or an error
 * that passes. */
int skt_script_tun_look_up_around(struct skt_script_tun_unit *u);

#endif
