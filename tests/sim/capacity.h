/* SPDX-License-Identifier: MIT */
/* When a link lets something pass: a schedule of delivery opportunities, each of so many bytes, that begins
 * anew when it is over. Recorded ones (mahimahi's format: a time in ms a line, 1504 bytes each), and models.
 */
#ifndef SIM_CAPACITY_H
#define SIM_CAPACITY_H

#include "base/clock.h"

#include <stddef.h>
#include <stdint.h>

enum { SIM_OPPORTUNITY = 1504 }; /* bytes of one in a recorded trace */

struct sim_capacity {
    skt_us *at;    /* when, from the schedule's beginning; never goes back */
    size_t count;  /* opportunities; more than none */
    skt_us period; /* how long until the first one comes again; no less than the last of `at` */
    size_t bytes;  /* that each lets pass */
};

/* Reads a recorded schedule. NULL: there is no such file, or it is none (said on stderr). */
struct sim_capacity *sim_capacity_read(const char *path);

/* Reads one of the house's recordings, `name` in ../shared/traces as seen from the source tree or in
 * SKT_SIM_TRACES. NULL: it is not there. */
struct sim_capacity *sim_capacity_recorded(const char *name);

/* A cellular link as Sprout has it (Winstein et al., NSDI 2013): a rate that wanders within 0 and 20 Mbit/s,
 * a step each 20 ms; opportunities as a Poisson process of that rate; and outages, one in 20 s on average,
 * each of 0.2 to 2 s. So many seconds of it. */
struct sim_capacity *sim_capacity_wander(uint64_t seed, unsigned seconds);

/* A Wi-Fi whose medium is asked for anew for every burst of up to 8 packets, more or less at once, and again
 * after a collision, for twice as long each time; `rate` bytes/s on average. */
struct sim_capacity *sim_capacity_wifi(uint64_t seed, uint64_t rate, unsigned seconds);

/* NULL is allowed. */
void sim_capacity_free(struct sim_capacity *c);

/* When opportunity n is; they count on through all periods. */
skt_us sim_capacity_at(const struct sim_capacity *c, uint64_t n);

/* The first opportunity at `t` or later. */
uint64_t sim_capacity_next(const struct sim_capacity *c, skt_us t);

/* What may pass from `begin` on and before `end`, bytes. */
uint64_t sim_capacity_between(const struct sim_capacity *c, skt_us begin, skt_us end);

#endif
