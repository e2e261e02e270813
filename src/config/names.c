/* SPDX-License-Identifier: MIT */
#include "config/names.h"

#include "config/problem.h"
#include "config/tables.h"

#include <ctype.h>
#include <string.h>

enum {
    WORD_MAX = 64,  /* letters that are compared: no field has so many */
    SHOWN_MAX = 40, /* bytes of an unknown name in a message */
    SLIP_MAX = 3,   /* letters wrong, at most, in a name that is meant to be another one */
};

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment: rows of the table before the last one, the last one, and this one. */
unsigned skt_config_edit_distance(const char *a, const char *b)
{
    size_t a_len = strnlen(a, WORD_MAX), b_len = strnlen(b, WORD_MAX);
    unsigned rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return rows[a_len % 3][b_len];
}

static const struct config_field *find(const struct config_field *fields, unsigned scope, const char *name)
{
    for (; fields->name; fields++) {
        if (skt_config_belongs(fields, scope) && strcmp(fields->name, name) == 0)
            return fields;
    }
    return NULL;
}

struct unknown {
    const struct config_field *fields;
    unsigned scope;
    const char *name;
    const char *nearest;     /* the known field whose name is the most like it */
    bool stands_for_nearest; /* a slip of the pen: that one is not in the table */
};

/* Says where a name would be known that is written one table too high. */
static void fail_misplaced(struct config_reader *r, const struct unknown *u)
{
    if (u->fields == skt_config_top_fields && find(skt_config_mode_fields, IN_ALL, u->name))
        skt_config_fail(r, "this field belongs into the mode's table, as in proxy_client = { %s = ... }",
                        u->name);
    if (u->fields != skt_config_entry_fields && find(skt_config_entry_fields, IN_ENTRIES, u->name))
        skt_config_fail(r, "this field belongs into an entry of skcp_servers or skcp_remote_servers");
}

static void fail_unknown(struct config_reader *r, void *arg)
{
    const struct unknown *u = arg;
    skt_config_enter(r, "%s", r->where_len ? "." : "");
    if (u->stands_for_nearest) {
        size_t mark = skt_config_enter(r, "%s", u->nearest);
        skt_config_note_silently(r); /* that it is missing is this very mistake */
        skt_config_leave(r, mark);
    }
    for (size_t i = 0; i < SHOWN_MAX && u->name[i]; i++)
        skt_config_enter(r, "%c", isprint((unsigned char)u->name[i]) ? u->name[i] : '?');
    fail_misplaced(r, u);
    skt_config_fail(r, "unknown field, the nearest one is \"%s\"", u->nearest);
}

/* The field that the name was probably meant to be; the distance between the two. */
static unsigned find_nearest(struct unknown *u)
{
    unsigned best = ~0U;
    u->nearest = "";
    for (const struct config_field *f = u->fields; f->name; f++) {
        unsigned d = skt_config_belongs(f, u->scope) ? skt_config_edit_distance(u->name, f->name) : ~0U;
        if (d < best) {
            best = d;
            u->nearest = f->name;
        }
    }
    return best;
}

static void fail_key(struct config_reader *r, void *arg)
{
    struct config_field none = {.flags = 0};
    (void)arg;
    skt_config_fail_got(r, &none, "names as keys");
}

void skt_config_check_names(struct config_reader *r, const struct config_field *fields, unsigned scope)
{
    lua_State *L = r->L;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            (void)skt_config_try(r, fail_key, NULL);
            continue;
        }
        struct unknown u = {fields, scope, lua_tostring(L, -1), NULL, false};
        if (find(fields, scope, u.name))
            continue;
        bool slip = find_nearest(&u) <= SLIP_MAX;
        lua_pushstring(L, u.nearest);
        u.stands_for_nearest = lua_rawget(L, -3) == LUA_TNIL && slip;
        lua_pop(L, 1);
        (void)skt_config_try(r, fail_unknown, &u);
    }
}
