/* SPDX-License-Identifier: MIT */
#include "script/app.h"

#include "base/err.h"
#include "config/tickets.h"
#include "io/limits.h"
#include "script/api.h"
#include "script/api_etcp.h"
#include "script/api_timer.h"
#include "script/app_config.h"
#include "script/app_trace.h"
#include "script/closing.h"
#include "script/conf_table.h"
#include "script/handle.h"
#include "script/loader.h"
#include "script/pending.h"
#include "script/skcp.h"
#include "script/state.h"
#include "script/tcp.h"
#include "script/tun.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const skt_us stop_poll = 20 * SKT_US_PER_MS;

static void *alloc_limited(void *user, void *old, size_t old_len, size_t new_len)
{
    struct skt_script *app = user;
    if (!old)
        old_len = 0; /* Lua passes the kind of object here */
    if (new_len == 0) {
        free(old);
        app->lua_used_len -= old_len;
        return NULL;
    }
    if (new_len > old_len && app->lua_limit_len &&
        app->lua_used_len - old_len + new_len > app->lua_limit_len) {
        app->lua_refusals++;
        return NULL;
    }
    void *fresh = realloc(old, new_len);
    if (!fresh && new_len <= old_len)
        fresh = old; /* Lua takes it for granted that a block can shrink */
    if (fresh)
        app->lua_used_len += new_len - old_len;
    return fresh;
}

static int on_panic(lua_State *L)
{
    const char *text = lua_tostring(L, -1);
    skt_error("script: error outside a protected call: %s", text ? text : "?");
    return 0; /* Lua aborts: our own bug */
}

uint32_t skt_script_number(struct skt_script *app)
{
    return ++app->last_number;
}

/* --- making it --- */

static int install(lua_State *L)
{
    struct skt_script *app = lua_touserdata(L, 1);
    luaL_openlibs(L);
    skt_script_handle_install(L);
    skt_script_call_names(L);
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
    lua_rawsetp(L, LUA_REGISTRYINDEX, app);
    lua_setglobal(L, "skt");
    skt_script_handle_new(L, SKT_HANDLE_LOOP, app->loop);
    skt_script_loader_install(L, app);
    return 0;
}

static void on_beat(struct skt_loop_timer *t, skt_us now)
{
    struct skt_script *app = SKT_CONTAINER(t, struct skt_script, beat);
    skt_script_skcp_free_dead(app);
    if (!skt_script_call_present(app, SKT_CB_BEAT))
        return;
    skt_loop_timer_set(app->loop, t, now + SKT_US_PER_SEC);
    skt_script_call_callback(app, SKT_CB_BEAT, NULL, 0, NULL);
}

/* A beat that nobody hears would wake an idle process up. */
void skt_script_after_call(struct skt_script *app)
{
    if (!app->started)
        return;
    bool beats = skt_script_call_present(app, SKT_CB_BEAT);
    if (beats != skt_loop_timer_is_set(&app->beat))
        skt_loop_timer_set(app->loop, &app->beat,
                           beats ? skt_loop_now(app->loop) + SKT_US_PER_SEC : SKT_NEVER);
    skt_script_tun_unit_watch_script(app);
    bool recv = skt_script_call_present(app, SKT_CB_TCP_RECV);
    if (recv != app->wants_recv) {
        app->wants_recv = recv;
        skt_script_tcp_watch_all(app);
    }
}

static void on_stop_timer(struct skt_loop_timer *t, skt_us now);

static void init_members(struct skt_script *app, struct skt_loop *loop, const struct skt_config *conf)
{
    app->loop = loop;
    app->conf = conf;
    app->created = skt_loop_now(loop);
    app->stop_at = app->leave_at = SKT_NEVER;
    struct skt_list *lists[] = {&app->skcps,     &app->dead_skcps, &app->etcps,
                                &app->lingering, &app->graveyard,  &app->timers,
                                &app->lookups,   &app->pending,    &app->holds};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        skt_list_init(lists[i]);
    skt_idmap_init(&app->tcps);
    skt_loop_timer_init(&app->beat, on_beat);
    skt_loop_timer_init(&app->stop_timer, on_stop_timer);
    skt_script_tcp_init_app(app);
    skt_script_skcp_init_app(app);
    skt_script_pending_init_app(app);
    skt_script_closing_init_app(app);
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
    app->lua_limit_len = conf->max_memory ? skt_config_max_memory(conf) : skt_limits_memory();
    int err = skt_shared_new(&app->shared, loop, skt_config_max_memory(conf));
    if (err == SKT_OK)
        err = skt_relay_set_new(&app->relays, loop);
    if (err == SKT_OK)
        err = skt_script_derive_keys(conf, &app->psks);
    if (err == SKT_ERR_CRYPTO)
        snprintf(why, why_cap, "%s: the cryptographic library (OpenSSL) failed", conf->path);
    if (err == SKT_OK) {
        app->L = lua_newstate(alloc_limited, app);
        err = app->L ? SKT_OK : SKT_ERR_NOMEM;
    }
    if (err == SKT_OK) {
        lua_atpanic(app->L, on_panic);
        skt_script_call_install(app);
        if (!skt_script_call_protected(app, install, app, "start", why, why_cap))
            err = SKT_ERR_NOMEM;
    }
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
    if (!skt_script_call_protected(app, run_script, app, "script", why, why_cap))
        return SKT_ERR_IO;
    err = skt_script_tun_unit_open(app, why, why_cap);
    if (err != SKT_OK)
        return err == SKT_ERR_NOMEM ? err : SKT_ERR_IO;
    app->started = true;
    skt_script_after_call(app);
    struct skt_script_call_arg args[] = {skt_arg_handle(app->loop),
                                         skt_arg_integer(app->tun ? app->tun->number : 0)};
    bool done = skt_script_call_required(app, SKT_CB_INIT, args, app->tun ? 2 : 1, why, why_cap);
    if (app->failed)
        snprintf(why, why_cap, "%s", app->fail_text);
    if (app->failed || !done)
        return SKT_ERR_IO;
    app->ready = true;
    return SKT_OK;
}

void skt_script_fail(struct skt_script *app, const char *text)
{
    if (app->failed)
        return;
    app->failed = true;
    snprintf(app->fail_text, sizeof app->fail_text, "%s", text);
    if (app->ready) {
        skt_error("%s", text);
        skt_loop_stop(app->loop);
    }
}

bool skt_script_failed(const struct skt_script *app)
{
    return app->failed;
}

/* --- stopping it --- */

static void close_everything(struct skt_script *app)
{
    app->closed = true;
    skt_script_timer_close_all(app);
    skt_script_etcp_close_all(app);
    if (app->relays)
        skt_relay_set_free(app->relays);
    app->relays = NULL;
    skt_script_tun_unit_undo(app);
    skt_script_skcp_close_all(app);
}

static void on_stop_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_script *app = SKT_CONTAINER(t, struct skt_script, stop_timer);
    bool open = (app->relays && skt_relay_set_stats(app->relays)->open > 0) || app->tcps.count > 0 ||
                !skt_list_empty(&app->lingering);
    if (open && now >= app->leave_at && app->relays) {
        app->leave_at = SKT_NEVER;
        skt_relay_set_leave(app->relays);
    }
    if (open && now < app->stop_at) {
        skt_loop_timer_set(app->loop, t, skt_us_min(now + stop_poll, app->stop_at));
        return;
    }
    close_everything(app);
    if (app->on_stopped)
        app->on_stopped(app->stopped_user);
    app->on_stopped = NULL;
}

void skt_script_stop(struct skt_script *app, skt_us grace, void (*on_stopped)(void *user), void *user)
{
    skt_us now = skt_loop_now(app->loop);
    app->on_stopped = on_stopped;
    app->stopped_user = user;
    app->leave_at = skt_us_min(app->leave_at, skt_us_add(now, grace));
    app->stop_at = skt_us_min(app->stop_at, skt_us_add(now, grace + grace * 4 / 10));
    if (!app->stopping) {
        app->stopping = true;
        skt_script_etcp_close_listeners(app);
    }
    skt_loop_timer_set(app->loop, &app->stop_timer, now);
}

void skt_script_free(struct skt_script *app)
{
    if (!app)
        return;
    app->started = false;
    if (app->L) {
        close_everything(app);
        lua_close(app->L);
    } else if (app->relays) {
        skt_relay_set_free(app->relays);
    }
    skt_loop_task_cancel(&app->finish);
    skt_script_skcp_free_dead(app);
    skt_script_trace_end(app);
    skt_script_tun_unit_close(app);
    skt_shared_free(app->shared);
    skt_tickets_dispose(&app->tickets);
    skt_script_tcp_dispose_app(app);
    skt_loop_timer_stop(app->loop, &app->beat);
    skt_loop_timer_stop(app->loop, &app->stop_timer);
    skt_idmap_dispose(&app->tcps);
    skt_script_free_keys(app->psks, app->conf->table.entry_count);
    free(app);
}
