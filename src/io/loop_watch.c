/* SPDX-License-Identifier: MIT */
/* Descriptors and signals: thin over libev. */
#include "io/loop_internal.h"

#include <errno.h>

static const skt_us rest_time = 20 * SKT_US_PER_MS; /* an errand of the kernel's that frees memory */

static void on_io(struct ev_loop *ev, ev_io *w, int revents)
{
    (void)ev;
    struct skt_loop_io *io = SKT_CONTAINER(w, struct skt_loop_io, w);
    unsigned ready = 0;
    if (revents & EV_READ)
        ready |= SKT_IO_READ;
    if (revents & EV_WRITE)
        ready |= SKT_IO_WRITE;
    if (revents & EV_ERROR) /* libev could not watch it and has stopped the watcher */
        ready |= SKT_IO_READ | SKT_IO_WRITE;
    io->fn(io, ready);
}

void skt_loop_io_init(struct skt_loop_io *io, int fd, void (*fn)(struct skt_loop_io *io, unsigned ready))
{
    ev_io_init(&io->w, on_io, fd, 0);
    io->fn = fn;
    skt_list_init(&io->resting);
    io->wanted = 0;
}

static bool is_resting(const struct skt_loop_io *io)
{
    return io->resting.next && !skt_list_empty(&io->resting);
}

void skt_loop_io_set(struct skt_loop *loop, struct skt_loop_io *io, unsigned events)
{
    if (skt_loop_io_events(io) == events)
        return;
    struct ev_loop *ev = skt_loop_ev(loop);
    if (is_resting(io)) {
        io->wanted = events;
        if (events == 0)
            skt_list_remove(&io->resting);
        return;
    }
    ev_io_stop(ev, &io->w);
    if (events == 0)
        return;
    int wanted = (events & SKT_IO_READ ? EV_READ : 0) | (events & SKT_IO_WRITE ? EV_WRITE : 0);
    ev_io_set(&io->w, io->w.fd, wanted);
    ev_io_start(ev, &io->w);
}

/* --- rest --- */

bool skt_io_lacks(int error)
{
    return error == ENOMEM || error == ENOBUFS;
}

bool skt_io_passes(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || skt_io_lacks(error);
}

void skt_loop_io_rest(struct skt_loop *loop, struct skt_loop_io *io)
{
    struct skt_loop_rest *rest = skt_loop_rest_of(loop);
    if (is_resting(io))
        return;
    io->wanted = skt_loop_io_events(io);
    ev_io_stop(skt_loop_ev(loop), &io->w);
    skt_list_append(&rest->ios, &io->resting);
    if (rest->until == SKT_NEVER)
        rest->until = skt_loop_now(loop) + rest_time;
}

void skt_loop_rest_expire(struct skt_loop *loop, skt_us now)
{
    struct skt_loop_rest *rest = skt_loop_rest_of(loop);
    if (now < rest->until)
        return;
    rest->until = SKT_NEVER;
    while (!skt_list_empty(&rest->ios)) {
        struct skt_loop_io *io = SKT_CONTAINER(rest->ios.next, struct skt_loop_io, resting);
        skt_list_remove(&io->resting);
        skt_loop_io_set(loop, io, io->wanted);
    }
}

/* --- signals --- */

static void on_signal(struct ev_loop *ev, ev_signal *w, int revents)
{
    (void)ev;
    (void)revents;
    struct skt_loop_signal *s = SKT_CONTAINER(w, struct skt_loop_signal, w);
    s->fn(s, w->signum);
}

void skt_loop_signal_start(struct skt_loop *loop, struct skt_loop_signal *s, int signum,
                           void (*fn)(struct skt_loop_signal *s, int signum))
{
    ev_signal_init(&s->w, on_signal, signum);
    s->fn = fn;
    ev_signal_start(skt_loop_ev(loop), &s->w);
}

void skt_loop_signal_stop(struct skt_loop *loop, struct skt_loop_signal *s)
{
    ev_signal_stop(skt_loop_ev(loop), &s->w);
}
