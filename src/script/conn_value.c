/* SPDX-License-Identifier: MIT */
#include "script/conn_value.h"

#include <lauxlib.h>
#include <string.h>

#define CONN "skt.conn"

struct conn {
    uint32_t number; /* of the TCP connection, or of the skcp object */
    uint32_t cid;    /* of the session; 0: it is a TCP connection */
};

static int conn_index(lua_State *L)
{
    const struct conn *c = luaL_checkudata(L, 1, CONN);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(name, "fd") == 0)
        lua_pushinteger(L, c->number);
    else if (strcmp(name, "cid") == 0 && c->cid)
        lua_pushinteger(L, c->cid);
    else
        lua_pushnil(L);
    return 1;
}

static int conn_tostring(lua_State *L)
{
    const struct conn *c = luaL_checkudata(L, 1, CONN);
    if (c->cid)
        lua_pushfstring(L, "skcp connection %d", (int)c->cid);
    else
        lua_pushfstring(L, "tcp connection %d", (int)c->number);
    return 1;
}

/* Pushes the table of those that the script holds, weak, made when needed first. */
static void push_conns(lua_State *L)
{
    if (luaL_getsubtable(L, LUA_REGISTRYINDEX, "skt.conns"))
        return;
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
}

static void set_conn_metatable(lua_State *L)
{
    if (luaL_newmetatable(L, CONN)) {
        lua_pushcfunction(L, conn_index);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, conn_tostring);
        lua_setfield(L, -2, "__tostring");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
}

void skt_script_conn_push(lua_State *L, uint32_t number, uint32_t cid)
{
    lua_Integer key = (lua_Integer)((uint64_t)number << 32 | cid);
    push_conns(L);
    if (lua_rawgeti(L, -1, key) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        struct conn *c = lua_newuserdatauv(L, sizeof *c, 0);
        *c = (struct conn){number, cid};
        set_conn_metatable(L);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, key);
    }
    lua_remove(L, -2);
}
