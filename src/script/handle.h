/* SPDX-License-Identifier: MIT */
/* Handles: what a script holds of an object of ours. A full userdata of its own type, the same one at every
 * callback; once the object has ended it is stale, and functions answer nil, "closed". Also the checks of
 * arguments, which name the argument. */
#ifndef SKT_SCRIPT_HANDLE_H
#define SKT_SCRIPT_HANDLE_H

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_script;

/* First member of everything that a handle can stand for. */
struct skt_script_object {
    struct skt_script *app; /* whose it is */
};

/* The types, as messages name them. */
#define SKT_HANDLE_SKCP   "skt.skcp"
#define SKT_HANDLE_ETCP   "skt.etcp_server"
#define SKT_HANDLE_CLIENT "skt.etcp_client"
#define SKT_HANDLE_LOOP   "skt.loop"
#define SKT_HANDLE_STREAM "skt.stream"
#define SKT_HANDLE_TIMER  "skt.timer"

/* Makes the metatables; may raise. */
void skt_script_handle_install(lua_State *L);

/* Pushes a new handle of an object and keeps it alive until skt_script_handle_end; may raise. */
void skt_script_handle_new(lua_State *L, const char *type, void *object);

/* The same for an object that has to be ended when there is no memory for its handle: false, with the error
 * on top of the stack for lua_error. */
bool skt_script_handle_try(lua_State *L, const char *type, void *object);

/* Makes the object's handle stale; harmless where there is none. Never raises. */
void skt_script_handle_end(lua_State *L, const void *object);

/* The object of the argument, NULL for a stale one. Raises for a wrong type. */
void *skt_script_handle_arg(lua_State *L, int idx, const char *type, const char *name);

/* For functions that answer nil, message, as the original's do, also where a handle is none: true where the
 * first argument is no `type`, or one of the first n is nil; the two results are pushed then. names: the
 * arguments', NULL for one that may be nil. */
bool skt_script_arg_missing(lua_State *L, const char *type, const char *const *names, int n);

/* Other arguments. Raise for a wrong type; numbers as text and text as numbers are taken as Lua takes them.
 */
lua_Integer skt_script_arg_check_integer(lua_State *L, int idx, const char *name);
lua_Integer skt_script_arg_opt_integer(lua_State *L, int idx, const char *name, lua_Integer otherwise);
lua_Number skt_script_arg_check_number(lua_State *L, int idx, const char *name);
const char *skt_script_arg_check_string(lua_State *L, int idx, const char *name, size_t *len);
void skt_script_arg_check_function(lua_State *L, int idx, const char *name);

/* A cid or fd: what is no valid number is 0, which no object has. */
uint32_t skt_script_arg_check_number32(lua_State *L, int idx, const char *name);

/* Raises "bad argument 'name' to function (expected what, got type)". */
int skt_script_arg_error(lua_State *L, int idx, const char *name, const char *expected);

/* Pushes nil, message; returns 2. */
int skt_script_push_fail(lua_State *L, const char *message);
int skt_script_push_fail_err(lua_State *L, int err);

#endif
