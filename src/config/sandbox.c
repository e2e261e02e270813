/* SPDX-License-Identifier: MIT */
#include "config/sandbox.h"

#include "base/err.h"
#include "base/wipe.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *alloc_wiping(void *user, void *old, size_t old_len, size_t new_len)
{
    struct skt_sandbox *box = user;
    if (!old)
        old_len = 0; /* Lua passes the kind of object here */
    if (new_len > old_len && new_len - old_len > SKT_SANDBOX_MEMORY - box->used_len)
        return NULL;
    void *fresh = NULL;
    if (new_len > 0) {
        fresh = malloc(new_len);
        if (!fresh && new_len <= old_len)
            return old; /* Lua takes it for granted that a block can shrink */
        if (!fresh)
            return NULL;
        if (old_len > 0)
            memcpy(fresh, old, old_len < new_len ? old_len : new_len);
    }
    if (old) {
        skt_wipe(old, old_len);
        free(old);
    }
    box->used_len += new_len;
    box->used_len -= old_len;
    return fresh;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    struct skt_sandbox *box;
    lua_getallocf(L, (void **)&box);
    if (--box->steps_left >= 0)
        return;
    luaL_where(L, 0); /* a hook stands on the stack of the function that it interrupts */
    lua_pushliteral(L, "the configuration runs for too long (an endless loop?)");
    lua_concat(L, 2);
    lua_error(L);
}

/* Copies the named globals, or fields of a library, from the table at `from` to the one at `to`. */
static void copy_names(lua_State *L, int from, int to, const char *const *names)
{
    for (; *names; names++) {
        lua_getfield(L, from, *names);
        lua_setfield(L, to, *names);
    }
}

/* Words of other languages, which are no values here: "nat = True" would leave nat off. */
static const char *meant_by(const char *name)
{
    static const char *const words[][2] = {
        {"True", "true"},   {"TRUE", "true"},   {"yes", "true"}, {"on", "true"},
        {"False", "false"}, {"FALSE", "false"}, {"no", "false"}, {"off", "false"},
        {"None", "nil"},    {"null", "nil"},    {"NULL", "nil"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(name, words[i][0]) == 0)
            return words[i][1];
    return NULL;
}

/* __index of the environment: a variable that is not set. The file's own `config` may be asked for. */
static int on_unset(lua_State *L)
{
    struct skt_sandbox *box;
    lua_Debug ar;
    lua_getallocf(L, (void **)&box);
    if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "config") == 0)
        return 0;
    const char *name = lua_tostring(L, 2), *meant = meant_by(name);
    if (meant)
        return luaL_error(L, "%s is no value here: write %s", name, meant);
    if (box->unset_count < SKT_SANDBOX_UNSET_MAX && lua_getstack(L, 1, &ar) && lua_getinfo(L, "l", &ar)) {
        size_t i = box->unset_count++;
        box->unset[i].line = ar.currentline;
        strncpy(box->unset[i].name, name, SKT_SANDBOX_NAME_LEN);
    }
    return 0;
}

/* Leaves the environment on the stack and in the registry under the address of on_count. */
static int make_environment(lua_State *L)
{
    static const char *const basics[] = {"assert", "error",    "ipairs",   "next", "pairs",
                                         "select", "tonumber", "tostring", "type", "_VERSION",
                                         "string", "table",    "math",     NULL};
    static const char *const from_os[] = {"getenv", NULL};
    luaL_requiref(L, "_G", luaopen_base, 1);
    luaL_requiref(L, "string", luaopen_string, 1);
    luaL_requiref(L, "table", luaopen_table, 1);
    luaL_requiref(L, "math", luaopen_math, 1);
    lua_settop(L, 0);
    lua_newtable(L);
    lua_pushglobaltable(L);
    copy_names(L, 2, 1, basics);
    luaL_requiref(L, "os", luaopen_os, 0);
    lua_newtable(L);
    copy_names(L, 3, 4, from_os);
    lua_setfield(L, 1, "os");
    lua_settop(L, 1);
    lua_newtable(L);
    lua_pushcfunction(L, on_unset);
    lua_setfield(L, 2, "__index");
    lua_setmetatable(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, (const void *)(uintptr_t)on_count);
    return 0;
}

int skt_sandbox_open(struct skt_sandbox *box)
{
    memset(box, 0, sizeof *box);
    box->steps_left = SKT_SANDBOX_STEPS;
    box->L = lua_newstate(alloc_wiping, box);
    if (!box->L)
        return SKT_ERR_NOMEM;
    lua_pushcfunction(box->L, make_environment);
    if (lua_pcall(box->L, 0, 0, 0) != LUA_OK) {
        skt_sandbox_close(box);
        return SKT_ERR_NOMEM;
    }
    lua_sethook(box->L, on_count, LUA_MASKCOUNT, SKT_SANDBOX_STEP);
    return SKT_OK;
}

void skt_sandbox_close(struct skt_sandbox *box)
{
    if (box->L)
        lua_close(box->L);
    box->L = NULL;
}

int skt_sandbox_eval(const struct skt_sandbox *box, const char *text, size_t len, const char *name)
{
    lua_State *L = box->L;
    int rc = luaL_loadbufferx(L, text, len, name, "t");
    if (rc == LUA_OK) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, (const void *)(uintptr_t)on_count);
        lua_setupvalue(L, -2, 1); /* _ENV */
        rc = lua_pcall(L, 0, 1, 0);
    }
    if (rc == LUA_OK)
        return SKT_OK;
    return rc == LUA_ERRMEM ? SKT_ERR_NOMEM : SKT_ERR_ARG;
}

int skt_sandbox_run(struct skt_sandbox *box, const char *text, size_t len, const char *name)
{
    lua_settop(box->L, 0);
    int err = skt_sandbox_eval(box, text, len, name);
    if (err == SKT_OK)
        lua_rawgetp(box->L, LUA_REGISTRYINDEX, (const void *)(uintptr_t)on_count);
    return err;
}
