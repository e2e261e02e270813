/* SPDX-License-Identifier: MIT */
/* skt.conf: the configuration as scripts read it, and what stands for its parts in calls of skt.api. */
#ifndef SKT_SCRIPT_CONF_TABLE_H
#define SKT_SCRIPT_CONF_TABLE_H

#include <lua.h>
#include <stddef.h>

struct skt_script;

/* Pushes skt.conf; may raise. */
void skt_script_conf_push(lua_State *L, struct skt_script *app);

/* The types of skt.conf.*.raw: which part of the configuration it is. */
#define SKT_CONF_ENTRY     "skt.conf.skcp"
#define SKT_CONF_LISTENER  "skt.conf.etcp_serv"
#define SKT_CONF_CONNECTOR "skt.conf.etcp_cli"

/* The index of the entry that a skt.conf.skcp_conf_list[i].raw stands for. Raises for another type. */
size_t skt_script_conf_entry_arg(lua_State *L, int idx, const char *name);

/* The index of the listener; raises for another type. */
size_t skt_script_conf_listener_arg(lua_State *L, int idx, const char *name);

/* Raises for another type; there is one connector at most. */
void skt_script_conf_connector_arg(lua_State *L, int idx, const char *name);

#endif
