/* SPDX-License-Identifier: MIT */
/* The event loop: libev underneath, with timers of microsecond precision and tasks at the end of a turn. A
 * turn is: sleep, read the clock, descriptors and signals, timers that are due, tasks. Nothing here is
 * thread-safe; several loops may run in several threads (signals belong to one of them). */
#ifndef SKT_IO_LOOP_H
#define SKT_IO_LOOP_H

#include "base/clock.h"
#include "base/heap.h"
#include "base/list.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct skt_loop;

/* SKT_ERR_NOMEM, SKT_ERR_IO (errno). */
int skt_loop_new(struct skt_loop **out);

/* Everything that uses the loop must have been stopped or closed. NULL is allowed. */
void skt_loop_free(struct skt_loop *loop);

/* Runs until skt_loop_stop, even when there is nothing to wait for. */
void skt_loop_run(struct skt_loop *loop);

/* Makes skt_loop_run return once the handlers that are due now were called. */
void skt_loop_stop(struct skt_loop *loop);

/* Monotonic time in us (base/clock.h), read at the start of the turn and again before its timers and tasks.
 * After the machine was suspended it has jumped: what was due meanwhile is due at once. */
skt_us skt_loop_now(const struct skt_loop *loop);

/* Reads the clock again and returns the time. For what has just been measured by an event within a turn: a
 * turn that was interrupted after its start would date it too early. */
skt_us skt_loop_update(struct skt_loop *loop);

/* Milliseconds since 1970, read together with it. */
uint64_t skt_loop_wall_ms(const struct skt_loop *loop);

struct ev_loop *skt_loop_ev(struct skt_loop *loop);

/* --- timers --- */

/* A deadline; embedded in the object that waits. It fires once, not before its time, and may be set, stopped
 * and freed in its own handler. */
struct skt_loop_timer {
    struct skt_heap_node node;                        /* its deadline, in the loop's heap */
    void (*fn)(struct skt_loop_timer *t, skt_us now); /* called when it has come */
};

void skt_loop_timer_init(struct skt_loop_timer *t, void (*fn)(struct skt_loop_timer *t, skt_us now));

/* Sets or moves the deadline; SKT_NEVER stops. Takes no memory, so it can't fail. */
void skt_loop_timer_set(struct skt_loop *loop, struct skt_loop_timer *t, skt_us at);

void skt_loop_timer_stop(struct skt_loop *loop, struct skt_loop_timer *t);

/* Does it wait for a deadline? */
static inline bool skt_loop_timer_is_set(const struct skt_loop_timer *t)
{
    return skt_heap_holds(&t->node);
}

/* --- descriptors --- */

enum { SKT_IO_READ = 1, SKT_IO_WRITE = 2 };

/* A descriptor that is watched. An error or hang-up of it is reported as every event that is watched. */
struct skt_loop_io {
    ev_io w;                                            /* libev's; its fd is the descriptor */
    void (*fn)(struct skt_loop_io *io, unsigned ready); /* called with a set of SKT_IO_* that are ready */
    struct skt_list resting;                            /* among those that rest; empty: it does not */
    unsigned wanted;                                    /* while it rests: the set to watch for afterwards */
};

void skt_loop_io_init(struct skt_loop_io *io, int fd, void (*fn)(struct skt_loop_io *io, unsigned ready));

/* Watches for a set of SKT_IO_*; 0 stops. Cheap where nothing changes. To be stopped before the descriptor is
 * closed. */
void skt_loop_io_set(struct skt_loop *loop, struct skt_loop_io *io, unsigned events);

/* Does not look at it for 20 ms: a call failed for lack of something that others may give back, while the
 * descriptor stays ready, and trying again at once would only spin. What is set meanwhile counts afterwards.
 */
void skt_loop_io_rest(struct skt_loop *loop, struct skt_loop_io *io);

/* Does an error of a call on a good descriptor pass by itself: nothing there now, interrupted, no memory or
 * buffers? Then nothing is broken. */
bool skt_io_passes(int error);

/* The same, and the descriptor may go on being ready: rest. */
bool skt_io_lacks(int error);

/* The set that is watched now, or after a rest. */
static inline unsigned skt_loop_io_events(const struct skt_loop_io *io)
{
    if (io->resting.next && io->resting.next != &io->resting)
        return io->wanted;
    if (!ev_is_active(&io->w))
        return 0;
    return (io->w.events & EV_READ ? (unsigned)SKT_IO_READ : 0u) |
           (io->w.events & EV_WRITE ? (unsigned)SKT_IO_WRITE : 0u);
}

/* --- tasks --- */

/* Work put off to the end of the turn; embedded in the object it is about. */
struct skt_loop_task {
    struct skt_list link;                            /* among those that are deferred */
    void (*fn)(struct skt_loop_task *t, skt_us now); /* the work */
};

void skt_loop_task_init(struct skt_loop_task *t, void (*fn)(struct skt_loop_task *t, skt_us now));

/* Runs the task once at the end of this turn, before the loop sleeps; a second call before that changes
 * nothing. A task that is deferred by a task runs in the same turn while that takes no more than a few
 * rounds, else in the next one, which comes without sleep. */
void skt_loop_defer(struct skt_loop *loop, struct skt_loop_task *t);

void skt_loop_task_cancel(struct skt_loop_task *t);

/* --- signals --- */

struct skt_loop_signal {
    ev_signal w;                                       /* libev's */
    void (*fn)(struct skt_loop_signal *s, int signum); /* called from the loop */
};

/* Calls fn from the loop for every signal signum. One loop of a process may do so for a signum. */
void skt_loop_signal_start(struct skt_loop *loop, struct skt_loop_signal *s, int signum,
                           void (*fn)(struct skt_loop_signal *s, int signum));
void skt_loop_signal_stop(struct skt_loop *loop, struct skt_loop_signal *s);

#endif
