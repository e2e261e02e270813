/* SPDX-License-Identifier: MIT */
#include "script/tun_taker.h"

#include "base/err.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "script/state.h"
#include "script/tcp.h"
#include "script/tun.h"

#include <errno.h>
#include <string.h>

static void options(void *user, struct skt_relay_options *out)
{
    const struct skt_script_tun_unit *u = user;
    *out = (struct skt_relay_options){.idle_limit = skt_script_tcp_idle_limit(u->app)};
}

void skt_script_tun_unit_start_taker(struct skt_script_tun_unit *u)
{
    struct skt_taker_conf conf = {.loop = u->app->loop,
                                  .tun = u->dev,
                                  .sw = u->sw,
                                  .relays = u->app->relays,
                                  .address4 = u->address4,
                                  .address6 = u->address6,
                                  .mtu = u->mtu,
                                  .options = options,
                                  .user = u};
    if (!u->app->conf->table.relay_tcp)
        return;
    int err = skt_crypto_openssl()->random(&conf.hash_key, sizeof conf.hash_key);
    if (err == SKT_OK)
        err = skt_taker_new(&u->taker, &conf);
    if (err != SKT_OK)
        skt_warn("relay_tcp is off: listening on the TUN's address: %s; TCP goes in packets",
                 err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
}
