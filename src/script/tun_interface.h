/* SPDX-License-Identifier: MIT */
/* The TUN's interface: its addresses, and raising it, the first time or after it was lost. */
#ifndef SKT_SCRIPT_TUN_INTERFACE_H
#define SKT_SCRIPT_TUN_INTERFACE_H

#include "script/tun.h"

/* Reads the configuration's addresses; for a client also what it asks for in ATTACH. why: one line on
 * failure. */
int skt_script_tun_read_addresses(struct skt_script_tun_unit *u, char *why, size_t why_cap);

/* Gives the open interface its addresses and its MTU and brings it up. SKT_ERR_NOMEM also for other causes
 * that pass; why: one line on failure. */
int skt_script_tun_raise(struct skt_script_tun_unit *u, char *why, size_t why_cap);

#endif
