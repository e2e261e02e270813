/* SPDX-License-Identifier: MIT */
#include "config/problem.h"

#include "base/wipe.h"
#include "config/lines.h"
#include "config/text.h"

#include <ctype.h>
#include <lauxlib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHOWN_MAX = 40,     /* bytes of a value */
    PROBLEMS_MAX = 100, /* somebody mends the first ones first */
};

static void __attribute__((noreturn)) leave(struct config_reader *r)
{
    lua_settop(r->L, 0);
    lua_pushnil(r->L);
    lua_error(r->L);
    abort(); /* lua_error does not return */
}

void skt_config_fail_memory(struct config_reader *r)
{
    r->no_memory = true;
    leave(r);
}

/* Was something said of the place, or of a place inside it? */
static bool is_said(const struct config_reader *r)
{
    for (size_t i = 0; i < r->problem_count; i++) {
        const char *said = r->problems[i].where;
        char after = strncmp(said, r->where, r->where_len) == 0 ? said[r->where_len] : 'x';
        if (r->where_len > 0 && (after == 0 || after == '.' || after == '['))
            return true;
    }
    return false;
}

/* A copy of the text; of what is not there, with what may be the reason. */
static char *with_reason(const struct config_reader *r, const char *text, unsigned line)
{
    char variable[SKT_SANDBOX_NAME_LEN + 40], *copy;
    const char *why = NULL;
    if (line == 0 || (!strstr(text, "got nothing") && !strstr(text, "got neither")))
        return strdup(text);
    for (size_t i = 0; i < r->box->unset_count && !why; i++)
        if (r->box->unset[i].line == (int)line) {
            snprintf(variable, sizeof variable, "nothing has set the variable %s", r->box->unset[i].name);
            why = variable;
        }
    if (!why)
        why = skt_config_text_why_nothing(r->text, r->text_len, line);
    size_t cap = strlen(text) + (why ? strlen(why) : 0) + 4;
    copy = malloc(cap);
    if (copy)
        snprintf(copy, cap, "%s%s%s", text, why ? ": " : "", why ? why : "");
    return copy;
}

/* text NULL: nothing is to be said of the place. */
static void note(struct config_reader *r, const char *text)
{
    if (is_said(r) || r->problem_count >= PROBLEMS_MAX)
        return;
    struct config_problem *p = realloc(r->problems, (r->problem_count + 1) * sizeof *p);
    if (!p)
        skt_config_fail_memory(r);
    r->problems = p;
    p += r->problem_count;
    p->line = text ? skt_config_line_of(r->text, r->text_len, r->where) : 0;
    if (text && p->line == 0 && r->conf->mode_name && strcmp(r->where, r->conf->mode_name) == 0)
        p->line =
            skt_config_line_of(r->text, r->text_len, "mode"); /* which asks for a table that is not there */
    p->where = strdup(r->where);
    p->text = text ? with_reason(r, text, p->line) : NULL;
    r->problem_count++;
    if (!p->where || (text && !p->text))
        skt_config_fail_memory(r);
}

void skt_config_note_silently(struct config_reader *r)
{
    note(r, NULL);
}

void skt_config_fail(struct config_reader *r, const char *fmt, ...)
{
    char text[SKT_CONFIG_ERROR_MAX];
    int n = snprintf(text, sizeof text, "%s: %s%s", r->file, r->where, r->where_len ? ": " : "");
    if (n >= 0 && (size_t)n < sizeof text) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(text + n, sizeof text - (size_t)n, fmt, args);
        va_end(args);
    }
    note(r, text);
    leave(r);
}

struct attempt {
    struct config_reader *r;
    void (*fn)(struct config_reader *r, void *arg);
    void *arg;
};

static int call(lua_State *L)
{
    const struct attempt *a = lua_touserdata(L, 2);
    lua_settop(L, 1);
    a->fn(a->r, a->arg);
    return 0;
}

bool skt_config_try(struct config_reader *r, void (*fn)(struct config_reader *r, void *arg), void *arg)
{
    struct attempt a = {r, fn, arg};
    size_t mark = r->where_len;
    luaL_checkstack(r->L, 8, "configuration nested too deep");
    lua_pushcfunction(r->L, call);
    lua_pushvalue(r->L, -2);
    lua_pushlightuserdata(r->L, &a);
    int rc = lua_pcall(r->L, 2, 0, 0);
    skt_config_leave(r, mark);
    if (rc == LUA_OK)
        return true;
    lua_pop(r->L, 1);
    if (rc == LUA_ERRMEM || r->no_memory)
        skt_config_fail_memory(r);
    return false;
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

void skt_config_fail_got(struct config_reader *r, const struct config_field *f, const char *what)
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
    skt_config_fail(r, "expected %s, got %s", what, got);
}

/* --- what was found --- */

void skt_config_add_problem(struct skt_config_strings *problems, const char *text, unsigned line)
{
    size_t cap = strlen(text) + 32;
    char *copy = malloc(cap);
    char **items = copy ? realloc(problems->items, (problems->count + 1) * sizeof *items) : NULL;
    if (!items) {
        free(copy);
        return;
    }
    if (line)
        snprintf(copy, cap, "%s (line %u)", text, line);
    else
        snprintf(copy, cap, "%s", text);
    problems->items = items;
    items[problems->count++] = copy;
}

/* In the order of the file; what has no line comes last. */
static void sort_problems(struct config_problem *p, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct config_problem moved = p[i];
        size_t j = i;
        for (; j > 0 && p[j - 1].line - 1 > moved.line - 1; j--) /* 0 - 1 is the largest */
            p[j] = p[j - 1];
        p[j] = moved;
    }
}

void skt_config_report(struct config_reader *r, char *why, size_t why_cap,
                       struct skt_config_strings *problems)
{
    sort_problems(r->problems, r->problem_count);
    bool first = true;
    for (size_t i = 0; i < r->problem_count; i++) {
        struct config_problem *p = &r->problems[i];
        if (p->text && first)
            snprintf(why, why_cap, "%s", p->text);
        if (p->text && problems)
            skt_config_add_problem(problems, p->text, p->line);
        first = first && !p->text;
        free(p->where);
        free(p->text);
    }
    free(r->problems);
    r->problems = NULL;
    r->problem_count = 0;
}
