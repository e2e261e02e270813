/* SPDX-License-Identifier: MIT */
#include "proto/path/pacer.h"

#include <assert.h>

#define MICRO INT64_C(1000000)

enum {
    COUNTED_US_MAX = 1000000
}; /* keeps rate * time within 64 bits; any bucket is full by then or nearly */

static int64_t burst_credit(const struct skt_pacer *p)
{
    uint64_t packets = (uint64_t)SKT_PACER_BURST_PACKETS * p->mtu * (uint64_t)MICRO;
    uint64_t time = p->rate * SKT_PACER_BURST_US;
    return (int64_t)(packets > time ? packets : time);
}

static int64_t credit_at(const struct skt_pacer *p, skt_us now)
{
    skt_us passed = now > p->at ? now - p->at : 0;
    if (passed > COUNTED_US_MAX)
        passed = COUNTED_US_MAX;
    int64_t credit = p->credit + (int64_t)(p->rate * passed);
    int64_t burst = burst_credit(p);
    return credit < burst ? credit : burst;
}

static void settle(struct skt_pacer *p, skt_us now)
{
    p->credit = credit_at(p, now);
    p->at = skt_us_max(p->at, now);
}

void skt_pacer_init(struct skt_pacer *p, skt_us now, uint64_t rate, size_t mtu)
{
    assert(rate > 0 && mtu > 0);
    *p = (struct skt_pacer){.rate = rate, .at = now, .mtu = mtu};
    p->credit = burst_credit(p);
}

void skt_pacer_set_rate(struct skt_pacer *p, skt_us now, uint64_t rate)
{
    assert(rate > 0);
    if (rate == p->rate)
        return;
    settle(p, now);
    p->rate = rate;
}

void skt_pacer_set_mtu(struct skt_pacer *p, size_t mtu)
{
    p->mtu = mtu;
}

bool skt_pacer_ready(const struct skt_pacer *p, skt_us now)
{
    return credit_at(p, now) > 0;
}

void skt_pacer_on_sent(struct skt_pacer *p, skt_us now, size_t bytes)
{
    settle(p, now);
    p->credit -= (int64_t)bytes * MICRO;
}

static skt_us expiry_with(const struct skt_pacer *p, skt_us now, int64_t overdraft)
{
    int64_t credit = credit_at(p, now) + overdraft;
    if (credit > 0)
        return now;
    uint64_t quantum = p->rate * SKT_PACER_QUANTUM_US;
    uint64_t missing = quantum + (uint64_t)-credit;
    return now + (missing + p->rate - 1) / p->rate;
}

skt_us skt_pacer_expiry(const struct skt_pacer *p, skt_us now)
{
    return expiry_with(p, now, 0);
}

skt_us skt_pacer_overdraft_expiry(const struct skt_pacer *p, skt_us now)
{
    return expiry_with(p, now, burst_credit(p));
}

uint64_t skt_pacer_burst(const struct skt_pacer *p)
{
    return (uint64_t)(burst_credit(p) / MICRO);
}
