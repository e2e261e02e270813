/* SPDX-License-Identifier: MIT */
/* Where in the text of a configuration a field stands. Lua's tables do not remember, so the text is read once
 * more, as far as fields are written out in it. */
#ifndef SKT_CONFIG_LINES_H
#define SKT_CONFIG_LINES_H

#include <stddef.h>

/* The line, from 1, of the field that messages call `where` ("proxy_client.skcp_servers[2].port"), or of the
 * nearest one around it that the text spells out; 0: none, or no memory. */
unsigned skt_config_line_of(const char *text, size_t len, const char *where);

/* Tells of each field that a table written out in the text sets twice: Lua takes the last one and says
 * nothing. path as above; not in tables with keys in brackets, which are secrets. */
typedef void (*skt_config_lines_twice_fn)(void *user, const char *path, unsigned first, unsigned second);
void skt_config_lines_twice(const char *text, size_t len, skt_config_lines_twice_fn fn, void *user);

#endif
