/* SPDX-License-Identifier: MIT */
#include "script/call.h"

#include "base/log.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    HOOK_EVERY =
        100000, /* instructions of Lua: some ms, so that the limit is kept and the look costs nothing */
    TRACEBACK_LINES = 10, /* of an error that is logged: enough for a script's own functions */
};

static const char *const callback_names[] = {
    [SKT_CB_INIT] = "on_init",
    [SKT_CB_SKCP_ACCEPT] = "on_skcp_accept",
    [SKT_CB_SKCP_CHECK_TICKET] = "on_skcp_check_ticket",
    [SKT_CB_SKCP_RECV_CID] = "on_skcp_recv_cid",
    [SKT_CB_SKCP_RECV_DATA] = "on_skcp_recv_data",
    [SKT_CB_SKCP_CLOSE] = "on_skcp_close",
    [SKT_CB_SKCP_ROOM] = "on_skcp_room",
    [SKT_CB_TCP_ACCEPT] = "on_tcp_accept",
    [SKT_CB_TCP_RECV] = "on_tcp_recv",
    [SKT_CB_TCP_CLOSE] = "on_tcp_close",
    [SKT_CB_TCP_ROOM] = "on_tcp_room",
    [SKT_CB_TUN_READ] = "on_tun_read",
    [SKT_CB_BEAT] = "on_beat",
    [SKT_CB_STREAM_OPEN] = "on_stream_open",
};

struct call {
    struct skt_script_lua *lua;             /* where it is called */
    enum skt_script_callback cb;            /* what is called */
    int ref;                                /* with SKT_CB_OTHER: of the function, in the registry */
    const struct skt_script_call_arg *args; /* its arguments */
    int count;                              /* of args */
    lua_Integer *result;                    /* gets the first result where that is an integer; may be NULL */
    bool absent;                            /* there was no such function */
};

/* The loop's clock stands still during a turn; this one does not. */
static skt_us clock_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (skt_us)ts.tv_sec * SKT_US_PER_SEC + (skt_us)ts.tv_nsec / 1000;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    const struct skt_script_lua *lua = skt_script_lua_of(L);
    bool late = lua->depth > 0 && clock_us() > lua->deadline;
    /* A script may catch the error and go on: from now on every instruction outside of that pcall fails, too.
     */
    if (late && lua_gethookcount(L) != 1)
        lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
    if (!late && lua_gethookcount(L) == 1)
        lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
    if (late)
        luaL_error(L, "stopped: it ran for more than %d s", SKT_CALL_TIME_S);
}

void skt_script_call_limit(struct skt_script_lua *lua)
{
    lua_sethook(lua->L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
}

/* Pushes skt.cb.<name>, whatever it is. */
static void push_callback(lua_State *L, struct skt_script_lua *lua, enum skt_script_callback cb)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, lua); /* the table skt */
    lua_pushliteral(L, "cb");
    if (lua_rawget(L, -2) == LUA_TTABLE) {
        lua_pushstring(L, callback_names[cb]);
        lua_rawget(L, -2);
    } else {
        lua_pushnil(L);
    }
    lua_replace(L, -3);
    lua_pop(L, 1);
}

static void push_arg(lua_State *L, const struct skt_script_call_arg *a)
{
    switch (a->type) {
    case SKT_ARG_INTEGER:
        lua_pushinteger(L, a->integer);
        break;
    case SKT_ARG_STRING:
        lua_pushlstring(L, a->ptr, a->len);
        break;
    case SKT_ARG_HANDLE:
        lua_rawgetp(L, LUA_REGISTRYINDEX, a->ptr);
        break;
    default:
        lua_pushnil(L);
        break;
    }
}

static int run_call(lua_State *L)
{
    struct call *c = lua_touserdata(L, 1);
    luaL_checkstack(L, c->count + 8, NULL);
    if (c->cb == SKT_CB_OTHER)
        lua_rawgeti(L, LUA_REGISTRYINDEX, c->ref);
    else
        push_callback(L, c->lua, c->cb);
    c->absent = lua_isnil(L, -1);
    if (c->absent)
        return 0;
    for (int i = 0; i < c->count; i++)
        push_arg(L, &c->args[i]);
    lua_call(L, c->count, 1);
    int is_integer;
    lua_Integer v = lua_tointegerx(L, -1, &is_integer);
    if (c->result && is_integer)
        *c->result = v;
    return 0;
}

static int add_traceback(lua_State *L)
{
    const char *message = luaL_tolstring(L, 1, NULL);
    luaL_traceback(L, L, message, 1);
    return 1;
}

/* One line of the log for each of the text, some of a traceback. */
static void log_lines(const char *what, const char *text)
{
    for (int i = 0; i < TRACEBACK_LINES && *text; i++) {
        size_t len = strcspn(text, "\n");
        skt_error("%s: %.*s", what, (int)(len < 400 ? len : 400), text);
        text += len + (text[len] == '\n');
    }
}

/* The error message is on top of the stack. What a peer makes a callback do may fail each time. */
static void log_failure(struct skt_script_lua *lua, const char *what)
{
    static const struct skt_log_site site = {SKT_LOG_RARE};
    const char *text = lua_tostring(lua->L, -1);
    if (!text)
        text = "unknown error";
    char with_limit[160];
    if (strcmp(text, "not enough memory") == 0 && lua->limit_len) {
        snprintf(with_limit, sizeof with_limit,
                 "not enough memory: the script has %zu KiB, of %zu KiB that max_memory allows",
                 lua->used_len / 1024, lua->limit_len / 1024);
        text = with_limit;
    }
    size_t len = strcspn(text, "\n");
    uint64_t key = skt_log_key(text, len, skt_log_key(what, strlen(what), 0));
    if (skt_log_limited(&site, SKT_LOG_ERROR, key, "%s: %.*s", what, (int)len, text) && text[len])
        log_lines(what, text + len + 1);
}

/* Calls `fn` with one light userdata. Leaves the stack as it was, the message (a string) on top on failure.
 */
static bool protected(struct skt_script_lua *lua, lua_CFunction fn, void *user)
{
    lua_State *L = lua->L;
    if (!lua_checkstack(L, 8)) {
        skt_error_rarely(0, "script: no room on the stack");
        return false;
    }
    if (lua->depth++ == 0)
        lua->deadline = clock_us() + SKT_CALL_TIME_S * SKT_US_PER_SEC;
    int base = lua_gettop(L);
    lua_pushcfunction(L, add_traceback);
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, user);
    int rc = lua_pcall(L, 1, 0, base + 1);
    lua->no_memory = rc == LUA_ERRMEM;
    lua->depth--;
    lua_remove(L, base + 1);
    return rc == LUA_OK;
}

static void after(struct skt_script_lua *lua)
{
    if (lua->after_call)
        lua->after_call(lua);
}

bool skt_script_call_protected(struct skt_script_lua *lua, lua_CFunction fn, void *user, const char *what,
                               char *why, size_t why_cap)
{
    int base = lua_gettop(lua->L);
    bool ok = protected(lua, fn, user);
    if (!ok && lua_gettop(lua->L) > base) {
        const char *text = lua_tostring(lua->L, -1);
        if (why) {
            snprintf(why, why_cap, "%s", text ? text : "unknown error");
            why[strcspn(why, "\n")] = 0;
        }
        log_failure(lua, what);
    }
    lua_settop(lua->L, base);
    after(lua);
    return ok;
}

static bool run(struct call *c, const char *what)
{
    struct skt_script_lua *lua = c->lua;
    int base = lua_gettop(lua->L);
    bool ok = protected(lua, run_call, c);
    if (!ok && lua_gettop(lua->L) > base)
        log_failure(lua, what);
    lua_settop(lua->L, base);
    if (!c->absent)
        after(lua);
    return ok && !c->absent;
}

bool skt_script_call_present(struct skt_script_lua *lua, enum skt_script_callback cb)
{
    if (!lua_checkstack(lua->L, 4))
        return false;
    int base = lua_gettop(lua->L);
    /* No allocation that could raise: the names are kept alive by skt_script_call_install. */
    lua_rawgetp(lua->L, LUA_REGISTRYINDEX, callback_names);
    lua_rawgetp(lua->L, LUA_REGISTRYINDEX, lua);
    bool present = false;
    if (lua_istable(lua->L, -1) && lua_istable(lua->L, -2)) {
        lua_rawgeti(lua->L, base + 1, 0);
        if (lua_rawget(lua->L, -2) == LUA_TTABLE) {
            lua_rawgeti(lua->L, base + 1, (lua_Integer)cb + 1);
            present = lua_rawget(lua->L, -2) != LUA_TNIL;
        }
    }
    lua_settop(lua->L, base);
    return present;
}

void skt_script_call_install(lua_State *L)
{
    lua_createtable(L, SKT_CB_COUNT, 1);
    lua_pushliteral(L, "cb");
    lua_rawseti(L, -2, 0);
    for (int i = 0; i < SKT_CB_COUNT; i++) {
        lua_pushstring(L, callback_names[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, callback_names);
    lua_rawsetp(L, LUA_REGISTRYINDEX, skt_script_lua_of(L));
}

bool skt_script_call_callback(struct skt_script_lua *lua, enum skt_script_callback cb,
                              const struct skt_script_call_arg *args, int count, lua_Integer *result)
{
    if (!skt_script_call_present(lua, cb))
        return false;
    struct call c = {lua, cb, 0, args, count, result, false};
    return run(&c, callback_names[cb]);
}

bool skt_script_call_required(struct skt_script_lua *lua, enum skt_script_callback cb,
                              const struct skt_script_call_arg *args, int count, char *why, size_t why_cap)
{
    snprintf(why, why_cap, "the script sets no skt.cb.%s", callback_names[cb]);
    if (!skt_script_call_present(lua, cb))
        return false;
    struct call c = {lua, cb, 0, args, count, NULL, false};
    return skt_script_call_protected(lua, run_call, &c, callback_names[cb], why, why_cap);
}

bool skt_script_call_ref(struct skt_script_lua *lua, int ref, const struct skt_script_call_arg *args,
                         int count)
{
    struct call c = {lua, SKT_CB_OTHER, ref, args, count, NULL, false};
    return run(&c, "script");
}
