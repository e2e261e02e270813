/* SPDX-License-Identifier: MIT */
#include "script/app.h"

#include "base/err.h"
#include "io/limits.h"
#include "script/api_etcp.h"
#include "script/api_relay.h"
#include "script/api_skcp.h"
#include "script/api_timer.h"
#include "script/api_tun.h"
#include "script/api_util.h"
#include "script/app_config.h"
#include "script/app_stop.h"
#include "script/app_trace.h"
#include "script/conf_table.h"
#include "script/loader.h"
#include "script/state.h"
#include "script/tun.h"
#include "script/tun_script.h"

#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

/* --- making it --- */

static int install(lua_State *L)
{
    struct skt_script *app = lua_touserdata(L, 1);
    luaL_openlibs(L);
    skt_script_handle_install(L);
    lua_createtable(L, 0, 3); /* skt */
    skt_script_conf_push(L, app);
    lua_setfield(L, -2, "conf");
    lua_newtable(L);
    lua_setfield(L, -2, "cb");
    lua_createtable(L, 0, 64);
    skt_script_api_add_skcp(L);
    skt_script_api_add_etcp(L);
    skt_script_api_add_relay(L);
    skt_script_api_add_timer(L);
    skt_script_api_add_util(L);
    skt_script_api_add_tun(L);
    lua_setfield(L, -2, "api");
    lua_pushliteral(L, SKT_VERSION);
    lua_setfield(L, -2, "version");
    lua_pushvalue(L, -1);
    skt_script_call_install(L);
    lua_setglobal(L, "skt");
    skt_script_handle_new(L, SKT_HANDLE_LOOP, app->loop);
    skt_script_loader_install(L, app);
    return 0;
}

static void on_beat(struct skt_loop_timer *t, skt_us now)
{
    struct skt_script *app = SKT_CONTAINER(t, struct skt_script, beat);
    skt_script_skcp_free_dead(app);
    if (!skt_script_call_present(&app->lua, SKT_CB_BEAT))
        return;
    skt_loop_timer_set(app->loop, t, now + SKT_US_PER_SEC);
    skt_script_call_callback(&app->lua, SKT_CB_BEAT, NULL, 0, NULL);
}

/* Looks which of the callbacks that cost something while nothing happens have come or gone: a beat that
 * nobody hears would wake an idle process up. */
static void after_call(struct skt_script_lua *lua)
{
    struct skt_script *app = SKT_CONTAINER(lua, struct skt_script, lua);
    if (!app->life.started)
        return;
    bool beats = skt_script_call_present(&app->lua, SKT_CB_BEAT);
    if (beats != skt_loop_timer_is_set(&app->beat))
        skt_loop_timer_set(app->loop, &app->beat,
                           beats ? skt_loop_now(app->loop) + SKT_US_PER_SEC : SKT_NEVER);
    skt_script_tun_watch_script(app);
    bool recv = skt_script_call_present(&app->lua, SKT_CB_TCP_RECV);
    if (recv != app->tcps.wants_recv) {
        app->tcps.wants_recv = recv;
        skt_script_tcp_watch_all(app);
    }
}

static void init_members(struct skt_script *app, struct skt_loop *loop, const struct skt_config *conf)
{
    app->loop = loop;
    app->conf = conf;
    app->lua.after_call = after_call;
    skt_list_init(&app->holds);
    skt_list_init(&app->tallies[0]);
    skt_list_init(&app->tallies[1]);
    skt_list_init(&app->etcps);
    skt_list_init(&app->timers);
    skt_list_init(&app->lookups);
    skt_loop_timer_init(&app->beat, on_beat);
    skt_script_stop_init(app);
    skt_script_tcps_init(app);
    skt_script_skcps_init(app);
    skt_script_pending_init(app);
    skt_script_closing_init(app);
}

/* What all endpoints and relays need, and the keys. */
static int make_shared(struct skt_script *app, char *why, size_t why_cap)
{
    const struct skt_config *conf = app->conf;
    int err = skt_shared_new(&app->shared, app->loop, skt_config_max_memory(conf));
    if (err == SKT_OK)
        err = skt_relay_set_new(&app->relays, app->loop);
    if (err == SKT_OK)
        err = skt_script_derive_keys(app);
    if (err == SKT_ERR_CRYPTO)
        snprintf(why, why_cap, "%s: the cryptographic library (OpenSSL) failed", conf->path);
    return err;
}

static int make_lua(struct skt_script *app, char *why, size_t why_cap)
{
    const struct skt_config *conf = app->conf;
    size_t limit_len = conf->max_memory ? skt_config_max_memory(conf) : skt_limits_memory();
    if (skt_script_lua_open(&app->lua, limit_len) != SKT_OK)
        return SKT_ERR_NOMEM;
    skt_script_call_limit(&app->lua);
    bool ok = skt_script_call_protected(&app->lua, install, app, "start", why, why_cap);
    return ok ? SKT_OK : SKT_ERR_NOMEM;
}

int skt_script_new(struct skt_script **out, struct skt_loop *loop, const struct skt_config *conf, char *why,
                   size_t why_cap)
{
    *out = NULL;
    snprintf(why, why_cap, "out of memory");
    struct skt_script *app = calloc(1, sizeof *app);
    if (!app)
        return SKT_ERR_NOMEM;
    init_members(app, loop, conf);
    int err = make_shared(app, why, why_cap);
    if (err == SKT_OK)
        err = make_lua(app, why, why_cap);
    if (err != SKT_OK) {
        skt_script_free(app);
        return err;
    }
    why[0] = 0;
    *out = app;
    return SKT_OK;
}

/* --- running it --- */

static int run_script(lua_State *L)
{
    if (skt_script_loader_push_script(L, lua_touserdata(L, 1)) != SKT_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

int skt_script_start(struct skt_script *app, char *why, size_t why_cap)
{
    int err = skt_script_trace_update(app, why, why_cap);
    if (err != SKT_OK)
        return err == SKT_ERR_NOMEM ? err : SKT_ERR_IO;
    if (!skt_script_call_protected(&app->lua, run_script, app, "script", why, why_cap))
        return SKT_ERR_IO;
    err = skt_script_tun_unit_open(app, why, why_cap);
    if (err != SKT_OK)
        return err == SKT_ERR_NOMEM ? err : SKT_ERR_IO;
    app->life.started = true;
    after_call(&app->lua);
    struct skt_script_call_arg args[] = {skt_arg_handle(app->loop),
                                         skt_arg_integer(app->tun ? app->tun->number : 0)};
    bool done = skt_script_call_required(&app->lua, SKT_CB_INIT, args, app->tun ? 2 : 1, why, why_cap);
    if (app->life.failed)
        snprintf(why, why_cap, "%s", app->life.fail_text);
    if (app->life.failed || !done)
        return SKT_ERR_IO;
    app->life.ready = true;
    return SKT_OK;
}
