/* SPDX-License-Identifier: MIT */
/* A hold: what is full (a connection's queue, a session's) makes the source wait that a callback was called
 * for, a TCP connection, a session, a listener or the TUN, until the hold is ended. */
#ifndef SKT_SCRIPT_HOLD_H
#define SKT_SCRIPT_HOLD_H

#include "script/state.h"

struct skt_script_hold;
struct skt_script_tcp;
struct skt_script_etcp;

/* Is something being delivered whose source can be made to wait? */
bool skt_script_hold_has_source(const struct skt_script *app);

/* Makes it wait until skt_script_hold_end; NULL: there is none, or no memory. `c` is what is full, NULL: a
 * session. */
struct skt_script_hold *skt_script_hold_begin(struct skt_script *app, struct skt_script_tcp *c);
void skt_script_hold_end(struct skt_script *app, struct skt_script_hold *h);

/* The connection's queue has grown: while a callback runs, what feeds it waits from now on. */
void skt_script_hold_add(struct skt_script_tcp *c);

/* The connection's queue is short again, or the connection has gone: who waits for it goes on. */
void skt_script_hold_release(struct skt_script_tcp *c);

/* A session that waits has ended (cid 0: all of the endpoint's), or a listener. */
void skt_script_hold_forget(struct skt_script_skcp *k, uint32_t cid);
void skt_script_hold_forget_listener(const struct skt_script_etcp *e);

#endif
