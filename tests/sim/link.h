/* SPDX-License-Identifier: MIT */
/* One direction of a simulated link: rate and buffer first, then loss, then delay, as a real one does. */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "base/clock.h"
#include "sim/capacity.h"
#include "sim/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: a perfect link without delay. Chances are in ten-thousandths. */
struct sim_link_config {
    uint64_t rate;                       /* bytes/s of whole IP packets; 0: no limit */
    const struct sim_capacity *capacity; /* instead of the rate; whoever made it keeps it; NULL: the rate */
    skt_us capacity_from; /* when the capacity's schedule begins; no later than anything is sent */
    size_t buffer;        /* bytes that may wait for rate or capacity; 0: no limit */
    skt_us delay;         /* one way */
    skt_us
        jitter; /* 0 to this much more, each packet for itself: more than the packets' distance reorders, */
    bool in_order;        /* unless this is set */
    skt_us deviation;     /* standard deviation of a normal part of the delay, which is never below 0 */
    unsigned loss;        /* independent loss */
    unsigned burst_enter; /* Gilbert-Elliott: chance per packet to enter the bad state, */
    unsigned burst_leave; /* to leave it, */
    unsigned burst_loss;  /* and of loss within it */
    skt_us burst_len;     /* instead of burst_leave: the bad state lasts 0 to twice this long */
    unsigned reorder;     /* chance that a packet is held up by */
    skt_us reorder_delay; /* this much */
    unsigned duplicate;   /* chance that a packet arrives twice */
    unsigned mutate;      /* chance that a few of its bytes change */
    skt_us outage_at, outage_len; /* everything sent in between is lost */
    size_t mtu;                   /* longer datagrams are lost unless they may be fragmented; 0: no limit */
    bool no_fragments;            /* those are, too */
};

struct sim_link_stats {
    uint64_t sent, sent_bytes; /* datagrams offered, bytes with IP and UDP headers */
    uint64_t lost;             /* by chance, bursts and outages */
    uint64_t dropped;          /* by the full buffer */
    uint64_t delivered;
};

/* Packets that wait for opportunities, and how far these are used. */
struct sim_queue {
    uint64_t opportunity; /* the next one that can carry something, */
    size_t used;          /* and how many bytes of it are taken already */
    size_t bytes;         /* of all that wait */
    struct sim_waiting {
        skt_us leaves;
        size_t len;
    } * ring;
    size_t first, count, cap; /* of `ring`; cap is a power of two */
};

struct sim_link {
    struct sim_link_config config;
    struct sim_link_stats stats;
    struct sim_rng rng;
    bool bad;         /* Gilbert-Elliott state */
    skt_us bad_until; /* with burst_len */
    skt_us last_at;   /* the latest arrival so far */
    uint64_t idle_at; /* when the rate limiter has sent what it holds, in 1/1024 us: packets of 12.1 us are
                         not to take 13 */
    struct sim_queue queue; /* with a capacity: what waits */
    uint64_t order;
    uint8_t tag;              /* of what is sent from now on; after a receive, of what was received */
    struct sim_packet **heap; /* by arrival */
    size_t count, cap;
};

enum { SIM_IP_OVERHEAD = 28 };

/* The share of packets that is lost by chance and in bursts, 0 to 1; not with burst_len. */
double sim_link_loss(const struct sim_link_config *c);

void sim_link_init(struct sim_link *l, const struct sim_link_config *config, uint64_t seed);
void sim_link_dispose(struct sim_link *l);

/* Offers a datagram. */
void sim_link_send(struct sim_link *l, skt_us now, const void *data, size_t len);

/* How much longer a packet of `len` bytes offered now would wait than one that finds nothing before it. */
skt_us sim_link_wait(const struct sim_link *l, skt_us now, size_t len);

/* When a packet of `len` bytes sent now would have left a link that carries nothing else. */
skt_us sim_link_alone(const struct sim_link_config *c, skt_us now, size_t len);

/* When the next one arrives, or SKT_NEVER. */
skt_us sim_link_expiry(const struct sim_link *l);

/* Takes one that has arrived: its length, or 0. cap must suffice. */
size_t sim_link_receive(struct sim_link *l, skt_us now, void *buf, size_t cap);

#endif
