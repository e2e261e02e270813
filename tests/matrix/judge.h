/* SPDX-License-Identifier: MIT */
/* What a cell should reach, and how near a result comes to it. */
#ifndef MATRIX_JUDGE_H
#define MATRIX_JUDGE_H

#include "matrix/matrix.h"

/* Of what is not asked for the target is 0. */
struct matrix_target {
    double goodput;          /* Mbit/s of payload: at least; all flows together where there are several */
    double delay, delay_p99; /* ms over the link's own of a thin flow, or else of the queue: at most */
    double bytes;            /* a byte of payload: at most */
    double share, theirs;    /* of what all got: at least */
};

/* References are what BBR and CUBIC reach in the same cell (all 0 where that was not looked at).
 *
 * Payload: 92 % of the limit, less six round trips for finding it (three where it is looked for a second
 * time); in TUN mode less the share of losses once more, which the inner TCP sees as delays. Normal mode: 27
 * % where there are random losses (25 Mbit/s of 92.7), else nine tenths of turbo's. Where capacity changes by
 * the millisecond: no less than BBR, but at most 97 % of the limit.
 *
 * Delay (turbo): a fifth of the round trip, or 5 ms, or three full packets, p99 three times that and a repair
 * where there are losses; where capacity changes by the millisecond 0.6 of BBR's, p99 0.8 of it.
 *
 * Bytes: 1.07 of what can't be avoided, 1.2 in TUN mode; 1.10 in all where capacity changes by the
 * millisecond.
 *
 * Shares: 25 %, normal mode leaves CUBIC 45 %; beside another session 35 %. They are not asked for where
 * random losses keep the TCP from its share. */
struct matrix_target matrix_target_of(const struct matrix_cell *c, const struct matrix_result *r,
                                      const struct matrix_result *bbr, const struct matrix_result *cubic);

/* The worst of its ratios to the target: 1 and more: reached. *what: which one it is. */
double matrix_score(const struct matrix_cell *c, const struct matrix_target *t, const struct matrix_result *r,
                    const char **what);

#endif
