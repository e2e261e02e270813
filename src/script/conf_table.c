/* SPDX-License-Identifier: MIT */
/* skt.conf: what scripts see of the configuration. Secrets stay out of it: keys are shown as fingerprints. */
#include "script/conf_table.h"

#include "config/value.h"
#include "crypto/crypto.h"
#include "script/handle.h"
#include "script/state.h"

#include <lauxlib.h>

static void push_raw(lua_State *L, const char *type, size_t index)
{
    size_t *raw = lua_newuserdatauv(L, sizeof *raw, 0);
    *raw = index;
    if (luaL_newmetatable(L, type)) {
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
}

static size_t raw_arg(lua_State *L, int idx, const char *type, const char *name)
{
    const size_t *raw = luaL_testudata(L, idx, type);
    if (!raw)
        skt_script_arg_error(L, idx, name, type);
    return raw ? *raw : 0;
}

size_t skt_script_conf_entry_arg(lua_State *L, int idx, const char *name)
{
    return raw_arg(L, idx, SKT_CONF_ENTRY, name);
}

size_t skt_script_conf_listener_arg(lua_State *L, int idx, const char *name)
{
    return raw_arg(L, idx, SKT_CONF_LISTENER, name);
}

void skt_script_conf_connector_arg(lua_State *L, int idx, const char *name)
{
    raw_arg(L, idx, SKT_CONF_CONNECTOR, name);
}

static void set_string(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value); /* nil for NULL */
    lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void push_entry(lua_State *L, struct skt_script *app, size_t i)
{
    const struct skt_config_entry *e = &app->conf->table.entries[i];
    char fingerprint[SKT_FINGERPRINT_LEN + 1] = "";
    lua_createtable(L, 0, 8);
    push_raw(L, SKT_CONF_ENTRY, i);
    lua_setfield(L, -2, "raw");
    set_string(L, "addr", e->address);
    set_integer(L, "port", e->port.lo);
    set_integer(L, "port_hi", e->port.hi);
    if (skt_crypto_fingerprint(skt_crypto_openssl(), app->psks[i].psk, fingerprint) == 0)
        set_string(L, "key", fingerprint);
    if (e->ticket.set) {
        lua_pushlstring(L, (const char *)e->ticket.bytes, SKT_TICKET_LEN);
        lua_setfield(L, -2, "ticket");
    }
    set_integer(L, "max_conn_cnt", (lua_Integer)e->tuning.sessions_max);
    lua_pushboolean(L, e->server);
    lua_setfield(L, -2, "server");
}

static void push_listener(lua_State *L, const struct skt_config_listener *l, size_t i)
{
    lua_createtable(L, 0, 4);
    push_raw(L, SKT_CONF_LISTENER, i);
    lua_setfield(L, -2, "raw");
    set_string(L, "serv_addr", l->addr);
    set_integer(L, "serv_port", l->port);
    set_string(L, "target", l->target);
}

static void push_lists(lua_State *L, struct skt_script *app)
{
    const struct skt_config_mode_table *t = &app->conf->table;
    lua_createtable(L, (int)t->entry_count, 0);
    for (size_t i = 0; i < t->entry_count; i++) {
        push_entry(L, app, i);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "skcp_conf_list");
    lua_createtable(L, (int)t->listener_count, 0);
    for (size_t i = 0; i < t->listener_count; i++) {
        push_listener(L, &t->listeners[i], i);
        if (i == 0) {
            lua_pushvalue(L, -1);
            lua_setfield(L, -4, "etcp_serv_conf");
        }
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "listeners");
}

void skt_script_conf_push(lua_State *L, struct skt_script *app)
{
    const struct skt_config_mode_table *t = &app->conf->table;
    lua_createtable(L, 0, 16);
    set_string(L, "mode", app->conf->mode_name);
    set_string(L, "tun_ip", t->tun_ip);
    set_string(L, "tun_mask", t->tun_mask);
    set_string(L, "tcp_target_addr", t->tcp_target_addr);
    if (t->tcp_target_port)
        set_integer(L, "tcp_target_port", t->tcp_target_port);
    set_integer(L, "skcp_conf_list_cnt", (lua_Integer)t->entry_count);
    push_lists(L, app);
    lua_createtable(L, 0, 1);
    push_raw(L, SKT_CONF_CONNECTOR, 0);
    lua_setfield(L, -2, "raw");
    lua_setfield(L, -2, "etcp_cli_conf");
    skt_value_push(L, app->conf->user);
    lua_setfield(L, -2, "user");
}
