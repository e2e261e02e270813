/* SPDX-License-Identifier: MIT */
#include "script/tcp_close.h"

#include "base/err.h"
#include "io/tcp.h"
#include "script/etcp.h"
#include "script/state.h"
#include "script/tcp_queue.h"

/* What TCP has delivered the loop does not tell. */
#define LINGER_LOOK (20 * SKT_US_PER_MS)

/* A listener is not to accept more while what its connections' beginnings and ends have sent waits. */
struct skt_script_source skt_script_tcp_event(const struct skt_script_tcp *c)
{
    if (c->etcp->server)
        return (struct skt_script_source){.kind = SKT_SOURCE_FEEDER, .feeder = &c->etcp->feeder};
    return (struct skt_script_source){.kind = SKT_SOURCE_EVENT};
}

/* The system drops what it has not delivered where a socket is closed with input unread. So that is read and
 * dropped, and the socket closed once the peer's system has all. */
void skt_script_tcp_linger(struct skt_script_tcp *c)
{
    struct skt_script *app = c->app;
    skt_us now = skt_loop_now(app->loop);
    int err = c->ended ? SKT_ERR_AGAIN : skt_tcp_conn_drop_input(c->conn);
    if (err == SKT_OK)
        c->ended = true;
    if (err == SKT_ERR_IO || (!c->queue.first && skt_tcp_unsent(skt_tcp_conn_fd(c->conn)) == 0)) {
        skt_tcp_conn_close(skt_script_tcp_release(c));
    } else if (now >= c->linger_until) {
        skt_script_tcp_abort(c);
    } else {
        skt_us look = c->queue.first ? c->linger_until : skt_us_min(c->linger_until, now + LINGER_LOOK);
        skt_loop_timer_set(app->loop, &c->timer, look);
        skt_script_tcp_watch(c);
    }
}

void skt_script_tcp_tell_close(struct skt_script_tcp *c)
{
    if (c->closing)
        return;
    c->closing = true;
    struct skt_script_call_arg args[] = {skt_arg_integer(c->number)};
    skt_script_deliver(c->app, skt_script_tcp_event(c), SKT_CB_TCP_CLOSE, args, 1, NULL);
}

void skt_script_tcp_close(struct skt_script_tcp *c, bool silent)
{
    struct skt_script *app = c->app;
    if (c->phase >= SKT_TCP_LINGERING)
        return;
    if (!silent)
        skt_script_tcp_tell_close(c);
    if (c->phase >= SKT_TCP_LINGERING)
        return; /* on_tcp_close has closed it */
    c->closing = true;
    if (c->phase != SKT_TCP_UP) {
        skt_script_tcp_abort(c);
        return;
    }
    c->phase = SKT_TCP_LINGERING;
    c->linger_until = skt_loop_now(app->loop) + SKT_TCP_LINGER_S * SKT_US_PER_SEC;
    skt_script_tcp_forget(c);
    skt_list_move_tail(&app->tcps.lingering, &c->link);
    skt_script_tcp_linger(c);
}

void skt_script_tcp_fail(struct skt_script_tcp *c)
{
    skt_script_tcp_drop_queue(c);
    skt_script_tcp_close(c, false);
}
