/* SPDX-License-Identifier: MIT */
#include "script/api_tun.h"

#include "base/err.h"
#include "script/api.h"
#include "script/state.h"
#include "script/tun.h"
#include "script/tun_admit.h"
#include "script/tun_system.h"

#include <errno.h>
#include <string.h>

static struct skt_script_tun_unit *unit_of(lua_State *L)
{
    struct skt_script_tun_unit *u = skt_api_app(L)->tun;
    return u && u->sw ? u : NULL;
}

static int no_tun(lua_State *L)
{
    return skt_script_push_fail(L, "there is no TUN in this mode");
}

/* tuntap_write(fd, buf): the bytes written. */
static int tuntap_write(lua_State *L)
{
    if (lua_isnoneornil(L, 1) || lua_isnoneornil(L, 2))
        return skt_script_push_fail(L, lua_isnoneornil(L, 1) ? "bad argument 'fd' (got nil)"
                                                             : "bad argument 'buf' (got nil)");
    struct skt_script_tun_unit *u = unit_of(L);
    uint32_t number = skt_script_arg_check_number32(L, 1, "fd");
    size_t len;
    const char *buf = skt_script_arg_check_string(L, 2, "buf", &len);
    if (!u || number != u->number)
        return skt_script_push_fail(L, "closed");
    int err = skt_switch_write(u->sw, (const uint8_t *)buf, len);
    if (err == SKT_ERR_MALFORMED)
        return skt_script_push_fail(L, "buf: not an IP packet");
    if (err != SKT_OK)
        return skt_script_push_fail(L, err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
    lua_pushinteger(L, (lua_Integer)len);
    return 1;
}

static void push_nets(lua_State *L, const struct skt_script_tun_unit *u, const struct skt_script_skcp *k,
                      uint32_t cid)
{
    const struct skt_ipnet *net;
    char text[SKT_IPNET_TEXT_MAX];
    lua_newtable(L);
    for (size_t i = 0; (net = skt_switch_net(u->sw, k->ep, cid, i)) != NULL; i++) {
        bool host = net->prefix == (net->family == 4 ? 32 : 128);
        lua_pushstring(L, skt_ipnet_text(net, !host, text));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* tun_attach(skcp, cid): packets of this session go in and out; a server gives it its addresses, and returns
 * a list of them. To be called in on_skcp_accept or on_skcp_recv_cid. */
static int tun_attach(lua_State *L)
{
    struct skt_script_tun_unit *u = unit_of(L);
    struct skt_script_skcp *k = skt_api_skcp(L);
    uint32_t cid = skt_script_arg_check_number32(L, 2, "cid");
    if (!u)
        return no_tun(L);
    int err = k ? skt_script_tun_attach(k, cid) : SKT_ERR_CLOSED;
    if (err == SKT_ERR_FULL)
        return skt_script_push_fail(L, "another session has its address");
    if (err != SKT_OK)
        return skt_script_push_fail_err(L, err);
    push_nets(L, u, k, cid);
    return 1;
}

/* tun_route(skcp, cid, net): a server gives the session one more network. */
static int tun_route(lua_State *L)
{
    struct skt_script_tun_unit *u = unit_of(L);
    struct skt_script_skcp *k = skt_api_skcp(L);
    uint32_t cid = skt_script_arg_check_number32(L, 2, "cid");
    const char *text = skt_script_arg_check_string(L, 3, "net", NULL);
    struct skt_ipnet net;
    if (!u)
        return no_tun(L);
    if (skt_ipnet_parse(&net, text) != SKT_OK)
        return skt_script_push_fail(L, "net: expected a network like \"192.168.1.0/24\"");
    int err = k ? skt_switch_add(u->sw, k->ep, cid, &net) : SKT_ERR_CLOSED;
    if (err == SKT_ERR_FULL)
        return skt_script_push_fail(L, "another session has it");
    if (err != SKT_OK)
        return skt_script_push_fail_err(L, err);
    lua_pushboolean(L, 1);
    return 1;
}

/* tun_use(skcp, cid): a client sends what its TUN has through this session from now on. */
static int tun_use(lua_State *L)
{
    struct skt_script_tun_unit *u = unit_of(L);
    struct skt_script_skcp *k = skt_api_skcp(L);
    uint32_t cid = skt_script_arg_check_number32(L, 2, "cid");
    if (!u)
        return no_tun(L);
    int err = k ? skt_switch_use(u->sw, k->ep, cid) : SKT_ERR_CLOSED;
    if (err != SKT_OK)
        return skt_script_push_fail_err(L, err);
    lua_pushboolean(L, 1);
    return 1;
}

/* tun_configure(): routes, dns, nat and the up script of the configuration, once; undone at exit. */
static int tun_configure(lua_State *L)
{
    struct skt_script_tun_unit *u = unit_of(L);
    if (!u)
        return no_tun(L);
    skt_script_tun_unit_configure(u);
    lua_pushboolean(L, 1);
    return 1;
}

void skt_script_api_add_tun(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"tuntap_write", tuntap_write}, {"tun_attach", tun_attach},       {"tun_route", tun_route},
        {"tun_use", tun_use},           {"tun_configure", tun_configure}, {NULL, NULL},
    };
    skt_script_api_set(L, functions);
}
