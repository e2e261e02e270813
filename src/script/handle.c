/* SPDX-License-Identifier: MIT */
#include "script/handle.h"

#include "base/err.h"

#include <lauxlib.h>

struct handle {
    void *object; /* NULL: stale */
};

static const char *const types[] = {SKT_HANDLE_SKCP, SKT_HANDLE_ETCP,   SKT_HANDLE_CLIENT,
                                    SKT_HANDLE_LOOP, SKT_HANDLE_STREAM, SKT_HANDLE_TIMER};

static int handle_tostring(lua_State *L)
{
    const struct handle *h = lua_touserdata(L, 1);
    const char *type = lua_tostring(L, lua_upvalueindex(1));
    if (h && h->object)
        lua_pushfstring(L, "%s: %p", type, (void *)h);
    else
        lua_pushfstring(L, "%s (closed)", type);
    return 1;
}

void skt_script_handle_install(lua_State *L)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        luaL_newmetatable(L, types[i]);
        lua_pushstring(L, types[i]);
        lua_pushcclosure(L, handle_tostring, 1);
        lua_setfield(L, -2, "__tostring");
        lua_pushboolean(L, 0); /* scripts get no hold of it */
        lua_setfield(L, -2, "__metatable");
        lua_pop(L, 1);
    }
}

void skt_script_handle_new(lua_State *L, const char *type, void *object)
{
    struct handle *h = lua_newuserdatauv(L, sizeof *h, 0);
    h->object = NULL;
    luaL_setmetatable(L, type);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, object);
    h->object = object; /* nothing can fail any more */
}

static int make(lua_State *L)
{
    skt_script_handle_new(L, lua_touserdata(L, 1), lua_touserdata(L, 2));
    return 1;
}

bool skt_script_handle_try(lua_State *L, const char *type, void *object)
{
    lua_pushcfunction(L, make);
    lua_pushlightuserdata(L, (void *)(uintptr_t)type);
    lua_pushlightuserdata(L, object);
    return lua_pcall(L, 2, 1, 0) == LUA_OK;
}

void skt_script_handle_end(lua_State *L, const void *object)
{
    if (!lua_checkstack(L, 2))
        return;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, object) == LUA_TUSERDATA) {
        struct handle *h = lua_touserdata(L, -1);
        h->object = NULL;
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, object); /* the key is there: no allocation */
    }
    lua_pop(L, 1);
}

static const char *type_of(lua_State *L, int idx)
{
    if (lua_type(L, idx) == LUA_TNONE)
        return "nothing";
    return luaL_getmetafield(L, idx, "__name") == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, idx);
}

bool skt_script_arg_missing(lua_State *L, const char *type, const char *const *names, int n)
{
    int bad = luaL_testudata(L, 1, type) ? 0 : 1;
    for (int i = 2; i <= n && !bad; i++)
        bad = names[i - 1] && lua_isnoneornil(L, i) ? i : 0;
    if (!bad)
        return false;
    const char *got = type_of(L, bad);
    lua_pushnil(L);
    lua_pushfstring(L, "bad argument '%s' (got %s)", names[bad - 1], got);
    return true;
}

int skt_script_arg_error(lua_State *L, int idx, const char *name, const char *expected)
{
    lua_Debug ar;
    const char *function = "?";
    const char *got = type_of(L, idx);
    if (lua_getstack(L, 0, &ar)) {
        lua_getinfo(L, "n", &ar);
        if (ar.name)
            function = ar.name;
    }
    return luaL_error(L, "bad argument '%s' to %s (expected %s, got %s)", name, function, expected, got);
}

void *skt_script_handle_arg(lua_State *L, int idx, const char *type, const char *name)
{
    const struct handle *h = luaL_testudata(L, idx, type);
    if (!h)
        skt_script_arg_error(L, idx, name, type);
    return h ? h->object : NULL;
}

lua_Integer skt_script_arg_check_integer(lua_State *L, int idx, const char *name)
{
    int ok = 0;
    lua_Integer v = lua_tointegerx(L, idx, &ok);
    if (!ok)
        skt_script_arg_error(L, idx, name, "an integer");
    return v;
}

lua_Integer skt_script_arg_opt_integer(lua_State *L, int idx, const char *name, lua_Integer otherwise)
{
    return lua_isnoneornil(L, idx) ? otherwise : skt_script_arg_check_integer(L, idx, name);
}

lua_Number skt_script_arg_check_number(lua_State *L, int idx, const char *name)
{
    if (!lua_isnumber(L, idx))
        skt_script_arg_error(L, idx, name, "a number");
    return lua_tonumber(L, idx);
}

const char *skt_script_arg_check_string(lua_State *L, int idx, const char *name, size_t *len)
{
    if (!lua_isstring(L, idx))
        skt_script_arg_error(L, idx, name, "a string");
    return lua_tolstring(L, idx, len);
}

void skt_script_arg_check_function(lua_State *L, int idx, const char *name)
{
    if (lua_type(L, idx) != LUA_TFUNCTION)
        skt_script_arg_error(L, idx, name, "a function");
}

uint32_t skt_script_arg_check_number32(lua_State *L, int idx, const char *name)
{
    lua_Integer v = skt_script_arg_check_integer(L, idx, name);
    return v > 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
}

int skt_script_push_fail(lua_State *L, const char *message)
{
    lua_pushnil(L);
    lua_pushstring(L, message);
    return 2;
}

int skt_script_push_fail_err(lua_State *L, int err)
{
    switch (err) {
    case SKT_ERR_AGAIN:
        return skt_script_push_fail(L, "would block");
    case SKT_ERR_CLOSED:
    case SKT_ERR_NOTFOUND:
        return skt_script_push_fail(L, "closed");
    default:
        return skt_script_push_fail(L, skt_err_str(err));
    }
}
