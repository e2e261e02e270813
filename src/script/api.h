/* SPDX-License-Identifier: MIT */
/* skt.api: what scripts can call. Each api_*.c holds the functions about one thing. */
#ifndef SKT_SCRIPT_API_H
#define SKT_SCRIPT_API_H

#include "script/state.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>

/* api_*.c: each adds its functions to the table on top of the stack; may raise. */
void skt_script_api_add_skcp(lua_State *L);
void skt_script_api_add_etcp(lua_State *L);
void skt_script_api_add_relay(lua_State *L);
void skt_script_api_add_timer(lua_State *L);
void skt_script_api_add_util(lua_State *L);
void skt_script_api_add_tun(lua_State *L);

/* Adds functions to the table on top of the stack, with the app at hand for skt_api_app; may raise. */
void skt_script_api_set(lua_State *L, const luaL_Reg *functions);

/* Pushes the value that stands for a connection: of TCP (its number, cid 0), or of a skcp object (its number
 * and a cid). The same one as long as the script holds it; may raise. */
void skt_script_conn_push(lua_State *L, uint32_t number, uint32_t cid);

/* The app of an API function (its first upvalue). */
static inline struct skt_script *skt_api_app(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

#endif
