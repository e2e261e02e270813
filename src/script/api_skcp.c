/* SPDX-License-Identifier: MIT */
#include "script/api_skcp.h"

#include "base/err.h"
#include "config/tickets.h"
#include "proto/session/stats.h"
#include "script/api.h"
#include "script/closing.h"
#include "script/conf_table.h"
#include "script/conn_value.h"
#include "script/pending.h"
#include "script/state.h"
#include "tunnel/endpoint_request.h"

#include <errno.h>
#include <string.h>

enum { MODE_SERVER = 1, MODE_CLIENT = 2 };

/* Pushes the handle of an endpoint that is opened for the entry, or nil and why there is none. */
static int push_new(lua_State *L, struct skt_script *app, size_t entry)
{
    const struct skt_config_entry *e = &app->conf->table.entries[entry];
    struct skt_script_skcp *k = NULL;
    int err = skt_script_skcp_new(&k, app, entry);
    if (err != SKT_OK) {
        const char *why = err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err);
        lua_pushnil(L);
        lua_pushfstring(L, "UDP %s port %d: %s", e->address, (int)e->port.lo, why);
        return 2;
    }
    if (!skt_script_handle_try(L, SKT_HANDLE_SKCP, k)) {
        skt_script_skcp_end(k);
        return lua_error(L);
    }
    return 1;
}

static int skcp_init(lua_State *L)
{
    static const char *const names[] = {"conf", NULL, "skcp_mode"};
    if (skt_script_arg_missing(L, SKT_CONF_ENTRY, names, 3))
        return 2;
    struct skt_script *app = skt_api_app(L);
    size_t entry = skt_script_conf_entry_arg(L, 1, "conf");
    if (!lua_isnoneornil(L, 2))
        skt_script_handle_arg(L, 2, SKT_HANDLE_LOOP, "loop");
    lua_Integer mode = skt_script_arg_check_integer(L, 3, "skcp_mode");
    if (app->life.closed)
        return skt_script_push_fail(L, "ending");
    if (entry >= app->conf->table.entry_count)
        return skt_script_push_fail(L, "no such entry any more");
    bool server = app->conf->table.entries[entry].server;
    if (mode != (server ? MODE_SERVER : MODE_CLIENT))
        return skt_script_push_fail(L, server ? "skcp_mode: the entry is a server's (1)"
                                              : "skcp_mode: the entry is a client's (2)");
    return push_new(L, app, entry);
}

static int skcp_free(lua_State *L)
{
    if (lua_isnoneornil(L, 1))
        return 0; /* nothing to free, and nothing to answer it with */
    struct skt_script_skcp *k = skt_api_skcp(L);
    if (k)
        skt_script_skcp_end(k);
    return 0;
}

static int skcp_req_cid(lua_State *L)
{
    static const char *const names[] = {"skcp", "ticket"};
    if (skt_script_arg_missing(L, SKT_HANDLE_SKCP, names, 2))
        return 2;
    size_t len;
    struct skt_script_skcp *k = skt_api_skcp(L);
    const char *ticket = skt_script_arg_check_string(L, 2, "ticket", &len);
    if (!k)
        return skt_script_push_fail(L, "closed");
    if (len != SKT_TICKET_LEN)
        return skt_script_push_fail(L, "ticket: expected 32 bytes");
    if (skt_endpoint_is_server(k->ep))
        return skt_script_push_fail(L, "a server does not ask for a cid");
    int err = skt_endpoint_request(k->ep, (const uint8_t *)ticket);
    if (err != SKT_OK)
        return skt_script_push_fail_err(L, err);
    lua_pushliteral(L, "ok");
    return 1;
}

static bool is_open(const struct skt_script_skcp *k, uint32_t cid)
{
    const struct skt_session *s = cid ? skt_endpoint_session(k->ep, cid) : NULL;
    return s && skt_session_state(s) != SKT_SESSION_CLOSED;
}

static int skcp_send(lua_State *L)
{
    static const char *const names[] = {"skcp", "cid", "buf"};
    if (skt_script_arg_missing(L, SKT_HANDLE_SKCP, names, 3))
        return 2;
    size_t len;
    struct skt_script_skcp *k = skt_api_skcp(L);
    uint32_t cid = skt_script_arg_check_number32(L, 2, "cid");
    const char *buf = skt_script_arg_check_string(L, 3, "buf", &len);
    if (!k)
        return skt_script_push_fail(L, "closed");
    if (len < 1 || len > SKT_MESSAGE_MAX)
        return skt_script_push_fail(L, "buf: expected 1..262144 bytes");
    int err = SKT_ERR_CLOSED;
    bool leaving = cid && cid == k->closing_cid;
    if (leaving && !is_open(k, cid))
        err = SKT_OK; /* as TCP takes what a peer that has gone will never read */
    else if (leaving || !skt_script_closing_has(k, cid))
        err = skt_script_pending_send(k, cid, buf, len);
    if (err != SKT_OK)
        return skt_script_push_fail_err(L, err);
    lua_pushinteger(L, (lua_Integer)len);
    return 1;
}

static int skcp_close_conn(lua_State *L)
{
    static const char *const names[] = {"skcp", "cid"};
    if (skt_script_arg_missing(L, SKT_HANDLE_SKCP, names, 2))
        return 2;
    struct skt_script_skcp *k = skt_api_skcp(L);
    uint32_t cid = skt_script_arg_check_number32(L, 2, "cid");
    int err = SKT_ERR_CLOSED;
    if (k)
        err = cid && cid == k->closing_cid ? SKT_OK : skt_script_closing_begin(k, cid);
    if (err != SKT_OK)
        return skt_script_push_fail_err(L, err);
    lua_pushinteger(L, 0);
    return 1;
}

static struct skt_session *find_session(const struct skt_script_skcp *k, uint32_t cid)
{
    struct skt_session *s = k && cid ? skt_endpoint_session(k->ep, cid) : NULL;
    bool open = s && skt_session_state(s) != SKT_SESSION_CLOSED;
    return open && (cid == k->closing_cid || !skt_script_closing_has(k, cid)) ? s : NULL;
}

static int skcp_get_conn(lua_State *L)
{
    static const char *const names[] = {"skcp", "cid"};
    if (skt_script_arg_missing(L, SKT_HANDLE_SKCP, names, 2))
        return 2;
    const struct skt_script_skcp *k = skt_api_skcp(L);
    uint32_t cid = skt_script_arg_check_number32(L, 2, "cid");
    if (!find_session(k, cid) && !(k && cid && cid == k->closing_cid))
        return skt_script_push_fail(L, "closed");
    skt_script_conn_push(L, k->number, cid);
    return 1;
}

static int get_from_skcp(lua_State *L)
{
    static const char *const names[] = {"skcp", "name"};
    if (skt_script_arg_missing(L, SKT_HANDLE_SKCP, names, 2))
        return 2;
    const struct skt_script_skcp *k = skt_api_skcp(L);
    const char *name = skt_script_arg_check_string(L, 2, "name", NULL);
    if (!k)
        return skt_script_push_fail(L, "closed");
    if (strcmp(name, "fd") != 0)
        return skt_script_push_fail(L, "name: there is only \"fd\"");
    lua_pushinteger(L, k->number);
    return 1;
}

/* Extension: how good is the server now? Mean round trip in ms, or nil while it can't be used. */
static int skcp_score(lua_State *L)
{
    const struct skt_script_skcp *k = skt_api_skcp(L);
    skt_us score = k ? skt_endpoint_score(k->ep) : SKT_NEVER;
    if (score == SKT_NEVER)
        return skt_script_push_fail(L, k ? "down" : "closed");
    lua_pushnumber(L, (lua_Number)score / 1000.0);
    return 1;
}

/* Extension: is the ticket one of the configuration's? Without a table of them: any is. */
static int check_ticket(lua_State *L)
{
    size_t len;
    const struct skt_config *conf = skt_api_app(L)->conf;
    const char *ticket = skt_script_arg_check_string(L, 1, "ticket", &len);
    bool good = len == SKT_TICKET_LEN &&
                (!conf->table.has_tickets || skt_tickets_entry(conf, (const uint8_t *)ticket));
    lua_pushboolean(L, good);
    return 1;
}

static void set_text(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

static void set_numbers(lua_State *L, const struct skt_session *s, skt_us now)
{
    for (size_t i = 0; i < SKT_STATS; i++) {
        const struct skt_stat_row *row = &skt_stats[i];
        if (!row->api)
            continue;
        uint64_t value = row->get(s, now);
        if (skt_stat_is_whole(row->unit))
            lua_pushinteger(L, (lua_Integer)value);
        else
            lua_pushnumber(L, (lua_Number)skt_stat_milli(row->unit, value) / 1000.0);
        lua_setfield(L, -2, row->api);
    }
}

/* Extension: a table of a session's numbers, as the status shows them. */
static int session_stats(lua_State *L)
{
    const struct skt_script_skcp *k = skt_api_skcp(L);
    uint32_t cid = skt_script_arg_check_number32(L, 2, "cid");
    const struct skt_session *s = find_session(k, cid);
    if (!s && k)
        s = skt_endpoint_ending(k->ep, cid); /* its on_skcp_close is running */
    if (!s)
        return skt_script_push_fail(L, "closed");
    char peer[SKT_ADDR_TEXT_MAX];
    lua_createtable(L, 0, 20);
    bool lost = skt_session_cid(s) != cid; /* it goes on under its next cid */
    bool ended = lost || cid == k->closing_cid;
    if (ended)
        set_text(L, "close_reason",
                 skt_close_str(lost ? SKT_CLOSE_LOST : (enum skt_close)skt_session_close_reason(s)));
    set_text(L, "state", skt_session_state_str(ended ? SKT_SESSION_CLOSED : skt_session_state(s)));
    set_text(L, "peer", skt_addr_text(skt_session_peer(s), peer));
    set_text(L, "cipher", skt_session_cipher_name(s));
    const struct skt_config_ticket *t =
        skt_session_ticket(s) ? skt_tickets_entry(skt_api_app(L)->conf, skt_session_ticket(s)) : NULL;
    if (t && t->name)
        set_text(L, "name", t->name);
    set_numbers(L, s, skt_loop_now(k->base.app->loop));
    return 1;
}

void skt_script_api_add_skcp(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"skcp_init", skcp_init},
        {"skcp_free", skcp_free},
        {"skcp_req_cid", skcp_req_cid},
        {"skcp_send", skcp_send},
        {"skcp_close_conn", skcp_close_conn},
        {"skcp_get_conn", skcp_get_conn},
        {"get_from_skcp", get_from_skcp},
        {"skcp_score", skcp_score},
        {"check_ticket", check_ticket},
        {"session_stats", session_stats},
        {NULL, NULL},
    };
    skt_script_api_set(L, functions);
}
