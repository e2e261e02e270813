/* SPDX-License-Identifier: MIT */
/* Endpoints as scripts know them, and the messages that wait for room. */
#ifndef SKT_SCRIPT_SKCP_H
#define SKT_SCRIPT_SKCP_H

#include "crypto/crypto.h"
#include "script/state.h"

/* Members of the app that are about endpoints. */
void skt_script_skcp_init_app(struct skt_script *app);

/* Opens the endpoint of the configuration's entry; no handle yet. SKT_ERR_IO with errno. */
int skt_script_skcp_new(struct skt_script_skcp **out, struct skt_script *app, size_t entry);

/* Closes its sessions (on_skcp_close for each), then itself; the handle is stale afterwards. */
void skt_script_skcp_end(struct skt_script_skcp *k);

/* Calls on_skcp_close; while it runs the session can still be used. */
void skt_script_skcp_tell_close(struct skt_script_skcp *k, uint32_t cid);

/* Members of the app that are about messages. */
void skt_script_pending_init_app(struct skt_script *app);

/* Sends a message of the script's. Inside on_tcp_recv and on_skcp_recv_data it is taken even when there is no
 * room: it waits, and where it came from is not read meanwhile; there is one such message, or few, per
 * source. Elsewhere: SKT_ERR_AGAIN. */
int skt_script_pending_send(struct skt_script_skcp *k, uint32_t cid, const void *buf, size_t len);

/* There is room again: sends what waits; true where nothing does any more. */
bool skt_script_pending_retry(struct skt_script_skcp *k, uint32_t cid);

/* Does any message wait for this session's queue? */
bool skt_script_pending_waits(const struct skt_script *app, const struct skt_script_skcp *k, uint32_t cid);

/* closing.c: closes a session for the script; it ends when the peer has all messages, 10 s later at most, and
 * on_skcp_close comes then. SKT_ERR_CLOSED: there is none, or it is being closed already. */
void skt_script_closing_init_app(struct skt_script *app);
int skt_script_closing_begin(struct skt_script_skcp *k, uint32_t cid);
bool skt_script_closing_was_told(const struct skt_script *app, const struct skt_script_skcp *k, uint32_t cid);
bool skt_script_closing_has(const struct skt_script *app, const struct skt_script_skcp *k, uint32_t cid);
/* The session has ended (cid 0: all of the endpoint's). */
void skt_script_closing_forget(struct skt_script_skcp *k, uint32_t cid);

/* Drops what waits for a session (cid 0: for any of the endpoint's). */
void skt_script_pending_forget(struct skt_script_skcp *k, uint32_t cid);

#endif
