/* SPDX-License-Identifier: MIT */
/* What a path must know of a conversation whose segments it sends: where it stands, and how much it has. The
 * conversation owns it and keeps it right; a segment leads to it, and from it to nothing else. */
#ifndef SKT_PROTO_PATH_SENDER_H
#define SKT_PROTO_PATH_SENDER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Segments in flight up to which a conversation goes first: as many as a request or the last words of an
     * answer take. */
    SKT_SENDER_THIN = 4,
    SKT_SENDER_THIN_SMALL = 32, /* the same for one whose segments are small */
    SKT_SENDER_SMALL_LEN =
        256, /* bytes of a small segment, as of requests: a queue holds them back, they do not make it */
};

/* [una, nxt) is sent, [nxt, end) not yet. */
struct skt_sender {
    uint32_t conv;
    uint32_t una;      /* the first sn that the peer has not acknowledged */
    uint32_t nxt;      /* the next sn to be sent for the first time */
    uint32_t end;      /* behind the last segment written */
    uint16_t mean_len; /* data bytes of the segments sent lately */
    bool bulk;         /* its owner says that there is much, however little of it is in flight: never thin */
    bool once;         /* its owner says that it is not worth duplicates */
};

/* Has it little in flight? Then it goes before those that have much: they wait for themselves. */
static inline bool skt_sender_is_thin(const struct skt_sender *s)
{
    uint32_t most = s->mean_len <= SKT_SENDER_SMALL_LEN ? SKT_SENDER_THIN_SMALL : SKT_SENDER_THIN;
    return !s->bulk && s->nxt - s->una <= most;
}

#endif
