/* SPDX-License-Identifier: MIT */
/* Calls from C into the script: every one goes through here, protected, with a traceback in the log and an
 * end for a script that loops for ever. A callback that was called for something is called by
 * skt_script_deliver (script/source.h). */
#ifndef SKT_SCRIPT_CALL_H
#define SKT_SCRIPT_CALL_H

#include "script/lua_state.h"

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>

/* skt.cb.* */
enum skt_script_callback {
    SKT_CB_INIT,
    SKT_CB_SKCP_ACCEPT,
    SKT_CB_SKCP_CHECK_TICKET,
    SKT_CB_SKCP_RECV_CID,
    SKT_CB_SKCP_RECV_DATA,
    SKT_CB_SKCP_CLOSE,
    SKT_CB_SKCP_ROOM,
    SKT_CB_TCP_ACCEPT,
    SKT_CB_TCP_RECV,
    SKT_CB_TCP_CLOSE,
    SKT_CB_TCP_ROOM,
    SKT_CB_TUN_READ,
    SKT_CB_BEAT,
    SKT_CB_STREAM_OPEN,
    SKT_CB_COUNT,
    SKT_CB_OTHER = SKT_CB_COUNT, /* the script itself, timers, answers of look-ups */
};

struct skt_script_call_arg {
    enum {
        SKT_ARG_INTEGER,
        SKT_ARG_STRING,
        SKT_ARG_HANDLE,
        SKT_ARG_NIL,
    } type;              /* which of the members below is its value */
    lua_Integer integer; /* the value of an integer */
    const void *ptr;     /* the bytes of a string, or the object that the handle stands for */
    size_t len;          /* of the string */
};

static inline struct skt_script_call_arg skt_arg_integer(lua_Integer v)
{
    return (struct skt_script_call_arg){SKT_ARG_INTEGER, v, NULL, 0};
}

static inline struct skt_script_call_arg skt_arg_string(const void *s, size_t len)
{
    return (struct skt_script_call_arg){SKT_ARG_STRING, 0, s, len};
}

static inline struct skt_script_call_arg skt_arg_handle(const void *object)
{
    return (struct skt_script_call_arg){SKT_ARG_HANDLE, 0, object, 0};
}

/* A callback may run this long: the loop stands still meanwhile, and sessions bear more than that. */
enum { SKT_CALL_TIME_S = 5 };

/* Is the callback set? */
bool skt_script_call_present(struct skt_script_lua *lua, enum skt_script_callback cb);

/* Calls skt.cb.<name>. True: it ran to its end; *result (may be NULL) gets its first result where that is an
 * integer and stays as it was otherwise. False: it is absent, or failed (logged). */
bool skt_script_call_callback(struct skt_script_lua *lua, enum skt_script_callback cb,
                              const struct skt_script_call_arg *args, int count, lua_Integer *result);

/* The same for one that has to be there and to come to its end: false, with one line in why, where it does
 * not. */
bool skt_script_call_required(struct skt_script_lua *lua, enum skt_script_callback cb,
                              const struct skt_script_call_arg *args, int count, char *why, size_t why_cap);

/* Calls the function that luaL_ref put into the registry. */
bool skt_script_call_ref(struct skt_script_lua *lua, int ref, const struct skt_script_call_arg *args,
                         int count);

/* Runs fn(L) protected, with `user` as light userdata at 1, for work of our own that may raise. On failure
 * the message is logged with `what`, and put into why where that is not NULL. */
bool skt_script_call_protected(struct skt_script_lua *lua, lua_CFunction fn, void *user, const char *what,
                               char *why, size_t why_cap);

/* Lets calls into a state that was just made run for SKT_CALL_TIME_S and no longer. */
void skt_script_call_limit(struct skt_script_lua *lua);

/* Pops the table `skt`, in whose `cb` callbacks are looked for; before the first call, may raise. */
void skt_script_call_install(lua_State *L);

#endif
