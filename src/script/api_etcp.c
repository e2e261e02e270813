/* SPDX-License-Identifier: MIT */
/* skt.api.etcp_*: listeners, connectors, and the connections whose bytes the script carries. */
#include "script/api_etcp.h"

#include "base/err.h"
#include "script/api.h"
#include "script/conf_table.h"
#include "script/conn_value.h"
#include "script/etcp.h"
#include "script/state.h"
#include "script/tcp_close.h"
#include "script/tcp_open.h"
#include "script/tcp_queue.h"

#include <errno.h>
#include <string.h>

/* --- making them --- */

static struct skt_script *check_loop(lua_State *L, int idx)
{
    if (!lua_isnoneornil(L, idx))
        skt_script_handle_arg(L, idx, SKT_HANDLE_LOOP, "loop");
    return skt_api_app(L);
}

static int push_new(lua_State *L, struct skt_script *app, bool server, struct skt_script_etcp **out)
{
    struct skt_script_etcp *e = app->life.closed ? NULL : skt_script_etcp_new(app, server);
    if (app->life.closed)
        return skt_script_push_fail(L, "ending");
    if (!e)
        return skt_script_push_fail(L, "out of memory");
    *out = e;
    if (!skt_script_handle_try(L, server ? SKT_HANDLE_ETCP : SKT_HANDLE_CLIENT, e)) {
        skt_script_etcp_end(e);
        return lua_error(L);
    }
    return 1;
}

static int etcp_server_init(lua_State *L)
{
    static const char *const names[] = {"conf"};
    if (skt_script_arg_missing(L, SKT_CONF_LISTENER, names, 1))
        return 2;
    size_t index = skt_script_conf_listener_arg(L, 1, "conf");
    struct skt_script *app = check_loop(L, 2);
    const struct skt_config_mode_table *t = &app->conf->table;
    struct skt_addr addr;
    struct skt_script_etcp *e = NULL;
    if (index >= t->listener_count ||
        skt_addr_parse(&addr, t->listeners[index].addr, (uint16_t)t->listeners[index].port) != SKT_OK)
        return skt_script_push_fail(L, "no such listener");
    int pushed = push_new(L, app, true, &e);
    if (!e)
        return pushed;
    int err = skt_script_etcp_listen(e, &addr);
    if (err != SKT_OK) {
        char text[SKT_ADDR_TEXT_MAX];
        const char *why = err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err);
        skt_script_etcp_end(e);
        lua_pushnil(L);
        lua_pushfstring(L, "listen on TCP %s: %s", skt_addr_text(&addr, text), why);
        return 2;
    }
    return 1;
}

static int etcp_client_init(lua_State *L)
{
    static const char *const names[] = {"conf"};
    if (skt_script_arg_missing(L, SKT_CONF_CONNECTOR, names, 1))
        return 2;
    skt_script_conf_connector_arg(L, 1, "conf");
    struct skt_script *app = check_loop(L, 2);
    struct skt_script_etcp *e = NULL;
    return push_new(L, app, false, &e);
}

static int free_etcp(lua_State *L, const char *type)
{
    if (lua_isnoneornil(L, 1))
        return 0;
    struct skt_script_etcp *e = skt_script_handle_arg(L, 1, type, "etcp");
    if (e)
        skt_script_etcp_end(e);
    return 0;
}

static int etcp_server_free(lua_State *L)
{
    return free_etcp(L, SKT_HANDLE_ETCP);
}

static int etcp_client_free(lua_State *L)
{
    return free_etcp(L, SKT_HANDLE_CLIENT);
}

/* --- connections --- */

/* The connection of the arguments etcp, fd, or NULL. */
static struct skt_script_tcp *check_tcp(lua_State *L, const char *type)
{
    struct skt_script_etcp *e = skt_script_handle_arg(L, 1, type, "etcp");
    uint32_t number = skt_script_arg_check_number32(L, 2, "fd");
    return e ? skt_script_tcp_find(skt_api_app(L), e, number) : NULL;
}

static int send_tcp(lua_State *L, const char *type)
{
    static const char *const names[] = {"etcp", "fd", "buf"};
    if (skt_script_arg_missing(L, type, names, 3))
        return 2;
    size_t len;
    struct skt_script_tcp *c = check_tcp(L, type);
    const char *buf = skt_script_arg_check_string(L, 3, "buf", &len);
    if (!c)
        return skt_script_push_fail(L, "closed");
    int err = skt_script_tcp_send(c, (const uint8_t *)buf, len);
    if (err != SKT_OK)
        return skt_script_push_fail_err(L, err);
    lua_pushinteger(L, (lua_Integer)len);
    return 1;
}

static int etcp_server_send(lua_State *L)
{
    return send_tcp(L, SKT_HANDLE_ETCP);
}

static int etcp_client_send(lua_State *L)
{
    return send_tcp(L, SKT_HANDLE_CLIENT);
}

static int close_tcp(lua_State *L, const char *type)
{
    if (lua_isnoneornil(L, 1) || lua_isnoneornil(L, 2))
        return 0; /* nothing to close, and nothing to answer it with */
    struct skt_script_tcp *c = check_tcp(L, type);
    lua_Integer silent = skt_script_arg_opt_integer(L, 3, "silent", 0);
    if (c)
        skt_script_tcp_close(c, silent != 0);
    return 0;
}

static int etcp_server_close_conn(lua_State *L)
{
    return close_tcp(L, SKT_HANDLE_ETCP);
}

static int etcp_client_close_conn(lua_State *L)
{
    return close_tcp(L, SKT_HANDLE_CLIENT);
}

static int etcp_client_create_conn(lua_State *L)
{
    static const char *const names[] = {"etcp", "addr", "port"};
    if (skt_script_arg_missing(L, SKT_HANDLE_CLIENT, names, 3))
        return 2;
    struct skt_script_etcp *e = skt_script_handle_arg(L, 1, SKT_HANDLE_CLIENT, "etcp");
    const char *addr = skt_script_arg_check_string(L, 2, "addr", NULL);
    lua_Integer port = skt_script_arg_check_integer(L, 3, "port");
    struct skt_script_tcp *c = NULL;
    if (!e)
        return skt_script_push_fail(L, "closed");
    if (port < 1 || port > 65535)
        return skt_script_push_fail(L, "port: expected 1..65535");
    int err = skt_script_tcp_dial(e, addr, (uint16_t)port, &c);
    if (err != SKT_OK)
        return skt_script_push_fail_err(L, err);
    lua_pushinteger(L, c->number);
    return 1;
}

/* A connection as a value: a table that is the same as long as somebody holds it. */
static int get_conn(lua_State *L, const char *type)
{
    static const char *const names[] = {"etcp", "fd"};
    if (skt_script_arg_missing(L, type, names, 2))
        return 2;
    struct skt_script_tcp *c = check_tcp(L, type);
    if (!c)
        return skt_script_push_fail(L, "closed");
    skt_script_conn_push(L, c->number, 0);
    return 1;
}

static int etcp_server_get_conn(lua_State *L)
{
    return get_conn(L, SKT_HANDLE_ETCP);
}

static int etcp_client_get_conn(lua_State *L)
{
    return get_conn(L, SKT_HANDLE_CLIENT);
}

/* Extension: resets a connection that was accepted, whoever it belongs to; on_tcp_close is not called. */
static int tcp_reset(lua_State *L)
{
    uint32_t number = skt_script_arg_check_number32(L, 1, "fd");
    struct skt_script_tcp *c = skt_script_tcp_find(skt_api_app(L), NULL, number);
    if (!c)
        return skt_script_push_fail(L, "closed");
    skt_script_tcp_abort(c);
    lua_pushboolean(L, 1);
    return 1;
}

void skt_script_api_add_etcp(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"etcp_server_init", etcp_server_init},
        {"etcp_server_free", etcp_server_free},
        {"etcp_server_send", etcp_server_send},
        {"etcp_server_get_conn", etcp_server_get_conn},
        {"etcp_server_close_conn", etcp_server_close_conn},
        {"etcp_client_init", etcp_client_init},
        {"etcp_client_free", etcp_client_free},
        {"etcp_client_send", etcp_client_send},
        {"etcp_client_create_conn", etcp_client_create_conn},
        {"etcp_client_close_conn", etcp_client_close_conn},
        {"etcp_client_get_conn", etcp_client_get_conn},
        {"tcp_reset", tcp_reset},
        {NULL, NULL},
    };
    skt_script_api_set(L, functions);
}
