/* SPDX-License-Identifier: MIT */
#include "io/listener.h"

#include "base/err.h"
#include "base/log.h"
#include "io/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { ACCEPTS_A_TURN = 64 }; /* so that a flood of connections leaves others their turn */

/* How long a listener waits for descriptors: short enough for those who wait with it, long enough to cost
 * nothing. */
#define PAUSE (100 * SKT_US_PER_MS)

static void take_reserve(struct skt_listener *l)
{
    if (l->reserves && l->reserve < 0)
        l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void pause_accepting(struct skt_listener *l)
{
    skt_loop_io_set(l->loop, &l->io, 0);
    skt_loop_timer_set(l->loop, &l->retry, skt_loop_now(l->loop) + PAUSE);
}

static void on_retry(struct skt_loop_timer *t, skt_us now)
{
    struct skt_listener *l = SKT_CONTAINER(t, struct skt_listener, retry);
    (void)now;
    take_reserve(l);
    if (l->wanted)
        skt_loop_io_set(l->loop, &l->io, SKT_IO_READ);
}

/* A connection's descriptor, or an enum skt_err; then accepting is paused, unless there is just none. */
static int accept_one(struct skt_listener *l)
{
    int fd = skt_tcp_accept(l->io.w.fd, NULL);
    if (fd >= 0 || fd == SKT_ERR_AGAIN)
        return fd;
    skt_warn_rarely(0, "%s wait: %s", l->what, strerror(errno));
    if (fd == SKT_ERR_FULL && l->reserve >= 0) {
        close(l->reserve);
        l->reserve = -1;
        fd = skt_tcp_accept(l->io.w.fd, NULL);
    }
    pause_accepting(l);
    return fd;
}

static void on_readable(struct skt_loop_io *io, unsigned ready)
{
    struct skt_listener *l = SKT_CONTAINER(io, struct skt_listener, io);
    (void)ready;
    for (int i = 0; i < ACCEPTS_A_TURN && l->wanted && skt_loop_io_events(&l->io); i++) {
        int fd = accept_one(l);
        if (fd < 0)
            return;
        l->on_connection(l, fd);
    }
}

void skt_listener_init(struct skt_listener *l, struct skt_loop *loop, int fd, const char *what,
                       void (*on_connection)(struct skt_listener *l, int fd))
{
    *l = (struct skt_listener){.loop = loop, .reserve = -1, .what = what, .on_connection = on_connection};
    skt_loop_io_init(&l->io, fd, on_readable);
    skt_loop_timer_init(&l->retry, on_retry);
}

void skt_listener_keep_reserve(struct skt_listener *l)
{
    l->reserves = true;
    take_reserve(l);
}

void skt_listener_watch(struct skt_listener *l, bool on)
{
    l->wanted = on;
    if (!on || !skt_loop_timer_is_set(&l->retry)) /* else it pauses */
        skt_loop_io_set(l->loop, &l->io, on ? (unsigned)SKT_IO_READ : 0u);
}

void skt_listener_close(struct skt_listener *l)
{
    if (!skt_listener_is_open(l))
        return;
    l->wanted = false;
    skt_loop_io_set(l->loop, &l->io, 0);
    skt_loop_timer_stop(l->loop, &l->retry);
    close(l->io.w.fd);
    l->io.w.fd = -1;
    if (l->reserve >= 0)
        close(l->reserve);
    l->reserve = -1;
}
