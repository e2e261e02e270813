/* SPDX-License-Identifier: MIT */
#include "script/app_stop.h"

#include "script/api_timer.h"
#include "script/app.h"
#include "script/app_config.h"
#include "script/app_trace.h"
#include "script/etcp.h"
#include "script/state.h"
#include "script/tun.h"

#include <stdlib.h>

/* How late the end of the last connection may be noticed. */
#define STOP_POLL (20 * SKT_US_PER_MS)

static void close_everything(struct skt_script *app)
{
    app->life.closed = true;
    skt_script_timer_close_all(app);
    skt_script_etcp_close_all(app);
    skt_relay_set_free(app->relays);
    app->relays = NULL;
    skt_script_tun_unit_undo(app);
    skt_script_skcp_close_all(app);
}

static void on_stop_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_script *app = SKT_CONTAINER(t, struct skt_script, life.stop_timer);
    bool open = (app->relays && skt_relay_set_stats(app->relays)->open > 0) ||
                app->tcps.by_number.count > 0 || !skt_list_empty(&app->tcps.lingering);
    if (open && now >= app->life.leave_at && app->relays) {
        app->life.leave_at = SKT_NEVER;
        skt_relay_set_leave(app->relays);
    }
    if (open && now < app->life.stop_at) {
        skt_loop_timer_set(app->loop, t, skt_us_min(now + STOP_POLL, app->life.stop_at));
        return;
    }
    close_everything(app);
    if (app->life.on_stopped)
        app->life.on_stopped(app->life.stopped_user);
    app->life.on_stopped = NULL;
}

void skt_script_stop_init(struct skt_script *app)
{
    app->life.created = skt_loop_now(app->loop);
    app->life.stop_at = app->life.leave_at = SKT_NEVER;
    skt_loop_timer_init(&app->life.stop_timer, on_stop_timer);
}

void skt_script_stop(struct skt_script *app, skt_us grace, void (*on_stopped)(void *user), void *user)
{
    skt_us now = skt_loop_now(app->loop);
    app->life.on_stopped = on_stopped;
    app->life.stopped_user = user;
    app->life.leave_at = skt_us_min(app->life.leave_at, skt_us_add(now, grace));
    app->life.stop_at = skt_us_min(app->life.stop_at, skt_us_add(now, grace + grace * 4 / 10));
    if (!app->life.stopping) {
        app->life.stopping = true;
        skt_script_etcp_close_listeners(app);
    }
    skt_loop_timer_set(app->loop, &app->life.stop_timer, now);
}

void skt_script_free(struct skt_script *app)
{
    if (!app)
        return;
    app->life.started = false;
    close_everything(app);
    skt_script_lua_close(&app->lua);
    skt_loop_task_cancel(&app->skcps.finish);
    skt_script_skcp_free_dead(app);
    skt_tally_free_all(&app->tallies[0]);
    skt_tally_free_all(&app->tallies[1]);
    skt_script_trace_end(app);
    skt_script_tun_unit_close(app);
    skt_shared_free(app->shared);
    skt_tickets_dispose(&app->tickets);
    skt_script_tcps_dispose(app);
    skt_loop_timer_stop(app->loop, &app->beat);
    skt_loop_timer_stop(app->loop, &app->life.stop_timer);
    skt_script_free_keys(app);
    free(app);
}
