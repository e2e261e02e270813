/* SPDX-License-Identifier: MIT */
#include "config/flat.h"

#include "config/problem.h"

#include <string.h>

static const char *const flat_names[] = {"tun_ip",      "tun_mask",     "tcp_servers",
                                         "tcp_clients", "skcp_servers", "skcp_clients"};

static bool is_flat(struct config_reader *r)
{
    if (skt_config_has(r, "mode"))
        return false;
    for (size_t i = 0; i < sizeof flat_names / sizeof *flat_names; i++) {
        if (skt_config_has(r, flat_names[i]))
            return true;
    }
    return false;
}

/* By the script, else by which end's lists there are. */
static enum skt_config_mode mode_of(struct config_reader *r)
{
    lua_State *L = r->L;
    lua_pushliteral(L, "script_file");
    const char *script = lua_rawget(L, -2) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    for (int m = 0; m < SKT_CONFIG_CUSTOM; m++) {
        if (strstr(script, skt_config_mode_str((enum skt_config_mode)m))) {
            lua_pop(L, 1);
            return (enum skt_config_mode)m;
        }
    }
    lua_pop(L, 1);
    bool tun = skt_config_has(r, "tun_ip"), client = skt_config_has(r, "skcp_clients");
    if (client == skt_config_has(r, "skcp_servers"))
        skt_config_fail(
            r,
            "mode: expected proxy_client, proxy_server, tun_client or tun_server, got nothing, and neither "
            "script_file nor the lists tell it");
    if (tun)
        return client ? SKT_CONFIG_TUN_CLIENT : SKT_CONFIG_TUN_SERVER;
    return client ? SKT_CONFIG_PROXY_CLIENT : SKT_CONFIG_PROXY_SERVER;
}

/* Moves config[from] to the mode's table, on top of the stack above config, as `to`. */
static void move(struct config_reader *r, const char *from, const char *to)
{
    lua_pushstring(r->L, to);
    lua_pushstring(r->L, from);
    lua_rawget(r->L, -4);
    lua_rawset(r->L, -3);
}

/* The fields of the first item of a list become the mode's own; of a client's listeners the others stay a
 * list. */
static void spread(struct config_reader *r, const char *list, bool listeners)
{
    lua_State *L = r->L;
    lua_pushstring(L, list);
    if (lua_rawget(L, -3) != LUA_TTABLE || lua_rawgeti(L, -1, 1) != LUA_TTABLE) {
        lua_settop(L, 3);
        return;
    }
    for (lua_pushnil(L); lua_next(L, 5); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, 3);
    }
    lua_newtable(L); /* 6: listeners */
    for (lua_Integer i = 2; listeners && lua_rawgeti(L, 4, i) == LUA_TTABLE; i++) {
        static const char *const kept[] = {"tcp_listen_addr", "tcp_listen_port"};
        lua_newtable(L);
        for (int k = 0; k < 2; k++) {
            lua_pushstring(L, kept[k]);
            lua_pushstring(L, kept[k]);
            lua_rawget(L, 7);
            lua_rawset(L, 8);
        }
        lua_rawseti(L, 6, i - 1);
        lua_settop(L, 6);
    }
    lua_settop(L, 6);
    if (lua_rawlen(L, 6) > 0) {
        lua_pushliteral(L, "listeners");
        lua_insert(L, 6);
        lua_rawset(L, 3);
    } else if (!listeners && lua_rawgeti(L, 4, 2) != LUA_TNIL) {
        skt_config_warn(r, "%s: only the first one is used: name further ones in targets", list);
    }
    lua_settop(L, 3);
}

void skt_config_take_flat(struct config_reader *r)
{
    lua_State *L = r->L;
    if (!is_flat(r))
        return;
    enum skt_config_mode mode = mode_of(r);
    bool client = mode == SKT_CONFIG_PROXY_CLIENT || mode == SKT_CONFIG_TUN_CLIENT;
    bool tun = mode == SKT_CONFIG_TUN_CLIENT || mode == SKT_CONFIG_TUN_SERVER;
    skt_config_warn(
        r,
        "this is the format of the original's last version, read as mode %s; skcptun_config_sample.lua shows "
        "today's",
        skt_config_mode_str(mode));
    lua_newtable(L);
    if (lua_gettop(L) != 3)
        skt_config_fail_memory(r); /* read_protected has the environment and config below */
    if (tun) {
        move(r, "tun_ip", "tun_ip");
        move(r, "tun_mask", "tun_mask");
    }
    move(r, client ? "skcp_clients" : "skcp_servers", client ? "skcp_remote_servers" : "skcp_servers");
    if (!tun)
        spread(r, client ? "tcp_servers" : "tcp_clients", client);
    lua_setfield(L, 2, skt_config_mode_str(mode));
    lua_pushstring(L, skt_config_mode_str(mode));
    lua_setfield(L, 2, "mode");
    for (size_t i = 0; i < sizeof flat_names / sizeof *flat_names; i++) {
        lua_pushnil(L);
        lua_setfield(L, 2, flat_names[i]);
    }
}
