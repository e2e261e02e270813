/* SPDX-License-Identifier: MIT */
#include "config/value.h"

#include "base/err.h"
#include "base/wipe.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

struct pair {
    struct skt_value *key, *value;
};

struct skt_value {
    int type; /* LUA_T... */
    bool is_integer;
    union {
        bool boolean;
        lua_Integer integer;
        lua_Number number;
        struct {
            char *bytes;
            size_t len;
        } string;
        struct {
            struct pair *pairs;
            size_t count, cap;
        } table;
    } u;
};

static int take(struct skt_value **out, lua_State *L, int idx, int depth, const char **what);

static struct pair *add_pair(struct skt_value *v)
{
    if (v->u.table.count == v->u.table.cap) {
        size_t cap = v->u.table.cap ? 2 * v->u.table.cap : 8;
        struct pair *pairs = realloc(v->u.table.pairs, cap * sizeof *pairs);
        if (!pairs)
            return NULL;
        v->u.table.pairs = pairs;
        v->u.table.cap = cap;
    }
    struct pair *p = &v->u.table.pairs[v->u.table.count++];
    *p = (struct pair){NULL, NULL};
    return p;
}

static int take_table(struct skt_value *v, lua_State *L, int idx, int depth, const char **what)
{
    if (depth >= DEPTH_MAX || !lua_checkstack(L, 4)) {
        *what = "a table nested too deep";
        return SKT_ERR_ARG;
    }
    idx = lua_absindex(L, idx);
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        struct pair *p = add_pair(v);
        int err = p ? take(&p->key, L, -2, depth + 1, what) : SKT_ERR_NOMEM;
        if (err == SKT_OK)
            err = take(&p->value, L, -1, depth + 1, what);
        if (err != SKT_OK) {
            lua_pop(L, 2);
            return err;
        }
        lua_pop(L, 1);
    }
    return SKT_OK;
}

static int take_string(struct skt_value *v, lua_State *L, int idx)
{
    size_t len;
    const char *s = lua_tolstring(L, idx, &len);
    v->u.string.bytes = malloc(len + 1);
    if (!v->u.string.bytes)
        return SKT_ERR_NOMEM;
    memcpy(v->u.string.bytes, s, len + 1);
    v->u.string.len = len;
    return SKT_OK;
}

static int take(struct skt_value **out, lua_State *L, int idx, int depth, const char **what)
{
    struct skt_value *v = calloc(1, sizeof *v);
    if (!v)
        return SKT_ERR_NOMEM;
    *out = v; /* the caller's to free from here on, complete or not */
    v->type = lua_type(L, idx);
    switch (v->type) {
    case LUA_TNIL:
        return SKT_OK;
    case LUA_TBOOLEAN:
        v->u.boolean = lua_toboolean(L, idx);
        return SKT_OK;
    case LUA_TNUMBER:
        v->is_integer = lua_isinteger(L, idx);
        if (v->is_integer)
            v->u.integer = lua_tointeger(L, idx);
        else
            v->u.number = lua_tonumber(L, idx);
        return SKT_OK;
    case LUA_TSTRING:
        return take_string(v, L, idx);
    case LUA_TTABLE:
        return take_table(v, L, idx, depth, what);
    default:
        *what = luaL_typename(L, idx);
        v->type = LUA_TNIL;
        return SKT_ERR_ARG;
    }
}

int skt_value_take(struct skt_value **out, lua_State *L, int idx, const char **what)
{
    *out = NULL;
    int err = take(out, L, idx, 0, what);
    if (err != SKT_OK) {
        skt_value_free(*out);
        *out = NULL;
    }
    return err;
}

static void push_table(lua_State *L, const struct skt_value *v)
{
    lua_createtable(L, 0, (int)v->u.table.count);
    for (size_t i = 0; i < v->u.table.count; i++) {
        skt_value_push(L, v->u.table.pairs[i].key);
        skt_value_push(L, v->u.table.pairs[i].value);
        lua_rawset(L, -3);
    }
}

void skt_value_push(lua_State *L, const struct skt_value *v)
{
    luaL_checkstack(L, 4, "value nested too deep");
    switch (v ? v->type : LUA_TNIL) {
    case LUA_TBOOLEAN:
        lua_pushboolean(L, v->u.boolean);
        break;
    case LUA_TNUMBER:
        if (v->is_integer)
            lua_pushinteger(L, v->u.integer);
        else
            lua_pushnumber(L, v->u.number);
        break;
    case LUA_TSTRING:
        lua_pushlstring(L, v->u.string.bytes, v->u.string.len);
        break;
    case LUA_TTABLE:
        push_table(L, v);
        break;
    default:
        lua_pushnil(L);
        break;
    }
}

static bool has_pair(const struct skt_value *table, const struct pair *p)
{
    for (size_t i = 0; i < table->u.table.count; i++) {
        if (skt_value_equal(table->u.table.pairs[i].key, p->key))
            return skt_value_equal(table->u.table.pairs[i].value, p->value);
    }
    return false;
}

static bool same_table(const struct skt_value *a, const struct skt_value *b)
{
    if (a->u.table.count != b->u.table.count)
        return false;
    for (size_t i = 0; i < a->u.table.count; i++) {
        if (!has_pair(b, &a->u.table.pairs[i]))
            return false;
    }
    return true;
}

bool skt_value_equal(const struct skt_value *a, const struct skt_value *b)
{
    int type = a ? a->type : LUA_TNIL;
    if (type != (b ? b->type : LUA_TNIL))
        return false;
    switch (type) {
    case LUA_TBOOLEAN:
        return a->u.boolean == b->u.boolean;
    case LUA_TNUMBER:
        return a->is_integer == b->is_integer &&
               (a->is_integer ? a->u.integer == b->u.integer : a->u.number == b->u.number);
    case LUA_TSTRING:
        return a->u.string.len == b->u.string.len &&
               memcmp(a->u.string.bytes, b->u.string.bytes, a->u.string.len) == 0;
    case LUA_TTABLE:
        return same_table(a, b);
    default:
        return true;
    }
}

void skt_value_free(struct skt_value *v)
{
    if (!v)
        return;
    if (v->type == LUA_TSTRING && v->u.string.bytes) {
        skt_wipe(v->u.string.bytes, v->u.string.len);
        free(v->u.string.bytes);
    } else if (v->type == LUA_TTABLE) {
        for (size_t i = 0; i < v->u.table.count; i++) {
            skt_value_free(v->u.table.pairs[i].key);
            skt_value_free(v->u.table.pairs[i].value);
        }
        free(v->u.table.pairs);
    }
    free(v);
}
