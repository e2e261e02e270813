/* SPDX-License-Identifier: MIT */
#include "script/tun.h"

#include "base/err.h"
#include "crypto/crypto.h"
#include "io/resolve.h"
#include "script/app.h"
#include "script/state.h"
#include "script/tun_helper.h"
#include "script/tun_interface.h"
#include "script/tun_mtu.h"
#include "script/tun_owed.h"
#include "script/tun_remake.h"
#include "script/tun_system.h"
#include "script/tun_taker.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_tun_mode(const struct skt_config *conf)
{
    bool asked = conf->mode == SKT_CONFIG_CUSTOM && (conf->table.tun_ip || conf->table.tun_ip6);
    return asked || conf->mode == SKT_CONFIG_TUN_CLIENT || conf->mode == SKT_CONFIG_TUN_SERVER;
}

/* What the configuration sends into the TUN on purpose comes out of it as well. */
static int read_routes(struct skt_script_tun_unit *u)
{
    const struct skt_config_strings *routes = &u->app->conf->table.routes;
    u->routes = calloc(routes->count + 1, sizeof *u->routes);
    if (!u->routes)
        return SKT_ERR_NOMEM;
    for (size_t i = 0; i < routes->count; i++)
        if (skt_ipnet_parse(&u->routes[u->route_count], routes->items[i]) == SKT_OK)
            u->route_count++;
    return SKT_OK;
}

static int new_switch(struct skt_script_tun_unit *u)
{
    if (read_routes(u) != SKT_OK)
        return SKT_ERR_NOMEM;
    struct skt_switch_conf conf = {
        .loop = u->app->loop,
        .tun = u->dev,
        .server = u->server,
        .address4 = u->address4,
        .address6 = u->address6,
        .mtu = u->mtu,
        .follow_path = u->app->conf->table.tun_mtu == 0,
        .on_mtu = skt_script_tun_on_mtu,
        .user = u,
        .routes = u->routes,
        .route_count = u->route_count,
        .memory = skt_config_max_memory(u->app->conf) / 4,
    };
    int err = skt_crypto_openssl()->random(&conf.hash_key, sizeof conf.hash_key);
    return err == SKT_OK ? skt_switch_new(&u->sw, &conf) : err;
}

static int open_all(struct skt_script_tun_unit *u, char *why, size_t why_cap)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    struct skt_tun_options options = {.name = t->tun_name, .plain = t->tun_plain};
    int err = skt_script_tun_read_addresses(u, why, why_cap);
    if (err == SKT_OK)
        err = skt_tun_open(&u->dev, u->app->loop, &options, why, why_cap);
    if (err == SKT_OK)
        err = skt_script_tun_raise(u, why, why_cap);
    if (err == SKT_OK)
        err = skt_script_tun_unit_start_helper(u, why, why_cap);
    if (err != SKT_OK)
        return err;
    skt_script_tun_unit_prepare(u);
    err = new_switch(u);
    if (err != SKT_OK)
        snprintf(why, why_cap, "TUN: %s", skt_err_str(err));
    else
        skt_script_tun_unit_start_taker(u);
    return err;
}

static void on_again(struct skt_loop_timer *t, skt_us now)
{
    struct skt_script_tun_unit *u = SKT_CONTAINER(t, struct skt_script_tun_unit, owed.timer);
    (void)now;
    u->owed.tries++;
    if (u->remake.under_way)
        skt_script_tun_remake(u);
    else if (u->owed.mtu > 0)
        skt_script_tun_on_mtu(u, u->owed.mtu);
    if (!u->remake.under_way)
        skt_script_tun_unit_ask_again(u);
    if (skt_script_tun_is_owed(u))
        skt_script_tun_unit_later(u);
    else
        u->owed.tries = 0;
}

int skt_script_tun_unit_open(struct skt_script *app, char *why, size_t why_cap)
{
    if (!is_tun_mode(app->conf))
        return SKT_OK;
    struct skt_script_tun_unit *u = calloc(1, sizeof *u);
    if (!u)
        return SKT_ERR_NOMEM;
    app->tun = u;
    u->app = app;
    u->server = app->conf->mode == SKT_CONFIG_TUN_SERVER;
    u->mtu = app->conf->table.tun_mtu ? (size_t)app->conf->table.tun_mtu : skt_script_tun_best_mtu(app->conf);
    u->number = skt_script_number(app);
    skt_loop_timer_init(&u->owed.timer, on_again);
    int err = open_all(u, why, why_cap);
    if (err != SKT_OK)
        return err;
    char text4[SKT_IPNET_TEXT_MAX] = "", text6[SKT_IPNET_TEXT_MAX] = "";
    if (u->address4.family)
        skt_ipnet_text(&u->address4, true, text4);
    if (u->address6.family)
        skt_ipnet_text(&u->address6, true, text6);
    skt_tun_set_lost(u->dev, skt_script_tun_on_lost, u);
    skt_info("TUN %s is up: %s%s%s, MTU %zu%s", skt_tun_name(u->dev), text4, *text4 && *text6 ? ", " : "",
             text6, u->mtu, skt_tun_offloads(u->dev) ? "" : ", without offloads");
    return SKT_OK;
}

void skt_script_tun_unit_undo(struct skt_script *app)
{
    if (!app->tun)
        return;
    skt_taker_free(app->tun->taker);
    app->tun->taker = NULL;
    if (!skt_script_failed(app)) /* else what is held shut stays so, until a start */
        skt_netcfg_open(app->tun->nc);
    skt_netcfg_free(app->tun->nc);
    app->tun->nc = NULL;
    (void)skt_resolve_tell_servers(app->loop, NULL, NULL);
    app->tun->setup.configured = true; /* not once more */
}

void skt_script_tun_unit_close(struct skt_script *app)
{
    struct skt_script_tun_unit *u = app->tun;
    if (!u)
        return;
    skt_script_tun_unit_undo(app);
    skt_loop_timer_stop(app->loop, &u->owed.timer);
    skt_switch_free(u->sw);
    free(u->routes);
    skt_tun_close(u->dev);
    free(u);
    app->tun = NULL;
}

uint32_t skt_script_tun_unit_features(const struct skt_script *app)
{
    uint32_t features = 0;
    if (app->tun && (skt_tun_offloads(app->tun->dev) & SKT_TUN_TSO))
        features |= SKT_FEATURE_TUN_OFFLOAD;
    if (app->conf->mode == SKT_CONFIG_TUN_SERVER || app->conf->table.relay_tcp)
        features |= SKT_FEATURE_ADDRESSES;
    return features;
}
