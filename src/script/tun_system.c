/* SPDX-License-Identifier: MIT */
#include "script/tun_system.h"

#include "base/err.h"
#include "io/nameservers.h"
#include "io/resolve.h"
#include "script/state.h"
#include "script/tun_owed.h"

#include <stdint.h>
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

/* Could it not be asked for only for want of memory or of room on the way? Else there is no helper. */
static bool is_passing(int err)
{
    return err == SKT_ERR_NOMEM || err == SKT_ERR_FULL || err == SKT_ERR_AGAIN;
}

static int pin(struct skt_script_tun_unit *u, const struct skt_addr *addrs, size_t n, const char *what)
{
    int result = SKT_OK;
    for (size_t i = 0; i < n; i++) {
        int err = skt_netcfg_pin(u->nc, &addrs[i], on_done, label(what));
        result = is_passing(err) ? err : result;
    }
    return result;
}

void skt_script_tun_unit_pin(struct skt_script *app, const struct skt_addr *addrs, size_t n)
{
    struct skt_script_tun_unit *u = app->tun;
    if (!u || !u->nc || !(u->setup.configured || app->conf->table.kill_switch))
        return;
    if (pin(u, addrs, n, "the route to the server") == SKT_OK)
        return;
    u->setup.owes_pins = true;
    skt_script_tun_unit_later(u);
}

static int pin_servers(struct skt_script_tun_unit *u)
{
    int result = SKT_OK;
    struct skt_script *app = u->app;
    for (struct skt_list *l = app->skcps.live.next; l != &app->skcps.live; l = l->next) {
        const struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        const struct skt_addr *addrs;
        if (!skt_endpoint_is_server(k->ep)) {
            size_t n = skt_endpoint_addresses(k->ep, &addrs);
            int err = pin(u, addrs, n, "the route to the server");
            result = err ? err : result;
        }
    }
    return result;
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
    const char *what = "the route to the name server";
    struct skt_addr kept[SKT_NAMESERVERS_MAX];
    size_t kept_count = 0, wanted = n;
    bool some_went = false;
    if (!u->nc)
        return;
    for (size_t i = 0; i < n; i++)
        if (is_among(&servers[i], u->around.servers, u->around.count) ||
            pin(u, &servers[i], 1, what) == SKT_OK)
            kept[kept_count++] = servers[i];
    for (size_t i = 0; i < u->around.count; i++) {
        if (is_among(&u->around.servers[i], servers, n))
            continue;
        int err = skt_netcfg_unpin(u->nc, &u->around.servers[i], on_done, label(what));
        some_went = some_went || err == SKT_OK;
        if (!is_passing(err))
            continue;
        wanted = SIZE_MAX; /* it is let go of later */
        if (kept_count < SKT_NAMESERVERS_MAX)
            kept[kept_count++] = u->around.servers[i];
    }
    u->setup.owes_around = u->setup.owes_around || kept_count != wanted;
    u->setup.owes_pins =
        u->setup.owes_pins || (some_went && pin_servers(u)); /* it may have been one of these, too */
    if (u->setup.owes_around || u->setup.owes_pins)
        skt_script_tun_unit_later(u);
    u->around.count = kept_count;
    memcpy(u->around.servers, kept, kept_count * sizeof *kept);
}

/* What the tunnel itself asks must not go into it. Where all else is held shut the name servers need a way.
 */
static int look_up_around(struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    struct skt_addr servers[SKT_NAMESERVERS_MAX];
    if (u->server || (t->routes.count == 0 && t->dns.count == 0))
        return SKT_OK;
    int err = skt_resolve_set_around(u->app->loop, t->kill_switch ? "" : skt_tun_name(u->dev), NULL);
    if (is_passing(err))
        return err;
    if (err != SKT_OK)
        skt_warn("the servers' names can be looked up through the tunnel only");
    if (!t->kill_switch || !has_names(t))
        return SKT_OK;
    on_name_servers(u, servers, skt_nameservers_read(NULL, servers));
    err = skt_resolve_tell_servers(u->app->loop, on_name_servers, u);
    return is_passing(err) ? err : SKT_OK;
}

void skt_script_tun_unit_prepare(struct skt_script_tun_unit *u)
{
    if (!u->nc || !u->app->conf->table.kill_switch || look_up_around(u) == SKT_OK)
        return;
    u->setup.owes_around = true;
    skt_script_tun_unit_later(u);
}

static int add_routes(struct skt_script_tun_unit *u, const struct skt_config_strings *list, size_t *number)
{
    struct skt_ipnet net;
    for (size_t i = 0; i < list->count; i++, ++*number) {
        if (*number < u->setup.asked_routes || skt_ipnet_parse(&net, list->items[i]) != SKT_OK)
            continue;
        int err = skt_netcfg_route(u->nc, &net, on_done, label("routes"));
        if (is_passing(err))
            return err;
        u->setup.asked_routes = *number + 1;
    }
    return SKT_OK;
}

static int add_all_routes(struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    size_t number = 0;
    int err = add_routes(u, &t->routes, &number);
    for (size_t i = 0; err == SKT_OK && i < t->ticket_count; i++)
        err = add_routes(u, &t->tickets[i].subnets, &number);
    return err;
}

static int set_dns(struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    struct skt_addr servers[16];
    size_t n = 0;
    for (size_t i = 0; i < t->dns.count && n < sizeof servers / sizeof *servers; i++)
        if (skt_addr_parse(&servers[n], t->dns.items[i], 53) == SKT_OK)
            n++;
    return n > 0 ? skt_netcfg_dns(u->nc, servers, n, on_done, label("dns")) : SKT_OK;
}

/* A server hides its clients' networks, a client what is behind it. */
static int set_nat(struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    struct skt_ipnet from[64];
    size_t n = 0;
    if (!t->nat)
        return SKT_OK;
    if (u->server && u->address4.family)
        from[n++] = skt_ipnet_masked(&u->address4);
    if (u->server && u->address6.family)
        from[n++] = skt_ipnet_masked(&u->address6);
    for (size_t i = 0; i < t->ticket_count; i++)
        for (size_t j = 0; j < t->tickets[i].subnets.count && n < sizeof from / sizeof *from; j++)
            if (skt_ipnet_parse(&from[n], t->tickets[i].subnets.items[j]) == SKT_OK)
                n++;
    return skt_netcfg_nat(u->nc, from, n, on_done, label("nat"));
}

static int run_up(struct skt_script_tun_unit *u)
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
        return skt_netcfg_hook(u->nc, true, vars, n, on_done, label("up"));
    return SKT_OK;
}

static int run_down(struct skt_script_tun_unit *u)
{
    return u->setup.configured ? skt_netcfg_hook(u->nc, false, NULL, 0, on_done, label("down")) : SKT_OK;
}

static int undo(struct skt_script_tun_unit *u)
{
    u->around.count = 0;
    return skt_netcfg_undo(u->nc, on_done, label("routes"));
}

static int name_interface(struct skt_script_tun_unit *u)
{
    return skt_netcfg_interface(u->nc, skt_tun_name(u->dev), on_done, label("the interface"));
}

/* What the helper is asked for, in this order; the first three only for an interface that was made anew. */
static int (*const steps[])(struct skt_script_tun_unit *u) = {
    run_down, undo, name_interface, pin_servers, look_up_around, add_all_routes, set_dns, set_nat, run_up};

enum { STEP_CONFIGURE = 3, STEPS = sizeof steps / sizeof steps[0] };

/* From u->setup.step on; later on, where there is no memory or no room for it now. */
static void ask(struct skt_script_tun_unit *u)
{
    size_t end = u->setup.configured ? STEPS : STEP_CONFIGURE;
    for (; u->nc && u->setup.asking && u->setup.step < end; u->setup.step++) {
        int err = steps[u->setup.step](u);
        if (!is_passing(err))
            continue;
        skt_warn_rarely(0, "%s: the set-up of the system waits: %s", skt_tun_name(u->dev), skt_err_str(err));
        skt_script_tun_unit_later(u);
        return;
    }
    u->setup.asking = false;
}

void skt_script_tun_unit_ask_again(struct skt_script_tun_unit *u)
{
    bool around = u->setup.owes_around, pins = u->setup.owes_pins;
    u->setup.owes_around = u->setup.owes_pins = false;
    if (!u->nc)
        return;
    if (around && look_up_around(u) != SKT_OK)
        u->setup.owes_around = true;
    if (pins && pin_servers(u) != SKT_OK)
        u->setup.owes_pins = true;
    if (u->setup.owes_around || u->setup.owes_pins)
        skt_script_tun_unit_later(u);
    ask(u);
}

static void begin_asking(struct skt_script_tun_unit *u, size_t step)
{
    u->setup.step = step;
    u->setup.asked_routes = 0;
    u->setup.asking = true;
    ask(u);
}

void skt_script_tun_unit_configure(struct skt_script_tun_unit *u)
{
    if (u->setup.configured)
        return;
    u->setup.configured = true;
    if (!u->setup.asking) /* else it goes on with all of it */
        begin_asking(u, STEP_CONFIGURE);
}

void skt_script_tun_unit_configure_again(struct skt_script_tun_unit *u)
{
    if (u->nc)
        begin_asking(u, 0);
}
