/* SPDX-License-Identifier: MIT */
#include "lua/config_read.h"

#include "base/wipe.h"

#include <ctype.h>
#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 64, SHOWN_MAX = 40 };

void config_fail_memory(struct config_reader *r)
{
    r->no_memory = true;
    lua_settop(r->L, 0);
    lua_error(r->L);
    abort(); /* lua_error does not return */
}

void config_fail(struct config_reader *r, const char *fmt, ...)
{
    int n = snprintf(r->err, r->err_cap, "%s: %s%s", r->file, r->where, r->where_len ? ": " : "");
    if (n >= 0 && (size_t)n < r->err_cap) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(r->err + n, r->err_cap - (size_t)n, fmt, args);
        va_end(args);
    }
    lua_settop(r->L, 0);
    lua_error(r->L);
    abort();
}

static void show_string(const char *s, size_t len, char *out, size_t cap)
{
    size_t at = 0;
    out[at++] = '"';
    for (size_t i = 0; i < len && i < SHOWN_MAX && at + 6 < cap; i++)
        out[at++] = isprint((unsigned char)s[i]) ? s[i] : '?';
    out[at++] = '"';
    out[at] = 0;
    if (len > SHOWN_MAX && at + 4 < cap)
        memcpy(out + at, "...", 4);
}

void config_fail_got(struct config_reader *r, const struct config_field *f, const char *what)
{
    lua_State *L = r->L;
    char got[SHOWN_MAX + 16];
    int type = lua_type(L, -1);
    bool secret = (f->flags & SECRET) != 0;
    if (type == LUA_TSTRING && secret)
        snprintf(got, sizeof got, "a string of %zu bytes", (size_t)lua_rawlen(L, -1));
    else if (type == LUA_TSTRING)
        show_string(lua_tostring(L, -1), (size_t)lua_rawlen(L, -1), got, sizeof got);
    else if (type == LUA_TNUMBER && secret)
        snprintf(got, sizeof got, "a number");
    else if (lua_isinteger(L, -1))
        snprintf(got, sizeof got, "%lld", (long long)lua_tointeger(L, -1));
    else if (type == LUA_TNUMBER && isnan(lua_tonumber(L, -1)))
        snprintf(got, sizeof got, "nan"); /* whatever its sign, which depends on the machine */
    else if (type == LUA_TNUMBER)
        snprintf(got, sizeof got, "%.14g", (double)lua_tonumber(L, -1));
    else if (type == LUA_TBOOLEAN)
        snprintf(got, sizeof got, "%s", lua_toboolean(L, -1) ? "true" : "false");
    else if (type == LUA_TNIL)
        snprintf(got, sizeof got, "nothing");
    else
        snprintf(got, sizeof got, "a %s", luaL_typename(L, -1));
    config_fail(r, "expected %s, got %s", what, got);
}

size_t config_enter(struct config_reader *r, const char *fmt, ...)
{
    size_t mark = r->where_len;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(r->where + mark, sizeof r->where - mark, fmt, args);
    va_end(args);
    if (n > 0)
        r->where_len += (size_t)n;
    if (r->where_len >= sizeof r->where)
        r->where_len = sizeof r->where - 1;
    return mark;
}

void config_leave(struct config_reader *r, size_t mark)
{
    r->where_len = mark;
    r->where[mark] = 0;
}

void *config_append(struct config_reader *r, void *items, size_t *count, size_t item_len)
{
    void **list = items;
    if (*count >= SKT_CONFIG_LIST_MAX)
        config_fail(r, "expected at most %d items", SKT_CONFIG_LIST_MAX);
    char *grown = malloc((*count + 1) * item_len);
    if (!grown)
        config_fail_memory(r);
    if (*count > 0) {
        memcpy(grown, *list, *count * item_len);
        skt_wipe(*list, *count * item_len); /* keys may be in it */
        free(*list);
    }
    *list = grown;
    char *item = grown + *count * item_len;
    memset(item, 0, item_len);
    ++*count;
    return item;
}

void config_warn(struct config_reader *r, const char *fmt, ...)
{
    char line[SKT_CONFIG_ERROR_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    struct skt_config_strings *w = &r->conf->warnings;
    for (size_t i = 0; i < w->count; i++) {
        if (w->items[i] && strcmp(w->items[i], line) == 0)
            return;
    }
    if (w->count >= SKT_CONFIG_LIST_MAX)
        return;
    char **at = config_append(r, &w->items, &w->count, sizeof *w->items);
    config_set_string(r, at, line);
}

void config_set_string(struct config_reader *r, char **at, const char *value)
{
    char *copy = strdup(value);
    if (!copy)
        config_fail_memory(r);
    free(*at);
    *at = copy;
}

char *config_take_string(struct config_reader *r, const struct config_field *f)
{
    if (lua_type(r->L, -1) != LUA_TSTRING)
        config_fail_got(r, f, "a string");
    size_t len;
    const char *s = lua_tolstring(r->L, -1, &len);
    if (memchr(s, 0, len))
        config_fail(r, "expected a string without zero bytes");
    char *copy = strdup(s);
    if (!copy)
        config_fail_memory(r);
    return copy;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment: rows of the table before the last one, the last one, and this one. */
unsigned config_edit_distance(const char *a, const char *b)
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

static bool belongs(const struct config_field *f, unsigned scope)
{
    return f->scope == 0 || (f->scope & scope) != 0;
}

static const struct config_field *find(const struct config_field *fields, unsigned scope, const char *name)
{
    for (; fields->name; fields++) {
        if (belongs(fields, scope) && strcmp(fields->name, name) == 0)
            return fields;
    }
    return NULL;
}

static void __attribute__((noreturn))
fail_unknown(struct config_reader *r, const struct config_field *fields, unsigned scope, const char *name)
{
    const char *nearest = "";
    unsigned best = ~0U;
    for (; fields->name; fields++) {
        unsigned d = belongs(fields, scope) ? config_edit_distance(name, fields->name) : ~0U;
        if (d < best) {
            best = d;
            nearest = fields->name;
        }
    }
    char shown[SHOWN_MAX + 16];
    show_string(name, strlen(name), shown, sizeof shown);
    config_enter(r, "%s%.*s", r->where_len ? "." : "", (int)strlen(shown) - 2, shown + 1);
    config_fail(r, "unknown field, the nearest one is \"%s\"", nearest);
}

/* Every key of the table on top of the stack must be a known name. */
static void check_names(struct config_reader *r, const struct config_field *fields, unsigned scope,
                        unsigned flags)
{
    lua_State *L = r->L;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        if (flags & NAMES_ANY)
            continue;
        if (lua_type(L, -1) != LUA_TSTRING) {
            struct config_field none = {.flags = 0};
            config_fail_got(r, &none, "names as keys");
        }
        if (!find(fields, scope, lua_tostring(L, -1)))
            fail_unknown(r, fields, scope, lua_tostring(L, -1));
    }
}

static void read_field(struct config_reader *r, const struct config_field *f, void *base)
{
    size_t mark = config_enter(r, "%s%s", r->where_len ? "." : "", f->name);
    lua_pushstring(r->L, f->name);
    lua_rawget(r->L, -2);
    if (!lua_isnil(r->L, -1)) {
        f->read(r, f, (char *)base + f->offset);
        if (f->flags & NOT_YET)
            config_warn(r, "%s is accepted, but has no effect in this version yet", f->name);
    } else if (f->flags & REQUIRED) {
        f->read(r, f, (char *)base + f->offset); /* fails, and says what it expects */
    }
    lua_pop(r->L, 1);
    config_leave(r, mark);
}

void config_read_table(struct config_reader *r, const struct config_field *fields, unsigned scope, void *base,
                       unsigned flags)
{
    luaL_checkstack(r->L, 8, "configuration nested too deep");
    check_names(r, fields, scope, flags);
    for (; fields->name; fields++) {
        if (belongs(fields, scope))
            read_field(r, fields, base);
    }
}

bool config_has(struct config_reader *r, const char *name)
{
    lua_pushstring(r->L, name);
    lua_rawget(r->L, -2);
    bool has = !lua_isnil(r->L, -1);
    lua_pop(r->L, 1);
    return has;
}

void config_check_list(struct config_reader *r, const struct config_field *f, const char *what)
{
    lua_State *L = r->L;
    if (lua_type(L, -1) != LUA_TTABLE)
        config_fail_got(r, f, what);
    lua_Integer len = (lua_Integer)lua_rawlen(L, -1), keys = 0;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        keys++;
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 || lua_tointeger(L, -1) > len)
            config_fail(r, "expected %s, got a table with other keys than 1, 2, ...", what);
    }
    if (keys != len)
        config_fail(r, "expected %s, got a list with gaps", what);
}

bool config_list_item(struct config_reader *r, lua_Integer i)
{
    if (lua_rawgeti(r->L, -1, i) != LUA_TNIL)
        return true;
    lua_pop(r->L, 1);
    return false;
}
