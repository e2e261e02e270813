/* SPDX-License-Identifier: MIT */
/* A Lua value that has left its state: what a custom mode's own fields are kept as between the state that ran
 * the configuration and the one that runs the script. */
#ifndef SKT_CONFIG_VALUE_H
#define SKT_CONFIG_VALUE_H

#include <lua.h>

#include <stdbool.h>
#include <stddef.h>

struct skt_value;

/* Copies the value at idx (nil, boolean, number, string, or a table of these as keys and values, at most 16
 * deep). SKT_ERR_ARG: something else is in it; *what then names its type. SKT_ERR_NOMEM. */
int skt_value_take(struct skt_value **out, lua_State *L, int idx, const char **what);

/* Pushes the value (nil for NULL). Raises Lua's memory error: call it protected. */
void skt_value_push(lua_State *L, const struct skt_value *v);

/* Are they the same, tables whatever the order of their keys? NULL is nil. */
bool skt_value_equal(const struct skt_value *a, const struct skt_value *b);

/* Frees and wipes; NULL is allowed. */
void skt_value_free(struct skt_value *v);

#endif
