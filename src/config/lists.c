/* SPDX-License-Identifier: MIT */
#include "config/lists.h"

#include "config/numbers.h"
#include "config/ports.h"
#include "config/problem.h"
#include "config/secret_file.h"
#include "config/tables.h"
#include "config/tickets_file.h"
#include "config/types.h"

#include <stddef.h>
#include <string.h>

/* --- entries --- */

static void read_entry(struct config_reader *r, void *arg)
{
    struct skt_config_entry *e = arg;
    struct config_field any = {.flags = 0};
    if (lua_type(r->L, -1) != LUA_TTABLE)
        skt_config_fail_got(r, &any, "a table");
    skt_config_preset(skt_config_entry_fields, e);
    skt_config_read_table(r, skt_config_entry_fields, e->server ? IN_SERVER_ENTRY : IN_REMOTE_ENTRY, e, 0);
    skt_config_take_secret(r, e);
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

void skt_config_read_servers(struct config_reader *r, const struct config_field *f, void *at)
{
    read_entries(r, f, at, true);
}

void skt_config_read_remotes(struct config_reader *r, const struct config_field *f, void *at)
{
    read_entries(r, f, at, false);
}

/* --- tickets --- */

void skt_config_read_ticket_targets(struct config_reader *r, const struct config_field *f, void *at)
{
    struct skt_config_ticket *t =
        (struct skt_config_ticket *)(void *)((char *)at - offsetof(struct skt_config_ticket, targets));
    t->has_targets = true;
    skt_config_read_strings(r, f, at);
}

/* The ticket is a secret: messages name it by its name. */
static void read_one_ticket(struct config_reader *r, void *arg)
{
    struct skt_config_ticket *t = arg;
    struct config_field any = {.flags = 0};
    lua_State *L = r->L;
    char in[32] = "";
    skt_config_ticket_line(r, t->ticket, in, sizeof in);
    size_t mark = skt_config_enter(r, "[a ticket%s]", in);
    if (lua_type(L, -1) != LUA_TTABLE)
        skt_config_fail_got(r, &any, "a table");
    lua_pushliteral(L, "name");
    if (lua_rawget(L, -2) == LUA_TSTRING) {
        skt_config_leave(r, mark);
        skt_config_enter(r, "[ticket of %.40s%s]", lua_tostring(L, -1), in);
    }
    lua_pop(L, 1);
    for (const struct skt_config_ticket *old = r->conf->table.tickets; r->in_tickets_file && old < t; old++) {
        if (memcmp(old->ticket, t->ticket, SKT_TICKET_LEN) == 0)
            skt_config_fail(r, "this ticket is in `tickets` already");
    }
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
