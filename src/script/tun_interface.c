/* SPDX-License-Identifier: MIT */
#include "script/tun_interface.h"

#include "base/err.h"
#include "script/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void add_extension(struct skt_script_tun_unit *u, int type, const struct skt_ipnet *net, size_t len)
{
    uint8_t *p = u->extensions + u->extensions_len;
    if (net->family == 0)
        return;
    p[0] = (uint8_t)type;
    p[1] = (uint8_t)len;
    memcpy(p + 2, net->ip, len);
    u->extensions_len += 2 + len;
}

/* Scripts of one's own may do without addresses, so they may be missing. */
int skt_script_tun_read_addresses(struct skt_script_tun_unit *u, char *why, size_t why_cap)
{
    const struct skt_config_mode_table *t = &u->app->conf->table;
    int err = SKT_OK;
    if (t->tun_ip && t->tun_mask)
        err = skt_ipnet_parse_mask(&u->address4, t->tun_ip, t->tun_mask);
    if (err == SKT_OK && t->tun_ip6)
        err = skt_ipnet_parse(&u->address6, t->tun_ip6);
    if (err != SKT_OK)
        snprintf(why, why_cap, "%s: the TUN's addresses are not right", u->app->conf->path);
    if (!u->server) {
        add_extension(u, SKT_EXTENSION_TUN_IP4, &u->address4, 4);
        add_extension(u, SKT_EXTENSION_TUN_IP6, &u->address6, 16);
    }
    return err;
}

/* SKT_ERR_NOMEM also for other causes that pass. */
static int fail_io(char *why, size_t why_cap, const char *name, const char *what, int err)
{
    int error = errno;
    snprintf(why, why_cap, "%s: %s: %s", name, what, err == SKT_ERR_IO ? strerror(error) : skt_err_str(err));
    return err == SKT_ERR_IO && skt_err_is_passing(error) ? SKT_ERR_NOMEM : err;
}

int skt_script_tun_raise(struct skt_script_tun_unit *u, char *why, size_t why_cap)
{
    const char *name = skt_tun_name(u->dev);
    int err = SKT_OK;
    if (u->address4.family)
        err = skt_tun_set_address(u->dev, &u->address4, NULL);
    if (err == SKT_OK && u->address6.family)
        err = skt_tun_set_address(u->dev, &u->address6, NULL);
    if (err != SKT_OK)
        return fail_io(why, why_cap, name, "can't set its address", err);
    err = skt_tun_set_mtu(u->dev, u->mtu);
    if (err != SKT_OK)
        return fail_io(why, why_cap, name, "can't set its MTU", err);
    err = skt_tun_set_up(u->dev);
    return err == SKT_OK ? err : fail_io(why, why_cap, name, "can't be brought up", err);
}
