/* SPDX-License-Identifier: MIT */
#include "config/read.h"

#include "base/wipe.h"
#include "config/lines.h"
#include "config/names.h"
#include "config/problem.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t skt_config_enter(struct config_reader *r, const char *fmt, ...)
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

void skt_config_leave(struct config_reader *r, size_t mark)
{
    r->where_len = mark;
    r->where[mark] = 0;
}

void *skt_config_append(struct config_reader *r, void *items, size_t *count, size_t item_len)
{
    void **list = items;
    if (*count >= SKT_CONFIG_LIST_MAX)
        skt_config_fail(r, "expected at most %d items", SKT_CONFIG_LIST_MAX);
    char *grown = malloc((*count + 1) * item_len);
    if (!grown)
        skt_config_fail_memory(r);
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

/* Unless it is there already. */
static void add_warning(struct config_reader *r, const char *line)
{
    struct skt_config_strings *w = &r->conf->warnings;
    for (size_t i = 0; i < w->count; i++) {
        if (w->items[i] && strcmp(w->items[i], line) == 0)
            return;
    }
    if (w->count >= SKT_CONFIG_LIST_MAX)
        return;
    char **at = skt_config_append(r, &w->items, &w->count, sizeof *w->items);
    skt_config_set_string(r, at, line);
}

void skt_config_warn(struct config_reader *r, const char *fmt, ...)
{
    char line[SKT_CONFIG_ERROR_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    add_warning(r, line);
}

void skt_config_warn_here(struct config_reader *r, const char *fmt, ...)
{
    char text[SKT_CONFIG_ERROR_MAX], line[SKT_CONFIG_ERROR_MAX + sizeof r->where + 32], in[32] = "";
    unsigned number = skt_config_line_of(r->text, r->text_len, r->where);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (number > 0)
        snprintf(in, sizeof in, " (line %u)", number);
    snprintf(line, sizeof line, "%s: %s%s", r->where, text, in);
    add_warning(r, line);
}

void skt_config_set_string(struct config_reader *r, char **at, const char *value)
{
    char *copy = strdup(value);
    if (!copy)
        skt_config_fail_memory(r);
    free(*at);
    *at = copy;
}

char *skt_config_take_string(struct config_reader *r, const struct config_field *f)
{
    if (lua_type(r->L, -1) != LUA_TSTRING)
        skt_config_fail_got(r, f, "a string");
    size_t len;
    const char *s = lua_tolstring(r->L, -1, &len);
    if (memchr(s, 0, len))
        skt_config_fail(r, "expected a string without zero bytes");
    char *copy = strdup(s);
    if (!copy)
        skt_config_fail_memory(r);
    return copy;
}

bool skt_config_belongs(const struct config_field *f, unsigned scope)
{
    return f->scope == 0 || (f->scope & scope) != 0;
}

struct field_reading {
    const struct config_field *field;
    void *at;
};

static void read_value(struct config_reader *r, void *arg)
{
    const struct field_reading *reading = arg;
    if (reading->field->flags & NOT_YET)
        skt_config_fail(r, "%s is not in this version", reading->field->name);
    reading->field->read(r, reading->field, reading->at);
}

static void read_field(struct config_reader *r, const struct config_field *f, void *base)
{
    size_t mark = skt_config_enter(r, "%s%s", r->where_len ? "." : "", f->name);
    struct field_reading reading = {f, (char *)base + f->offset};
    lua_pushstring(r->L, f->name);
    lua_rawget(r->L, -2);
    if (!lua_isnil(r->L, -1) || (f->flags & REQUIRED)) /* nil fails, and the reader says what it expects */
        (void)skt_config_try(r, read_value, &reading);
    lua_pop(r->L, 1);
    skt_config_leave(r, mark);
}

void skt_config_read_table(struct config_reader *r, const struct config_field *fields, unsigned scope,
                           void *base, unsigned flags)
{
    luaL_checkstack(r->L, 8, "configuration nested too deep");
    if (!(flags & NAMES_ANY))
        skt_config_check_names(r, fields, scope);
    for (; fields->name; fields++) {
        if (skt_config_belongs(fields, scope))
            read_field(r, fields, base);
    }
}

bool skt_config_has(struct config_reader *r, const char *name)
{
    lua_pushstring(r->L, name);
    lua_rawget(r->L, -2);
    bool has = !lua_isnil(r->L, -1);
    lua_pop(r->L, 1);
    return has;
}

void skt_config_check_list(struct config_reader *r, const struct config_field *f, const char *what)
{
    lua_State *L = r->L;
    if (lua_type(L, -1) != LUA_TTABLE)
        skt_config_fail_got(r, f, what);
    lua_Integer len = (lua_Integer)lua_rawlen(L, -1), keys = 0;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        keys++;
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 || lua_tointeger(L, -1) > len)
            skt_config_fail(r, "expected %s, got a table with other keys than 1, 2, ...", what);
    }
    if (keys != len)
        skt_config_fail(r, "expected %s, got a list with gaps", what);
}

bool skt_config_list_item(struct config_reader *r, lua_Integer i)
{
    if (lua_rawgeti(r->L, -1, i) != LUA_TNIL)
        return true;
    lua_pop(r->L, 1);
    return false;
}
