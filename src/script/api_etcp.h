/* SPDX-License-Identifier: MIT */
/* skt.api.etcp_*: listeners, connectors, and the connections whose bytes the script carries. */
#ifndef SKT_SCRIPT_API_ETCP_H
#define SKT_SCRIPT_API_ETCP_H

#include <lua.h>

/* Adds the functions to the table on top of the stack; may raise. */
void skt_script_api_add_etcp(lua_State *L);

#endif
