/* SPDX-License-Identifier: MIT */
#include "script/api.h"

#include "script/state.h"

void skt_script_api_set(lua_State *L, const luaL_Reg *functions)
{
    lua_pushlightuserdata(L, SKT_CONTAINER(skt_script_lua_of(L), struct skt_script, lua));
    luaL_setfuncs(L, functions, 1);
}

struct skt_script_skcp *skt_api_skcp(lua_State *L)
{
    struct skt_script_skcp *k = skt_script_handle_arg(L, 1, SKT_HANDLE_SKCP, "skcp");
    return k && k->ep && (!k->ending || k->finishing) ? k : NULL;
}
