/* SPDX-License-Identifier: MIT */
/* Moving bytes between TCP and the stream. Both directions are bounded per event, so that one busy connection
 * leaves the others their turn. */
#include "base/err.h"
#include "tunnel/relay_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    BUDGET_LEN = 256 * 1024, /* bytes moved in one direction by one event */
    PIECES_MIN = 4,
    PIECES_MAX = 64,
};

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE is set where this is missing */
#endif

static size_t iov_total(const struct iovec *iov, int n)
{
    size_t total = 0;
    for (int i = 0; i < n; i++)
        total += iov[i].iov_len;
    return total;
}

static void touch(struct skt_relay *r)
{
    skt_endpoint_touch(r->ep, r->st->session);
}

static void note_bytes(struct skt_relay *r, uint64_t *counter, size_t len)
{
    *counter += len;
    r->active = skt_loop_now(r->set->loop);
}

/* Tells the stream that TCP has ended; without memory for it now, the next event or the sweep tries again. */
static void finish_stream(struct skt_relay *r)
{
    r->finished = skt_kcp_finish(skt_stream_kcp(r->st)) == SKT_OK;
    touch(r);
}

/* After every event. What TCP had before it broke is read first. Once both directions of TCP have ended the
 * socket is done, though the stream may still have to be acknowledged. */
static void settle(struct skt_relay *r)
{
    if (r->leaving || r->over) {
        skt_relay_end_step(r);
        return;
    }
    if (r->broken && (r->tcp_ended || r->deaf)) {
        if (r->deaf)
            skt_relay_abort(r, SKT_RESET_ABORT); /* nobody is left on either side */
        else
            skt_relay_leave(r, SKT_RESET_ABORT);
        return;
    }
    if (r->broken) /* what is left to read waits for room */
        skt_loop_timer_set(r->set->loop, &r->timer, skt_us_add(r->active, r->options.linger));
    if (r->tcp_ended && !r->finished && !r->deaf)
        finish_stream(r);
    if (r->tcp_ended && r->shut && !r->deaf && skt_relay_fd(r) >= 0) {
        skt_loop_io_set(r->set->loop, &r->io, 0);
        close(skt_relay_fd(r));
        r->io.w.fd = -1;
        skt_relay_return_fd(r);
    }
    if (r->finished && r->shut && skt_kcp_drained(skt_stream_kcp(r->st)))
        skt_relay_end(r);
    else
        skt_relay_watch(r);
}

/* --- TCP to the stream --- */

/* One read into the room of the stream's segments: bytes; 0: none now (held, ended or EAGAIN); < 0: TCP is
 * broken. *more: there may be more to read. */
static ssize_t read_once(struct skt_relay *r, bool *more)
{
    struct iovec iov[PIECES_MAX];
    struct skt_kcp *k = skt_stream_kcp(r->st);
    *more = false;
    int n = skt_kcp_write_begin(k, iov, r->pieces);
    if (n == 0) {
        r->held = true;
        return 0;
    }
    size_t room = iov_total(iov, n);
    ssize_t got = readv(skt_relay_fd(r), iov, n);
    int error = errno;
    skt_kcp_write_commit(k, got > 0 ? (size_t)got : 0);
    if (got == 0)
        r->tcp_ended = true;
    if (got < 0 && skt_io_lacks(error))
        skt_loop_io_rest(r->set->loop, &r->io);
    if (got < 0)
        return skt_io_passes(error) ? 0 : -1;
    *more = (size_t)got == room;
    if (*more && r->pieces < PIECES_MAX)
        r->pieces = (uint8_t)(r->pieces * 2);
    else if ((size_t)got < room / 4 && r->pieces > PIECES_MIN)
        r->pieces = (uint8_t)(r->pieces / 2);
    return got;
}

static void pump_in(struct skt_relay *r)
{
    size_t moved = 0;
    bool more = true;
    while ((more || r->broken) && !r->tcp_ended && moved < BUDGET_LEN) {
        ssize_t got = read_once(r, &more);
        if (got < 0) {
            r->broken = r->tcp_ended = true;
            break;
        }
        if (got == 0)
            break;
        moved += (size_t)got;
    }
    if (moved > 0) {
        note_bytes(r, &r->to_stream, moved);
        touch(r);
    }
    if (!r->broken || r->tcp_ended || r->held)
        return;
    if (moved >= BUDGET_LEN)
        skt_loop_defer(r->set->loop, &r->more); /* no event tells of what is left */
    else
        r->tcp_ended = true; /* a broken socket has nothing more to wait for */
}

/* --- the stream to TCP --- */

/* One write of what is in order: bytes; 0: nothing to write, or TCP is full (blocked); < 0: TCP is broken. */
static ssize_t write_once(struct skt_relay *r)
{
    struct iovec iov[PIECES_MAX];
    struct skt_kcp *k = skt_stream_kcp(r->st);
    int n = skt_kcp_read_begin(k, iov, PIECES_MAX);
    if (n == 0)
        return 0;
    struct msghdr msg = {.msg_iov = iov};
    msg.msg_iovlen = (uint16_t)n; /* an int here, a size_t there */
    ssize_t put = sendmsg(skt_relay_fd(r), &msg, MSG_NOSIGNAL);
    if (put < 0) {
        if (!skt_io_passes(errno))
            return -1;
        if (skt_io_lacks(errno))
            skt_loop_io_rest(r->set->loop, &r->io);
        r->blocked = true;
        return 0;
    }
    skt_kcp_read_consume(k, (size_t)put);
    r->blocked = (size_t)put < iov_total(iov, n);
    return put;
}

/* False: TCP is broken. */
static bool pump_out(struct skt_relay *r)
{
    size_t moved = 0;
    ssize_t put = 1;
    r->blocked = false;
    while (put > 0 && !r->blocked && moved < BUDGET_LEN) {
        put = write_once(r);
        if (put < 0)
            return false;
        moved += (size_t)put;
    }
    if (moved > 0) {
        note_bytes(r, &r->to_tcp, moved);
        touch(r); /* the window has opened */
    }
    if (put > 0 && !r->blocked) {
        skt_loop_defer(r->set->loop, &r->more);
    } else if (!r->shut && skt_kcp_at_end(skt_stream_kcp(r->st))) {
        r->shut = true;
        shutdown(skt_relay_fd(r), SHUT_WR); /* fails only where TCP is gone, which reading tells */
    }
    return true;
}

/* What TCP broke with may still have bytes before it: they are read. */
static void push_out(struct skt_relay *r)
{
    if (r->shut || r->broken || r->over || skt_relay_fd(r) < 0)
        return;
    if (pump_out(r))
        return;
    r->broken = true;
    r->blocked = false;
}

/* Reads what may be read, now that there is room or TCP has something. */
static void pull_in(struct skt_relay *r)
{
    if (r->tcp_ended || r->held || skt_relay_fd(r) < 0)
        return;
    if (r->deaf || r->over)
        skt_relay_drop_input(r);
    else
        pump_in(r);
}

/* --- events --- */

void skt_relay_on_tcp(struct skt_loop_io *io, unsigned ready)
{
    struct skt_relay *r = SKT_CONTAINER(io, struct skt_relay, io);
    if (ready & SKT_IO_WRITE)
        push_out(r);
    if (ready & SKT_IO_READ || r->broken)
        pull_in(r);
    settle(r);
}

void skt_relay_on_more(struct skt_loop_task *t, skt_us now)
{
    (void)now;
    struct skt_relay *r = SKT_CONTAINER(t, struct skt_relay, more);
    push_out(r);
    if (r->broken)
        pull_in(r);
    settle(r);
}

/* The stream is over. While the target is not connected yet it may still be told what came before. */
static void on_stream_reset(struct skt_relay *r)
{
    int reason = r->st->reset_reason;
    bool closed = skt_session_state(r->st->session) == SKT_SESSION_CLOSED;
    r->refused = reason != SKT_RESET_ABORT && r->to_tcp == 0;
    if (r->refused && !r->st->by_peer)
        skt_relay_log_refused(r, reason);
    if (r->connect && !closed && skt_stream_has_unread(r->st))
        return; /* skt_relay_start comes back to it */
    if (r->connect || r->leaving)
        skt_relay_abort(r, reason);
    else
        skt_relay_on_over(r);
}

void skt_relay_on_news(struct skt_stream_owner *owner, struct skt_stream *st, unsigned events)
{
    struct skt_relay *r = SKT_CONTAINER(owner, struct skt_relay, owner);
    if (events & SKT_STREAM_RESET || (st->reset && !r->connect)) {
        on_stream_reset(r);
        return;
    }
    if (r->connect)
        return; /* what the stream has waits in its window until there is a socket */
    if (st->has_end && !r->deaf) {
        r->deaf = true;
        r->held = false;
    }
    if (events & SKT_KCP_WRITABLE && r->held) {
        r->held = false;
        pull_in(r);
    }
    if (events & SKT_KCP_READABLE && !r->blocked)
        push_out(r);
    if (r->broken)
        pull_in(r);
    settle(r);
}

void skt_relay_retry(struct skt_relay *r)
{
    if (!r->tcp_ended) {
        r->held = false;
        pull_in(r);
    }
    settle(r);
}
