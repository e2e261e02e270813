/* SPDX-License-Identifier: MIT */
/* The modes by their names. */
#include "config/config.h"

static const char *const mode_names[SKT_CONFIG_CUSTOM] = {
    [SKT_CONFIG_PROXY_CLIENT] = "proxy_client",
    [SKT_CONFIG_PROXY_SERVER] = "proxy_server",
    [SKT_CONFIG_TUN_CLIENT] = "tun_client",
    [SKT_CONFIG_TUN_SERVER] = "tun_server",
};

const char *skt_config_mode_str(enum skt_config_mode mode)
{
    return mode < SKT_CONFIG_CUSTOM ? mode_names[mode] : "custom";
}
