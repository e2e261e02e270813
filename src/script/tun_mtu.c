/* SPDX-License-Identifier: MIT */
#include "script/tun_mtu.h"

#include "base/err.h"
#include "script/state.h"
#include "script/tun_owed.h"

#include <errno.h>
#include <string.h>

size_t skt_script_tun_best_mtu(const struct skt_config *conf)
{
    size_t most = 0;
    for (size_t i = 0; i < conf->table.entry_count; i++)
        if (conf->table.entries[i].tuning.mtu_max > most)
            most = conf->table.entries[i].tuning.mtu_max;
    size_t mtu = skt_session_packet_limit(most ? most : SKT_MTU_MAX);
    return mtu < SKT_SWITCH_MTU_MIN ? SKT_SWITCH_MTU_MIN : mtu;
}

static void on_mtu_set(void *user, int err, const char *text)
{
    const struct skt_script_tun_unit *u = user;
    if (err != SKT_OK)
        skt_warn_rarely(0, "%s: its MTU can't be set: %s", skt_tun_name(u->dev), text);
}

void skt_script_tun_on_mtu(void *user, size_t mtu)
{
    struct skt_script_tun_unit *u = user;
    u->owed.mtu = 0;
    if (mtu == u->mtu)
        return;
    int err = skt_tun_set_mtu(u->dev, mtu);
    if (err == SKT_ERR_IO && errno == EPERM && u->nc) /* privileges were given up */
        err = skt_netcfg_mtu(u->nc, mtu, on_mtu_set, u);
    if (err == SKT_ERR_NOMEM || err == SKT_ERR_FULL || (err == SKT_ERR_IO && skt_err_is_passing(errno))) {
        u->owed.mtu = mtu;
        skt_script_tun_unit_later(u);
    }
    if (err != SKT_OK) {
        on_mtu_set(u, err, err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
        return;
    }
    skt_info_news(0, "the MTU of %s is %zu now (was %zu), as the path carries", skt_tun_name(u->dev), mtu,
                  u->mtu);
    u->mtu = mtu;
}
