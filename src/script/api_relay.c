/* SPDX-License-Identifier: MIT */
#include "script/api_relay.h"

#include "base/err.h"
#include "config/tickets.h"
#include "io/net.h"
#include "script/api.h"
#include "script/state.h"
#include "script/stream.h"
#include "script/tun.h"
#include "tunnel/relay.h"

#include <string.h>

static struct skt_script_stream *check_stream(lua_State *L, int idx)
{
    return skt_script_handle_arg(L, idx, SKT_HANDLE_STREAM, "stream");
}

static struct skt_relay_options options_of(const struct skt_script *app)
{
    return (struct skt_relay_options){
        .idle_limit = skt_script_tcp_idle_limit(app),
        .connect_timeout = skt_script_tcp_connect_limit(app),
    };
}

/* relay_open(fd, skcp, cid [, target]): true; nil, message: the connection was reset. */
static int relay_open(lua_State *L)
{
    struct skt_script *app = skt_api_app(L);
    uint32_t number = skt_script_arg_check_number32(L, 1, "fd");
    struct skt_script_skcp *k = skt_script_handle_arg(L, 2, SKT_HANDLE_SKCP, "skcp");
    uint32_t cid = skt_script_arg_check_number32(L, 3, "cid");
    const char *target = lua_isnoneornil(L, 4) ? "" : skt_script_arg_check_string(L, 4, "target", NULL);
    struct skt_script_tcp *c = skt_script_tcp_find(app, NULL, number);
    if (!c || c->phase != SKT_TCP_UP || !app->relays)
        return skt_script_push_fail(L, "closed");
    if (c->queue.first || c->feeder.holds)
        return skt_script_push_fail(L, "the script has bytes of this connection under way");
    struct skt_relay_options options = options_of(app);
    struct skt_relay *relay;
    struct skt_tcp_conn *conn = skt_script_tcp_release(c);
    int err = SKT_ERR_CLOSED;
    if (k && k->ep)
        err = skt_relay_open(app->relays, conn, k->ep, cid, target, &options, &relay);
    else
        skt_tcp_conn_reset(conn);
    if (err != SKT_OK)
        return skt_script_push_fail_err(L, err);
    lua_pushboolean(L, 1);
    return 1;
}

/* relay_connect(stream, host, port): true; nil, message: the stream was reset. */
static int relay_connect(lua_State *L)
{
    struct skt_script *app = skt_api_app(L);
    struct skt_script_stream *s = check_stream(L, 1);
    const char *host = skt_script_arg_check_string(L, 2, "host", NULL);
    lua_Integer port = skt_script_arg_check_integer(L, 3, "port");
    if (!s || !app->relays)
        return skt_script_push_fail(L, "closed");
    if (port < 1 || port > 65535)
        return skt_script_push_fail(L, "port: expected 1..65535");
    struct skt_relay_options options = options_of(app);
    struct skt_relay *relay;
    int err = skt_relay_connect(app->relays, s->k->ep, s->st, host, (uint16_t)port, &options, &relay);
    skt_script_stream_end(s);
    if (err != SKT_OK)
        return skt_script_push_fail_err(L, err);
    lua_pushboolean(L, 1);
    return 1;
}

/* stream_reset(stream [, reason]): "refused", "unreachable", "timeout", "target", "limit" or "abort". */
static int stream_reset(lua_State *L)
{
    struct skt_script_stream *s = check_stream(L, 1);
    const char *name = lua_isnoneornil(L, 2) ? "abort" : skt_script_arg_check_string(L, 2, "reason", NULL);
    int reason = -1;
    for (int i = SKT_RESET_ABORT; i <= SKT_RESET_ADDRESS; i++) {
        if (strcmp(skt_reset_str((enum skt_reset)i), name) == 0)
            reason = i;
    }
    if (reason < 0)
        return skt_script_arg_error(L, 2, "reason",
                                    "abort, refused, unreachable, timeout, target, limit or address");
    if (!s)
        return skt_script_push_fail(L, "closed");
    skt_script_stream_reset(s, reason);
    lua_pushboolean(L, 1);
    return 1;
}

static bool may_use(const struct skt_config_ticket *t, const char *name)
{
    for (size_t i = 0; i < t->targets.count; i++) {
        if (strcmp(t->targets.items[i], name) == 0)
            return true;
    }
    return !t->has_targets;
}

/* target_of(stream): host, port of what the peer asks for by name (without one: the default target), if the
 * configuration has it and the session's ticket may use it; else nil, message. */
static int target_of(lua_State *L)
{
    const struct skt_config *conf = skt_api_app(L)->conf;
    const struct skt_config_mode_table *t = &conf->table;
    const struct skt_script_stream *s = check_stream(L, 1);
    if (!s)
        return skt_script_push_fail(L, "closed");
    const char *name = s->st->name;
    const uint8_t *ticket = skt_session_ticket(s->st->session);
    const struct skt_config_ticket *entry = ticket ? skt_tickets_entry(conf, ticket) : NULL;
    const char *host = name[0] ? NULL : t->tcp_target_addr;
    lua_Integer port = t->tcp_target_port;
    for (size_t i = 0; i < t->target_count && name[0]; i++) {
        if (strcmp(t->targets[i].name, name) == 0) {
            host = t->targets[i].host;
            port = t->targets[i].port;
        }
    }
    if (strlen(name) != s->st->name_len || !host)
        return skt_script_push_fail(L, name[0] ? "no such target" : "no default target");
    if (entry && !may_use(entry, name))
        return skt_script_push_fail(L, "not allowed for this ticket");
    lua_pushstring(L, host);
    lua_pushinteger(L, port);
    return 2;
}

static bool is_own(const struct skt_addr *to)
{
    struct skt_ipnet host = skt_ipnet_host(to->family, to->ip);
    return skt_net_is_own(&host);
}

/* Why no stream is connected to this address for this session; NULL: one is. */
static const char *refusal(const struct skt_script *app, const struct skt_reach *reach,
                           const struct skt_addr *to)
{
    const struct skt_script_tun_unit *u = app->tun;
    if (u &&
        (skt_ipnet_has(&u->address4, to->family, to->ip) || skt_ipnet_has(&u->address6, to->family, to->ip) ||
         (u->sw && skt_switch_has(u->sw, to->family, to->ip))))
        return "it is in the tunnel's own networks, where packets go";
    enum skt_reach_verdict verdict = skt_reach_judge(reach, to);
    if (verdict == SKT_REACH_ANY && is_own(to))
        return "it is this machine's own, and `allow` does not name it";
    return verdict == SKT_REACH_ANY || verdict == SKT_REACH_NAMED ? NULL : skt_reach_words(verdict);
}

static int push_refusal(lua_State *L, const char *text, enum skt_reset reason)
{
    lua_pushnil(L);
    lua_pushstring(L, text);
    lua_pushstring(L, skt_reset_str(reason));
    return 3;
}

/* address_of(stream): host, port of the address that the peer asks for, where `relay_tcp` of the session's
 * ticket or of the configuration lets it; else nil, message, the reason to reset the stream with. */
static int address_of(lua_State *L)
{
    const struct skt_script *app = skt_api_app(L);
    const struct skt_script_stream *s = check_stream(L, 1);
    struct skt_addr asked;
    char text[SKT_IPNET_TEXT_MAX];
    if (!s)
        return push_refusal(L, "closed", SKT_RESET_ABORT);
    if (!skt_stream_destination(s->st, &asked))
        return push_refusal(L, "it asks for a target, and there are only addresses here", SKT_RESET_TARGET);
    if (s->st->name_len > 0)
        return push_refusal(L, "no such target", SKT_RESET_TARGET);
    const struct skt_reach *reach = skt_tickets_reach(app->conf, skt_session_ticket(s->st->session));
    if (!reach)
        return push_refusal(L, "`relay_tcp` is off for its ticket", SKT_RESET_TARGET);
    struct skt_addr to = skt_reach_plain(&asked);
    const char *why = refusal(app, reach, &to);
    if (why)
        return push_refusal(L, why, SKT_RESET_ADDRESS);
    struct skt_ipnet host = skt_ipnet_host(to.family, to.ip);
    lua_pushstring(L, skt_ipnet_text(&host, false, text));
    lua_pushinteger(L, to.port);
    return 2;
}

void skt_script_api_add_relay(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"relay_open", relay_open}, {"relay_connect", relay_connect}, {"stream_reset", stream_reset},
        {"target_of", target_of},   {"address_of", address_of},       {NULL, NULL},
    };
    skt_script_api_set(L, functions);
}
