/* SPDX-License-Identifier: MIT */
#include "script/api_util.h"

#include "base/log.h"
#include "script/api.h"
#include "script/life.h"
#include "script/lookup.h"

#include <arpa/inet.h>
#include <time.h>

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
