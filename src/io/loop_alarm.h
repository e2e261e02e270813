/* SPDX-License-Identifier: MIT */
/* The system's timer behind the timers of a loop: wakes it at the first deadline. On Linux a timerfd, for
 * microseconds and for a clock that goes on while the machine is suspended; elsewhere libev's timer. For
 * loop.c only. */
#ifndef SKT_IO_LOOP_ALARM_H
#define SKT_IO_LOOP_ALARM_H

#include "base/clock.h"

#include <ev.h>

struct skt_loop_alarm {
    struct ev_loop *ev; /* that it wakes */
    skt_us armed;       /* what it waits for; SKT_NEVER: nothing; 0: it has come, and was not set since */
#ifdef __linux__
    int fd;  /* the timerfd */
    ev_io w; /* watches it */
#else
    ev_timer w; /* the timer itself */
#endif
};

/* SKT_ERR_IO with errno. */
int skt_loop_alarm_start(struct skt_loop_alarm *a, struct ev_loop *ev);
void skt_loop_alarm_stop(struct skt_loop_alarm *a);

/* Sees to it that the loop is awake at `first` (SKT_NEVER: nothing is due). A deadline that moves back costs
 * no system call: the alarm then comes once too early, and is set anew. One that has passed is replaced even
 * before it was noticed. */
void skt_loop_alarm_update(struct skt_loop_alarm *a, skt_us now, skt_us first);

#endif
