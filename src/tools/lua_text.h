/* SPDX-License-Identifier: MIT */
/* Fields of a configuration as people write them, and what they have where nothing else was said. Each
 * function writes `INDENT FIELD = VALUE,` without an end of line, so that a comment can follow. */
#ifndef SKT_TOOLS_LUA_TEXT_H
#define SKT_TOOLS_LUA_TEXT_H

#include <stdio.h>

/* A ticket for a server that has no list of them, and so takes any. */
#define SKT_LUA_ANY_TICKET "00000000000000000000000000000000"

/* The TUN's addresses: a network that few use. */
#define SKT_LUA_TUN_MASK   "255.255.255.0"
#define SKT_LUA_TUN_SERVER "10.86.0.1"
#define SKT_LUA_TUN_CLIENT "10.86.0.2"

/* A string in quotes alone; what would end it, or a line, is escaped. */
void skt_lua_string(FILE *out, const char *text);

void skt_lua_text(FILE *out, const char *indent, const char *field, const char *text);

/* Digits as a number, a range as a string. */
void skt_lua_port(FILE *out, const char *indent, const char *field, const char *port);

#endif
