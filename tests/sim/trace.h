/* SPDX-License-Identifier: MIT */
/* The switch of the simulator: with SKT_SIM_TRACE=FILE in the environment what happens is written there as
 * the program writes its own traces (doc/trace.md, lab/trace). The last world or pair that was made has the
 * file. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include "proto/trace.h"

struct sim_trace;

/* NULL where the switch is off. wall_ms: at `now`. */
struct sim_trace *sim_trace_new(skt_us now, uint64_t wall_ms);

/* For skt_context.trace, or a path's; NULL: nobody. */
struct skt_trace sim_trace_of(const struct sim_trace *t);

/* Whoever told it must have ended. NULL is allowed. */
void sim_trace_free(struct sim_trace *t);

#endif
