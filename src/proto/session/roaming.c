/* SPDX-License-Identifier: MIT */
#include "proto/session/roaming.h"

#include "base/err.h"
#include "proto/session/internal.h"

#include <string.h>

#define CHALLENGE_TIME (100 * SKT_US_PER_MS) /* between challenges, to whatever address */
#define SEARCH_TIME    SKT_US_PER_SEC        /* between searches for the datagram size that the peer causes */

/* May a client have moved? Only packets newer than all before can say so (a copy of an old one can't), and
 * only an answer to the challenge is believed. One pause for all addresses: each challenge is shorter than
 * three times the packet that caused it, so what has not proved itself gets no more than that. */
void skt_roaming_consider(struct skt_session *s, skt_us now, const struct skt_addr *from)
{
    if (now < s->roaming.challenge_next)
        return;
    if (!skt_addr_equal(from, &s->roaming.to)) {
        if (s->ctx->crypto->random(s->roaming.challenge, sizeof s->roaming.challenge) != SKT_OK)
            return;
        s->roaming.to = *from;
    }
    s->roaming.challenge_due = true;
    s->roaming.challenge_next = now + CHALLENGE_TIME;
}

void skt_roaming_on_response(struct skt_session *s, skt_us now, const struct skt_addr *from,
                             const uint8_t token[SKT_CHALLENGE_LEN])
{
    if (s->client || !skt_addr_equal(from, &s->roaming.to) ||
        memcmp(token, s->roaming.challenge, SKT_CHALLENGE_LEN) != 0)
        return;
    s->peer = s->roaming.to;
    s->roaming.to = (struct skt_addr){0};
    s->roaming.challenge_due = false;
    skt_trace_tell(&s->path.trace, path, now, &s->peer);
    skt_path_reset(&s->path, now);
    skt_session_search_mtu(s, now, s->mtu.cap);
    s->events |= SKT_EVENT_CONTINUED;
}

/* The server asks where we are: our address has changed on the way, and so may have the path. The same
 * question comes again until it is answered. */
void skt_roaming_on_challenge(struct skt_session *s, skt_us now, const uint8_t token[SKT_CHALLENGE_LEN])
{
    if (memcmp(s->roaming.response, token, sizeof s->roaming.response) != 0 &&
        now >= s->roaming.search_next) {
        skt_session_search_mtu(s, now, s->mtu.cap);
        s->roaming.search_next = now + SEARCH_TIME;
    }
    memcpy(s->roaming.response, token, sizeof s->roaming.response);
    s->due.set |= SKT_DUE_RESPONSE;
}
