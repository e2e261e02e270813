/* SPDX-License-Identifier: MIT */
#include "config/check.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/folders.h"
#include "config/check_address.h"
#include "config/check_files.h"
#include "config/check_script.h"
#include "config/check_tun.h"
#include "config/metrics.h"
#include "config/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void skt_config_check_top(struct config_reader *r)
{
    struct skt_config *conf = r->conf;
    skt_config_check_script(r);
    skt_config_check_files(r);
    (void)skt_config_try(r, skt_config_check_metrics, NULL);
    if (!conf->status_socket) {
        size_t cap = strlen(conf->name) + sizeof SKT_RUN_FOLDER "/.sock";
        conf->status_socket = malloc(cap);
        if (!conf->status_socket)
            skt_config_fail_memory(r);
        snprintf(conf->status_socket, cap, SKT_RUN_FOLDER "/%s.sock", conf->name);
    } else if (strcmp(conf->status_socket, "off") == 0) {
        conf->status_socket[0] = 0;
    }
}

/* What the built-in scripts need; a script of one's own may do without. */
static void check_needs(struct config_reader *r, void *arg)
{
    (void)arg;
    struct skt_config_mode_table *t = &r->conf->table;
    enum skt_config_mode mode = r->conf->mode;
    bool server = mode == SKT_CONFIG_PROXY_SERVER || mode == SKT_CONFIG_TUN_SERVER;
    if (t->entry_count == 0) {
        skt_config_enter(r, server ? ".skcp_servers" : ".skcp_remote_servers");
        skt_config_fail(r, "expected a list with at least one entry, got nothing");
    }
    if (mode == SKT_CONFIG_PROXY_CLIENT && t->listener_count == 0) {
        skt_config_enter(r, ".tcp_listen_port");
        skt_config_fail(r, "expected 1..65535, or listeners = {...}, got nothing");
    }
    if (mode == SKT_CONFIG_PROXY_SERVER && !t->tcp_target_addr && t->target_count == 0) {
        skt_config_enter(r, ".tcp_target_addr");
        skt_config_fail(r, "expected a string, or targets = {...}, got nothing");
    }
}

/* The TUN modes' built-in scripts need an address; a custom mode gets a TUN by asking for one. Never half of
 * one. */
static void check_tun_needs(struct config_reader *r, void *arg)
{
    (void)arg;
    const struct skt_config_mode_table *t = &r->conf->table;
    enum skt_config_mode mode = r->conf->mode;
    bool needed = !r->conf->script_file && (mode == SKT_CONFIG_TUN_CLIENT || mode == SKT_CONFIG_TUN_SERVER);
    if ((needed || t->tun_ip || t->tun_mask) && (!t->tun_ip || !t->tun_mask)) {
        skt_config_enter(r, t->tun_ip ? ".tun_mask" : ".tun_ip");
        skt_config_fail(r, "expected an IPv4 address, got nothing");
    }
}

static void check_ipv4(struct config_reader *r, const char *name, const char *value)
{
    struct skt_addr a;
    if (value && (skt_addr_parse(&a, value, 0) != SKT_OK || a.family != 4)) {
        skt_config_enter(r, ".%s", name);
        skt_config_fail(r, "expected an IPv4 address, got \"%.60s\"", value);
    }
}

/* Named targets that tickets list must exist; the same ticket can't stand twice (it is a key). */
static void check_ticket_targets(struct config_reader *r, void *arg)
{
    (void)arg;
    const struct skt_config_mode_table *t = &r->conf->table;
    for (size_t i = 0; i < t->ticket_count; i++) {
        for (size_t j = 0; j < t->tickets[i].targets.count; j++) {
            const char *name = t->tickets[i].targets.items[j];
            bool found = name[0] == 0;
            for (size_t k = 0; k < t->target_count && !found; k++)
                found = strcmp(t->targets[k].name, name) == 0;
            if (!found) {
                skt_config_enter(r, ".tickets[ticket of %.40s].targets[%zu]",
                                 t->tickets[i].name ? t->tickets[i].name : "?", j + 1);
                skt_config_fail(r, "expected the name of one of the targets, got \"%.60s\"", name);
            }
        }
    }
}

static void check_tun_ip(struct config_reader *r, void *arg)
{
    (void)arg;
    check_ipv4(r, "tun_ip", r->conf->table.tun_ip);
}

static void check_tun_mask(struct config_reader *r, void *arg)
{
    (void)arg;
    check_ipv4(r, "tun_mask", r->conf->table.tun_mask);
}

void skt_config_check_mode(struct config_reader *r)
{
    static void (*const checks[])(struct config_reader * r, void *arg) = {skt_config_add_first_listener,
                                                                          skt_config_check_listeners,
                                                                          skt_config_check_addresses,
                                                                          skt_config_check_ports,
                                                                          skt_config_check_twice,
                                                                          skt_config_check_target,
                                                                          check_tun_ip,
                                                                          check_tun_mask,
                                                                          check_tun_needs,
                                                                          skt_config_check_tun,
                                                                          skt_config_check_nets,
                                                                          skt_config_check_hooks,
                                                                          check_ticket_targets};
    struct skt_config *conf = r->conf;
    struct skt_config_mode_table *t = &conf->table;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        (void)skt_config_try(r, checks[i], NULL);
    if (!conf->script_file)
        (void)skt_config_try(r, check_needs, NULL);
    bool server = false;
    for (size_t i = 0; i < t->entry_count; i++)
        server = server || t->entries[i].server;
    if (server && !t->has_tickets && conf->mode != SKT_CONFIG_CUSTOM && !conf->script_file)
        skt_config_warn(r, "%s.tickets is not set: whoever knows a password or key gets in, with any ticket",
                        conf->mode_name);
}

int skt_config_warn_readable(struct skt_config *conf)
{
    static const char text[] = "others can read this file and the secrets in it: chmod 600 ";
    struct skt_config_strings *w = &conf->warnings;
    char **items = realloc(w->items, (w->count + 1) * sizeof *items);
    if (items)
        w->items = items;
    size_t cap = sizeof text + strlen(conf->path);
    char *line = items ? malloc(cap) : NULL;
    if (!line)
        return SKT_ERR_NOMEM;
    snprintf(line, cap, "%s%s", text, conf->path);
    w->items[w->count++] = line;
    return SKT_OK;
}
