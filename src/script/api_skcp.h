/* SPDX-License-Identifier: MIT */
/* skt.api.skcp_*, get_from_skcp, and what extends them. */
#ifndef SKT_SCRIPT_API_SKCP_H
#define SKT_SCRIPT_API_SKCP_H

#include <lua.h>

/* Adds the functions to the table on top of the stack; may raise. */
void skt_script_api_add_skcp(lua_State *L);

#endif
