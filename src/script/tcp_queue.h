/* SPDX-License-Identifier: MIT */
/* What a script's TCP connection has yet to write. */
#ifndef SKT_SCRIPT_TCP_QUEUE_H
#define SKT_SCRIPT_TCP_QUEUE_H

#include "script/tcp.h"

enum {
    /* A queue above it holds back who feeds it: the largest message (SKT_MESSAGE_MAX), so that none waits for
       itself. */
    SKT_TCP_MARK = 256 * 1024,
    /* "would block" above it, for who can't be held back: the largest message 32 times. */
    SKT_TCP_QUEUE_MAX = 8 * 1024 * 1024,
    /* The same for who can: all that a session had when it ended fits. */
    SKT_TCP_HELD_MAX = 32 * 1024 * 1024,
};

/* Queues bytes, whole or not at all, and writes what goes: SKT_ERR_AGAIN, SKT_ERR_NOMEM. */
int skt_script_tcp_send(struct skt_script_tcp *c, const uint8_t *buf, size_t len);

/* Writes what is queued, as far as there is room. */
void skt_script_tcp_flush(struct skt_script_tcp *c);

#endif
