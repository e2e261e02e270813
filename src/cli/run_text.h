/* SPDX-License-Identifier: MIT */
/* A configuration that skcptun-tools has made of flags: it comes through a pipe, since there may be secrets
 * in it, and is run in the same process. */
#ifndef SKT_CLI_RUN_TEXT_H
#define SKT_CLI_RUN_TEXT_H

#include <stddef.h>

enum { SKT_RUN_TEXT_MAX = 16384 }; /* a pipe holds four times as much */

/* In skcptun-tools: becomes `skcptun --text NAME FD`, which runs the text. Returns where it can't, with an
 * exit status; what went wrong was said. */
int skt_run_text_exec(const char *name, const char *text, size_t len);

/* `skcptun --text NAME FD`: runs what can be read from that descriptor, as skt_run does; name stands for a
 * path. */
int skt_run_text(const char *name, const char *fd);

#endif
