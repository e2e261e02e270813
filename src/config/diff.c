/* SPDX-License-Identifier: MIT */
#include "config/diff.h"

#include "config/lists.h"
#include "config/read_relay.h"
#include "config/tables.h"
#include "config/tickets_file.h"
#include "config/types.h"
#include "config/value.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { PLACE_MAX = 256 };

/* --- values, by the reader of their type --- */

typedef bool same_fn(const void *a, const void *b);

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_string(const void *a, const void *b)
{
    return same_text(*(char *const *)a, *(char *const *)b);
}

static bool same_strings(const void *a, const void *b)
{
    const struct skt_config_strings *x = a, *y = b;
    if (x->count != y->count)
        return false;
    for (size_t i = 0; i < x->count; i++) {
        if (!same_text(x->items[i], y->items[i]))
            return false;
    }
    return true;
}

static bool same_rules(const struct skt_reach_rules *x, const struct skt_reach_rules *y)
{
    if (x->n != y->n)
        return false;
    for (size_t i = 0; i < x->n; i++) {
        const struct skt_reach_rule *k = &x->at[i], *l = &y->at[i];
        if (k->port_lo != l->port_lo || k->port_hi != l->port_hi || k->net.family != l->net.family ||
            k->net.prefix != l->net.prefix || memcmp(k->net.ip, l->net.ip, sizeof k->net.ip) != 0)
            return false;
    }
    return true;
}

static bool same_relay(const void *a, const void *b)
{
    const struct skt_config_relay *x = a, *y = b;
    return x->set == y->set && x->on == y->on && x->reach.any == y->reach.any &&
           same_rules(&x->reach.allow, &y->reach.allow) && same_rules(&x->reach.deny, &y->reach.deny);
}

static bool same_ticket(const struct skt_config_ticket *x, const struct skt_config_ticket *y)
{
    return memcmp(x->ticket, y->ticket, sizeof x->ticket) == 0 && same_text(x->name, y->name) &&
           same_text(x->tun_ip, y->tun_ip) && same_strings(&x->subnets, &y->subnets) &&
           x->has_targets == y->has_targets && same_strings(&x->targets, &y->targets) &&
           x->sessions_max == y->sessions_max && same_relay(&x->relay, &y->relay);
}

/* Lua's tables have no order, so neither has the list. */
static bool same_tickets(const void *a, const void *b)
{
    const struct skt_config_mode_table *x = a, *y = b;
    if (x->has_tickets != y->has_tickets || x->ticket_count != y->ticket_count)
        return false;
    for (size_t i = 0; i < x->ticket_count; i++) {
        size_t j = 0;
        while (j < y->ticket_count && !same_ticket(&x->tickets[i], &y->tickets[j]))
            j++;
        if (j == y->ticket_count)
            return false;
    }
    return true;
}

static bool same_listeners(const void *a, const void *b)
{
    const struct skt_config_mode_table *x = a, *y = b;
    if (x->listener_count != y->listener_count)
        return false;
    for (size_t i = 0; i < x->listener_count; i++) {
        const struct skt_config_listener *k = &x->listeners[i], *l = &y->listeners[i];
        if (!same_text(k->addr, l->addr) || k->port != l->port || !same_text(k->target, l->target))
            return false;
    }
    return true;
}

static bool same_targets(const void *a, const void *b)
{
    const struct skt_config_mode_table *x = a, *y = b;
    if (x->target_count != y->target_count)
        return false;
    for (size_t i = 0; i < x->target_count; i++) {
        size_t j = 0;
        while (j < y->target_count && !same_text(x->targets[i].name, y->targets[j].name))
            j++;
        if (j == y->target_count || !same_text(x->targets[i].host, y->targets[j].host) ||
            x->targets[i].port != y->targets[j].port)
            return false;
    }
    return true;
}

/* The choice, and with SKT_REDUNDANCY_FIXED what belongs to it. */
static bool same_redundancy(const void *a, const void *b)
{
    const size_t at = offsetof(struct skt_tuning, redundancy);
    const struct skt_tuning *x = (const void *)((const char *)a - at),
                            *y = (const void *)((const char *)b - at);
    return x->redundancy == y->redundancy && x->redundancy_data == y->redundancy_data &&
           x->redundancy_parity == y->redundancy_parity;
}

static bool same_keys(const void *a, const void *b)
{
    const struct skt_config_keys *x = a, *y = b;
    return x->count == y->count && (x->count == 0 || memcmp(x->items, y->items, x->count * SKT_KEY_LEN) == 0);
}

/* Those types that are not compared byte by byte. */
static const struct kind {
    config_read_fn *read;
    same_fn *same;
} kinds[] = {
    {skt_config_read_string, same_string},         {skt_config_read_strings, same_strings},
    {skt_config_read_redundancy, same_redundancy}, {skt_config_read_tickets, same_tickets},
    {skt_config_read_listeners, same_listeners},   {skt_config_read_targets, same_targets},
    {skt_config_read_relay, same_relay},           {skt_config_read_keys, same_keys},
    {skt_config_read_tickets_file, same_string},
};

static same_fn *same_of(const struct config_field *f)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].read == f->read)
            return kinds[i].same;
    }
    return NULL;
}

bool skt_config_same_field(const struct config_field *f, const void *a, const void *b)
{
    const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
    same_fn *same = same_of(f);
    return same ? same(x, y) : memcmp(x, y, f->size) == 0; /* 0 bytes: other modes' tables, entries */
}

/* --- what takes a restart --- */

static bool is_live(const struct config_field *f, bool scripted)
{
    return (f->flags & LIVE) || ((f->flags & LIVE_BUILT_IN) && !scripted);
}

struct difference {
    bool scripted; /* a script of the user's own runs */
    void (*say)(void *user, const char *field);
    void *user;
    const char *place; /* "proxy_server", "" at the top */
};

static void say(const struct difference *d, const char *name)
{
    char field[PLACE_MAX];
    snprintf(field, sizeof field, "%s%s%s", d->place, *d->place ? "." : "", name);
    d->say(d->user, field);
}

static void compare(const struct difference *d, const struct config_field *fields, unsigned scope,
                    const void *a, const void *b)
{
    for (const struct config_field *f = fields; f->name; f++) {
        bool belongs = !f->scope || (f->scope & scope);
        if (belongs && !is_live(f, d->scripted) && !skt_config_same_field(f, a, b))
            say(d, f->name);
    }
}

/* Is there an entry of this number in both, and none too many in one of them? */
static bool are_matched(const struct skt_config_mode_table *a, const struct skt_config_mode_table *b,
                        size_t i)
{
    return a->entry_count == b->entry_count && i < a->entry_count &&
           a->entries[i].server == b->entries[i].server;
}

static void compare_entries(const struct difference *d, const struct skt_config_mode_table *a,
                            const struct skt_config_mode_table *b)
{
    size_t servers = 0, remotes = 0;
    if (a->entry_count != b->entry_count) {
        say(d, b->entry_count && b->entries[0].server ? "skcp_servers" : "skcp_remote_servers");
        return;
    }
    for (size_t i = 0; i < a->entry_count; i++) {
        bool server = a->entries[i].server;
        char place[PLACE_MAX];
        snprintf(place, sizeof place, "%s.%s[%zu]", d->place, server ? "skcp_servers" : "skcp_remote_servers",
                 server ? ++servers : ++remotes);
        struct difference inner = {d->scripted, d->say, d->user, place};
        compare(&inner, skt_config_entry_fields, server ? IN_SERVER_ENTRY : IN_REMOTE_ENTRY, &a->entries[i],
                &b->entries[i]);
    }
}

void skt_config_restart_fields(const struct skt_config *running, const struct skt_config *fresh,
                               void (*say_field)(void *user, const char *field), void *user)
{
    bool scripted = running->script_file != NULL;
    struct difference top = {scripted, say_field, user, ""};
    struct difference mode = {scripted, say_field, user, running->mode_name};
    compare(&top, skt_config_top_fields, 0, running, fresh);
    compare(&mode, skt_config_mode_fields, 1U << running->mode, &running->table, &fresh->table);
    compare_entries(&mode, &running->table, &fresh->table);
    if (!skt_value_equal(running->user, fresh->user))
        say(&mode, "*"); /* the script has read its own fields */
}

/* --- what does not --- */

static void swap(void *a, void *b, size_t len)
{
    unsigned char x[64];
    assert(len <= sizeof x);
    memcpy(x, a, len);
    memcpy(a, b, len);
    memcpy(b, x, len);
}

#define SWAP(field) swap(&a->field, &b->field, sizeof a->field)

static void swap_list(config_read_fn *read, struct skt_config_mode_table *a, struct skt_config_mode_table *b)
{
    if (read == skt_config_read_tickets) {
        SWAP(has_tickets);
        SWAP(tickets);
        SWAP(ticket_count);
    } else if (read == skt_config_read_targets) {
        SWAP(targets);
        SWAP(target_count);
    }
}

static void take(const struct config_field *fields, bool scripted, void *a, void *b)
{
    for (const struct config_field *f = fields; f->name; f++) {
        if (!is_live(f, scripted))
            continue;
        if (f->size > 0)
            swap((char *)a + f->offset, (char *)b + f->offset, f->size);
        else
            swap_list(f->read, a, b);
    }
}

void skt_config_take_live(struct skt_config *running, struct skt_config *fresh)
{
    bool scripted = running->script_file != NULL;
    take(skt_config_top_fields, scripted, running, fresh);
    take(skt_config_mode_fields, scripted, &running->table, &fresh->table);
    for (size_t i = 0; are_matched(&running->table, &fresh->table, i); i++)
        take(skt_config_entry_fields, scripted, &running->table.entries[i], &fresh->table.entries[i]);
}
