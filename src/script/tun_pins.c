/* SPDX-License-Identifier: MIT */
#include "script/tun_pins.h"

#include "base/err.h"
#include "base/log.h"
#include "script/state.h"
#include "script/tun_owed.h"

#include <string.h>

void skt_script_tun_asked(void *user, int err, const char *text)
{
    const char *what = user;
    if (err != SKT_OK)
        skt_error_rarely(skt_log_key(text, strlen(text), 0), "%s: %s", what, text);
    else if (*text)
        skt_info_rarely(skt_log_key(text, strlen(text), 0), "%s: %s", what, text);
}

bool skt_script_tun_is_passing(int err)
{
    return err == SKT_ERR_NOMEM || err == SKT_ERR_FULL || err == SKT_ERR_AGAIN;
}

int skt_script_tun_pin(struct skt_script_tun_unit *u, const struct skt_addr *addrs, size_t n,
                       const char *what)
{
    int result = SKT_OK;
    for (size_t i = 0; i < n; i++) {
        int err = skt_netcfg_pin(u->nc, &addrs[i], skt_script_tun_asked, skt_script_tun_label(what));
        result = skt_script_tun_is_passing(err) ? err : result;
    }
    return result;
}

void skt_script_tun_unit_pin(struct skt_script *app, const struct skt_addr *addrs, size_t n)
{
    struct skt_script_tun_unit *u = app->tun;
    if (!u || !u->nc || !(u->setup.configured || app->conf->table.kill_switch))
        return;
    if (skt_script_tun_pin(u, addrs, n, "the route to the server") == SKT_OK)
        return;
    u->setup.owes_pins = true;
    skt_script_tun_unit_later(u);
}

int skt_script_tun_pin_servers(struct skt_script_tun_unit *u)
{
    int result = SKT_OK;
    struct skt_script *app = u->app;
    for (struct skt_list *l = app->skcps.live.next; l != &app->skcps.live; l = l->next) {
        const struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        const struct skt_addr *addrs;
        if (!skt_endpoint_is_server(k->ep)) {
            size_t n = skt_endpoint_addresses(k->ep, &addrs);
            int err = skt_script_tun_pin(u, addrs, n, "the route to the server");
            result = err ? err : result;
        }
    }
    return result;
}
