/* SPDX-License-Identifier: MIT */
/* The text of a configuration before it is Lua: what editors and other programs put around it, and what
 * people write who come from elsewhere. */
#ifndef SKT_CONFIG_TEXT_H
#define SKT_CONFIG_TEXT_H

#include <stddef.h>

/* Skips a byte order mark and a first line that begins with "#!" (but not its end, so that lines keep their
 * numbers). SKT_OK; SKT_ERR_ARG with a line in why: the text is no Lua at all (UTF-16, JSON, key = value
 * lines). */
int skt_config_text_begin(const char *path, const char **text, size_t *len, char *why, size_t why_cap);

/* Writes Lua's message about a text that did not run to why: one line that begins with the path, and where
 * the text has what Lua can't explain (typographic quotes, functions that a configuration does not have),
 * what to do. */
void skt_config_text_explain(const char *path, const char *text, size_t len, const char *message, char *why,
                             size_t why_cap);

/* Why a field of this line may have no value though something stands there, as a remark, or NULL. */
const char *skt_config_text_why_nothing(const char *text, size_t len, unsigned line);

/* What a file that does not set the global `config` may have done instead, as a line for the log, or NULL. */
const char *skt_config_text_why_unset(const char *text, size_t len);

#endif
