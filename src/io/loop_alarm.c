/* SPDX-License-Identifier: MIT */
#include "io/loop_alarm.h"

#include "base/err.h"
#include "base/list.h"

#include <unistd.h>

#ifdef __linux__

#include <sys/timerfd.h>

static void on_alarm(struct ev_loop *ev, ev_io *w, int revents)
{
    (void)ev;
    (void)revents;
    /* Setting it anew, or stopping it, also takes it off the readable ones. */
    SKT_CONTAINER(w, struct skt_loop_alarm, w)->armed = 0;
}

static void set(struct skt_loop_alarm *a, skt_us now, skt_us at)
{
    struct itimerspec spec = {0};
    (void)now;
    if (at != SKT_NEVER) {
        spec.it_value.tv_sec = (time_t)(at / SKT_US_PER_SEC);
        spec.it_value.tv_nsec = (long)(at % SKT_US_PER_SEC) * 1000;
        if (spec.it_value.tv_sec == 0 && spec.it_value.tv_nsec == 0)
            spec.it_value.tv_nsec = 1; /* zero would stop it */
    }
    timerfd_settime(a->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static int start(struct skt_loop_alarm *a)
{
    a->fd = timerfd_create(SKT_CLOCK, TFD_NONBLOCK | TFD_CLOEXEC);
    if (a->fd < 0)
        return SKT_ERR_IO;
    ev_io_init(&a->w, on_alarm, a->fd, EV_READ);
    ev_io_start(a->ev, &a->w);
    return SKT_OK;
}

void skt_loop_alarm_stop(struct skt_loop_alarm *a)
{
    ev_io_stop(a->ev, &a->w);
    close(a->fd);
}

#else

static void on_alarm(struct ev_loop *ev, ev_timer *w, int revents)
{
    (void)ev;
    (void)revents;
    SKT_CONTAINER(w, struct skt_loop_alarm, w)->armed = 0;
}

static void set(struct skt_loop_alarm *a, skt_us now, skt_us at)
{
    ev_timer_stop(a->ev, &a->w);
    if (at == SKT_NEVER)
        return;
    ev_now_update(a->ev);
    ev_timer_set(&a->w, at > now ? (ev_tstamp)(at - now) / 1e6 : 0., 0.);
    ev_timer_start(a->ev, &a->w);
}

static int start(struct skt_loop_alarm *a)
{
    ev_timer_init(&a->w, on_alarm, 0., 0.);
    return SKT_OK;
}

void skt_loop_alarm_stop(struct skt_loop_alarm *a)
{
    ev_timer_stop(a->ev, &a->w);
}

#endif

int skt_loop_alarm_start(struct skt_loop_alarm *a, struct ev_loop *ev)
{
    a->ev = ev;
    a->armed = SKT_NEVER;
    return start(a);
}

void skt_loop_alarm_update(struct skt_loop_alarm *a, skt_us now, skt_us first)
{
    bool passed = a->armed <= now;
    if (!passed && first >= a->armed)
        return;
    set(a, now, first);
    a->armed = first;
}
