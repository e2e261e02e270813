/* SPDX-License-Identifier: MIT */
/* What every part of a session may do to it: ids and keys, its state, signs of life. It calls none of the
 * parts: they stand on it, and session.c on them. */
#ifndef SKT_PROTO_SESSION_STATE_H
#define SKT_PROTO_SESSION_STATE_H

#include "proto/session/session.h"

/* A number below `below`: for lengths of padding and for ports, not for secrets. */
uint32_t skt_session_random(struct skt_session *s, uint32_t below);

/* An id that nothing else has, which leads to slot from now on. SKT_ERR_NOMEM, SKT_ERR_CRYPTO. */
int skt_context_new_id(struct skt_context *ctx, struct skt_slot *slot, uint32_t *id);

/* Frees what skt_keys has dropped. */
void skt_session_drop_keys(struct skt_session *s);

/* The session is over: its state, and SKT_EVENT_CLOSED. For parts beneath session.c; handshakes under way are
 * their caller's to end (skt_session_end does both). Nothing where it was over. */
void skt_session_mark_closed(struct skt_session *s, int reason);

/* An authentic packet has come, and its number was so much above the highest before (0: it was not). */
void skt_session_note_arrival(struct skt_session *s, uint32_t advance);

/* The bits of enum skt_feature that the peer has: those that both ends have are in force. */
void skt_session_set_features(struct skt_session *s, uint32_t peers);

/* The peer is there. True: that was in doubt, and what was begun because of it is to be given up. */
bool skt_session_heard(struct skt_session *s, skt_us now);

/* When silence after a packet that asks for an answer becomes suspicious; SKT_NEVER: nothing was asked. */
skt_us skt_session_suspect_at(const struct skt_session *s);

#endif
