/* SPDX-License-Identifier: MIT */
/* The largest of the samples of a sliding window, kept in three places: the best, and the best of what came
 * after it, twice. Window positions are any counter that never goes back. */
#ifndef SKT_PROTO_CC_FILTER_H
#define SKT_PROTO_CC_FILTER_H

#include <stdint.h>

struct skt_maxfilter {
    struct {
        uint64_t at, value;
    } best[3];
};

static inline uint64_t skt_maxfilter_get(const struct skt_maxfilter *f)
{
    return f->best[0].value;
}

static inline void skt_maxfilter_reset(struct skt_maxfilter *f, uint64_t at, uint64_t value)
{
    for (int i = 0; i < 3; i++) {
        f->best[i].at = at;
        f->best[i].value = value;
    }
}

/* Adds a sample at position `at`; what is older than `at - window` no longer counts. Returns the maximum. */
uint64_t skt_maxfilter_add(struct skt_maxfilter *f, uint64_t window, uint64_t at, uint64_t value);

#endif
