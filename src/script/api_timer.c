/* SPDX-License-Identifier: MIT */
#include "script/api_timer.h"

#include "base/err.h"
#include "io/resolve.h"
#include "script/api.h"
#include "script/lookup.h"
#include "script/state.h"

#include <stdlib.h>
#include <string.h>

/* Calls a function of the script's once. */
struct skt_script_timer {
    struct skt_script_object base; /* what its handle stands for */
    struct skt_list link;          /* in app->timers */
    struct skt_loop_timer timer;   /* when the function is called */
    int ref;                       /* of the function, in the registry */
};

/* Calls a function of the script's once, with the answer. */
struct skt_script_lookup {
    struct skt_script *app;      /* whose it is */
    struct skt_list link;        /* in app->lookups */
    struct skt_resolve *resolve; /* under way */
    int ref;                     /* of the function, in the registry */
};

#define DELAY_MAX_S 1e9 /* 30 years, and its microseconds fit in 64 bits */

static void end_timer(struct skt_script_timer *t)
{
    struct skt_script *app = t->base.app;
    skt_loop_timer_stop(app->loop, &t->timer);
    skt_list_remove(&t->link);
    skt_script_handle_end(app->lua.L, t);
    luaL_unref(app->lua.L, LUA_REGISTRYINDEX, t->ref);
    free(t);
}

static void on_timer(struct skt_loop_timer *loop_timer, skt_us now)
{
    struct skt_script_timer *t = SKT_CONTAINER(loop_timer, struct skt_script_timer, timer);
    struct skt_script *app = t->base.app;
    int ref = t->ref;
    (void)now;
    /* It has ended before the function runs, which may stop it or set another one. */
    t->ref = LUA_NOREF;
    end_timer(t);
    skt_script_call_ref(&app->lua, ref, NULL, 0);
    luaL_unref(app->lua.L, LUA_REGISTRYINDEX, ref);
}

/* timer_start(seconds, function): a timer that calls it once. */
static int timer_start(lua_State *L)
{
    struct skt_script *app = skt_api_app(L);
    lua_Number seconds = skt_script_arg_check_number(L, 1, "seconds");
    skt_script_arg_check_function(L, 2, "callback");
    if (!(seconds >= 0 && seconds <= DELAY_MAX_S))
        return skt_script_push_fail(L, "seconds: expected 0..1e9");
    if (app->life.closed)
        return skt_script_push_fail(L, "ending");
    lua_settop(L, 2);
    int ref = luaL_ref(L, LUA_REGISTRYINDEX);
    struct skt_script_timer *t = calloc(1, sizeof *t);
    skt_us at = skt_loop_now(app->loop) + (skt_us)(seconds * (double)SKT_US_PER_SEC);
    if (!t) {
        luaL_unref(L, LUA_REGISTRYINDEX, ref);
        return skt_script_push_fail(L, "out of memory");
    }
    skt_loop_timer_init(&t->timer, on_timer);
    skt_loop_timer_set(app->loop, &t->timer, at);
    t->base.app = app;
    t->ref = ref;
    skt_list_append(&app->timers, &t->link);
    if (!skt_script_handle_try(L, SKT_HANDLE_TIMER, t)) {
        end_timer(t);
        return lua_error(L);
    }
    return 1;
}

/* timer_stop(timer): true; nil, "closed" where it has fired already. */
static int timer_stop(lua_State *L)
{
    struct skt_script_timer *t = skt_script_handle_arg(L, 1, SKT_HANDLE_TIMER, "timer");
    if (!t)
        return skt_script_push_fail(L, "closed");
    end_timer(t);
    lua_pushboolean(L, 1);
    return 1;
}

/* --- look-ups --- */

static void end_lookup(struct skt_script_lookup *k)
{
    skt_list_remove(&k->link);
    luaL_unref(k->app->lua.L, LUA_REGISTRYINDEX, k->ref);
    free(k);
}

/* The function gets the addresses as texts, or nil and a message. */
static void on_resolved(void *user, const struct skt_addr *addrs, size_t n, const char *error)
{
    struct skt_script_lookup *k = user;
    struct skt_script_call_arg args[SKT_RESOLVE_ADDRS_MAX];
    char texts[SKT_RESOLVE_ADDRS_MAX][SKT_ADDR_TEXT_MAX];
    int count = 0;
    for (size_t i = 0; i < n && count < SKT_RESOLVE_ADDRS_MAX; i++) {
        skt_script_ip_text(&addrs[i], texts[i]);
        args[count++] = skt_arg_string(texts[i], strlen(texts[i]));
    }
    if (count == 0) {
        args[count++] = (struct skt_script_call_arg){SKT_ARG_NIL, 0, NULL, 0};
        args[count++] = skt_arg_string(error, strlen(error));
    }
    skt_script_call_ref(&k->app->lua, k->ref, args, count);
    end_lookup(k);
}

/* lookup_async(domain, function): true. */
static int lookup_async(lua_State *L)
{
    struct skt_script *app = skt_api_app(L);
    const char *domain = skt_script_arg_check_string(L, 1, "domain", NULL);
    skt_script_arg_check_function(L, 2, "callback");
    if (app->life.closed)
        return skt_script_push_fail(L, "ending");
    lua_settop(L, 2);
    int ref = luaL_ref(L, LUA_REGISTRYINDEX);
    struct skt_script_lookup *k = calloc(1, sizeof *k);
    int err = k ? skt_resolve_start(&k->resolve, app->loop, domain, 0, on_resolved, k) : SKT_ERR_NOMEM;
    if (err != SKT_OK) {
        luaL_unref(L, LUA_REGISTRYINDEX, ref);
        free(k);
        return skt_script_push_fail_err(L, err);
    }
    k->app = app;
    k->ref = ref;
    skt_list_append(&app->lookups, &k->link);
    lua_pushboolean(L, 1);
    return 1;
}

void skt_script_timer_close_all(struct skt_script *app)
{
    while (!skt_list_empty(&app->timers))
        end_timer(SKT_CONTAINER(app->timers.next, struct skt_script_timer, link));
    while (!skt_list_empty(&app->lookups)) {
        struct skt_script_lookup *k = SKT_CONTAINER(app->lookups.next, struct skt_script_lookup, link);
        skt_resolve_cancel(k->resolve);
        end_lookup(k);
    }
}

void skt_script_api_add_timer(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"timer_start", timer_start},
        {"timer_stop", timer_stop},
        {"lookup_async", lookup_async},
        {NULL, NULL},
    };
    skt_script_api_set(L, functions);
}
