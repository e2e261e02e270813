/* SPDX-License-Identifier: MIT */
/* What `status --debug` shows beyond `status --json`. */
#ifndef SKT_SCRIPT_APP_DEBUG_H
#define SKT_SCRIPT_APP_DEBUG_H

#include <stdio.h>

struct skt_endpoint;
struct skt_script;
struct skt_session;

enum { SKT_DEBUG_STREAMS_MAX = 4096 }; /* 1.2 MB of text, 5 ms of one core: measured with as many */

/* Members of a session's object, a comma before each. left: how many streams the answer may still have. */
void skt_script_write_debug(struct skt_script *app, FILE *out, const struct skt_endpoint *ep,
                            const struct skt_session *s, unsigned *left);

#endif
