/* SPDX-License-Identifier: MIT */
/* Extensions of skt.api: streams, and the relay that moves a TCP connection's bytes through one without Lua.
 */
#ifndef SKT_SCRIPT_API_RELAY_H
#define SKT_SCRIPT_API_RELAY_H

#include <lua.h>

/* Adds the functions to the table on top of the stack; may raise. */
void skt_script_api_add_relay(lua_State *L);

#endif
