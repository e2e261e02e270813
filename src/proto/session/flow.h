/* SPDX-License-Identifier: MIT */
/* Packets of a TUN: flows of a session, numbered 0..SKT_FLOWS_MAX - 1.
 * A flow keeps the order of its packets and waits for no other. It is there on both ends without being
 * opened; both directions are independent. When the server has lost the session (SKT_EVENT_LOST) its flows
 * begin anew, empty. */
#ifndef SKT_PROTO_SESSION_FLOW_H
#define SKT_PROTO_SESSION_FLOW_H

#include "base/clock.h"
#include "proto/queue/aqm.h"

#include <stdbool.h>
#include <stddef.h>

struct skt_session;

/* News of a flow, a set. */
enum skt_flow_event {
    SKT_FLOW_READABLE = 1, /* skt_session_read_packet */
    SKT_FLOW_WRITABLE = 2, /* after SKT_ERR_AGAIN */
    SKT_FLOW_DRAINED = 4,  /* everything written has arrived */
};

/* The next flow with news, which it clears; -1: none. */
int skt_session_next_flow(struct skt_session *s, unsigned *events);

/* What is known of a packet, a set. */
enum skt_packet_hint {
    SKT_PACKET_BULK = 1, /* its flow has more to send than it may: others go before it */
    SKT_PACKET_ONCE = 2, /* its loss would cost little: no duplicates of it */
};

/* Queues a message of a flow, whole or not at all. SKT_ERR_AGAIN: this flow waits (SKT_FLOW_WRITABLE
 * follows), others may not; SKT_ERR_CLOSED: the session is not up, or carries no packets; SKT_ERR_ARG: number
 * or length; SKT_ERR_NOMEM. In the program only skt_session_fill calls it; the tests of its errors and limits
 * have no queue, which would answer each of them with a drop. */
int skt_session_write_packet(struct skt_session *s, unsigned flow, const void *buf, size_t len,
                             unsigned hints);

/* Takes the next message of a flow: its length, SKT_ERR_AGAIN, or SKT_ERR_TRUNCATED (longer than cap; it was
 * dropped). */
long skt_session_read_packet(struct skt_session *s, unsigned flow, void *buf, size_t cap);

/* How many bytes may be queued now so that the path is never idle and little waits in it: what it sends in
 * about 2 ms. The rest belongs into a queue that can still drop (proto/queue/aqm.h). As
 * skt_session_write_packet it is here for tests without a queue: with one, what it says can't be told from
 * what the queue holds back. */
size_t skt_session_flow_room(const struct skt_session *s);

/* Moves packets from the queue into their flows while there is room. mark: called with each packet that is to
 * be marked (ECN), before it is written. Returns how many could not be written and were dropped. */
unsigned skt_session_fill(struct skt_session *s, skt_us now, struct skt_aqm *q,
                          void (*mark)(struct skt_aqm_packet *packet));

/* Tells the queue what has become of a flow (enum skt_flow_event). */
void skt_session_tell_queue(const struct skt_session *s, skt_us now, struct skt_aqm *q, unsigned flow,
                            unsigned events);

#endif
