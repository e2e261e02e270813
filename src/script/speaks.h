/* SPDX-License-Identifier: MIT */
/* What speaks at the two ends of a session. A mode's built-in script and a script of one's own that puts
 * everything into messages have nothing to say to each other, though each session between them comes up: that
 * is said when it does, or refused where it is certain, before a connection hangs. */
#ifndef SKT_SCRIPT_SPEAKS_H
#define SKT_SCRIPT_SPEAKS_H

#include "proto/acceptor/acceptor.h"

struct skt_script;

/* The endpoint's speaks: SKT_FEATURE_BUILT_IN, SKT_FEATURE_MESSAGES, by the configuration and the callbacks
 * that are set now. 0 in modes of a script's own. */
uint32_t skt_script_speaks(struct skt_script *app);

/* Server: a client of the built-in mode at a script that takes nothing of what it sends. 0: no; else text
 * (SKT_REASON_MAX + 1 bytes), for both ends, says so. */
int skt_script_speaks_check_attach(struct skt_script *app, const struct skt_attach_request *req, char *text);

/* A session has come up: says so where one end waits for what the other does not send. */
void skt_script_speaks_tell(struct skt_script *app, const struct skt_session *s);

#endif
