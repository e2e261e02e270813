/* SPDX-License-Identifier: MIT */
/* skt.api: numbers, time, names, log; the values that stand for connections. */
#include "base/err.h"
#include "io/resolve.h"
#include "script/api.h"
#include "script/handle.h"
#include "script/lookup.h"
#include "script/state.h"

#include <arpa/inet.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void skt_script_api_set(lua_State *L, const luaL_Reg *functions)
{
    lua_pushlightuserdata(L, *(struct skt_script **)lua_getextraspace(L));
    luaL_setfuncs(L, functions, 1);
}

/* --- connections as values --- */

#define CONN "skt.conn"

struct conn {
    uint32_t number, cid;
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

/* --- time and numbers --- */

static int get_ms(lua_State *L)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    lua_pushinteger(L, (lua_Integer)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
    return 1;
}

static int hton32(lua_State *L)
{
    lua_pushinteger(L, htonl((uint32_t)skt_script_arg_check_integer(L, 1, "i")));
    return 1;
}

static int ntoh32(lua_State *L)
{
    lua_pushinteger(L, ntohl((uint32_t)skt_script_arg_check_integer(L, 1, "i")));
    return 1;
}

static int band(lua_State *L)
{
    lua_pushinteger(L, skt_script_arg_check_integer(L, 1, "a") & skt_script_arg_check_integer(L, 2, "b"));
    return 1;
}

static int bor(lua_State *L)
{
    lua_pushinteger(L, skt_script_arg_check_integer(L, 1, "a") | skt_script_arg_check_integer(L, 2, "b"));
    return 1;
}

static int bxor(lua_State *L)
{
    lua_pushinteger(L, skt_script_arg_check_integer(L, 1, "a") ^ skt_script_arg_check_integer(L, 2, "b"));
    return 1;
}

/* Logical, on 64 bits; a negative n shifts the other way, 64 or more leaves nothing. */
static lua_Integer shift_left(lua_Integer i, lua_Integer n)
{
    uint64_t v = (uint64_t)i;
    if (n <= -64 || n >= 64)
        return 0;
    return (lua_Integer)(n >= 0 ? v << n : v >> -n);
}

static int blshift(lua_State *L)
{
    lua_pushinteger(
        L, shift_left(skt_script_arg_check_integer(L, 1, "i"), skt_script_arg_check_integer(L, 2, "n")));
    return 1;
}

static int brshift(lua_State *L)
{
    lua_Integer i = skt_script_arg_check_integer(L, 1, "i"), n = skt_script_arg_check_integer(L, 2, "n");
    lua_pushinteger(L, n == LUA_MININTEGER ? 0 : shift_left(i, -n));
    return 1;
}

/* --- names --- */

static int lookup_dns(lua_State *L)
{
    const char *domain = skt_script_arg_check_string(L, 1, "domain", NULL);
    char ip[SKT_ADDR_TEXT_MAX];
    const char *why = skt_script_lookup_ipv4(domain, ip);
    if (why)
        return skt_script_push_fail(L, why);
    lua_pushstring(L, ip);
    return 1;
}

/* --- the process --- */

static enum skt_log_level check_level(lua_State *L, int idx)
{
    int level = skt_log_level_of(skt_script_arg_check_string(L, idx, "level", NULL));
    if (level < 0)
        return (enum skt_log_level)skt_script_arg_error(L, idx, "level", "error, warn, info or debug");
    return (enum skt_log_level)level;
}

/* log([level,] text): a line of the log. Each place in a script has a limit of its own. */
static int log_line(lua_State *L)
{
    static const struct skt_log_site site = {SKT_LOG_SCRIPT};
    bool with_level = lua_gettop(L) >= 2;
    size_t len, where_len;
    enum skt_log_level level = with_level ? check_level(L, 1) : SKT_LOG_INFO;
    const char *text = skt_script_arg_check_string(L, with_level ? 2 : 1, "text", &len);
    if (!skt_log_is_on(level))
        return 0;
    luaL_where(L, 1);
    const char *where = lua_tolstring(L, -1, &where_len);
    (void)skt_log_limited(&site, level, skt_log_key(where, where_len, 0), "%s", text);
    return 0;
}

/* log_rarely(level, key, text): what others can cause; said at once, then counted and repeated rarely. */
static int log_rarely(lua_State *L)
{
    static const struct skt_log_site site = {SKT_LOG_RARE};
    enum skt_log_level level = check_level(L, 1);
    size_t key_len, where_len;
    const char *key = skt_script_arg_check_string(L, 2, "key", &key_len);
    const char *text = skt_script_arg_check_string(L, 3, "text", NULL);
    if (!skt_log_is_on(level))
        return 0;
    luaL_where(L, 1);
    const char *where = lua_tolstring(L, -1, &where_len);
    (void)skt_log_limited(&site, level, skt_log_key(key, key_len, skt_log_key(where, where_len, 0)), "%s",
                          text);
    return 0;
}

/* fail(text): the script gives up; the process ends with status 1. */
static int fail(lua_State *L)
{
    skt_script_fail(skt_api_app(L), skt_script_arg_check_string(L, 1, "text", NULL));
    return 0;
}

void skt_script_api_add_util(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"get_ms", get_ms},   {"hton32", hton32},
        {"ntoh32", ntoh32},   {"band", band},
        {"bor", bor},         {"bxor", bxor},
        {"blshift", blshift}, {"brshift", brshift},
        {"log", log_line},    {"log_rarely", log_rarely},
        {"fail", fail},       {"lookup_dns", lookup_dns},
        {NULL, NULL},
    };
    skt_script_api_set(L, functions);
}
