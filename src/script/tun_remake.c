/* SPDX-License-Identifier: MIT */
#include "script/tun_remake.h"

#include "base/err.h"
#include "script/state.h"
#include "script/tun_interface.h"
#include "script/tun_owed.h"
#include "script/tun_system.h"

#include <stdio.h>

/* One that goes more often within this time somebody does not want. */
enum { REMAKES_MAX = 5 };
#define REMAKES_TIME (60 * SKT_US_PER_SEC)

static bool may_remake(struct skt_script_tun_unit *u)
{
    skt_us now = skt_loop_now(u->app->loop);
    if (now - u->remake.since > REMAKES_TIME || u->remake.count == 0) {
        u->remake.since = now;
        u->remake.count = 0;
    }
    return u->remake.count++ < REMAKES_MAX;
}

static int try_to(struct skt_script_tun_unit *u, char *why, size_t why_cap)
{
    if (!u->remake.under_way && !may_remake(u)) {
        snprintf(why, why_cap, "that was the %dth time within a minute", REMAKES_MAX + 1);
        return SKT_ERR_FULL;
    }
    int err = SKT_OK;
    if (!u->remake.reopened)
        err = skt_tun_reopen(u->dev, u->app->conf->table.tun_plain, why, why_cap);
    u->remake.reopened = err == SKT_OK;
    return err == SKT_OK ? skt_script_tun_raise(u, why, why_cap) : err;
}

void skt_script_tun_remake(struct skt_script_tun_unit *u)
{
    char why[SKT_TUN_ERROR_MAX], text[SKT_TUN_ERROR_MAX + 128];
    int err = try_to(u, why, sizeof why);
    u->remake.under_way = err == SKT_ERR_NOMEM;
    if (u->remake.under_way) {
        skt_warn_rarely(0, "interface %s was removed by somebody else; it is made anew a little later: %s",
                        skt_tun_name(u->dev), why);
        skt_script_tun_unit_later(u);
        return;
    }
    u->remake.reopened = false;
    if (err == SKT_OK) {
        skt_warn_rarely(0, "interface %s was removed by somebody else; it is made anew",
                        skt_tun_name(u->dev));
        skt_script_tun_unit_configure_again(u);
        return;
    }
    snprintf(text, sizeof text, "interface %s was removed by somebody else, and can't be made anew: %s",
             skt_tun_name(u->dev), why);
    skt_script_fail(u->app, text);
}

void skt_script_tun_on_lost(void *user)
{
    struct skt_script_tun_unit *u = user;
    u->remake.under_way = u->remake.reopened = false;
    skt_script_tun_remake(u);
}
