/* SPDX-License-Identifier: MIT */
/* A connection as a value: what skt.api.*_get_conn returns. */
#ifndef SKT_SCRIPT_CONN_VALUE_H
#define SKT_SCRIPT_CONN_VALUE_H

#include <lua.h>
#include <stdint.h>

/* Pushes the value that stands for a connection: of TCP (its number, cid 0), or of a skcp object (its number
 * and a cid). The same one as long as the script holds it; may raise. */
void skt_script_conn_push(lua_State *L, uint32_t number, uint32_t cid);

#endif
