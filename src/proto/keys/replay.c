/* SPDX-License-Identifier: MIT */
#include "proto/keys/replay.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64, WORDS_START = 8 };

static uint64_t *word_of(const struct skt_replay *r, uint64_t n)
{
    return &r->ring[(n / WORD_BITS) % r->words];
}

int skt_replay_init(struct skt_replay *r, uint32_t bits)
{
    memset(r, 0, sizeof *r);
    if (bits < WORD_BITS || (bits & (bits - 1)) != 0)
        return SKT_ERR_ARG;
    r->bits = bits;
    r->growth = bits / WORD_BITS + 1;
    r->words = r->growth < WORDS_START ? r->growth : WORDS_START;
    r->ring = calloc(r->words, sizeof *r->ring);
    return r->ring ? 0 : SKT_ERR_NOMEM;
}

void skt_replay_dispose(struct skt_replay *r)
{
    free(r->ring);
    memset(r, 0, sizeof *r);
}

/* The window's width with the ring as it is now. One word of the ring may be partly ahead of top. */
static uint64_t width(const struct skt_replay *r)
{
    uint64_t held = (uint64_t)(r->words - 1) * WORD_BITS;
    return held < r->bits ? held : r->bits;
}

bool skt_replay_ok(const struct skt_replay *r, uint64_t n)
{
    if (n > r->top)
        return true;
    /* Nothing has been overwritten while all numbers fit into the ring. */
    bool whole = r->top / WORD_BITS < r->words;
    if (r->top - n >= (whole ? r->bits : width(r)))
        return false;
    return !(*word_of(r, n) >> (n % WORD_BITS) & 1);
}

/* Makes the ring hold number n besides all it holds now, where it is still allowed to grow. A ring that has
 * come round once stays as it is: its words are no longer in the order of their numbers. */
static void grow_for(struct skt_replay *r, uint64_t n)
{
    if (n / WORD_BITS < r->words || r->words == r->growth)
        return;
    uint64_t want = n / WORD_BITS + 1;
    if (want < (uint64_t)r->words * 2)
        want = (uint64_t)r->words * 2;
    uint32_t words = want < r->growth ? (uint32_t)want : r->growth;
    uint64_t *ring = realloc(r->ring, words * sizeof *ring);
    if (!ring) {
        r->growth = r->words;
        return;
    }
    memset(ring + r->words, 0, (words - r->words) * sizeof *ring);
    r->ring = ring;
    r->words = words;
}

void skt_replay_commit(struct skt_replay *r, uint64_t n)
{
    if (n > r->top) {
        grow_for(r, n);
        uint64_t from = r->top / WORD_BITS, to = n / WORD_BITS;
        uint64_t ahead = to - from < r->words ? to - from : r->words;
        for (uint64_t i = 0; i < ahead; i++)
            r->ring[(to - i) % r->words] = 0;
        r->top = n;
    }
    *word_of(r, n) |= UINT64_C(1) << (n % WORD_BITS);
}

bool skt_replay_take(struct skt_replay *r, uint64_t n)
{
    if (!skt_replay_ok(r, n))
        return false;
    skt_replay_commit(r, n);
    return true;
}
