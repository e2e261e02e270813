/* SPDX-License-Identifier: MIT */
#include "lua/config_check.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/folders.h"
#include "base/wipe.h"
#include "lua/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* dir/name, or name itself where it is absolute or dir is empty. Heap. */
static char *join(const char *dir, const char *name)
{
    bool bare = name[0] == '/' || dir[0] == 0;
    size_t cap = strlen(dir) + strlen(name) + 2;
    char *s = malloc(cap);
    if (s)
        snprintf(s, cap, "%s%s%s", bare ? "" : dir, bare ? "" : "/", name);
    return s;
}

/* The folder of a path, "." where it names none. Heap. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static bool is_original_name(const char *script)
{
    const char *base = strrchr(script, '/');
    base = base ? base + 1 : script;
    for (int m = 0; m < SKT_CONFIG_CUSTOM; m++) {
        char name[64];
        snprintf(name, sizeof name, "skcptun_%s.lua", skt_config_mode_str((enum skt_config_mode)m));
        if (strcmp(base, name) == 0)
            return true;
    }
    return false;
}

/* Replaces script_file by where it was found; conf->script_dir is the configuration's folder. */
static void find_script(struct config_reader *r)
{
    struct skt_config *conf = r->conf;
    char *beside = join(conf->script_dir, conf->script_file);
    if (!beside)
        config_fail_memory(r);
    if (access(beside, R_OK) == 0) {
        free(conf->script_file);
        conf->script_file = beside;
    } else {
        free(beside);
        if (access(conf->script_file, R_OK) != 0) {
            if (!is_original_name(conf->script_file) || conf->mode == SKT_CONFIG_CUSTOM) {
                config_enter(r, "script_file");
                config_fail(r, "expected a script that can be read, got \"%.200s\"", conf->script_file);
            }
            config_warn(r, "script_file: there is no %s: the built-in script of %s runs instead",
                        conf->script_file, conf->mode_name);
            free(conf->script_file);
            conf->script_file = NULL;
            return;
        }
    }
    char *dir = folder_of(conf->script_file);
    if (!dir)
        config_fail_memory(r);
    free(conf->script_dir);
    conf->script_dir = dir;
}

void config_check_top(struct config_reader *r)
{
    struct skt_config *conf = r->conf;
    conf->script_dir = folder_of(conf->path);
    if (!conf->script_dir)
        config_fail_memory(r);
    if (conf->script_file) {
        find_script(r);
    } else if (conf->mode == SKT_CONFIG_CUSTOM) {
        config_enter(r, "mode");
        config_fail(r,
                    "expected proxy_client, proxy_server, tun_client, tun_server, or a name of your own with "
                    "a script_file, got \"%.60s\"",
                    conf->mode_name);
    }
    if (!conf->status_socket) {
        size_t cap = strlen(conf->name) + sizeof SKT_RUN_FOLDER "/.sock";
        conf->status_socket = malloc(cap);
        if (!conf->status_socket)
            config_fail_memory(r);
        snprintf(conf->status_socket, cap, SKT_RUN_FOLDER "/%s.sock", conf->name);
    } else if (strcmp(conf->status_socket, "off") == 0) {
        conf->status_socket[0] = 0;
    }
    if (conf->workers > 1)
        config_warn(r, "workers above 1 is accepted, but has no effect in this version yet");
}

/* An address to listen on must be numeric: a name could mean several. */
static void check_listeners(struct config_reader *r)
{
    struct skt_config_mode_table *t = &r->conf->table;
    for (size_t i = 0; i < t->listener_count; i++) {
        struct skt_addr a;
        if (skt_addr_parse(&a, t->listeners[i].addr, 1) == SKT_OK)
            continue;
        bool first = i == 0 && t->tcp_listen_port;
        if (first)
            config_enter(r, ".tcp_listen_addr");
        else
            config_enter(r, ".listeners[%zu].tcp_listen_addr", i + (t->tcp_listen_port ? 0 : 1));
        config_fail(r, "expected an IPv4 or IPv6 address, got \"%.60s\"", t->listeners[i].addr);
    }
}

/* tcp_listen_addr and tcp_listen_port are the first listener. */
static void add_first_listener(struct config_reader *r)
{
    struct skt_config_mode_table *t = &r->conf->table;
    if (t->tcp_listen_addr && !t->tcp_listen_port) {
        struct config_field port = {.flags = 0};
        config_enter(r, ".tcp_listen_port");
        lua_pushnil(r->L);
        config_fail_got(r, &port, "1..65535");
    }
    if (!t->tcp_listen_port)
        return;
    if (!t->tcp_listen_addr)
        config_set_string(r, &t->tcp_listen_addr, "127.0.0.1");
    config_append(r, &t->listeners, &t->listener_count, sizeof *t->listeners);
    memmove(t->listeners + 1, t->listeners, (t->listener_count - 1) * sizeof *t->listeners);
    t->listeners[0] = (struct skt_config_listener){NULL, t->tcp_listen_port, NULL};
    config_set_string(r, &t->listeners[0].addr, t->tcp_listen_addr);
    config_set_string(r, &t->listeners[0].target, "");
}

static void check_target(struct config_reader *r)
{
    struct skt_config_mode_table *t = &r->conf->table;
    struct config_field any = {.flags = 0};
    if (!t->tcp_target_addr == !t->tcp_target_port)
        return;
    config_enter(r, t->tcp_target_addr ? ".tcp_target_port" : ".tcp_target_addr");
    lua_pushnil(r->L);
    config_fail_got(r, &any, t->tcp_target_addr ? "1..65535" : "a string");
}

/* What the built-in scripts need; a script of one's own may do without. */
static void check_needs(struct config_reader *r)
{
    struct skt_config_mode_table *t = &r->conf->table;
    enum skt_config_mode mode = r->conf->mode;
    bool server = mode == SKT_CONFIG_PROXY_SERVER || mode == SKT_CONFIG_TUN_SERVER;
    if (t->entry_count == 0) {
        config_enter(r, server ? ".skcp_servers" : ".skcp_remote_servers");
        config_fail(r, "expected a list with at least one entry, got nothing");
    }
    if (mode == SKT_CONFIG_PROXY_CLIENT && t->listener_count == 0) {
        config_enter(r, ".tcp_listen_port");
        config_fail(r, "expected 1..65535, or listeners = {...}, got nothing");
    }
    if (mode == SKT_CONFIG_PROXY_SERVER && !t->tcp_target_addr && t->target_count == 0) {
        config_enter(r, ".tcp_target_addr");
        config_fail(r, "expected a string, or targets = {...}, got nothing");
    }
}

/* The TUN modes' built-in scripts need an address; a custom mode gets a TUN by asking for one. Never half of
 * one. */
static void check_tun_needs(struct config_reader *r)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    enum skt_config_mode mode = r->conf->mode;
    bool needed = !r->conf->script_file && (mode == SKT_CONFIG_TUN_CLIENT || mode == SKT_CONFIG_TUN_SERVER);
    if ((needed || t->tun_ip || t->tun_mask) && (!t->tun_ip || !t->tun_mask)) {
        config_enter(r, t->tun_ip ? ".tun_mask" : ".tun_ip");
        config_fail(r, "expected an IPv4 address, got nothing");
    }
}

static void check_ipv4(struct config_reader *r, const char *name, const char *value)
{
    struct skt_addr a;
    if (value && (skt_addr_parse(&a, value, 0) != SKT_OK || a.family != 4)) {
        config_enter(r, ".%s", name);
        config_fail(r, "expected an IPv4 address, got \"%.60s\"", value);
    }
}

/* Named targets that tickets list must exist; the same ticket can't stand twice (it is a key). */
static void check_ticket_targets(struct config_reader *r)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    for (size_t i = 0; i < t->ticket_count; i++) {
        for (size_t j = 0; j < t->tickets[i].targets.count; j++) {
            const char *name = t->tickets[i].targets.items[j];
            bool found = name[0] == 0;
            for (size_t k = 0; k < t->target_count && !found; k++)
                found = strcmp(t->targets[k].name, name) == 0;
            if (!found) {
                config_enter(r, ".tickets[ticket of %.40s].targets[%zu]",
                             t->tickets[i].name ? t->tickets[i].name : "?", j + 1);
                config_fail(r, "expected the name of one of the targets, got \"%.60s\"", name);
            }
        }
    }
}

void config_check_mode(struct config_reader *r)
{
    struct skt_config *conf = r->conf;
    struct skt_config_mode_table *t = &conf->table;
    add_first_listener(r);
    check_listeners(r);
    check_target(r);
    check_ipv4(r, "tun_ip", t->tun_ip);
    check_ipv4(r, "tun_mask", t->tun_mask);
    check_tun_needs(r);
    config_check_tun(r);
    check_ticket_targets(r);
    if (!conf->script_file)
        check_needs(r);
    bool server = false;
    for (size_t i = 0; i < t->entry_count; i++)
        server = server || t->entries[i].server;
    if (server && !t->has_tickets && conf->mode != SKT_CONFIG_CUSTOM && !conf->script_file)
        config_warn(r, "%s.tickets is not set: whoever knows a password or key gets in, with any ticket",
                    conf->mode_name);
}

int config_warn_readable(struct skt_config *conf)
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

/* --- the end of a configuration --- */

static void free_secret(char *s)
{
    if (s)
        skt_wipe(s, strlen(s));
    free(s);
}

static void free_strings(struct skt_config_strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
}

static void free_lists(struct skt_config_mode_table *t)
{
    for (size_t i = 0; i < t->entry_count; i++) {
        free(t->entries[i].address);
        free_secret(t->entries[i].password);
        skt_wipe(&t->entries[i], sizeof t->entries[i]);
    }
    for (size_t i = 0; i < t->ticket_count; i++) {
        free(t->tickets[i].name);
        free(t->tickets[i].tun_ip);
        free_strings(&t->tickets[i].subnets);
        free_strings(&t->tickets[i].targets);
        skt_wipe(&t->tickets[i], sizeof t->tickets[i]);
    }
    for (size_t i = 0; i < t->listener_count; i++) {
        free(t->listeners[i].addr);
        free(t->listeners[i].target);
    }
    for (size_t i = 0; i < t->target_count; i++) {
        free(t->targets[i].name);
        free(t->targets[i].host);
    }
    free(t->entries);
    free(t->tickets);
    free(t->listeners);
    free(t->targets);
}

void skt_config_free(struct skt_config *conf)
{
    if (!conf)
        return;
    struct skt_config_mode_table *t = &conf->table;
    free_lists(t);
    free_strings(&t->routes);
    free_strings(&t->dns);
    free_strings(&conf->warnings);
    skt_value_free(conf->user);
    char *strings[] = {t->tcp_listen_addr,
                       t->tcp_target_addr,
                       t->tun_ip,
                       t->tun_mask,
                       t->tun_ip6,
                       t->tun_name,
                       t->up,
                       t->down,
                       conf->path,
                       conf->name,
                       conf->mode_name,
                       conf->script_file,
                       conf->script_dir,
                       conf->log_file,
                       conf->status_socket,
                       conf->metrics_addr,
                       conf->run_as};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        free(strings[i]);
    free(conf);
}
