/* SPDX-License-Identifier: MIT */
/* Extensions of skt.api: timers, and look-ups of names that a script does not wait for. */
#ifndef SKT_SCRIPT_API_TIMER_H
#define SKT_SCRIPT_API_TIMER_H

#include <lua.h>

struct skt_script;

/* Adds the functions to the table on top of the stack; may raise. */
void skt_script_api_add_timer(lua_State *L);

/* Frees all, without callbacks into the script. */
void skt_script_timer_close_all(struct skt_script *app);

#endif
