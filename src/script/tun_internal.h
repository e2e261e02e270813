/* SPDX-License-Identifier: MIT */
/* What the parts of the interface share: its life (tun.c), its helper (tun_helper.c) and what is changed in
 * the system for it (tun_system.c). */
#ifndef SKT_SCRIPT_TUN_INTERNAL_H
#define SKT_SCRIPT_TUN_INTERNAL_H

#include "script/tun.h"

/* Starts the helper where something is to be changed, or was and is not yet undone, and names the interface
 * to it. why: one line on failure. */
int skt_script_tun_unit_start_helper(struct skt_script_tun_unit *u, char *why, size_t why_cap);

/* With kill_switch: what is needed before there is any session. */
void skt_script_tun_unit_prepare(struct skt_script_tun_unit *u);

/* Routes, dns, nat and the up script of the configuration, once. */
void skt_script_tun_unit_configure(struct skt_script_tun_unit *u);

/* The same for an interface that was made anew; what was for the old one is undone. */
void skt_script_tun_unit_configure_again(struct skt_script_tun_unit *u);

/* Once more what could not be asked for. */
void skt_script_tun_unit_ask_again(struct skt_script_tun_unit *u);

/* Tries what is owed after a pause that grows. */
void skt_script_tun_unit_later(struct skt_script_tun_unit *u);

#endif
