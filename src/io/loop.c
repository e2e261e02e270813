/* SPDX-License-Identifier: MIT */
#include "io/loop.h"

#include "base/err.h"
#include "base/log.h"
#include "io/loop_alarm.h"
#include "io/loop_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Rounds of tasks in one turn. More would let tasks that defer each other starve the descriptors. */
enum { TASK_ROUNDS_MAX = 8 };

enum {
    MEMORY_STEP_MS = 10, /* a kernel that frees memory takes some ms */
    MEMORY_TRIES = 500,  /* 5 s of these: then who supervises us should know */
};

struct skt_loop {
    struct ev_loop *ev;                         /* libev's */
    skt_us now;                                 /* as read last (skt_loop_now) */
    uint64_t wall_ms;                           /* read together with it (skt_loop_wall_ms) */
    ev_check check;                             /* reads the clock after the sleep */
    ev_prepare prepare;                         /* runs timers and tasks before it */
    ev_idle idle;                               /* active: do not sleep, tasks are left */
    struct skt_heap timers;                     /* that are set */
    bool firing;                                /* timers are being run */
    struct skt_list tasks;                      /* that are deferred, in order */
    struct skt_loop_alarm alarm;                /* wakes it for the first of timers and rest */
    struct skt_loop_rest rest;                  /* descriptors that are not looked at for a while */
    struct skt_loop_slot slots[SKT_LOOP_SLOTS]; /* by enum skt_loop_slot_name */
};

static void read_clock(struct skt_loop *loop)
{
    struct timespec ts;
    loop->now = skt_clock_now();
    clock_gettime(CLOCK_REALTIME, &ts);
    loop->wall_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- the turn --- */

/* What a handler sets into the past is the next turn's (skt_loop_timer_set), so this ends. */
static void run_timers(struct skt_loop *loop)
{
    loop->firing = true;
    for (;;) {
        struct skt_heap_node *node = skt_heap_first(&loop->timers);
        if (!node || node->at > loop->now)
            break;
        skt_heap_remove(&loop->timers, node);
        struct skt_loop_timer *t = SKT_CONTAINER(node, struct skt_loop_timer, node);
        t->fn(t, loop->now);
    }
    loop->firing = false;
}

static void run_tasks(struct skt_loop *loop)
{
    for (int round = 0; round < TASK_ROUNDS_MAX && !skt_list_empty(&loop->tasks); round++) {
        struct skt_list batch; /* takes this round's over; those deferred meanwhile are the next one's */
        skt_list_init(&batch);
        skt_list_append(&loop->tasks, &batch);
        skt_list_remove(&loop->tasks);
        while (!skt_list_empty(&batch)) {
            struct skt_loop_task *t = SKT_CONTAINER(batch.next, struct skt_loop_task, link);
            skt_list_remove(&t->link);
            t->fn(t, loop->now);
        }
    }
}

static void on_check(struct ev_loop *ev, ev_check *w, int revents)
{
    (void)w;
    (void)revents;
    read_clock(ev_userdata(ev));
}

static void on_prepare(struct ev_loop *ev, ev_prepare *w, int revents)
{
    (void)w;
    (void)revents;
    struct skt_loop *loop = ev_userdata(ev);
    read_clock(loop);
    skt_loop_rest_expire(loop, loop->now);
    run_timers(loop);
    run_tasks(loop);
    if (skt_list_empty(&loop->tasks))
        ev_idle_stop(ev, &loop->idle);
    else
        ev_idle_start(ev, &loop->idle);
    skt_us first = skt_us_min(skt_heap_expiry(&loop->timers), loop->rest.until);
    skt_loop_alarm_update(&loop->alarm, loop->now, first);
}

static void on_idle(struct ev_loop *ev, ev_idle *w, int revents)
{
    (void)ev;
    (void)w;
    (void)revents;
}

/* --- life --- */

/* libev ends the process where it gets no memory, and needs some, rarely: when there are twice as many
 * descriptors as ever before. So it waits for it a while. */
static void *allocate_patiently(void *old, long len)
{
    if (len == 0) {
        free(old);
        return NULL;
    }
    void *fresh;
    for (int tries = 0; !(fresh = realloc(old, (size_t)len)) && tries < MEMORY_TRIES; tries++)
        nanosleep(&(struct timespec){.tv_nsec = MEMORY_STEP_MS * 1000000L}, NULL);
    if (!fresh)
        skt_error("no memory for the event loop for %d s", MEMORY_TRIES * MEMORY_STEP_MS / 1000);
    return fresh;
}

static void on_nothing(struct ev_loop *ev, ev_async *w, int revents)
{
    (void)ev;
    (void)w;
    (void)revents;
}

/* What wakes the loop for signals and other threads takes two descriptors. libev makes it when it is first
 * needed, and ends the process where none is left then; so it is made at the start, where that is an error.
 */
static int make_wake(struct skt_loop *loop)
{
    int probe[2];
    ev_async first;
    if (pipe(probe))
        return SKT_ERR_IO;
    close(probe[0]);
    close(probe[1]);
    ev_async_init(&first, on_nothing);
    ev_async_start(loop->ev, &first);
    ev_async_stop(loop->ev, &first);
    return SKT_OK;
}

int skt_loop_new(struct skt_loop **out)
{
    ev_set_allocator(allocate_patiently);
    struct skt_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return SKT_ERR_NOMEM;
    loop->ev = ev_loop_new(EVFLAG_AUTO);
    if (!loop->ev) {
        free(loop);
        return SKT_ERR_IO;
    }
    ev_set_userdata(loop->ev, loop);
    skt_heap_init(&loop->timers);
    skt_list_init(&loop->tasks);
    skt_list_init(&loop->rest.ios);
    loop->rest.until = SKT_NEVER;
    int err = make_wake(loop);
    if (!err)
        err = skt_loop_alarm_start(&loop->alarm, loop->ev);
    if (err) {
        int error = errno;
        ev_loop_destroy(loop->ev);
        free(loop);
        errno = error;
        return err;
    }
    ev_check_init(&loop->check, on_check);
    ev_set_priority(&loop->check, EV_MAXPRI); /* before the handlers of what is ready */
    ev_check_start(loop->ev, &loop->check);
    ev_prepare_init(&loop->prepare, on_prepare);
    ev_prepare_start(loop->ev, &loop->prepare);
    ev_idle_init(&loop->idle, on_idle);
    read_clock(loop);
    *out = loop;
    return SKT_OK;
}

void skt_loop_free(struct skt_loop *loop)
{
    if (!loop)
        return;
    for (size_t i = 0; i < SKT_LOOP_SLOTS; i++) {
        if (loop->slots[i].object)
            loop->slots[i].dispose(loop->slots[i].object);
    }
    skt_loop_alarm_stop(&loop->alarm);
    ev_idle_stop(loop->ev, &loop->idle);
    ev_check_stop(loop->ev, &loop->check);
    ev_prepare_stop(loop->ev, &loop->prepare);
    ev_loop_destroy(loop->ev);
    free(loop);
}

void skt_loop_run(struct skt_loop *loop)
{
    ev_run(loop->ev, 0);
}

void skt_loop_stop(struct skt_loop *loop)
{
    ev_break(loop->ev, EVBREAK_ONE);
}

skt_us skt_loop_update(struct skt_loop *loop)
{
    read_clock(loop);
    return loop->now;
}

skt_us skt_loop_now(const struct skt_loop *loop)
{
    return loop->now;
}

uint64_t skt_loop_wall_ms(const struct skt_loop *loop)
{
    return loop->wall_ms;
}

struct ev_loop *skt_loop_ev(struct skt_loop *loop)
{
    return loop->ev;
}

struct skt_loop_rest *skt_loop_rest_of(struct skt_loop *loop)
{
    return &loop->rest;
}

struct skt_loop_slot *skt_loop_slot(struct skt_loop *loop, enum skt_loop_slot_name name)
{
    return &loop->slots[name];
}

/* --- timers --- */

void skt_loop_timer_init(struct skt_loop_timer *t, void (*fn)(struct skt_loop_timer *t, skt_us now))
{
    t->node = (struct skt_heap_node){.at = SKT_NEVER};
    t->fn = fn;
}

void skt_loop_timer_set(struct skt_loop *loop, struct skt_loop_timer *t, skt_us at)
{
    if (loop->firing && at <= loop->now)
        at = loop->now + 1;
    skt_heap_set(&loop->timers, &t->node, at);
}

void skt_loop_timer_stop(struct skt_loop *loop, struct skt_loop_timer *t)
{
    skt_heap_remove(&loop->timers, &t->node);
}

/* --- tasks --- */

void skt_loop_task_init(struct skt_loop_task *t, void (*fn)(struct skt_loop_task *t, skt_us now))
{
    skt_list_init(&t->link);
    t->fn = fn;
}

void skt_loop_defer(struct skt_loop *loop, struct skt_loop_task *t)
{
    if (skt_list_empty(&t->link))
        skt_list_append(&loop->tasks, &t->link);
}

void skt_loop_task_cancel(struct skt_loop_task *t)
{
    skt_list_remove(&t->link);
}
