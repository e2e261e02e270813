/* SPDX-License-Identifier: MIT */
/* Starts the helper that changes the system, and tells it what it may ever be asked for: what the
 * configuration says now, while nobody has sent us anything. */
#include "base/err.h"
#include "base/folders.h"
#include "script/skcp.h"
#include "script/tun.h"
#include "script/tun_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DNS_MAX = 16, VARIABLE_LEN = 80 };

/* Where the journal is kept: beside the status socket. */
static void journal_path(const struct skt_config *conf, char *out, size_t cap)
{
    const char *slash = strrchr(conf->status_socket, '/');
    int dir_len = slash ? (int)(slash - conf->status_socket) : 0;
    if (dir_len > 0)
        snprintf(out, cap, "%.*s/%s.tun", dir_len, conf->status_socket, conf->name);
    else
        snprintf(out, cap, SKT_RUN_FOLDER "/%s.tun", conf->name);
}

static size_t count_subnets(const struct skt_config_mode_table *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->ticket_count; i++)
        n += t->tickets[i].subnets.count;
    return n;
}

/* What the limits point to. */
struct named {
    struct skt_ipnet *nets; /* routes and subnets, then the interface's own networks */
    size_t net_count;
    struct skt_addr *hosts;
    size_t host_count;
    struct skt_addr dns[DNS_MAX];
    size_t dns_count;
    char text[2][VARIABLE_LEN];
    const char *variables[2];
    size_t variable_count;
};

static void add_net(struct named *n, const char *text)
{
    if (skt_ipnet_parse(&n->nets[n->net_count], text) == SKT_OK)
        n->net_count++;
}

static void add_variable(struct named *n, const char *name, const struct skt_ipnet *address)
{
    char ip[SKT_IPNET_TEXT_MAX];
    char *text = n->text[n->variable_count];
    if (address->family == 0)
        return;
    snprintf(text, VARIABLE_LEN, "%s=%s", name, skt_ipnet_text(address, false, ip));
    n->variables[n->variable_count++] = text;
}

/* Servers given by address; false: one is not, or a script may choose its own. */
static bool add_hosts(struct named *n, const struct skt_config *conf)
{
    bool all = conf->mode != SKT_CONFIG_CUSTOM;
    for (size_t i = 0; i < conf->table.entry_count; i++) {
        const struct skt_config_entry *e = &conf->table.entries[i];
        if (e->server || !e->address)
            continue;
        if (skt_addr_parse(&n->hosts[n->host_count], e->address, 0) == SKT_OK)
            n->host_count++;
        else
            all = false;
    }
    return all;
}

static int collect(struct named *n, struct skt_netcfg_limits *limits, const struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    n->nets = calloc(t->routes.count + count_subnets(t) + 2, sizeof *n->nets);
    n->hosts = calloc(t->entry_count + 1, sizeof *n->hosts);
    if (!n->nets || !n->hosts)
        return SKT_ERR_NOMEM;
    for (size_t i = 0; i < t->routes.count; i++)
        add_net(n, t->routes.items[i]);
    for (size_t i = 0; i < t->ticket_count; i++)
        for (size_t j = 0; j < t->tickets[i].subnets.count; j++)
            add_net(n, t->tickets[i].subnets.items[j]);
    for (size_t i = 0; i < t->dns.count && n->dns_count < DNS_MAX; i++)
        if (skt_addr_parse(&n->dns[n->dns_count], t->dns.items[i], 53) == SKT_OK)
            n->dns_count++;
    *limits = (struct skt_netcfg_limits){.ifname = skt_tun_name(u->dev),
                                         .routes = n->nets,
                                         .route_count = n->net_count,
                                         .hosts = n->hosts,
                                         .any_host = !add_hosts(n, u->app->conf),
                                         .dns = n->dns,
                                         .dns_count = n->dns_count,
                                         .nat = t->nat,
                                         .variables = n->variables};
    limits->host_count = n->host_count;
    if (u->server && t->nat) {
        if (u->address4.family)
            n->nets[n->net_count++] = u->address4;
        if (u->address6.family)
            n->nets[n->net_count++] = u->address6;
        limits->nat_from = n->nets;
        limits->nat_count = n->net_count;
    }
    add_variable(n, "SKT_TUN_IP", &u->address4);
    add_variable(n, "SKT_TUN_IP6", &u->address6);
    limits->variable_count = n->variable_count;
    return SKT_OK;
}

int skt_script_tun_unit_start_helper(struct skt_script_tun_unit *u, char *why, size_t why_cap)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    struct skt_ipnet addresses[2];
    char path[512];
    journal_path(u->app->conf, path, sizeof path);
    bool wanted =
        t->routes.count > 0 || t->dns.count > 0 || t->nat || t->up || t->down || count_subnets(t) > 0;
    if (!u->server && t->tun_mtu == 0 && u->app->conf->run_as)
        wanted = true;                   /* for the MTU, later on */
    bool left = access(path, F_OK) == 0; /* by an earlier run, to be undone */
    struct named named = {0};
    struct skt_netcfg_limits limits;
    int err = collect(&named, &limits, u);
    struct skt_netcfg_options options = {
        .journal = path, .log_file = u->app->conf->log_file, .up = t->up, .down = t->down, .limits = &limits};
    options.addresses = addresses;
    if (u->address4.family)
        addresses[options.address_count++] = u->address4;
    if (u->address6.family)
        addresses[options.address_count++] = u->address6;
    if (t->kill_switch) {
        options.shut = named.nets;
        options.shut_count = t->routes.count;
    }
    if (err == SKT_OK)
        err = skt_netcfg_new(&u->nc, u->app->loop, &options, why, why_cap);
    free(named.nets);
    free(named.hosts);
    if (err != SKT_OK && !wanted && !left) { /* it would only have looked after the interface */
        skt_info("nobody looks after %s: %s", skt_tun_name(u->dev), why);
        return SKT_OK;
    }
    return err == SKT_OK ? skt_netcfg_interface(u->nc, skt_tun_name(u->dev), NULL, NULL) : err;
}
