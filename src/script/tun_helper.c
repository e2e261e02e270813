/* SPDX-License-Identifier: MIT */
/* Starts the helper that changes the system, and tells it what it may ever be asked for: what the
 * configuration says now, while nobody has sent us anything. */
#include "script/tun_helper.h"

#include "base/err.h"
#include "base/folders.h"
#include "script/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    DNS_MAX = 16,      /* more than any resolver asks */
    VARIABLE_LEN = 80, /* the name, "=" and SKT_IPNET_TEXT_MAX */
};

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
    struct skt_ipnet *nets;       /* routes and subnets, then the interface's own networks */
    size_t net_count;             /* of nets */
    struct skt_addr *hosts;       /* servers given by address */
    size_t host_count;            /* of hosts */
    struct skt_addr dns[DNS_MAX]; /* name servers */
    size_t dns_count;             /* of dns */
    char text[2][VARIABLE_LEN];   /* what variables point to */
    const char *variables[2];     /* for the hook scripts, "NAME=VALUE" */
    size_t variable_count;        /* of variables */
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

static void add_all(struct named *n, const struct skt_config_mode_table *t)
{
    for (size_t i = 0; i < t->routes.count; i++)
        add_net(n, t->routes.items[i]);
    for (size_t i = 0; i < t->ticket_count; i++)
        for (size_t j = 0; j < t->tickets[i].subnets.count; j++)
            add_net(n, t->tickets[i].subnets.items[j]);
    for (size_t i = 0; i < t->dns.count && n->dns_count < DNS_MAX; i++)
        if (skt_addr_parse(&n->dns[n->dns_count], t->dns.items[i], 53) == SKT_OK)
            n->dns_count++;
}

/* Writes the interface's own addresses that there are; how many. */
static size_t own_addresses(const struct skt_script_tun_unit *u, struct skt_ipnet out[2])
{
    size_t n = 0;
    if (u->address4.family)
        out[n++] = u->address4;
    if (u->address6.family)
        out[n++] = u->address6;
    return n;
}

static int collect(struct named *n, struct skt_netcfg_limits *limits, const struct skt_script_tun_unit *u)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    n->nets = calloc(t->routes.count + count_subnets(t) + 2, sizeof *n->nets);
    n->hosts = calloc(t->entry_count + 1, sizeof *n->hosts);
    if (!n->nets || !n->hosts)
        return SKT_ERR_NOMEM;
    add_all(n, t);
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
        limits->nat_from = n->nets;
        limits->nat_count = n->net_count += own_addresses(u, n->nets + n->net_count);
    }
    add_variable(n, "SKT_TUN_IP", &u->address4);
    add_variable(n, "SKT_TUN_IP6", &u->address6);
    limits->variable_count = n->variable_count;
    return SKT_OK;
}

/* Is there something to be changed, or left by an earlier run to be undone? Else it would only look after the
 * interface. */
static bool is_needed(const struct skt_script_tun_unit *u, const char *journal)
{
    const struct skt_config *conf = u->app->conf;
    const struct skt_config_mode_table *t = &conf->table;
    bool mtu = !u->server && t->tun_mtu == 0 && conf->run_as; /* to be set later on, without privileges */
    return mtu || t->routes.count > 0 || t->dns.count > 0 || t->nat || t->up || t->down ||
           count_subnets(t) > 0 || access(journal, F_OK) == 0;
}

int skt_script_tun_unit_start_helper(struct skt_script_tun_unit *u, char *why, size_t why_cap)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    struct skt_ipnet addresses[2];
    char path[512];
    journal_path(u->app->conf, path, sizeof path);
    bool needed = is_needed(u, path);
    struct named named = {0};
    struct skt_netcfg_limits limits;
    int err = collect(&named, &limits, u);
    struct skt_netcfg_options options = {
        .journal = path, .log_file = u->app->conf->log_file, .up = t->up, .down = t->down, .limits = &limits};
    options.addresses = addresses;
    options.address_count = own_addresses(u, addresses);
    if (t->kill_switch) {
        options.shut = named.nets;
        options.shut_count = t->routes.count;
    }
    if (err == SKT_OK)
        err = skt_netcfg_new(&u->nc, u->app->loop, &options, why, why_cap);
    free(named.nets);
    free(named.hosts);
    if (err != SKT_OK && !needed) {
        skt_info("nobody looks after %s: %s", skt_tun_name(u->dev), why);
        return SKT_OK;
    }
    return err == SKT_OK ? skt_netcfg_interface(u->nc, skt_tun_name(u->dev), NULL, NULL) : err;
}
