/* SPDX-License-Identifier: MIT */
#include "script/tun_owed.h"

#include "script/state.h"

/* What lacks (memory, room on the way to the helper) may be there soon: 50 ms, then twice as long each time,
 * up to 6.4 s. */
enum { PAUSE_MS = 50, DOUBLINGS_MAX = 7 };

void skt_script_tun_unit_later(struct skt_script_tun_unit *u)
{
    skt_us pause = (skt_us)PAUSE_MS * SKT_US_PER_MS
                   << (u->owed.tries < DOUBLINGS_MAX ? u->owed.tries : DOUBLINGS_MAX);
    skt_loop_timer_set(u->app->loop, &u->owed.timer, skt_loop_now(u->app->loop) + pause);
}

bool skt_script_tun_is_owed(const struct skt_script_tun_unit *u)
{
    return u->remake.under_way || u->setup.asking || u->setup.owes_pins || u->setup.owes_around ||
           u->owed.mtu > 0;
}
