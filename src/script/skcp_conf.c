/* SPDX-License-Identifier: MIT */
#include "script/skcp_conf.h"

#include "base/err.h"
#include "base/folders.h"
#include "crypto/crypto.h"
#include "script/state.h"
#include "script/tun.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint8_t wire_mode(const struct skt_config *conf)
{
    switch (conf->mode) {
    case SKT_CONFIG_PROXY_CLIENT:
    case SKT_CONFIG_PROXY_SERVER:
        return SKT_MODE_PROXY;
    case SKT_CONFIG_TUN_CLIENT:
    case SKT_CONFIG_TUN_SERVER:
        return SKT_MODE_TUN;
    default:
        return SKT_MODE_CUSTOM;
    }
}

/* The folder that a server keeps its stamp cache in over a restart: where state outlives a reboot, or that of
 * a status socket that was put elsewhere. False: nowhere. */
static bool state_folder(const struct skt_config *conf, const struct skt_config_entry *e, char *out,
                         size_t cap)
{
    const char *slash = strrchr(conf->status_socket, '/');
    int dir_len = slash ? (int)(slash - conf->status_socket) : 0;
    if (!e->server || dir_len == 0)
        return false;
    int n = snprintf(out, cap, "%.*s", dir_len, conf->status_socket);
    if (n < 0 || (size_t)n >= cap)
        return false;
    if (strcmp(out, SKT_RUN_FOLDER) == 0 && access("/var/lib", W_OK) == 0) {
        n = snprintf(out, cap, "/var/lib/skcptun");
        return n > 0 && (size_t)n < cap;
    }
    return access(out, W_OK) == 0;
}

static size_t count_remotes(const struct skt_config *conf)
{
    size_t n = 0;
    for (size_t i = 0; i < conf->table.entry_count; i++)
        n += conf->table.entries[i].server ? 0 : 1;
    return n;
}

static int set_keys(struct skt_endpoint_conf *conf, const struct skt_config_entry *e)
{
    if (e->private_key.set) {
        memcpy(conf->static_priv, e->private_key.bytes, SKT_KEY_LEN);
        return skt_crypto_openssl()->x25519_public(conf->static_pub, conf->static_priv);
    }
    if (e->server_key.set)
        memcpy(conf->static_pub, e->server_key.bytes, SKT_KEY_LEN);
    return SKT_OK;
}

int skt_script_skcp_conf(struct skt_script *app, size_t entry, struct skt_endpoint_conf *conf,
                         char folder[SKT_STATE_FOLDER_MAX])
{
    const struct skt_config_entry *e = &app->conf->table.entries[entry];
    *conf = (struct skt_endpoint_conf){
        .shared = app->shared,
        .server = e->server,
        .address = e->address,
        .port_lo = e->port.lo,
        .port_hi = e->port.hi,
        .has_static = e->server ? e->private_key.set : e->server_key.set,
        .tuning = e->tuning,
        .mode = wire_mode(app->conf),
        .probing = count_remotes(app->conf) > 1,
        .features = skt_script_tun_unit_features(app),
        .extensions = app->tun ? app->tun->extensions : NULL,
        .extensions_len = app->tun ? app->tun->extensions_len : 0,
        .state_folder = state_folder(app->conf, e, folder, SKT_STATE_FOLDER_MAX) ? folder : NULL,
    };
    memcpy(conf->psks[0], app->psks[entry].psk, SKT_KEY_LEN);
    if (e->keys.count > 0)
        memcpy(conf->psks[1], e->keys.items, e->keys.count * SKT_KEY_LEN);
    conf->psk_count = 1 + e->keys.count;
    return set_keys(conf, e);
}
