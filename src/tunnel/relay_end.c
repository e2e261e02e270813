/* SPDX-License-Identifier: MIT */
/* A reset has its place behind the data: what was read from TCP before it broke still reaches the peer, and
 * what the peer had sent before its reset still reaches TCP. Who takes nothing of it for a while does not
 * hold it any longer. */
#include "base/err.h"
#include "io/tcp.h"
#include "tunnel/relay_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECES = 64, DROP_LEN = 16 * 1024, DROPS_A_TURN = 16 };

/* What TCP has delivered, and the peer's acknowledgements, the loop does not tell of: it is looked at, less
 * often the longer nothing changes. */
#define LOOK_MIN_US (10 * SKT_US_PER_MS)

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static void close_socket(struct skt_relay *r)
{
    if (skt_relay_fd(r) < 0)
        return;
    skt_loop_io_set(r->set->loop, &r->io, 0);
    skt_list_remove(&r->blind);
    skt_tcp_reset(skt_relay_fd(r));
    r->io.w.fd = -1;
    skt_relay_return_fd(r);
}

/* The stream is gone. */
static void let_go(struct skt_relay *r)
{
    r->st = NULL;
    if (skt_relay_detach(r))
        return;
    skt_kcp_rest_drop(&r->rest);
    close_socket(r);
}

/* False: TCP is broken. */
static bool write_rest(struct skt_relay *r)
{
    r->blocked = false;
    while (!skt_kcp_rest_is_empty(&r->rest)) {
        struct iovec iov[PIECES];
        struct msghdr msg = {.msg_iov = iov};
        msg.msg_iovlen =
            (uint16_t)skt_kcp_rest_begin(&r->rest, iov, PIECES); /* an int here, a size_t there */
        ssize_t put = sendmsg(skt_relay_fd(r), &msg, MSG_NOSIGNAL);
        if (put < 0) {
            r->blocked = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
            return r->blocked;
        }
        skt_kcp_rest_consume(&r->rest, (size_t)put);
        r->to_tcp += (uint64_t)put;
    }
    return true;
}

/* What TCP and the peer have yet to take. */
static size_t undelivered(const struct skt_relay *r)
{
    size_t len = r->rest.end - r->rest.next;
    if (r->over && skt_relay_fd(r) >= 0)
        len += skt_tcp_unsent(skt_relay_fd(r));
    if (r->leaving && r->st)
        len += skt_kcp_backlog(skt_stream_kcp(r->st));
    return len;
}

void skt_relay_end_step(struct skt_relay *r)
{
    skt_us now = skt_loop_now(r->set->loop);
    bool to_write = skt_relay_fd(r) >= 0 && r->over;
    if (to_write && (r->broken || !write_rest(r))) {
        skt_kcp_rest_drop(&r->rest);
        close_socket(r);
    }
    size_t left = undelivered(r);
    if (left != r->undelivered)
        r->active = now;
    r->undelivered = left;
    if (left == 0 || now - r->active >= r->options.linger) {
        skt_relay_end(r);
        return;
    }
    if (skt_relay_fd(r) >= 0)
        skt_relay_watch(r);
    skt_us look = skt_us_min(skt_us_max((now - r->active) / 4, LOOK_MIN_US), SKT_US_PER_SEC);
    skt_loop_timer_set(r->set->loop, &r->timer, now + look);
}

void skt_relay_leave(struct skt_relay *r, int reason)
{
    struct skt_session *session = r->st->session;
    if (r->ending || r->leaving || r->over)
        return;
    r->leaving = true;
    close_socket(r);
    skt_loop_task_cancel(&r->more);
    r->active = skt_loop_now(r->set->loop);
    if (!skt_session_leave_stream(session, r->st, reason))
        let_go(r);
    skt_endpoint_touch(r->ep, session);
    skt_relay_end_step(r);
}

/* What the process itself ends has both: the peer gets what was read, TCP what has come. */
static void leave_both(struct skt_relay *r)
{
    if (r->connect || r->leaving || r->over || r->ending) {
        if (r->connect)
            skt_relay_abort(r, SKT_RESET_ABORT);
        return;
    }
    struct skt_session *session = r->st->session;
    r->leaving = r->over = true;
    r->held = r->blocked = false;
    r->active = skt_loop_now(r->set->loop);
    skt_loop_task_cancel(&r->more);
    if (!r->shut && skt_relay_fd(r) >= 0)
        skt_kcp_rest_take(&r->rest, skt_stream_kcp(r->st));
    if (!skt_session_leave_stream(session, r->st, SKT_RESET_ABORT))
        let_go(r);
    skt_endpoint_touch(r->ep, session);
    skt_relay_end_step(r);
}

void skt_relay_set_leave(struct skt_relay_set *set)
{
    struct skt_list batch;
    skt_list_init(&batch);
    while (!skt_list_empty(&set->relays))
        skt_list_move_tail(&batch, set->relays.next);
    while (!skt_list_empty(&batch)) {
        struct skt_relay *r = SKT_CONTAINER(batch.next, struct skt_relay, link);
        skt_list_move_tail(&set->relays, &r->link);
        leave_both(r);
    }
}

void skt_relay_on_over(struct skt_relay *r)
{
    struct skt_session *session = r->st->session;
    r->over = true;
    r->held = r->blocked = false;
    r->active = skt_loop_now(r->set->loop);
    skt_loop_task_cancel(&r->more);
    if (!r->shut && skt_relay_fd(r) >= 0)
        skt_kcp_rest_take(&r->rest, skt_stream_kcp(r->st));
    r->st->user = NULL;
    skt_session_release_stream(session, r->st);
    let_go(r);
    skt_endpoint_touch(r->ep, session);
    skt_relay_end_step(r);
}

void skt_relay_drop_input(struct skt_relay *r)
{
    uint8_t buf[DROP_LEN];
    for (int i = 0; i < DROPS_A_TURN && !r->tcp_ended; i++) {
        ssize_t n = recv(skt_relay_fd(r), buf, sizeof buf, 0);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return;
        if (n <= 0)
            r->tcp_ended = true;
        if (n < 0)
            r->broken = true;
    }
}
