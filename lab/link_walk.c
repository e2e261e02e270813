/* SPDX-License-Identifier: MIT */
/* A cellular link as a model, so that nothing has to be recorded: Sprout's (Winstein, Sivaraman,
 * Balakrishnan, NSDI 2013, section 3.1). Packets may leave as a Poisson process whose rate walks at random, a
 * step each 20 ms, within 0 and 20 Mbit/s; where it comes to 0 it stays for about a second. Recorded links
 * have outages at any rate, too (handovers), so here one also begins by chance, each 10 s on average. */
#include "link.h"

#include <math.h>
#include <stdlib.h>

enum { WALK_MS = 60000, STEP_MS = 20 };

static const double rate_max = 20e6 / 8 / LINK_OPPORTUNITY_BYTES; /* opportunities/s */
static const double step_deviation = 200;  /* of the rate over a second, opportunities/s: Sprout's sigma */
static const double outage_chance = 0.002; /* a step: one in 10 s */
static const double outage_leave = 0.02;   /* a step: after 1 s on average, Sprout's escape rate */

struct walk {
    uint64_t state; /* of the generator */
    double rate;    /* opportunities/s, outside of outages */
    bool outage;
};

/* splitmix64 (Steele, Lea, Flood 2014); 0 < result <= 1. */
static double draw(struct walk *w)
{
    uint64_t x = w->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return ((double)(x >> 11) + 1) * 0x1p-53;
}

/* Standard normal (Box, Muller 1958). */
static double draw_normal(struct walk *w)
{
    const double turn = 6.283185307179586;
    double radius = sqrt(-2 * log(draw(w)));
    return radius * cos(turn * draw(w));
}

static void step(struct walk *w)
{
    if (w->outage) {
        w->outage = draw(w) > outage_leave;
        return;
    }
    w->rate += step_deviation * sqrt(STEP_MS * 1e-3) * draw_normal(w);
    if (w->rate > rate_max)
        w->rate = 2 * rate_max - w->rate;
    w->outage = w->rate <= 0 || draw(w) <= outage_chance;
    if (w->rate < 0)
        w->rate = 0;
}

struct link_trace *link_trace_walk(uint64_t seed)
{
    struct walk w = {.state = seed * UINT64_C(0xd1342543de82ef95)};
    w.rate = rate_max * draw(&w);
    /* A step has at most 34 on average, and a hundred in none of them. */
    const size_t most = (size_t)WALK_MS / STEP_MS * 100;
    uint32_t *at_ms = malloc(sizeof *at_ms * (most + 1));
    size_t count = 0;
    if (!at_ms)
        return NULL;
    for (uint32_t begin = 0; begin < WALK_MS; begin += STEP_MS) {
        step(&w);
        double at = begin;
        while (!w.outage && w.rate > 0 && count < most) {
            at -= log(draw(&w)) * 1000 / w.rate;
            if (at >= begin + STEP_MS)
                break;
            at_ms[count++] = (uint32_t)at;
        }
    }
    at_ms[count++] = WALK_MS; /* so that each round takes as long */
    const char *why;
    return link_trace_new(at_ms, count, &why);
}
