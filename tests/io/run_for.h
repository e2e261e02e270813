/* SPDX-License-Identifier: MIT */
/* Runs a loop for about some time, counted from its first turn on (the loop's clock stands still outside),
 * and then for some turns more: on a busy machine the time may be over before the loop has had a turn in
 * which to do what there is to do. */
#ifndef SKT_TESTS_IO_RUN_FOR_H
#define SKT_TESTS_IO_RUN_FOR_H

#include "io/loop.h"

enum { RUN_FOR_TURNS = 10 };

struct run_for_end {
    struct skt_loop_timer timer;
    struct skt_loop *loop;
    skt_us time; /* 0: it has begun */
    int turns;   /* to come */
};

static inline void run_for_on_timer(struct skt_loop_timer *t, skt_us now)
{
    struct run_for_end *end = SKT_CONTAINER(t, struct run_for_end, timer);
    if (end->time == 0 && end->turns-- == 0) {
        skt_loop_stop(end->loop);
        return;
    }
    skt_loop_timer_set(end->loop, t, now + end->time);
    end->time = 0;
}

static inline void run_for_and(struct skt_loop *loop, skt_us time, int turns)
{
    struct run_for_end end = {.loop = loop, .time = time, .turns = turns};
    skt_loop_timer_init(&end.timer, run_for_on_timer);
    skt_loop_timer_set(loop, &end.timer, 0);
    skt_loop_run(loop);
    skt_loop_timer_stop(loop, &end.timer);
}

static inline void run_for(struct skt_loop *loop, skt_us time)
{
    run_for_and(loop, time, RUN_FOR_TURNS);
}

#endif
