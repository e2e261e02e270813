/* SPDX-License-Identifier: MIT */
/* A hold: what is full (a connection's queue, a session's) makes the source wait that a callback was called
 * for, until the hold is ended. So a script needs no flow control of its own. */
#ifndef SKT_SCRIPT_HOLD_H
#define SKT_SCRIPT_HOLD_H

#include "base/list.h"
#include "script/source.h"

#include <stdbool.h>
#include <stdint.h>

struct skt_script_hold;

/* Does a callback run for something? What is sent then is taken although there is no room. */
bool skt_script_hold_has_source(const struct skt_script *app);

/* Makes the source of the callback that runs wait until skt_script_hold_end. full: the connection that is
 * full, for skt_script_hold_release; NULL: a session. NULL: there is no source, or no memory. */
struct skt_script_hold *skt_script_hold_begin(struct skt_script *app, const void *full);
void skt_script_hold_end(struct skt_script *app, struct skt_script_hold *h);

/* A connection's queue is too long: whose stream fills it waits from now on, if it does not already. */
void skt_script_hold_add(struct skt_script *app, const void *full);

/* The connection's queue is short again, or the connection has gone: who waits for it goes on. */
void skt_script_hold_release(struct skt_script *app, const void *full);

/* Who may be waiting has ended: a feeder, a session (cid 0: all of the endpoint's, which may be freed
 * already). */
void skt_script_hold_forget_feeder(struct skt_script *app, struct skt_script_feeder *feeder);
void skt_script_hold_forget_session(struct skt_script *app, const struct skt_endpoint *ep, uint32_t cid);

#endif
