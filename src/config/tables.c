/* SPDX-License-Identifier: MIT */
/* Every field of the configuration: name, type, place, where it belongs, range, default. */
#include "base/wipe.h"
#include "config/read.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Offset and size of a field. */
#define PLACE(object, field) offsetof(object, field), sizeof(((object *)0)->field)

/* --- entries --- */

#define ENTRY(field) PLACE(struct skt_config_entry, field)

const struct config_field skt_config_entry_fields[] = {
    {"address", skt_config_read_string, ENTRY(address), IN_ENTRIES, REQUIRED, 1, 0, 0},
    {"port", skt_config_read_port_range, ENTRY(port), IN_ENTRIES, REQUIRED, 0, 0, 0},
    {"password", skt_config_read_string, ENTRY(password), IN_ENTRIES, SECRET, 1, 0, 0},
    {"key", skt_config_read_key, ENTRY(key), IN_ENTRIES, SECRET, 0, 0, 0},
    {"server_key", skt_config_read_key, ENTRY(server_key), IN_REMOTE_ENTRY, SECRET, 0, 0, 0},
    {"private_key", skt_config_read_key, ENTRY(private_key), IN_SERVER_ENTRY, SECRET, 0, 0, 0},
    {"ticket", skt_config_read_ticket, ENTRY(ticket), IN_REMOTE_ENTRY, SECRET | REQUIRED, 0, 0, 0},
    {"skcp_speed_mode", skt_config_read_speed_mode, ENTRY(tuning.speed), IN_ENTRIES, 0, 0, 0,
     SKT_SPEED_TURBO},
    {"skcp_keepalive", skt_config_read_integer, ENTRY(tuning.keepalive_s), IN_ENTRIES, ZERO_DEFAULT, 1, 65535,
     60},
    {"skcp_max_conn_cnt", skt_config_read_integer, ENTRY(tuning.sessions_max), IN_SERVER_ENTRY, ZERO_DEFAULT,
     1, 1000000, 1024},
    {"streams_max", skt_config_read_integer, ENTRY(tuning.streams_max), IN_SERVER_ENTRY, 0, 1, 1000000,
     SKT_STREAMS_DEFAULT},
    {"mtu", skt_config_read_integer, ENTRY(tuning.mtu_max), IN_ENTRIES, 0, SKT_MTU_MIN, SKT_MTU_MAX,
     SKT_MTU_MAX},
    {"cipher", skt_config_read_cipher, ENTRY(tuning.ciphers), IN_ENTRIES, 0, 0, 0, 0},
    {"redundancy", skt_config_read_redundancy, ENTRY(tuning.redundancy), IN_ENTRIES, 0, 0, 0, 0},
    {"max_rate_mbit", skt_config_read_rate, ENTRY(tuning.max_rate), IN_ENTRIES, 0, 0.01, 1e6, 0},
    {"overhead_cap", skt_config_read_permille, ENTRY(tuning.overhead_cap_permille), IN_ENTRIES, 0, 0, 10,
     0.3},
    {0},
};

static void read_entry(struct config_reader *r, void *arg)
{
    struct skt_config_entry *e = arg;
    struct config_field any = {.flags = 0};
    if (lua_type(r->L, -1) != LUA_TTABLE)
        skt_config_fail_got(r, &any, "a table");
    skt_config_preset(skt_config_entry_fields, e);
    skt_config_read_table(r, skt_config_entry_fields, e->server ? IN_SERVER_ENTRY : IN_REMOTE_ENTRY, e, 0);
    if (e->password && e->key.set)
        skt_config_fail(r, "expected either a password or a key, got both");
    if (!e->password && !e->key.set)
        skt_config_fail(r, "expected a password or a key, got neither");
    if (e->password && strcmp(e->password, "change me") == 0)
        skt_config_warn(r, "%s: the password is the sample's, which everybody knows", r->where);
}

static void read_entries(struct config_reader *r, const struct config_field *f, void *at, bool server)
{
    struct skt_config_mode_table *t = at;
    skt_config_check_list(r, f, "a list of tables");
    for (lua_Integer i = 1; skt_config_list_item(r, i); i++) {
        size_t mark = skt_config_enter(r, "[%lld]", (long long)i);
        struct skt_config_entry *e = skt_config_append(r, &t->entries, &t->entry_count, sizeof *t->entries);
        e->server = server;
        (void)skt_config_try(r, read_entry, e);
        skt_config_leave(r, mark);
        lua_pop(r->L, 1);
    }
}

static void read_servers(struct config_reader *r, const struct config_field *f, void *at)
{
    read_entries(r, f, at, true);
}

static void read_remotes(struct config_reader *r, const struct config_field *f, void *at)
{
    read_entries(r, f, at, false);
}

/* --- tickets --- */

#define TICKET(field) PLACE(struct skt_config_ticket, field)

static void read_ticket_targets(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_ticket *t =
        (struct skt_config_ticket *)(void *)((char *)at - offsetof(struct skt_config_ticket, targets));
    t->has_targets = true;
    skt_config_read_strings(r, f, at);
}

const struct config_field skt_config_ticket_fields[] = {
    {"name", skt_config_read_string, TICKET(name), 0, 0, 0, 0, 0},
    {"tun_ip", skt_config_read_string, TICKET(tun_ip), 0, 0, 1, 0, 0},
    {"subnets", skt_config_read_strings, TICKET(subnets), 0, 0, 0, 0, 0},
    {"targets", read_ticket_targets, TICKET(targets), 0, 0, 0, 0, 0},
    {"relay_tcp", skt_config_read_relay, TICKET(relay), IN_TUN_SERVER, 0, 0, 0, 0},
    {0},
};

/* The ticket is a secret: messages name it by its name. */
static void read_one_ticket(struct config_reader *r, void *arg)
{
    struct skt_config_ticket *t = arg;
    struct config_field any = {.flags = 0};
    lua_State *L = r->L;
    size_t mark = skt_config_enter(r, "[a ticket]");
    if (lua_type(L, -1) != LUA_TTABLE)
        skt_config_fail_got(r, &any, "a table");
    lua_pushliteral(L, "name");
    if (lua_rawget(L, -2) == LUA_TSTRING) {
        skt_config_leave(r, mark);
        skt_config_enter(r, "[ticket of %.40s]", lua_tostring(L, -1));
    }
    lua_pop(L, 1);
    skt_config_read_table(r, skt_config_ticket_fields, 1U << r->conf->mode, t, 0);
    skt_config_leave(r, mark);
}

void skt_config_read_tickets(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_mode_table *t = at;
    lua_State *L = r->L;
    if (lua_type(L, -1) != LUA_TTABLE)
        skt_config_fail_got(r, f, "a table");
    t->has_tickets = true;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_rawlen(L, -2) != SKT_TICKET_LEN) {
            lua_pushvalue(L, -2);
            skt_config_fail_got(r, f, "tickets of 32 bytes as keys");
        }
        struct skt_config_ticket *ticket =
            skt_config_append(r, &t->tickets, &t->ticket_count, sizeof *t->tickets);
        memcpy(ticket->ticket, lua_tostring(L, -2), SKT_TICKET_LEN);
        (void)skt_config_try(r, read_one_ticket, ticket);
        lua_pop(L, 1);
    }
}

/* --- listeners and targets --- */

#define LISTENER(field) PLACE(struct skt_config_listener, field)

const struct config_field skt_config_listener_fields[] = {
    {"tcp_listen_addr", skt_config_read_string, LISTENER(addr), 0, 0, 1, 0, 0},
    {"tcp_listen_port", skt_config_read_integer, LISTENER(port), 0, REQUIRED, 1, 65535, 0},
    {"target", skt_config_read_string, LISTENER(target), 0, 0, 0, 0, 0},
    {0},
};

static void read_listener(struct config_reader *r, void *arg)
{
    struct skt_config_listener *l = arg;
    struct config_field any = {.flags = 0};
    if (lua_type(r->L, -1) != LUA_TTABLE)
        skt_config_fail_got(r, &any, "a table");
    skt_config_set_string(r, &l->addr, "127.0.0.1");
    skt_config_set_string(r, &l->target, "");
    skt_config_read_table(r, skt_config_listener_fields, 0, l, 0);
    if (strlen(l->target) > SKT_TARGET_MAX)
        skt_config_fail(r, "expected a target's name of at most %d bytes", SKT_TARGET_MAX);
}

void skt_config_read_listeners(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_mode_table *t = at;
    skt_config_check_list(r, f, "a list of tables");
    for (lua_Integer i = 1; skt_config_list_item(r, i); i++) {
        size_t mark = skt_config_enter(r, "[%lld]", (long long)i);
        struct skt_config_listener *l =
            skt_config_append(r, &t->listeners, &t->listener_count, sizeof *t->listeners);
        (void)skt_config_try(r, read_listener, l);
        skt_config_leave(r, mark);
        lua_pop(r->L, 1);
    }
}

static void read_target(struct config_reader *r, void *arg)
{
    struct skt_config_target *target = arg;
    struct config_field any = {.flags = 0};
    size_t mark = skt_config_enter(r, ".%.60s", target->name);
    skt_config_parse_host_port(r, &any, &target->host, &target->port);
    skt_config_leave(r, mark);
}

void skt_config_read_targets(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_mode_table *t = at;
    lua_State *L = r->L;
    if (lua_type(L, -1) != LUA_TTABLE)
        skt_config_fail_got(r, f, "a table of names and \"host:port\"");
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pushvalue(L, -2);
        if (lua_type(L, -1) != LUA_TSTRING || lua_rawlen(L, -1) < 1 || lua_rawlen(L, -1) > SKT_TARGET_MAX)
            skt_config_fail_got(r, f, "names of 1..255 bytes as keys");
        struct skt_config_target *target =
            skt_config_append(r, &t->targets, &t->target_count, sizeof *t->targets);
        target->name = skt_config_take_string(r, f);
        lua_pop(L, 1);
        (void)skt_config_try(r, read_target, target);
        lua_pop(L, 1);
    }
}

/* --- a mode's table --- */

#define MODE(field) PLACE(struct skt_config_mode_table, field)

void skt_config_read_tun_offload(struct config_reader *r, const struct config_field *f, void *at)
{
    bool *plain = at;
    bool offload;
    skt_config_read_bool(r, f, &offload);
    *plain = !offload;
}

const struct config_field skt_config_mode_fields[] = {
    {"tcp_listen_addr", skt_config_read_string, MODE(tcp_listen_addr), IN_ALL & ~IN_PROXY_SERVER, 0, 1, 0, 0},
    {"tcp_listen_port", skt_config_read_integer, MODE(tcp_listen_port), IN_ALL & ~IN_PROXY_SERVER, 0, 1,
     65535, 0},
    {"tcp_target_addr", skt_config_read_string, MODE(tcp_target_addr), IN_ALL & ~IN_PROXY_CLIENT,
     LIVE_BUILT_IN, 1, 0, 0},
    {"tcp_target_port", skt_config_read_integer, MODE(tcp_target_port), IN_ALL & ~IN_PROXY_CLIENT,
     LIVE_BUILT_IN, 1, 65535, 0},
    {"tcp_read_buf_size", skt_config_read_integer, MODE(tcp_read_buf_size), IN_ALL, ZERO_DEFAULT | LIVE, 1,
     16777216, 16384},
    {"tcp_keepalive", skt_config_read_number, MODE(tcp_keepalive), IN_ALL, LIVE, 0, 1e9, 0},
    {"tcp_recv_timeout", skt_config_read_number, MODE(tcp_recv_timeout), IN_ALL, ZERO_DEFAULT | LIVE, 0.1,
     86400, 10},
    {"tcp_send_timeout", skt_config_read_number, MODE(tcp_send_timeout), IN_ALL, LIVE, 0, 1e9, 0},
    {"tcp_timeout_interval", skt_config_read_number, MODE(tcp_timeout_interval), IN_ALL, LIVE, 0, 1e9, 0},
    {"skcp_servers", read_servers, 0, 0, IN_SERVERS, 0, 0, 0, 0},
    {"skcp_servers", read_remotes, 0, 0, IN_TUN_CLIENT, 0, 0, 0, 0},
    {"skcp_remote_servers", read_remotes, 0, 0, IN_CLIENTS, 0, 0, 0, 0},
    {"tickets", skt_config_read_tickets, 0, 0, IN_SERVERS, SECRET | LIVE, 0, 0, 0},
    {"listeners", skt_config_read_listeners, 0, 0, IN_PROXY_CLIENT | IN_CUSTOM, 0, 0, 0, 0},
    {"targets", skt_config_read_targets, 0, 0, IN_PROXY_SERVER | IN_CUSTOM, LIVE, 0, 0, 0},
    {"tun_ip", skt_config_read_string, MODE(tun_ip), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {"tun_mask", skt_config_read_string, MODE(tun_mask), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {"tun_ip6", skt_config_read_string, MODE(tun_ip6), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {"tun_name", skt_config_read_string, MODE(tun_name), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {"tun_mtu", skt_config_read_integer, MODE(tun_mtu), IN_TUN | IN_CUSTOM, 0, 576, 65535, 0},
    {"routes", skt_config_read_strings, MODE(routes), IN_TUN | IN_CUSTOM, 0, 0, 0, 0},
    {"dns", skt_config_read_strings, MODE(dns), IN_TUN | IN_CUSTOM, 0, 0, 0, 0},
    {"tun_offload", skt_config_read_tun_offload, MODE(tun_plain), IN_TUN | IN_CUSTOM, 0, 0, 0, 0},
    {"nat", skt_config_read_bool, MODE(nat), IN_TUN | IN_CUSTOM, 0, 0, 0, 0},
    {"kill_switch", skt_config_read_bool, MODE(kill_switch), IN_TUN_CLIENT, 0, 0, 0, 0},
    {"relay_tcp", skt_config_read_bool, MODE(relay_tcp), IN_TUN_CLIENT, 0, 0, 0, 0},
    {"relay_tcp", skt_config_read_relay, MODE(relay), IN_TUN_SERVER, LIVE, 0, 0, 0},
    {"up", skt_config_read_string, MODE(up), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {"down", skt_config_read_string, MODE(down), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {0},
};

/* --- the top --- */

#define TOP(field) PLACE(struct skt_config, field)

const struct config_field skt_config_top_fields[] = {
    {"mode", skt_config_read_string, TOP(mode_name), 0, REQUIRED, 1, 0, 0},
    {"script_file", skt_config_read_string, TOP(script_file), 0, 0, 1, 0, 0},
    {"proxy_client", skt_config_read_skip, 0, 0, 0, 0, 0, 0, 0},
    {"proxy_server", skt_config_read_skip, 0, 0, 0, 0, 0, 0, 0},
    {"tun_client", skt_config_read_skip, 0, 0, 0, 0, 0, 0, 0},
    {"tun_server", skt_config_read_skip, 0, 0, 0, 0, 0, 0, 0},
    {"log_level", skt_config_read_log_level, TOP(log_level), 0, LIVE, 0, 0, 0},
    {"log_file", skt_config_read_string, TOP(log_file), 0, LIVE, 1, 0, 0},
    {"trace_file", skt_config_read_string, TOP(trace_file), 0, LIVE, 1, 0, 0},
    {"trace_file_max", skt_config_read_integer, TOP(trace_file_max), 0, LIVE, 1, 1000000, 64},
    {"status_socket", skt_config_read_string, TOP(status_socket), 0, 0, 1, 0, 0},
    {"metrics_addr", skt_config_read_string, TOP(metrics_addr), 0, NOT_YET, 1, 0, 0},
    {"user", skt_config_read_string, TOP(run_as), 0, 0, 1, 0, 0},
    {"max_memory", skt_config_read_size, TOP(max_memory), 0, 0, 0, 0, 0},
    {"workers", skt_config_read_integer, TOP(workers), 0, 0, 1, 1, 1},
    {0},
};
