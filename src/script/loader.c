/* SPDX-License-Identifier: MIT */
/* Finds the script of the mode, and the modules that it requires. */
#include "script/loader.h"

#include "base/err.h"
#include "modes/embedded.h"
#include "script/state.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

/* Pushes the chunk of a built-in mode; its messages name it as require does. */
static int push_builtin(lua_State *L, const struct skt_mode_source *m)
{
    lua_pushfstring(L, "=skt.%s", m->name);
    int rc = luaL_loadbufferx(L, m->source, m->len, lua_tostring(L, -1), "t");
    lua_remove(L, -2);
    return rc == LUA_OK ? SKT_OK : SKT_ERR_IO;
}

static int load_builtin(lua_State *L)
{
    const struct skt_mode_source *m = &skt_mode_sources[lua_tointeger(L, lua_upvalueindex(1))];
    if (push_builtin(L, m) != SKT_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1))
        lua_pushboolean(L, 1);
    return 1;
}

void skt_script_loader_install(lua_State *L, struct skt_script *app)
{
    lua_getglobal(L, "package");
    const char *dir = app->conf->script_dir;
    lua_getfield(L, -1, "path");
    lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", dir, dir, lua_tostring(L, -1));
    lua_setfield(L, -3, "path");
    lua_pop(L, 1);
    lua_getfield(L, -1, "preload");
    for (const struct skt_mode_source *m = skt_mode_sources; m->name; m++) {
        lua_pushfstring(L, "skt.%s", m->name);
        lua_pushinteger(L, m - skt_mode_sources);
        lua_pushcclosure(L, load_builtin, 1);
        lua_rawset(L, -3);
    }
    lua_pop(L, 2);
}

int skt_script_loader_push_script(lua_State *L, struct skt_script *app)
{
    const struct skt_config *conf = app->conf;
    if (conf->script_file)
        return luaL_loadfilex(L, conf->script_file, NULL) == LUA_OK ? SKT_OK : SKT_ERR_IO;
    for (const struct skt_mode_source *m = skt_mode_sources; m->name; m++) {
        if (strcmp(m->name, conf->mode_name) == 0)
            return push_builtin(L, m);
    }
    lua_pushfstring(L, "mode %s has no built-in script in this version", conf->mode_name);
    return SKT_ERR_IO;
}
