/* SPDX-License-Identifier: MIT */
/* skt.api.tuntap_write, and what extends it: which session carries the TUN's packets. */
#ifndef SKT_SCRIPT_API_TUN_H
#define SKT_SCRIPT_API_TUN_H

#include <lua.h>

/* Adds the functions to the table on top of the stack; may raise. */
void skt_script_api_add_tun(lua_State *L);

#endif
