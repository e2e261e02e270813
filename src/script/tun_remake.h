/* SPDX-License-Identifier: MIT */
/* The interface after somebody else has removed it. */
#ifndef SKT_SCRIPT_TUN_REMAKE_H
#define SKT_SCRIPT_TUN_REMAKE_H

#include "script/tun.h"

/* It was removed: skt_tun_set_lost's; user is the unit. */
void skt_script_tun_on_lost(void *user);

/* Makes it anew, or a little later. Without the right to do so the process ends, so that what supervises it
 * starts it with that right. */
void skt_script_tun_remake(struct skt_script_tun_unit *u);

#endif
