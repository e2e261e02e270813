/* SPDX-License-Identifier: MIT */
#include "script/tcp_events.h"

#include "base/err.h"
#include "script/hold.h"
#include "script/state.h"
#include "script/tcp_close.h"
#include "script/tcp_queue.h"

#include <stdlib.h>

enum { READS_A_TURN = 4 }; /* so that one busy connection leaves the others their turn */

/* One read; false: no more now. */
static bool read_once(struct skt_script_tcp *c)
{
    struct skt_script *app = c->app;
    struct skt_script_tcps *tcps = &app->tcps;
    size_t cap = (size_t)app->conf->table.tcp_read_buf_size;
    if (!tcps->read_buf)
        tcps->read_buf = malloc(cap);
    if (!tcps->read_buf) {
        skt_loop_io_rest(app->loop, &c->conn->io);
        return false;
    }
    const struct iovec iov = {tcps->read_buf, cap};
    ssize_t n = skt_tcp_conn_read(c->conn, &iov, 1);
    if (n == SKT_ERR_AGAIN)
        return false;
    if (n < 0)
        skt_script_tcp_fail(c);
    if (n == 0)
        skt_script_tcp_close(c, false);
    if (n <= 0)
        return false;
    c->active = skt_loop_now(app->loop);
    struct skt_script_call_arg args[] = {skt_arg_integer(c->number),
                                         skt_arg_string(tcps->read_buf, (size_t)n)};
    struct skt_script_source source = {.kind = SKT_SOURCE_FEEDER, .feeder = &c->feeder};
    skt_script_deliver(app, source, SKT_CB_TCP_RECV, args, 2, NULL);
    return c->phase == SKT_TCP_UP && c->feeder.holds == 0;
}

static void on_writable(struct skt_script_tcp *c)
{
    skt_script_tcp_flush(c);
    if (c->queue.len > SKT_TCP_MARK / 2)
        return;
    skt_script_hold_release(c->app, c);
    if (c->blocked && c->phase == SKT_TCP_UP) {
        struct skt_script_call_arg args[] = {skt_arg_integer(c->number)};
        c->blocked = false;
        skt_script_call_callback(&c->app->lua, SKT_CB_TCP_ROOM, args, 1, NULL);
    }
}

static void on_ready(void *owner, unsigned ready)
{
    struct skt_script_tcp *c = owner;
    if (ready & SKT_IO_WRITE)
        on_writable(c);
    if (c->phase == SKT_TCP_LINGERING) {
        skt_script_tcp_linger(c);
        return;
    }
    if (c->phase == SKT_TCP_UP && (ready & SKT_IO_READ) && c->feeder.holds == 0) {
        for (int i = 0; i < READS_A_TURN && c->phase == SKT_TCP_UP && read_once(c); i++)
            ;
    }
    skt_script_tcp_watch(c);
}

/* As the relay does: nothing moved for the limit, so nothing of it is waited for. */
static void on_idle(struct skt_script_tcp *c, skt_us now)
{
    skt_us due = skt_us_add(c->active, skt_script_tcp_idle_limit(c->app));
    if (now < due)
        skt_loop_timer_set(c->app->loop, &c->timer, due);
    else
        skt_script_tcp_fail(c);
}

static void on_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_script_tcp *c = SKT_CONTAINER(t, struct skt_script_tcp, timer);
    if (c->phase == SKT_TCP_LINGERING)
        skt_script_tcp_linger(c);
    else
        on_idle(c, now);
}

void skt_script_tcp_up(struct skt_script_tcp *c, struct skt_tcp_conn *conn)
{
    struct skt_script *app = c->app;
    c->conn = conn;
    skt_tcp_conn_own(conn, on_ready, c);
    c->phase = SKT_TCP_UP;
    c->active = skt_loop_now(app->loop);
    skt_loop_timer_init(&c->timer, on_timer);
    skt_loop_timer_set(app->loop, &c->timer, skt_us_add(c->active, skt_script_tcp_idle_limit(app)));
}
