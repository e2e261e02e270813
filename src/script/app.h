/* SPDX-License-Identifier: MIT */
/* One running instance: the Lua state with the mode's script, and what the script made with skt.api:
 * endpoints, listeners, relays, timers. The command line gives it a loop and a configuration and wires
 * signals and the status socket to it. Nothing here is global: several may live in one process, on one loop
 * or several. */
#ifndef SKT_SCRIPT_APP_H
#define SKT_SCRIPT_APP_H

#include "config/config.h"
#include "io/loop.h"

#include <stdio.h>

struct skt_script;

/* Derives the keys, makes the Lua state with skt.conf and skt.api; opens nothing yet. `conf` and `loop` must
 * outlive the app. why gets one line on failure (SKT_ERR_NOMEM, SKT_ERR_CRYPTO, SKT_ERR_ARG). */
int skt_script_new(struct skt_script **out, struct skt_loop *loop, const struct skt_config *conf, char *why,
                   size_t why_cap);

/* Runs the script, then skt.cb.on_init(loop): sockets are open when it returns, so that privileges may be
 * dropped. SKT_ERR_IO: the script could not be loaded, or gave up with skt.api.fail (an address that is
 * taken); why holds one line (exit status 1). */
int skt_script_start(struct skt_script *app, char *why, size_t why_cap);

/* Did the script give up with skt.api.fail after the start (exit status 1)? The loop has been stopped then.
 */
bool skt_script_failed(const struct skt_script *app);

/* Begins to stop: no new connections; once the open ones have ended, or after `grace`, everything is closed
 * and on_stopped(user) is called, never from inside this function. A second call with a grace of 0 ends it at
 * once. */
void skt_script_stop(struct skt_script *app, skt_us grace, void (*on_stopped)(void *user), void *user);

/* The configuration has new values in the fields that a reload takes over (skt_config_take_live): ends
 * sessions whose ticket is gone, and what else does not follow by itself. */
void skt_script_reloaded(struct skt_script *app);

/* Writes the status as one line of JSON (`status --json`), with a final newline. */
void skt_script_status_json(struct skt_script *app, FILE *out);

/* Ends the session whose cid the text is; its client may come back. False: there is none. */
bool skt_script_kick(struct skt_script *app, const char *cid);

/* The same with each session's path, queue and streams (`status --debug`), 4096 streams at most. */
void skt_script_status_debug(struct skt_script *app, FILE *out);

/* Writes the numbers for a program that watches: OpenMetrics 1.0.0, or `classic`: the text that Prometheus
 * had before it. */
void skt_script_metrics(struct skt_script *app, FILE *out, bool classic);

/* Why it is of no use now, in a word or some; NULL: it is. A client is with a session that is up. */
const char *skt_script_ill(const struct skt_script *app);

/* How it goes, in a line for people: "proxy_client: 1 session up, 1 not; 3 connections". */
void skt_script_in_a_line(const struct skt_script *app, char *buf, size_t cap);

/* Closes what is open and frees; NULL is allowed. Not from inside a callback of the loop's that the app made.
 */
void skt_script_free(struct skt_script *app);

#endif
