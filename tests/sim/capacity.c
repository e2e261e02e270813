/* SPDX-License-Identifier: MIT */
#include "sim/capacity.h"

#include "sim/rng.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WANDER_STEP = 20 * SKT_US_PER_MS, /* a rate lasts so long */
    WANDER_MOST = 20000000 / 8,       /* bytes/s */
    WANDER_SIGMA = 200 * 1504,        /* bytes/s that the rate moves in a second, standard deviation */
    OUTAGE = 10,                      /* chance per step of one, in ten-thousandths */
    OUTAGE_LEAST = 10,                /* steps that one lasts, */
    OUTAGE_MOST = 100,                /* and at most */
    WIFI_BURST = 8,                   /* packets that go with one access */
    WIFI_COLLIDES = 1500,             /* chance of an access to fail, in ten-thousandths */
    WIFI_TRIES = 6,
};

static struct sim_capacity *new_capacity(size_t bytes)
{
    struct sim_capacity *c = calloc(1, sizeof *c);
    assert(c);
    c->bytes = bytes;
    return c;
}

static void add(struct sim_capacity *c, skt_us at)
{
    if ((c->count & (c->count - 1)) == 0) { /* full at powers of two */
        c->at = realloc(c->at, (c->count ? 2 * c->count : 1) * sizeof *c->at);
        assert(c->at);
    }
    c->at[c->count++] = at;
}

void sim_capacity_free(struct sim_capacity *c)
{
    if (c)
        free(c->at);
    free(c);
}

struct sim_capacity *sim_capacity_read(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    struct sim_capacity *c = new_capacity(SIM_OPPORTUNITY);
    char line[64];
    bool good = true;
    while (good && fgets(line, sizeof line, file)) {
        char *end;
        unsigned long long ms = strtoull(line, &end, 10);
        good = end != line && (*end == '\n' || *end == '\r' || *end == 0);
        if (good && (c->count == 0 || ms * SKT_US_PER_MS >= c->at[c->count - 1]))
            add(c, ms * SKT_US_PER_MS);
        else
            good = false;
    }
    (void)fclose(file);
    if (!good || c->count == 0 || c->at[c->count - 1] == 0) {
        (void)fprintf(stderr, "%s: line %zu: not a time in ms that goes on\n", path, c->count + 1);
        sim_capacity_free(c);
        return NULL;
    }
    c->period = c->at[c->count - 1];
    return c;
}

struct sim_capacity *sim_capacity_recorded(const char *name)
{
    const char *folder = getenv("SKT_SIM_TRACES");
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder && *folder ? folder : SKT_SIM_TRACES_DIR, name);
    return n > 0 && (size_t)n < sizeof path ? sim_capacity_read(path) : NULL;
}

/* Uniform in (0, 1]. */
static double uniform(struct sim_rng *rng)
{
    return (double)((sim_rng_next(rng) >> 11) + 1) / 9007199254740992.0;
}

static double normal(struct sim_rng *rng)
{
    return sqrt(-2 * log(uniform(rng))) * cos(6.283185307179586 * uniform(rng));
}

static double wander(struct sim_rng *rng, double rate)
{
    rate = fabs(rate + normal(rng) * WANDER_SIGMA * sqrt((double)WANDER_STEP / 1e6));
    return rate > WANDER_MOST ? 2 * WANDER_MOST - rate : rate;
}

struct sim_capacity *sim_capacity_wander(uint64_t seed, unsigned seconds)
{
    struct sim_rng rng = sim_rng_of(seed + 2000000);
    struct sim_capacity *c = new_capacity(SIM_OPPORTUNITY);
    skt_us end = seconds * SKT_US_PER_SEC;
    double rate = WANDER_MOST * uniform(&rng), due = -log(uniform(&rng));
    uint64_t gone = 0; /* steps that an outage still lasts */
    for (skt_us t = 0; t < end; t += WANDER_STEP) {
        /* How many opportunities are expected in this step; `due` is how many until the next one. */
        gone = gone                           ? gone - 1
               : sim_rng_chance(&rng, OUTAGE) ? sim_rng_range(&rng, OUTAGE_LEAST, OUTAGE_MOST)
                                              : 0;
        double expected = gone ? 0 : rate * WANDER_STEP / 1e6 / SIM_OPPORTUNITY, at = due;
        for (; at < expected; at -= log(uniform(&rng)))
            add(c, t + (skt_us)(at / expected * WANDER_STEP));
        due = at - expected;
        rate = wander(&rng, rate);
    }
    if (c->count == 0)
        add(c, end);
    c->period = end;
    return c;
}

struct sim_capacity *sim_capacity_wifi(uint64_t seed, uint64_t rate, unsigned seconds)
{
    struct sim_rng rng = sim_rng_of(seed + 3000000);
    struct sim_capacity *c = new_capacity((size_t)WIFI_BURST * SIM_OPPORTUNITY);
    skt_us end = seconds * SKT_US_PER_SEC;
    /* What an access takes without collisions, so that with them the mean is right: a failed one costs twice
     * the last, of which there are 1 + 2p + 4p^2 + ... */
    double p = WIFI_COLLIDES / 10000.0, access = (double)c->bytes / (double)rate * 1e6 * (1 - 2 * p);
    for (double t = 0;;) {
        double window = access;
        for (int tries = 0; tries < WIFI_TRIES; tries++, window *= 2) {
            t += window * (0.5 + uniform(&rng));
            if (!sim_rng_chance(&rng, WIFI_COLLIDES))
                break;
        }
        if ((skt_us)t >= end)
            break;
        add(c, (skt_us)t);
    }
    if (c->count == 0)
        add(c, end);
    c->period = end;
    return c;
}

skt_us sim_capacity_at(const struct sim_capacity *c, uint64_t n)
{
    return n / c->count * c->period + c->at[n % c->count];
}

uint64_t sim_capacity_next(const struct sim_capacity *c, skt_us t)
{
    /* The last opportunities of a period may come at the same time as the first of the next. */
    uint64_t turn = t / c->period;
    if (turn > 0 && t % c->period == 0)
        turn--;
    skt_us in = t - turn * c->period;
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->at[middle] < in)
            low = middle + 1;
        else
            high = middle;
    }
    return turn * c->count + low;
}

uint64_t sim_capacity_between(const struct sim_capacity *c, skt_us begin, skt_us end)
{
    return end > begin ? (sim_capacity_next(c, end) - sim_capacity_next(c, begin)) * c->bytes : 0;
}
