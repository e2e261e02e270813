/* SPDX-License-Identifier: MIT */
#include "script/lua_state.h"

#include "base/err.h"
#include "base/log.h"

#include <stdlib.h>

static void *alloc_limited(void *user, void *old, size_t old_len, size_t new_len)
{
    struct skt_script_lua *lua = user;
    if (!old)
        old_len = 0; /* Lua passes the kind of object here */
    if (new_len == 0) {
        free(old);
        lua->used_len -= old_len;
        return NULL;
    }
    if (new_len > old_len && lua->limit_len && lua->used_len - old_len + new_len > lua->limit_len)
        return NULL;
    void *fresh = realloc(old, new_len);
    if (!fresh && new_len <= old_len)
        fresh = old; /* Lua takes it for granted that a block can shrink */
    if (fresh)
        lua->used_len += new_len - old_len;
    return fresh;
}

static int on_panic(lua_State *L)
{
    const char *text = lua_tostring(L, -1);
    skt_error("script: error outside a protected call: %s", text ? text : "?");
    return 0; /* Lua aborts: our own bug */
}

int skt_script_lua_open(struct skt_script_lua *lua, size_t limit_len)
{
    lua->limit_len = limit_len;
    lua->L = lua_newstate(alloc_limited, lua);
    if (!lua->L)
        return SKT_ERR_NOMEM;
    *(struct skt_script_lua **)lua_getextraspace(lua->L) = lua;
    lua_atpanic(lua->L, on_panic);
    return SKT_OK;
}

void skt_script_lua_close(struct skt_script_lua *lua)
{
    if (lua->L)
        lua_close(lua->L);
    lua->L = NULL;
}
