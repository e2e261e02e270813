/* SPDX-License-Identifier: MIT */
#include "script/tun_around.h"

#include "base/err.h"
#include "base/log.h"
#include "io/nameservers.h"
#include "io/resolve.h"
#include "script/state.h"
#include "script/tun_owed.h"
#include "script/tun_pins.h"

static const char *const name_server_route = "the route to the name server"; /* for the log */

/* Is a server given by its name? Only then the helper may pin any host. */
static bool has_names(const struct skt_config_mode_table *t)
{
    struct skt_addr addr;
    for (size_t i = 0; i < t->entry_count; i++)
        if (t->entries[i].address && skt_addr_parse(&addr, t->entries[i].address, 0) != SKT_OK)
            return true;
    return false;
}

static bool is_among(const struct skt_addr *one, const struct skt_addr *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (skt_addr_same_ip(one, &list[i]))
            return true;
    return false;
}

/* Those that are no name servers any more lose their way past the tunnel: true, some have. Those that can't
 * be let go of yet are kept; *later: there are such. */
static bool drop_others(struct skt_script_tun_unit *u, const struct skt_addr *servers, size_t n,
                        struct skt_script_tun_around *kept, bool *later)
{
    const struct skt_script_tun_around *old = &u->around;
    bool some_went = false;
    for (size_t i = 0; i < old->count; i++) {
        if (is_among(&old->servers[i], servers, n))
            continue;
        int err = skt_netcfg_unpin(u->nc, &old->servers[i], skt_script_tun_asked,
                                   skt_script_tun_label(name_server_route));
        some_went = some_went || err == SKT_OK;
        if (!skt_script_tun_is_passing(err))
            continue;
        *later = true;
        if (kept->count < SKT_NAMESERVERS_MAX)
            kept->servers[kept->count++] = old->servers[i];
    }
    return some_went;
}

/* Another network has others. What is pinned is pinned before they are asked: a first question that is faster
 * is repeated. */
static void on_name_servers(void *user, const struct skt_addr *servers, size_t n)
{
    struct skt_script_tun_unit *u = user;
    struct skt_script_tun_around kept = {.count = 0};
    if (!u->nc)
        return;
    for (size_t i = 0; i < n; i++)
        if (is_among(&servers[i], u->around.servers, u->around.count) ||
            skt_script_tun_pin(u, &servers[i], 1, name_server_route) == SKT_OK)
            kept.servers[kept.count++] = servers[i];
    bool later = kept.count < n;
    bool some_went = drop_others(u, servers, n, &kept, &later);
    u->setup.owes_around |= later;
    if (some_went && skt_script_tun_pin_servers(u) != SKT_OK) /* one of them may have been a server, too */
        u->setup.owes_pins = true;
    if (u->setup.owes_around || u->setup.owes_pins)
        skt_script_tun_unit_later(u);
    u->around = kept;
}

int skt_script_tun_look_up_around(struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    struct skt_addr servers[SKT_NAMESERVERS_MAX];
    if (u->server || (t->routes.count == 0 && t->dns.count == 0))
        return SKT_OK;
    int err = skt_resolve_set_around(u->app->loop, t->kill_switch ? "" : skt_tun_name(u->dev), NULL);
    if (skt_script_tun_is_passing(err))
        return err;
    if (err != SKT_OK)
        skt_warn("the servers' names can be looked up through the tunnel only");
    if (!t->kill_switch || !has_names(t))
        return SKT_OK;
    on_name_servers(u, servers, skt_nameservers_read(NULL, servers));
    err = skt_resolve_tell_servers(u->app->loop, on_name_servers, u);
    return skt_script_tun_is_passing(err) ? err : SKT_OK;
}
