/* SPDX-License-Identifier: MIT */
/* A seeded generator (xorshift64*, Vigna 2016), so that every run can be repeated. */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct sim_rng {
    uint64_t state;
};

static inline uint64_t sim_rng_next(struct sim_rng *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(2685821657736338717);
}

static inline struct sim_rng sim_rng_of(uint64_t seed)
{
    struct sim_rng r = {seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    for (int i = 0; i < 4; i++)
        sim_rng_next(&r);
    return r;
}

/* 0 to n - 1; 0 for n = 0. */
static inline uint64_t sim_rng_below(struct sim_rng *r, uint64_t n)
{
    return n ? (sim_rng_next(r) >> 11) % n : 0;
}

/* low to high, both included. */
static inline uint64_t sim_rng_range(struct sim_rng *r, uint64_t low, uint64_t high)
{
    return low + sim_rng_below(r, high - low + 1);
}

/* True in per_10k of ten thousand cases. */
static inline bool sim_rng_chance(struct sim_rng *r, unsigned per_10k)
{
    return per_10k && sim_rng_below(r, 10000) < per_10k;
}

#endif
