/* SPDX-License-Identifier: MIT */
/* Calls from C into the script: every one goes through here, protected, with a traceback in the log and an
 * end for a script that loops for ever. */
#ifndef SKT_SCRIPT_CALL_H
#define SKT_SCRIPT_CALL_H

#include "base/clock.h"

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>

struct skt_script;

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

struct skt_script_calls {
    unsigned depth;  /* calls inside one another */
    skt_us deadline; /* of the outermost one */
    bool no_memory;  /* the last call that ended failed for lack of it, wherever it was */
};

struct skt_script_call_arg {
    enum { SKT_ARG_INTEGER, SKT_ARG_STRING, SKT_ARG_HANDLE, SKT_ARG_NIL } type;
    lua_Integer integer;
    const void *ptr; /* the string, or the object that the handle stands for */
    size_t len;
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

enum { SKT_CALL_TIME_S = 5 }; /* a callback may run this long */

/* Is the callback set? */
bool skt_script_call_present(struct skt_script *app, enum skt_script_callback cb);

/* Calls skt.cb.<name>. True: it ran to its end; *result (may be NULL) gets its first result where that is an
 * integer and stays as it was otherwise. False: it is absent, or failed (logged). */
bool skt_script_call_callback(struct skt_script *app, enum skt_script_callback cb,
                              const struct skt_script_call_arg *args, int count, lua_Integer *result);

/* The same for one that has to be there and to come to its end: false, with one line in why, where it does
 * not. */
bool skt_script_call_required(struct skt_script *app, enum skt_script_callback cb,
                              const struct skt_script_call_arg *args, int count, char *why, size_t why_cap);

/* Calls the function that luaL_ref put into the registry. */
bool skt_script_call_ref(struct skt_script *app, int ref, const struct skt_script_call_arg *args, int count);

/* Runs fn(L) protected, with `user` as light userdata at 1, for work of our own that may raise. On failure
 * the message is logged with `what`, and put into why where that is not NULL. */
bool skt_script_call_protected(struct skt_script *app, lua_CFunction fn, void *user, const char *what,
                               char *why, size_t why_cap);

/* Sets up the state's hook. */
void skt_script_call_install(struct skt_script *app);

/* Puts the callbacks' names into the registry, once; may raise. */
void skt_script_call_names(lua_State *L);

#endif
