/* SPDX-License-Identifier: MIT */
/* What a TUN's configuration changes in the system: routes, name servers, NAT, the hook scripts. */
#include "base/err.h"
#include "io/nameservers.h"
#include "io/resolve.h"
#include "script/skcp.h"
#include "script/tun.h"

#include <stdio.h>
#include <string.h>

enum { ENV_LEN = 128 };

static void on_done(void *user, int err, const char *text)
{
    const char *what = user;
    if (err != SKT_OK)
        skt_error_rarely(skt_log_key(text, strlen(text), 0), "%s: %s", what, text);
    else if (*text)
        skt_info_rarely(skt_log_key(text, strlen(text), 0), "%s: %s", what, text);
}

static void *label(const char *text)
{
    return (void *)(uintptr_t)text;
}

/* Is a server given by its name? Only then the helper may pin any host. */
static bool has_names(const struct skt_config_mode_table *t)
{
    struct skt_addr addr;
    for (size_t i = 0; i < t->entry_count; i++)
        if (t->entries[i].address && skt_addr_parse(&addr, t->entries[i].address, 0) != SKT_OK)
            return true;
    return false;
}

void skt_script_tun_unit_pin(struct skt_script *app, const struct skt_addr *addrs, size_t n)
{
    struct skt_script_tun_unit *u = app->tun;
    if (!u || !u->nc || !(u->configured || app->conf->table.kill_switch))
        return;
    for (size_t i = 0; i < n; i++)
        (void)skt_netcfg_pin(u->nc, &addrs[i], on_done, label("the route to the server"));
}

static void pin_servers(struct skt_script_tun_unit *u)
{
    struct skt_script *app = u->app;
    for (struct skt_list *l = app->skcps.next; l != &app->skcps; l = l->next) {
        const struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        const struct skt_addr *addrs;
        if (!skt_endpoint_is_server(k->ep)) {
            size_t n = skt_endpoint_addresses(k->ep, &addrs);
            skt_script_tun_unit_pin(app, addrs, n);
        }
    }
}

static bool is_among(const struct skt_addr *one, const struct skt_addr *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (skt_addr_same_ip(one, &list[i]))
            return true;
    return false;
}

/* Another network has others. What is pinned is pinned before they are asked: a first question that is faster
 * is repeated. */
static void on_name_servers(void *user, const struct skt_addr *servers, size_t n)
{
    struct skt_script_tun_unit *u = user;
    bool some_went = false;
    if (!u->nc)
        return;
    for (size_t i = 0; i < n; i++)
        if (!is_among(&servers[i], u->name_servers, u->name_server_count))
            (void)skt_netcfg_pin(u->nc, &servers[i], on_done, label("the route to the name server"));
    for (size_t i = 0; i < u->name_server_count; i++) {
        if (is_among(&u->name_servers[i], servers, n))
            continue;
        (void)skt_netcfg_unpin(u->nc, &u->name_servers[i], on_done, label("the route to the name server"));
        some_went = true;
    }
    u->name_server_count = n;
    memcpy(u->name_servers, servers, n * sizeof *servers);
    if (some_went)
        pin_servers(u); /* it may have been one of these, too */
}

/* What the tunnel itself asks must not go into it. Where all else is held shut the name servers need a way.
 */
static void look_up_around(struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    struct skt_addr servers[SKT_NAMESERVERS_MAX];
    if (u->server || (t->routes.count == 0 && t->dns.count == 0))
        return;
    if (skt_resolve_set_around(u->app->loop, t->kill_switch ? "" : skt_tun_name(u->dev), NULL) != SKT_OK)
        skt_warn("the servers' names can be looked up through the tunnel only");
    if (!t->kill_switch || !has_names(t))
        return;
    on_name_servers(u, servers, skt_nameservers_read(NULL, servers));
    (void)skt_resolve_tell_servers(u->app->loop, on_name_servers, u);
}

void skt_script_tun_unit_prepare(struct skt_script_tun_unit *u)
{
    if (u->nc && u->app->conf->table.kill_switch)
        look_up_around(u);
}

static void add_route(struct skt_script_tun_unit *u, const char *text)
{
    struct skt_ipnet net;
    if (skt_ipnet_parse(&net, text) == SKT_OK)
        (void)skt_netcfg_route(u->nc, &net, on_done, label("routes"));
}

static void add_routes(struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    for (size_t i = 0; i < t->routes.count; i++)
        add_route(u, t->routes.items[i]);
    for (size_t i = 0; i < t->ticket_count; i++)
        for (size_t j = 0; j < t->tickets[i].subnets.count; j++)
            add_route(u, t->tickets[i].subnets.items[j]);
}

static void set_dns(struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    struct skt_addr servers[16];
    size_t n = 0;
    for (size_t i = 0; i < t->dns.count && n < sizeof servers / sizeof *servers; i++)
        if (skt_addr_parse(&servers[n], t->dns.items[i], 53) == SKT_OK)
            n++;
    if (n > 0)
        (void)skt_netcfg_dns(u->nc, servers, n, on_done, label("dns"));
}

/* A server hides its clients' networks, a client what is behind it. */
static void set_nat(struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    struct skt_ipnet from[64];
    size_t n = 0;
    if (!t->nat)
        return;
    if (u->server && u->address4.family)
        from[n++] = skt_ipnet_masked(&u->address4);
    if (u->server && u->address6.family)
        from[n++] = skt_ipnet_masked(&u->address6);
    for (size_t i = 0; i < t->ticket_count; i++)
        for (size_t j = 0; j < t->tickets[i].subnets.count && n < sizeof from / sizeof *from; j++)
            if (skt_ipnet_parse(&from[n], t->tickets[i].subnets.items[j]) == SKT_OK)
                n++;
    (void)skt_netcfg_nat(u->nc, from, n, on_done, label("nat"));
}

static void run_up(struct skt_script_tun_unit *u)
{
    char text[4][ENV_LEN];
    const char *vars[4];
    char ip[SKT_IPNET_TEXT_MAX];
    size_t n = 0;
    if (u->address4.family)
        snprintf(text[n++], ENV_LEN, "SKT_TUN_IP=%s", skt_ipnet_text(&u->address4, false, ip));
    if (u->address6.family)
        snprintf(text[n++], ENV_LEN, "SKT_TUN_IP6=%s", skt_ipnet_text(&u->address6, false, ip));
    snprintf(text[n++], ENV_LEN, "SKT_TUN_MTU=%zu", u->mtu);
    for (size_t i = 0; i < n; i++)
        vars[i] = text[i];
    if (u->app->conf->table.up || u->app->conf->table.down)
        (void)skt_netcfg_hook(u->nc, true, vars, n, on_done, label("up"));
}

void skt_script_tun_unit_configure(struct skt_script_tun_unit *u)
{
    if (u->configured)
        return;
    u->configured = true;
    if (!u->nc)
        return;
    pin_servers(u);
    look_up_around(u);
    add_routes(u);
    set_dns(u);
    set_nat(u);
    run_up(u);
}

void skt_script_tun_unit_configure_again(struct skt_script_tun_unit *u)
{
    if (!u->nc)
        return;
    if (u->configured)
        (void)skt_netcfg_hook(u->nc, false, NULL, 0, on_done, label("down"));
    (void)skt_netcfg_undo(u->nc, on_done, label("routes"));
    u->name_server_count = 0;
    (void)skt_netcfg_interface(u->nc, skt_tun_name(u->dev), on_done, label("the interface"));
    if (!u->configured)
        return;
    u->configured = false;
    skt_script_tun_unit_configure(u);
}
