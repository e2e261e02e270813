/* SPDX-License-Identifier: MIT */
/* The two controllers of sim/rival.c. */
#ifndef SIM_RIVAL_INTERNAL_H
#define SIM_RIVAL_INTERNAL_H

#include "sim/rival.h"

#define SIM_SECONDS(us) ((double)(us) / 1e6)

/* sim/rival_cubic.c */
void sim_cubic_acked(struct sim_rival *r, skt_us now, uint64_t tx, skt_us rtt);
void sim_cubic_lost(struct sim_rival *r);

/* sim/rival_bbr.c */
void sim_bbr_acked(struct sim_rival *r, skt_us now, uint64_t tx, skt_us rtt);
void sim_bbr_lost(struct sim_rival *r);
void sim_bbr_timed_out(struct sim_rival *r);
double sim_bbr_pacing(const struct sim_rival *r); /* packets per s; 0: not known yet */

#endif
