/* SPDX-License-Identifier: MIT */
/* A client's new address, before it counts: the server asks whether the client is there. */
#ifndef SKT_PROTO_SESSION_ROAMING_H
#define SKT_PROTO_SESSION_ROAMING_H

#include "proto/session/session.h"

struct skt_roaming {
    struct skt_addr to;                   /* server: where packets come from that has not answered yet */
    uint8_t challenge[SKT_CHALLENGE_LEN]; /* server: what went there */
    skt_us challenge_next;                /* server: no challenge before this */
    bool challenge_due;                   /* server: a challenge is to be sent */
    uint8_t response[SKT_CHALLENGE_LEN];  /* client: the newest challenge, which is sent back */
    skt_us search_next; /* client: no search for the datagram size for a challenge's sake before this */
};

/* Server: a packet, newer than all before, came from an address that is not the client's. */
void skt_roaming_consider(struct skt_session *s, skt_us now, const struct skt_addr *from);

/* Server: an answer to a challenge came from there. */
void skt_roaming_on_response(struct skt_session *s, skt_us now, const struct skt_addr *from,
                             const uint8_t token[SKT_CHALLENGE_LEN]);

/* Client: the server asks. */
void skt_roaming_on_challenge(struct skt_session *s, skt_us now, const uint8_t token[SKT_CHALLENGE_LEN]);

#endif
