/* SPDX-License-Identifier: MIT */
#include "config/root.h"

#include "base/err.h"
#include "config/check.h"
#include "config/flat.h"
#include "config/lines.h"
#include "config/problem.h"
#include "config/tables.h"
#include "config/text.h"
#include "config/value.h"

#include <string.h>

static void set_mode(struct skt_config *conf)
{
    conf->mode = SKT_CONFIG_CUSTOM;
    for (int i = 0; i < SKT_CONFIG_CUSTOM; i++) {
        if (strcmp(conf->mode_name, skt_config_mode_str((enum skt_config_mode)i)) == 0)
            conf->mode = (enum skt_config_mode)i;
    }
}

static bool is_named(const struct config_field *fields, const char *name)
{
    while (fields->name && strcmp(fields->name, name) != 0)
        fields++;
    return fields->name != NULL;
}

/* Pushes a copy of the table on top of the stack: without the fields that the list names; or, with
 * keep_named, without the tables that it does not name. */
static void push_filtered(lua_State *L, const struct config_field *fields, bool keep_named)
{
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, -3)) {
        bool named = lua_type(L, -2) == LUA_TSTRING && is_named(fields, lua_tostring(L, -2));
        bool keep =
            keep_named ? named || lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TTABLE : !named;
        if (keep) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, -5);
        }
        lua_pop(L, 1);
    }
}

static void take_user_fields(struct config_reader *r)
{
    const char *what = "";
    push_filtered(r->L, skt_config_mode_fields, false);
    int err = skt_value_take(&r->conf->user, r->L, -1, &what);
    if (err == SKT_ERR_NOMEM)
        skt_config_fail_memory(r);
    if (err != SKT_OK)
        skt_config_fail(r, "expected booleans, numbers, strings and tables of these, got a %s", what);
    lua_pop(r->L, 1);
}

/* The built-in mode that the table below the top of the stack has settings of, or NULL. */
static const char *table_of_another_mode(lua_State *L)
{
    const char *found = NULL;
    for (int i = 0; i < SKT_CONFIG_CUSTOM && !found; i++) {
        const char *name = skt_config_mode_str((enum skt_config_mode)i);
        lua_pushstring(L, name);
        if (lua_rawget(L, -3) == LUA_TTABLE)
            found = name;
        lua_pop(L, 1);
    }
    return found;
}

static void warn_twice(void *user, const char *path, unsigned first, unsigned second)
{
    skt_config_warn(user, "%s is set in line %u, and again in line %u, which counts", path, first, second);
}

/* The whole of a file; every part of it by itself, so that all that is wrong is found. */
static void read_mode_table(struct config_reader *r, void *arg)
{
    struct skt_config *conf = r->conf;
    struct config_field any = {.flags = 0};
    bool custom = conf->mode == SKT_CONFIG_CUSTOM;
    (void)arg;
    lua_pushstring(r->L, conf->mode_name);
    lua_rawget(r->L, -2);
    size_t mark = skt_config_enter(r, "%.60s", conf->mode_name);
    const char *other = lua_type(r->L, -1) == LUA_TNIL ? table_of_another_mode(r->L) : NULL;
    if (other)
        skt_config_fail(
            r, "expected a table (the settings of the mode), but there is one for %s: which mode is meant?",
            other);
    if (lua_type(r->L, -1) != LUA_TTABLE)
        skt_config_fail_got(r, &any, "a table (the settings of the mode)");
    skt_config_read_table(r, skt_config_mode_fields, 1U << conf->mode, &conf->table, custom ? NAMES_ANY : 0);
    if (custom)
        take_user_fields(r);
    skt_config_check_mode(r);
    skt_config_leave(r, mark);
    lua_pop(r->L, 1);
}

static int read_protected(lua_State *L)
{
    struct config_reader *r = lua_touserdata(L, 2);
    struct config_field any = {.flags = 0};
    skt_config_lines_twice(r->text, r->text_len, warn_twice, r);
    lua_settop(L, 1); /* the environment */
    lua_pushliteral(L, "config");
    lua_rawget(L, 1);
    if (lua_type(L, -1) != LUA_TTABLE) {
        const char *hint = skt_config_text_why_unset(r->text, r->text_len);
        skt_config_enter(r, "config");
        if (hint)
            skt_config_fail(r, "%s", hint);
        skt_config_fail_got(r, &any, "a table (the file sets the global `config`)");
    }
    skt_config_take_flat(r);
    for (size_t i = 0; i < r->box->unset_count; i++)
        skt_config_warn(
            r, "nothing has set the variable %s, so it is nil (line %d); is it a text without quotes?",
            r->box->unset[i].name, r->box->unset[i].line);
    push_filtered(L, skt_config_top_fields, true); /* an unknown table may be another mode's: not looked at */
    skt_config_read_table(r, skt_config_top_fields, 0, r->conf, 0);
    lua_pop(L, 1);
    if (!r->conf->mode_name)
        return 0;
    set_mode(r->conf);
    skt_config_check_top(r);
    if (r->conf->mode != SKT_CONFIG_CUSTOM || r->conf->script_file) /* else it is none, and that was said */
        (void)skt_config_try(r, read_mode_table, NULL);
    return 0;
}

int skt_config_read_root(struct config_reader *r, char *why, size_t why_cap,
                         struct skt_config_strings *problems)
{
    lua_pushcfunction(r->L, read_protected);
    lua_insert(r->L, -2);
    lua_pushlightuserdata(r->L, r);
    int rc = lua_pcall(r->L, 2, 0, 0);
    if (r->no_memory || rc == LUA_ERRMEM)
        rc = SKT_ERR_NOMEM;
    else
        rc = r->problem_count > 0 ? SKT_ERR_ARG : SKT_OK;
    skt_config_report(r, why, why_cap, problems);
    return rc;
}
