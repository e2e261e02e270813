/* SPDX-License-Identifier: MIT */
/* The loader: where the script and the modules that it requires come from. */
#ifndef SKT_SCRIPT_LOADER_H
#define SKT_SCRIPT_LOADER_H

#include <lua.h>

struct skt_script;

/* Makes `require` find the built-in modes and the modules beside the script; may raise. */
void skt_script_loader_install(lua_State *L, struct skt_script *app);

/* Pushes the script's chunk; SKT_ERR_IO with a message on the stack. */
int skt_script_loader_push_script(lua_State *L, struct skt_script *app);

#endif
