/* SPDX-License-Identifier: MIT */
/* What could not be done for the TUN at once, for want of memory or of room, and is tried again. */
#ifndef SKT_SCRIPT_TUN_OWED_H
#define SKT_SCRIPT_TUN_OWED_H

#include "script/tun.h"

/* Tries what is owed after a pause that grows. */
void skt_script_tun_unit_later(struct skt_script_tun_unit *u);

/* Is anything? */
bool skt_script_tun_is_owed(const struct skt_script_tun_unit *u);

#endif
