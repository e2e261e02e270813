/* SPDX-License-Identifier: MIT */
/* Messages of the script's that wait for room in a session's queue; what the callback was called for that
 * sent them is held back (script/hold.h) until they have gone. */
#ifndef SKT_SCRIPT_PENDING_H
#define SKT_SCRIPT_PENDING_H

#include "base/list.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_script;
struct skt_script_skcp;

/* All of an app. */
struct skt_script_pendings {
    struct skt_list messages;    /* struct skt_script_pending */
    struct skt_loop_timer retry; /* tries again what waits for memory, of which no event tells */
    unsigned round;              /* counts the retries: each session is tried once in each */
};

void skt_script_pending_init(struct skt_script *app);

/* Sends a message of the script's. Inside a callback that was called for something it is taken even when
 * there is no room: it waits, and where it came from is not read meanwhile; there is one such message, or
 * few, a source. Elsewhere: SKT_ERR_AGAIN. SKT_ERR_NOMEM, SKT_ERR_CLOSED. */
int skt_script_pending_send(struct skt_script_skcp *k, uint32_t cid, const void *buf, size_t len);

/* There is room again: sends what waits; true where nothing does any more. */
bool skt_script_pending_retry(struct skt_script_skcp *k, uint32_t cid);

/* Does any message wait for this session's queue? */
bool skt_script_pending_waits(const struct skt_script_skcp *k, uint32_t cid);

/* Drops what waits for a session (cid 0: for any of the endpoint's). */
void skt_script_pending_forget(struct skt_script_skcp *k, uint32_t cid);

#endif
