/* SPDX-License-Identifier: MIT */
/* How much parity: a model of the losses, and the least that leaves a group whole nearly always. */
#include "proto/parity/code.h"
#include "proto/parity/redundancy.h"

#include <string.h>

#define MILLION UINT64_C(1000000)
#define ONE     (UINT64_C(1) << 30) /* probability 1 */

enum {
    /* Chance that a group loses more than its parity. Such a loss costs a retransmission as without parity:
     * a burst of 30 packets then waits for one about once in 500. */
    MISS_PPM = 1000,
    MEASURED_MIN = 64, /* segments; fewer show no loss rate that a group could be sized by */
    /* Of inner flows: until so many were measured, losses are presumed as if two of forty had been seen. */
    PRESUMED_UNTIL = 512,
    PRESUMED_LOST = 2,
    PRESUMED_OF = 40,
    UNREPORTED = 128,
    LOST_MIN = 2,          /* sure ones; a single loss is none to insure against */
    LOSS_MAX_PPM = 500000, /* a group has parity for no more: SKT_PARITY_MAX of SKT_PARITY_SPAN */
    RUNS_MIN = 8,          /* fewer say nothing about their length */
    RUN_MAX = 16,          /* packets; no parity bridges longer ones, so they should not size it */
    RUN_LOST_MAX = 512     /* then both counts are halved */
};

void skt_redundancy_on_report(struct skt_redundancy *r, uint32_t lost, uint32_t runs, uint32_t recovered)
{
    if (runs > lost || recovered > lost)
        return;
    uint32_t room = r->measured - (r->lost < r->measured ? r->lost : r->measured);
    recovered = recovered < room ? recovered : room;
    r->lost += recovered;
    r->sure += recovered;
    if (runs == 0)
        return;
    runs = runs < RUN_LOST_MAX ? runs : RUN_LOST_MAX;
    r->runs += runs;
    r->run_lost += lost / RUN_MAX < runs ? lost : runs * RUN_MAX;
    while (r->run_lost >= RUN_LOST_MAX) {
        r->run_lost /= 2;
        r->runs /= 2;
    }
}

/* lost of all, as a chance that the model can count with: with more than half of the packets lost no parity
 * helps, and with all of them its divisor would be 0. */
static uint64_t share_ppm(uint64_t lost, uint64_t all)
{
    uint64_t ppm = lost * MILLION / all;
    return ppm < LOSS_MAX_PPM ? ppm : LOSS_MAX_PPM;
}

/* What parity mends looks as if it had arrived until the receiver's report is here. */
static uint64_t presumed_ppm(const struct skt_redundancy *r)
{
    uint32_t known = r->measured > UNREPORTED ? r->measured - UNREPORTED : 0;
    return share_ppm(r->lost + PRESUMED_LOST, known + PRESUMED_OF);
}

static uint64_t loss_ppm(const struct skt_redundancy *r)
{
    if (r->inner && r->measured < PRESUMED_UNTIL)
        return presumed_ppm(r);
    if (r->measured < MEASURED_MIN || r->sure < LOST_MIN)
        return 0;
    return share_ppm(r->lost, r->measured);
}

/* After a number of packets: the chances of so many losses, the last packet among them or not (Gilbert's
 * model: a loss is followed by another with another chance than an arrival is). */
struct chances {
    uint64_t arrived[SKT_PARITY_MAX + 1], lost[SKT_PARITY_MAX + 1];
};

static void next_packet(struct chances *c, uint64_t enter, uint64_t leave)
{
    for (unsigned i = SKT_PARITY_MAX + 1; i-- > 0;) {
        uint64_t arrived = c->arrived[i], lost = c->lost[i];
        c->arrived[i] = (arrived * (ONE - enter) + lost * leave) / ONE;
        if (i < SKT_PARITY_MAX)
            c->lost[i + 1] = (arrived * enter + lost * (ONE - leave)) / ONE;
    }
    c->lost[0] = 0;
}

static uint64_t chance_of_more(const struct chances *c, unsigned losses)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i <= losses; i++)
        sum += c->arrived[i] + c->lost[i];
    return sum < ONE ? ONE - sum : 0;
}

/* The least parity of `span` packets that leaves no more than MISS_PPM; parity can be lost, too. p: at most
 * a half. */
static unsigned strength(uint64_t p, uint64_t leave, unsigned span)
{
    uint64_t enter = p * leave / (ONE - p), miss = MISS_PPM * ONE / MILLION;
    unsigned most = span + 1 < SKT_PARITY_MAX ? span + 1 : SKT_PARITY_MAX, m = 0;
    struct chances c;
    memset(&c, 0, sizeof c);
    c.arrived[0] = ONE - p;
    c.lost[1] = p;
    for (unsigned sent = 1; sent < span; sent++)
        next_packet(&c, enter < ONE ? enter : ONE, leave);
    for (; m < most && chance_of_more(&c, m) > miss; m++)
        next_packet(&c, enter < ONE ? enter : ONE, leave);
    return m;
}

bool skt_redundancy_has_runs(const struct skt_redundancy *r)
{
    return r->runs < RUNS_MIN || r->run_lost * 4 > r->runs * 5;
}

bool skt_redundancy_is_bulk(const struct skt_redundancy *r)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SKT_REDUNDANCY_SLOTS; i++)
        sum += r->first[i];
    return sum > SKT_PARITY_BYTES_MAX;
}

unsigned skt_redundancy_group(const struct skt_redundancy *r)
{
    if (r->off || !r->parity)
        return 0;
    if (r->fixed_data)
        return r->fixed_data;
    return loss_ppm(r) > 0 ? SKT_PARITY_GROUP : 0;
}

unsigned skt_redundancy_parity(const struct skt_redundancy *r, unsigned data, unsigned span)
{
    if (skt_redundancy_group(r) == 0 || data == 0)
        return 0;
    if (r->fixed_data) {
        unsigned m = (r->fixed_parity * data + r->fixed_data - 1u) / r->fixed_data;
        return m < SKT_PARITY_MAX ? m : SKT_PARITY_MAX;
    }
    uint64_t p = loss_ppm(r) * ONE / MILLION, leave = ONE - p;
    if (r->runs >= RUNS_MIN && r->runs * ONE / r->run_lost < leave)
        leave = r->runs * ONE / r->run_lost;
    return strength(p, leave, span);
}
