/* SPDX-License-Identifier: MIT */
/* RESETs of streams that wait until the control conversation has less to carry. */
#ifndef SKT_PROTO_SESSION_RESETS_H
#define SKT_PROTO_SESSION_RESETS_H

#include "proto/session/session.h"

/* A RESET that has not gone to the peer yet. */
struct skt_owed_reset {
    uint32_t conv;
    uint32_t end; /* with has_end: the sn that it has its place behind */
    uint8_t reason;
    bool has_end;
};

enum {
    SKT_SPARE_RESETS = 4
}; /* so many fall due in a moment without memory; beyond them the peer's limits have to end it */

struct skt_resets {
    struct skt_owed_reset *owed; /* count of them, in the order they fell due */
    uint32_t count;
    uint32_t cap;                                  /* how many `owed` has room for */
    struct skt_owed_reset spare[SKT_SPARE_RESETS]; /* where there is no memory for one more */
    uint8_t spare_count;
};

/* false: no room. A stream that was there always finds some, while there is memory. */
bool skt_resets_add(struct skt_session *s, uint32_t conv, int reason, bool known);
bool skt_resets_add_end(struct skt_session *s, uint32_t conv, int reason, uint32_t end);
void skt_resets_flush(struct skt_session *s); /* as many as the control conversation takes now */
void skt_resets_dispose(struct skt_session *s);

#endif
