/* SPDX-License-Identifier: MIT */
/* skt.api: numbers, time, names, log. */
#ifndef SKT_SCRIPT_API_UTIL_H
#define SKT_SCRIPT_API_UTIL_H

#include <lua.h>

/* Adds the functions to the table on top of the stack; may raise. */
void skt_script_api_add_util(lua_State *L);

#endif
