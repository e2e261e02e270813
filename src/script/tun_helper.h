/* SPDX-License-Identifier: MIT */
/* The helper process that changes the system for a TUN, and what it may change. */
#ifndef SKT_SCRIPT_TUN_HELPER_H
#define SKT_SCRIPT_TUN_HELPER_H

#include "script/tun.h"

/* Starts it where something is to be changed, or was and is not yet undone, and names the interface to it.
 * why: one line on failure. */
int skt_script_tun_unit_start_helper(struct skt_script_tun_unit *u, char *why, size_t why_cap);

#endif
