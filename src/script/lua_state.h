/* SPDX-License-Identifier: MIT */
/* The Lua state of an instance: its memory, and what calls into it need. It knows nothing of what the script
 * can call, nor of who calls the script. */
#ifndef SKT_SCRIPT_LUA_STATE_H
#define SKT_SCRIPT_LUA_STATE_H

#include "base/clock.h"

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>

struct skt_script_lua {
    lua_State *L;     /* NULL: not made yet */
    size_t used_len;  /* bytes that Lua has allocated */
    size_t limit_len; /* the most that it may have; 0: any */
    unsigned depth;   /* calls into it that are running inside one another */
    skt_us deadline;  /* of the outermost call, by a clock that goes on during a turn */
    bool no_memory;   /* the last call that ended failed for lack of memory, wherever it was */
    /* Told after each call into the script, which may have set or cleared callbacks; NULL: nobody. */
    void (*after_call)(struct skt_script_lua *lua);
};

/* Makes the state within limit_len bytes. SKT_ERR_NOMEM. */
int skt_script_lua_open(struct skt_script_lua *lua, size_t limit_len);

/* Frees it with all that is in it; harmless where there is none. */
void skt_script_lua_close(struct skt_script_lua *lua);

/* The structure of a state. */
static inline struct skt_script_lua *skt_script_lua_of(lua_State *L)
{
    return *(struct skt_script_lua **)lua_getextraspace(L);
}

#endif
