/* SPDX-License-Identifier: MIT */
#include "script/tun_system.h"

#include "base/err.h"
#include "base/log.h"
#include "script/state.h"
#include "script/tun_around.h"
#include "script/tun_owed.h"
#include "script/tun_pins.h"

#include <stdio.h>

enum { ENV_LEN = 128 }; /* "SKT_TUN_IP6=" and an address take 60 */

void skt_script_tun_unit_prepare(struct skt_script_tun_unit *u)
{
    if (!u->nc || !u->app->conf->table.kill_switch || skt_script_tun_look_up_around(u) == SKT_OK)
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
        int err = skt_netcfg_route(u->nc, &net, skt_script_tun_asked, skt_script_tun_label("routes"));
        if (skt_script_tun_is_passing(err))
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
    return n > 0 ? skt_netcfg_dns(u->nc, servers, n, skt_script_tun_asked, skt_script_tun_label("dns"))
                 : SKT_OK;
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
    return skt_netcfg_nat(u->nc, from, n, skt_script_tun_asked, skt_script_tun_label("nat"));
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
        return skt_netcfg_hook(u->nc, true, vars, n, skt_script_tun_asked, skt_script_tun_label("up"));
    return SKT_OK;
}

static int run_down(struct skt_script_tun_unit *u)
{
    return u->setup.configured
               ? skt_netcfg_hook(u->nc, false, NULL, 0, skt_script_tun_asked, skt_script_tun_label("down"))
               : SKT_OK;
}

static int undo(struct skt_script_tun_unit *u)
{
    u->around.count = 0;
    return skt_netcfg_undo(u->nc, skt_script_tun_asked, skt_script_tun_label("routes"));
}

static int name_interface(struct skt_script_tun_unit *u)
{
    return skt_netcfg_interface(u->nc, skt_tun_name(u->dev), skt_script_tun_asked,
                                skt_script_tun_label("the interface"));
}

/* What the helper is asked for, in this order; the first three only for an interface that was made anew. */
static int (*const steps[])(struct skt_script_tun_unit *u) = {run_down,
                                                              undo,
                                                              name_interface,
                                                              skt_script_tun_pin_servers,
                                                              skt_script_tun_look_up_around,
                                                              add_all_routes,
                                                              set_dns,
                                                              set_nat,
                                                              run_up};

enum { STEP_CONFIGURE = 3, STEPS = sizeof steps / sizeof steps[0] };

/* From u->setup.step on; later on, where there is no memory or no room for it now. */
static void ask(struct skt_script_tun_unit *u)
{
    size_t end = u->setup.configured ? STEPS : STEP_CONFIGURE;
    for (; u->nc && u->setup.asking && u->setup.step < end; u->setup.step++) {
        int err = steps[u->setup.step](u);
        if (!skt_script_tun_is_passing(err))
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
    if (around && skt_script_tun_look_up_around(u) != SKT_OK)
        u->setup.owes_around = true;
    if (pins && skt_script_tun_pin_servers(u) != SKT_OK)
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
