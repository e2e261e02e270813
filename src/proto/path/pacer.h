/* SPDX-License-Identifier: MIT */
/* A pacer: a token bucket in bytes. For any times a <= b the bytes charged in [a, b] by a sender that asks
 * skt_pacer_ready before each datagram are at most
 *
 *     burst + rate * (b - a) + one datagram,     burst = max(10 datagrams, rate * 2 ms),
 *
 * and a sender that is called at skt_pacer_expiry, or up to 1 ms late, always gets its full rate: one wait is
 * as long as 1 ms of rate takes to gather, since timers are no finer. What skt_pacer_overdraft_expiry lets go
 * adds one more burst to the bound. */
#ifndef SKT_PROTO_PATH_PACER_H
#define SKT_PROTO_PATH_PACER_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SKT_PACER_BURST_PACKETS = 10,
    SKT_PACER_BURST_US = 2000,
    SKT_PACER_QUANTUM_US = 1000,
};

struct skt_pacer {
    uint64_t rate;  /* bytes per second */
    int64_t credit; /* millionths of a byte; below zero: overdrawn */
    skt_us at;      /* when credit was counted */
    size_t mtu;     /* bytes in a full datagram */
};

/* Starts with a full bucket. rate: bytes per second, 1 to 10^11. */
void skt_pacer_init(struct skt_pacer *p, skt_us now, uint64_t rate, size_t mtu);

/* Takes effect from now on. */
void skt_pacer_set_rate(struct skt_pacer *p, skt_us now, uint64_t rate);
void skt_pacer_set_mtu(struct skt_pacer *p, size_t mtu);

/* May a datagram be sent now? */
bool skt_pacer_ready(const struct skt_pacer *p, skt_us now);

/* Charges bytes, whether or not the pacer was ready. */
void skt_pacer_on_sent(struct skt_pacer *p, skt_us now, size_t bytes);

/* When to ask again: now, if it is ready. */
skt_us skt_pacer_expiry(const struct skt_pacer *p, skt_us now);

/* The same for what may go a burst ahead of the rate; the others then wait the longer. now: at once. */
skt_us skt_pacer_overdraft_expiry(const struct skt_pacer *p, skt_us now);

/* The most that may be sent at once, in bytes. */
uint64_t skt_pacer_burst(const struct skt_pacer *p);

#endif
