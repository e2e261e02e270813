/* SPDX-License-Identifier: MIT */
/* A reset has its place behind the data: what was read from TCP before it broke still reaches the peer, and
 * what the peer had sent before its reset still reaches TCP. Who takes nothing of it for a while does not
 * hold it any longer. */
#include "tunnel/relay_end.h"

#include "base/err.h"
#include "io/tcp.h"

enum { PIECES = 64 }; /* segments a write: what relay_pump.c takes at most */

/* What TCP has delivered, and the peer's acknowledgements, the loop does not tell of: it is looked at, less
 * often the longer nothing changes. */
#define LOOK_MIN_US (10 * SKT_US_PER_MS)

static void reset_tcp(struct skt_relay *r)
{
    if (!r->conn)
        return;
    skt_list_remove(&r->blind);
    skt_tcp_conn_reset(r->conn);
    r->conn = NULL;
    skt_relay_charge_return_fd(&r->charge, r->ep);
}

/* The stream is gone. */
static void let_go(struct skt_relay *r)
{
    r->st = NULL;
    if (skt_relay_charge_end(&r->charge, r->ep))
        return;
    skt_kcp_rest_drop(&r->out.rest);
    reset_tcp(r);
}

/* False: TCP is broken. */
static bool write_rest(struct skt_relay *r)
{
    r->out.blocked = false;
    while (!skt_kcp_rest_is_empty(&r->out.rest)) {
        struct iovec iov[PIECES];
        int n = skt_kcp_rest_begin(&r->out.rest, iov, PIECES);
        ssize_t put = skt_tcp_conn_write(r->conn, iov, n);
        if (put < 0) {
            r->out.blocked = put == SKT_ERR_AGAIN;
            return r->out.blocked;
        }
        skt_kcp_rest_consume(&r->out.rest, (size_t)put);
        r->out.bytes += (uint64_t)put;
        skt_relay_count(r, SKT_TALLY_TO_TCP, (uint64_t)put);
    }
    return true;
}

/* What TCP and the peer have yet to take. */
static size_t undelivered(const struct skt_relay *r)
{
    size_t len = r->out.rest.end - r->out.rest.next;
    if (r->fate.over && r->conn)
        len += skt_tcp_unsent(skt_tcp_conn_fd(r->conn));
    if (r->fate.leaving && r->st)
        len += skt_kcp_backlog(skt_stream_kcp(r->st));
    return len;
}

void skt_relay_end_step(struct skt_relay *r)
{
    skt_us now = skt_loop_now(r->set->loop);
    bool to_write = r->conn && r->fate.over;
    if (to_write && (r->fate.broken || !write_rest(r))) {
        skt_kcp_rest_drop(&r->out.rest);
        reset_tcp(r);
    }
    size_t left = undelivered(r);
    if (left != r->fate.undelivered)
        r->active = now;
    r->fate.undelivered = left;
    if (left == 0 || now - r->active >= r->options.linger) {
        skt_relay_end(r);
        return;
    }
    if (r->conn)
        skt_relay_watch(r);
    skt_us look = skt_us_min(skt_us_max((now - r->active) / 4, LOOK_MIN_US), SKT_US_PER_SEC);
    skt_loop_timer_set(r->set->loop, &r->timer, now + look);
}

void skt_relay_leave(struct skt_relay *r, int reason)
{
    struct skt_session *session = r->st->session;
    if (r->fate.ending || r->fate.leaving || r->fate.over)
        return;
    r->fate.leaving = true;
    reset_tcp(r);
    skt_loop_task_cancel(&r->more);
    r->active = skt_loop_now(r->set->loop);
    if (!skt_session_leave_stream(session, r->st, reason))
        let_go(r);
    skt_endpoint_touch(r->ep, session);
    skt_relay_end_step(r);
}

void skt_relay_leave_both(struct skt_relay *r)
{
    if (r->connect || r->fate.leaving || r->fate.over || r->fate.ending) {
        if (r->connect)
            skt_relay_abort(r, SKT_RESET_ABORT);
        return;
    }
    struct skt_session *session = r->st->session;
    r->fate.leaving = r->fate.over = true;
    r->in.held = r->out.blocked = false;
    r->active = skt_loop_now(r->set->loop);
    skt_loop_task_cancel(&r->more);
    if (!r->out.shut && r->conn)
        skt_kcp_rest_take(&r->out.rest, skt_stream_kcp(r->st));
    if (!skt_session_leave_stream(session, r->st, SKT_RESET_ABORT))
        let_go(r);
    skt_endpoint_touch(r->ep, session);
    skt_relay_end_step(r);
}

void skt_relay_on_over(struct skt_relay *r)
{
    struct skt_session *session = r->st->session;
    r->fate.over = true;
    r->in.held = r->out.blocked = false;
    r->active = skt_loop_now(r->set->loop);
    skt_loop_task_cancel(&r->more);
    if (!r->out.shut && r->conn)
        skt_kcp_rest_take(&r->out.rest, skt_stream_kcp(r->st));
    r->st->user = NULL;
    skt_session_release_stream(session, r->st);
    let_go(r);
    skt_endpoint_touch(r->ep, session);
    skt_relay_end_step(r);
}

void skt_relay_drop_input(struct skt_relay *r)
{
    int err = r->in.ended ? SKT_ERR_AGAIN : skt_tcp_conn_drop_input(r->conn);
    if (err == SKT_ERR_AGAIN)
        return;
    r->in.ended = true;
    r->fate.broken |= err != SKT_OK;
}
