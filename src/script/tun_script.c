/* SPDX-License-Identifier: MIT */
#include "script/tun_script.h"

#include "script/state.h"
#include "script/tun.h"

static void on_script_packet(void *user, const uint8_t *packet, size_t len)
{
    struct skt_script *app = user;
    struct skt_script_call_arg args[] = {skt_arg_string(packet, len)};
    struct skt_script_source source = {.kind = SKT_SOURCE_FEEDER, .feeder = &app->tun_feeder};
    if (app->tun_feeder.holds > 0)
        return; /* what it sends to is full: dropped here, as early as can be */
    skt_script_deliver(app, source, SKT_CB_TUN_READ, args, 1, NULL);
}

void skt_script_tun_watch_script(struct skt_script *app)
{
    if (app->tun && app->tun->sw)
        skt_switch_set_script(
            app->tun->sw, skt_script_call_present(&app->lua, SKT_CB_TUN_READ) ? on_script_packet : NULL, app);
}
