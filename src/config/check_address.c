/* SPDX-License-Identifier: MIT */
#include "config/check_address.h"

#include "base/addr.h"
#include "base/err.h"
#include "config/lines.h"
#include "config/problem.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What messages call listener i. */
static void enter_listener(struct config_reader *r, size_t i, const char *field)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    if (i == 0 && t->tcp_listen_port)
        skt_config_enter(r, ".%s", field);
    else
        skt_config_enter(r, ".listeners[%zu].%s", i + (t->tcp_listen_port ? 0 : 1), field);
}

/* An address to listen on must be numeric: a name could mean several. */
static void check_listener(struct config_reader *r, void *arg)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    const struct skt_config_listener *l = arg;
    size_t i = (size_t)(l - t->listeners);
    struct skt_addr a;
    if (skt_addr_parse(&a, l->addr, 1) != SKT_OK) {
        enter_listener(r, i, "tcp_listen_addr");
        skt_config_fail(r, "expected an IPv4 or IPv6 address, got \"%.60s\"", l->addr);
    }
    for (size_t j = 0; j < i; j++) {
        if (t->listeners[j].port == l->port && strcmp(t->listeners[j].addr, l->addr) == 0) {
            enter_listener(r, i, "tcp_listen_port");
            skt_config_fail(r, "another listener has %s port %lld already", l->addr, (long long)l->port);
        }
    }
}

void skt_config_check_listeners(struct config_reader *r, void *arg)
{
    struct skt_config_mode_table *t = &r->conf->table;
    (void)arg;
    for (size_t i = 0; i < t->listener_count; i++) {
        if (t->listeners[i].addr)
            (void)skt_config_try(r, check_listener, &t->listeners[i]);
    }
}

/* tcp_listen_addr and tcp_listen_port are the first listener. */
void skt_config_add_first_listener(struct config_reader *r, void *arg)
{
    (void)arg;
    struct skt_config_mode_table *t = &r->conf->table;
    if (t->tcp_listen_addr && !t->tcp_listen_port) {
        struct config_field port = {.flags = 0};
        skt_config_enter(r, ".tcp_listen_port");
        lua_pushnil(r->L);
        skt_config_fail_got(r, &port, "1..65535");
    }
    if (!t->tcp_listen_port)
        return;
    if (!t->tcp_listen_addr)
        skt_config_set_string(r, &t->tcp_listen_addr, "127.0.0.1");
    skt_config_append(r, &t->listeners, &t->listener_count, sizeof *t->listeners);
    memmove(t->listeners + 1, t->listeners, (t->listener_count - 1) * sizeof *t->listeners);
    t->listeners[0] = (struct skt_config_listener){NULL, t->tcp_listen_port, NULL};
    skt_config_set_string(r, &t->listeners[0].addr, t->tcp_listen_addr);
    skt_config_set_string(r, &t->listeners[0].target, "");
}

/* A host's name or address; the port is a field of its own. */
static void check_host(struct config_reader *r, const char *host)
{
    struct skt_addr a;
    if (skt_addr_parse(&a, host, 0) == SKT_OK)
        return;
    const char *colon = strchr(host, ':');
    if (colon && strspn(colon + 1, "0123456789") == strlen(colon + 1))
        skt_config_fail(
            r, "expected a name or an address without a port (it has a field of its own), got \"%.60s\"",
            host);
    if (host[strspn(host, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_")])
        skt_config_fail(r, "expected a name, an IPv4 or an IPv6 address, got \"%.60s\"", host);
}

static void check_entry_address(struct config_reader *r, void *arg)
{
    const struct skt_config_entry *e = arg;
    size_t i = 1;
    struct skt_addr a;
    for (const struct skt_config_entry *other = r->conf->table.entries; other < e; other++)
        i += other->server == e->server;
    skt_config_enter(r, ".%s[%zu].address", e->server ? "skcp_servers" : "skcp_remote_servers", i);
    if (!e->server)
        check_host(r, e->address);
    else if (strcmp(e->address, "*") != 0 && skt_addr_parse(&a, e->address, 0) != SKT_OK)
        skt_config_fail(r, "expected an IPv4 or IPv6 address to listen on, or \"*\", got \"%.60s\"",
                        e->address);
}

void skt_config_check_addresses(struct config_reader *r, void *arg)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    (void)arg;
    for (size_t i = 0; i < t->entry_count; i++) {
        if (t->entries[i].address)
            (void)skt_config_try(r, check_entry_address, &t->entries[i]);
    }
    if (t->tcp_target_addr) {
        skt_config_enter(r, ".tcp_target_addr");
        check_host(r, t->tcp_target_addr);
    }
}

void skt_config_check_target(struct config_reader *r, void *arg)
{
    (void)arg;
    struct skt_config_mode_table *t = &r->conf->table;
    struct config_field any = {.flags = 0};
    if (!t->tcp_target_addr == !t->tcp_target_port)
        return;
    skt_config_enter(r, t->tcp_target_addr ? ".tcp_target_port" : ".tcp_target_addr");
    lua_pushnil(r->L);
    skt_config_fail_got(r, &any, t->tcp_target_addr ? "1..65535" : "a string");
}

/* Two of the server's own entries can't have one port. */
void skt_config_check_ports(struct config_reader *r, void *arg)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    (void)arg;
    for (size_t i = 0; i < t->entry_count; i++) {
        const struct skt_config_entry *a = &t->entries[i];
        for (size_t j = 0; a->server && a->address && j < i; j++) {
            const struct skt_config_entry *b = &t->entries[j];
            if (!b->server || !b->address || strcmp(a->address, b->address) != 0 || a->port.lo > b->port.hi ||
                b->port.lo > a->port.hi)
                continue;
            skt_config_enter(r, ".skcp_servers[%zu].port", i + 1);
            skt_config_fail(r, "skcp_servers[%zu] listens on %s, port %u already", j + 1, b->address,
                            a->port.lo > b->port.lo ? a->port.lo : b->port.lo);
        }
    }
}

/* --- one server twice --- */

static bool is_same_host(const char *a, const char *b)
{
    struct skt_addr x, y;
    if (skt_addr_parse(&x, a, 0) == SKT_OK && skt_addr_parse(&y, b, 0) == SKT_OK)
        return x.family == y.family && memcmp(x.ip, y.ip, sizeof x.ip) == 0;
    return strcasecmp(a, b) == 0;
}

/* A script of the user's own may hold two tickets at one server. */
static bool is_same_server(const struct skt_config *conf, const struct skt_config_entry *a,
                           const struct skt_config_entry *b)
{
    if (a->server || b->server || !a->address || !b->address || !is_same_host(a->address, b->address))
        return false;
    bool same_ticket = memcmp(a->ticket.bytes, b->ticket.bytes, sizeof a->ticket.bytes) == 0;
    return a->port.lo <= b->port.hi && b->port.lo <= a->port.hi && (same_ticket || !conf->script_file);
}

/* " in line 7", or nothing where nobody knows. */
static const char *line_text(struct config_reader *r, char buf[32], size_t remote)
{
    size_t mark = skt_config_enter(r, ".skcp_remote_servers[%zu]", remote);
    unsigned line = skt_config_line_of(r->text, r->text_len, r->where);
    skt_config_leave(r, mark);
    buf[0] = 0;
    if (line)
        snprintf(buf, 32, " in line %u", line);
    return buf;
}

/* remote, earlier: their numbers in the list, from 1. */
static void warn_twice(struct config_reader *r, const struct skt_config_entry *e, size_t remote,
                       const struct skt_config_entry *before, size_t earlier)
{
    char line[32];
    unsigned port = e->port.lo > before->port.lo ? e->port.lo : before->port.lo;
    line_text(r, line, earlier);
    size_t mark = skt_config_enter(r, ".skcp_remote_servers[%zu]", remote);
    skt_config_warn_here(
        r,
        "the same server as skcp_remote_servers[%zu]%s: %.60s port %u is asked twice, which makes "
        "nothing safer",
        earlier, line, e->address, port);
    skt_config_leave(r, mark);
}

void skt_config_check_twice(struct config_reader *r, void *arg)
{
    const struct skt_config_mode_table *t = &r->conf->table;
    size_t servers = 0; /* which come first */
    (void)arg;
    while (servers < t->entry_count && t->entries[servers].server)
        servers++;
    for (size_t i = servers; i < t->entry_count; i++) {
        size_t j = servers;
        while (j < i && !is_same_server(r->conf, &t->entries[i], &t->entries[j]))
            j++;
        if (j < i)
            warn_twice(r, &t->entries[i], i - servers + 1, &t->entries[j], j - servers + 1);
    }
}
