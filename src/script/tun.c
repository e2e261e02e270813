/* SPDX-License-Identifier: MIT */
#include "script/tun.h"

#include "base/err.h"
#include "crypto/crypto.h"
#include "io/resolve.h"
#include "script/app.h"
#include "script/tun_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REMAKES_MAX = 5 }; /* within REMAKES_TIME; then somebody does not want it */
#define REMAKES_TIME (60 * SKT_US_PER_SEC)

static bool is_tun_mode(const struct skt_config *conf)
{
    bool asked = conf->mode == SKT_CONFIG_CUSTOM && (conf->table.tun_ip || conf->table.tun_ip6);
    return asked || conf->mode == SKT_CONFIG_TUN_CLIENT || conf->mode == SKT_CONFIG_TUN_SERVER;
}

/* --- opening --- */

/* SKT_ERR_NOMEM also for other causes that pass. */
static int fail_io(char *why, size_t why_cap, const char *name, const char *what, int err)
{
    int error = errno;
    snprintf(why, why_cap, "%s: %s: %s", name, what, err == SKT_ERR_IO ? strerror(error) : skt_err_str(err));
    return err == SKT_ERR_IO && skt_err_is_passing(error) ? SKT_ERR_NOMEM : err;
}

static void add_extension(struct skt_script_tun_unit *u, int type, const struct skt_ipnet *net, size_t len)
{
    uint8_t *p = u->extensions + u->extensions_len;
    if (net->family == 0)
        return;
    p[0] = (uint8_t)type;
    p[1] = (uint8_t)len;
    memcpy(p + 2, net->ip, len);
    u->extensions_len += 2 + len;
}

/* Scripts of one's own may do without addresses, so they may be missing. */
static int read_addresses(struct skt_script_tun_unit *u, char *why, size_t why_cap)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    int err = SKT_OK;
    if (t->tun_ip && t->tun_mask)
        err = skt_ipnet_parse_mask(&u->address4, t->tun_ip, t->tun_mask);
    if (err == SKT_OK && t->tun_ip6)
        err = skt_ipnet_parse(&u->address6, t->tun_ip6);
    if (err != SKT_OK)
        snprintf(why, why_cap, "%s: the TUN's addresses are not right", u->app->conf->path);
    if (!u->server) {
        add_extension(u, SKT_EXTENSION_TUN_IP4, &u->address4, 4);
        add_extension(u, SKT_EXTENSION_TUN_IP6, &u->address6, 16);
    }
    return err;
}

static int raise_interface(struct skt_script_tun_unit *u, char *why, size_t why_cap)
{
    const char *name = skt_tun_name(u->dev);
    int err = SKT_OK;
    if (u->address4.family)
        err = skt_tun_set_address(u->dev, &u->address4, NULL);
    if (err == SKT_OK && u->address6.family)
        err = skt_tun_set_address(u->dev, &u->address6, NULL);
    if (err != SKT_OK)
        return fail_io(why, why_cap, name, "can't set its address", err);
    err = skt_tun_set_mtu(u->dev, u->mtu);
    if (err != SKT_OK)
        return fail_io(why, why_cap, name, "can't set its MTU", err);
    err = skt_tun_set_up(u->dev);
    return err == SKT_OK ? err : fail_io(why, why_cap, name, "can't be brought up", err);
}

/* --- MTU --- */

/* What goes in one datagram on the best path that the configuration allows. */
static size_t best_mtu(const struct skt_config *conf)
{
    size_t most = 0;
    for (size_t i = 0; i < conf->table.entry_count; i++)
        if (conf->table.entries[i].tuning.mtu_max > most)
            most = conf->table.entries[i].tuning.mtu_max;
    size_t mtu = skt_session_packet_limit(most ? most : SKT_MTU_MAX);
    return mtu < SKT_SWITCH_MTU_MIN ? SKT_SWITCH_MTU_MIN : mtu;
}

static void on_mtu_set(void *user, int err, const char *text)
{
    const struct skt_script_tun_unit *u = user;
    if (err != SKT_OK)
        skt_warn_rarely(0, "%s: its MTU can't be set: %s", skt_tun_name(u->dev), text);
}

/* The session in use has another MTU; the interface follows, so that the system cuts and tells by itself. */
static void on_mtu(void *user, size_t mtu)
{
    struct skt_script_tun_unit *u = user;
    u->owed_mtu = 0;
    if (mtu == u->mtu)
        return;
    int err = skt_tun_set_mtu(u->dev, mtu);
    if (err == SKT_ERR_IO && errno == EPERM && u->nc) /* privileges were given up */
        err = skt_netcfg_mtu(u->nc, mtu, on_mtu_set, u);
    if (err == SKT_ERR_NOMEM || err == SKT_ERR_FULL || (err == SKT_ERR_IO && skt_err_is_passing(errno))) {
        u->owed_mtu = mtu;
        skt_script_tun_unit_later(u);
    }
    if (err != SKT_OK) {
        on_mtu_set(u, err, err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
        return;
    }
    skt_info_news(0, "the MTU of %s is %zu now (was %zu), as the path carries", skt_tun_name(u->dev), mtu,
                  u->mtu);
    u->mtu = mtu;
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
        .on_mtu = on_mtu,
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
    int err = read_addresses(u, why, why_cap);
    if (err == SKT_OK)
        err = skt_tun_open(&u->dev, u->app->loop, &options, why, why_cap);
    if (err == SKT_OK)
        err = raise_interface(u, why, why_cap);
    if (err == SKT_OK)
        err = skt_script_tun_unit_start_helper(u, why, why_cap);
    if (err != SKT_OK)
        return err;
    skt_script_tun_unit_prepare(u);
    err = new_switch(u);
    if (err != SKT_OK)
        snprintf(why, why_cap, "TUN: %s", skt_err_str(err));
    return err;
}

/* --- when it is lost --- */

static bool may_remake(struct skt_script_tun_unit *u)
{
    skt_us now = skt_loop_now(u->app->loop);
    if (now - u->remakes_since > REMAKES_TIME || u->remakes == 0) {
        u->remakes_since = now;
        u->remakes = 0;
    }
    return u->remakes++ < REMAKES_MAX;
}

static int remake(struct skt_script_tun_unit *u, char *why, size_t why_cap)
{
    if (!u->remaking && !may_remake(u)) {
        snprintf(why, why_cap, "that was the %dth time within a minute", REMAKES_MAX + 1);
        return SKT_ERR_FULL;
    }
    int err = SKT_OK;
    if (!u->reopened)
        err = skt_tun_reopen(u->dev, u->app->conf->table.tun_plain, why, why_cap);
    u->reopened = err == SKT_OK;
    return err == SKT_OK ? raise_interface(u, why, why_cap) : err;
}

/* Somebody else has removed the interface. Without the right to make it anew the process ends, so that what
 * supervises it starts it with that right. */
static void remake_or_fail(struct skt_script_tun_unit *u)
{
    char why[SKT_TUN_ERROR_MAX], text[SKT_TUN_ERROR_MAX + 128];
    int err = remake(u, why, sizeof why);
    u->remaking = err == SKT_ERR_NOMEM;
    if (u->remaking) {
        skt_warn_rarely(0, "interface %s was removed by somebody else; it is made anew a little later: %s",
                        skt_tun_name(u->dev), why);
        skt_script_tun_unit_later(u);
        return;
    }
    u->reopened = false;
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

static void on_lost(void *user)
{
    struct skt_script_tun_unit *u = user;
    u->remaking = u->reopened = false;
    remake_or_fail(u);
}

/* --- what could not be done at once --- */

enum { PAUSE_MS = 50, DOUBLINGS_MAX = 7 };

void skt_script_tun_unit_later(struct skt_script_tun_unit *u)
{
    skt_us pause = (skt_us)PAUSE_MS * SKT_US_PER_MS << (u->tries < DOUBLINGS_MAX ? u->tries : DOUBLINGS_MAX);
    skt_loop_timer_set(u->app->loop, &u->again, skt_loop_now(u->app->loop) + pause);
}

static bool is_owed(const struct skt_script_tun_unit *u)
{
    return u->remaking || u->asking || u->owes_pins || u->owes_around || u->owed_mtu > 0;
}

static void on_again(struct skt_loop_timer *t, skt_us now)
{
    struct skt_script_tun_unit *u = SKT_CONTAINER(t, struct skt_script_tun_unit, again);
    (void)now;
    u->tries++;
    if (u->remaking)
        remake_or_fail(u);
    else if (u->owed_mtu > 0)
        on_mtu(u, u->owed_mtu);
    if (!u->remaking)
        skt_script_tun_unit_ask_again(u);
    if (is_owed(u))
        skt_script_tun_unit_later(u);
    else
        u->tries = 0;
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
    u->mtu = app->conf->table.tun_mtu ? (size_t)app->conf->table.tun_mtu : best_mtu(app->conf);
    u->number = skt_script_number(app);
    skt_loop_timer_init(&u->again, on_again);
    int err = open_all(u, why, why_cap);
    if (err != SKT_OK)
        return err;
    char text4[SKT_IPNET_TEXT_MAX] = "", text6[SKT_IPNET_TEXT_MAX] = "";
    if (u->address4.family)
        skt_ipnet_text(&u->address4, true, text4);
    if (u->address6.family)
        skt_ipnet_text(&u->address6, true, text6);
    skt_tun_set_lost(u->dev, on_lost, u);
    skt_info("TUN %s is up: %s%s%s, MTU %zu%s", skt_tun_name(u->dev), text4, *text4 && *text6 ? ", " : "",
             text6, u->mtu, skt_tun_offloads(u->dev) ? "" : ", without offloads");
    return SKT_OK;
}

void skt_script_tun_unit_undo(struct skt_script *app)
{
    if (!app->tun)
        return;
    if (!skt_script_failed(app)) /* else what is held shut stays so, until a start */
        skt_netcfg_open(app->tun->nc);
    skt_netcfg_free(app->tun->nc);
    app->tun->nc = NULL;
    (void)skt_resolve_tell_servers(app->loop, NULL, NULL);
    app->tun->configured = true; /* not once more */
}

void skt_script_tun_unit_close(struct skt_script *app)
{
    struct skt_script_tun_unit *u = app->tun;
    if (!u)
        return;
    skt_script_tun_unit_undo(app);
    skt_loop_timer_stop(app->loop, &u->again);
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

/* --- scripts that read the TUN --- */

static void on_script_packet(void *user, const uint8_t *packet, size_t len)
{
    struct skt_script *app = user;
    struct skt_script_call_arg args[] = {skt_arg_string(packet, len)};
    struct skt_script_source outer = app->source;
    if (app->tun_holds > 0)
        return; /* what it sends to is full: dropped here, as early as can be */
    app->source = (struct skt_script_source){.kind = SKT_SOURCE_TUN};
    skt_script_call_callback(app, SKT_CB_TUN_READ, args, 1, NULL);
    app->source = outer;
}

void skt_script_tun_unit_watch_script(struct skt_script *app)
{
    if (app->tun && app->tun->sw)
        skt_switch_set_script(app->tun->sw,
                              skt_script_call_present(app, SKT_CB_TUN_READ) ? on_script_packet : NULL, app);
}
