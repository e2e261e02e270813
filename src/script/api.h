/* SPDX-License-Identifier: MIT */
/* What the functions of skt.api have in common. Each api_*.c holds those about one thing; together they are
 * the only way from a script to the app. */
#ifndef SKT_SCRIPT_API_H
#define SKT_SCRIPT_API_H

#include "script/handle.h"

#include <lauxlib.h>
#include <lua.h>

struct skt_script_skcp;

/* Adds functions to the table on top of the stack, with the app at hand for skt_api_app; may raise. */
void skt_script_api_set(lua_State *L, const luaL_Reg *functions);

/* The app of an API function (its first upvalue). */
static inline struct skt_script *skt_api_app(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* The endpoint of the first argument, skcp; NULL: it has ended, or is about to. Raises for another type. */
struct skt_script_skcp *skt_api_skcp(lua_State *L);

#endif
