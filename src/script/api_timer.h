/* SPDX-License-Identifier: MIT */
/* Timers that scripts make with skt.api.timer_*, and look-ups of names that a script waits for. */
#ifndef SKT_SCRIPT_API_TIMER_H
#define SKT_SCRIPT_API_TIMER_H

#include "script/state.h"

/* Frees all, without callbacks into the script. */
void skt_script_timer_close_all(struct skt_script *app);

#endif
