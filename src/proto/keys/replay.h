/* SPDX-License-Identifier: MIT */
/* The sliding window against replays (RFC 6479): a ring of 64-bit words, one word longer than the window, so
 * that moving on clears whole words. It starts small and grows while numbers are low, without forgetting any.
 */
#ifndef SKT_PROTO_KEYS_REPLAY_H
#define SKT_PROTO_KEYS_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_replay {
    uint64_t top;    /* the highest number committed; 0 before any */
    uint64_t *ring;  /* bit n % 64 of word (n / 64) % words: was n committed? */
    uint32_t words;  /* in the ring now */
    uint32_t bits;   /* width of the window at full size */
    uint32_t growth; /* words it may grow to; equals words once it can't grow any more */
};

/* A window of `bits` numbers, a power of two >= 64. SKT_ERR_ARG, SKT_ERR_NOMEM. */
int skt_replay_init(struct skt_replay *r, uint32_t bits);

/* Frees the ring; harmless on a zeroed struct. */
void skt_replay_dispose(struct skt_replay *r);

/* Would n be accepted: neither committed before nor `bits` or more behind the highest one? */
bool skt_replay_ok(const struct skt_replay *r, uint64_t n);

/* Marks n as seen; only after skt_replay_ok(r, n), and once the packet is authentic. Where memory to grow is
 * missing the window stays narrower, it never accepts a number twice. */
void skt_replay_commit(struct skt_replay *r, uint64_t n);

/* skt_replay_ok and, if so, skt_replay_commit. */
bool skt_replay_take(struct skt_replay *r, uint64_t n);

#endif
