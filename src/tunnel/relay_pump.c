/* SPDX-License-Identifier: MIT */
/* Moving bytes between TCP and the stream. Both directions are bounded per event, so that one busy connection
 * leaves the others their turn. */
#include "tunnel/relay_pump.h"

#include "base/err.h"
#include "tunnel/relay_end.h"
#include "tunnel/relay_log.h"

#include <sys/uio.h>

enum {
    BUDGET_LEN = 256 * 1024, /* bytes moved in one direction by one event: three of the largest reads */
    PIECES_MIN = 4,          /* segments offered to a read: 5 KiB, for who says little at a time */
    PIECES_MAX = 64,         /* 90 KiB, and a KiB of the stack for where they are */
};

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
    r->in.told = skt_kcp_finish(skt_stream_kcp(r->st)) == SKT_OK;
    touch(r);
}

/* After every event. What TCP had before it broke is read first. Once both directions of TCP have ended the
 * socket is done, though the stream may still have to be acknowledged. */
static void settle(struct skt_relay *r)
{
    if (r->fate.leaving || r->fate.over) {
        skt_relay_end_step(r);
        return;
    }
    if (r->fate.broken && (r->in.ended || r->in.deaf)) {
        if (r->in.deaf)
            skt_relay_abort(r, SKT_RESET_ABORT); /* nobody is left on either side */
        else
            skt_relay_leave(r, SKT_RESET_ABORT);
        return;
    }
    if (r->fate.broken) /* what is left to read waits for room */
        skt_loop_timer_set(r->set->loop, &r->timer, skt_us_add(r->active, r->options.linger));
    if (r->in.ended && !r->in.told && !r->in.deaf)
        finish_stream(r);
    if (r->in.ended && r->out.shut && !r->in.deaf && r->conn) {
        skt_tcp_conn_close(r->conn);
        r->conn = NULL;
        skt_relay_charge_return_fd(&r->charge, r->ep);
    }
    if (r->in.told && r->out.shut && skt_kcp_drained(skt_stream_kcp(r->st)))
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
    int n = skt_kcp_write_begin(k, iov, r->in.pieces);
    if (n == 0) {
        r->in.held = true;
        return 0;
    }
    size_t room = iov_total(iov, n);
    ssize_t got = skt_tcp_conn_read(r->conn, iov, n);
    skt_kcp_write_commit(k, got > 0 ? (size_t)got : 0);
    if (got == 0)
        r->in.ended = true;
    if (got < 0)
        return got == SKT_ERR_AGAIN ? 0 : got;
    *more = (size_t)got == room;
    if (*more && r->in.pieces < PIECES_MAX)
        r->in.pieces = (uint8_t)(r->in.pieces * 2);
    else if ((size_t)got < room / 4 && r->in.pieces > PIECES_MIN)
        r->in.pieces = (uint8_t)(r->in.pieces / 2);
    return got;
}

static void pump_in(struct skt_relay *r)
{
    size_t moved = 0;
    bool more = true;
    while ((more || r->fate.broken) && !r->in.ended && moved < BUDGET_LEN) {
        ssize_t got = read_once(r, &more);
        if (got < 0) {
            r->fate.broken = r->in.ended = true;
            break;
        }
        if (got == 0)
            break;
        moved += (size_t)got;
    }
    if (moved > 0) {
        note_bytes(r, &r->in.bytes, moved);
        skt_relay_count(r, SKT_TALLY_FROM_TCP, moved);
        touch(r);
    }
    if (!r->fate.broken || r->in.ended || r->in.held)
        return;
    if (moved >= BUDGET_LEN)
        skt_loop_defer(r->set->loop, &r->more); /* no event tells of what is left */
    else
        r->in.ended = true; /* a broken socket has nothing more to wait for */
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
    ssize_t put = skt_tcp_conn_write(r->conn, iov, n);
    if (put < 0) {
        r->out.blocked = put == SKT_ERR_AGAIN;
        return r->out.blocked ? 0 : put;
    }
    skt_kcp_read_consume(k, (size_t)put);
    r->out.blocked = (size_t)put < iov_total(iov, n);
    return put;
}

/* False: TCP is broken. */
static bool pump_out(struct skt_relay *r)
{
    size_t moved = 0;
    ssize_t put = 1;
    r->out.blocked = false;
    while (put > 0 && !r->out.blocked && moved < BUDGET_LEN) {
        put = write_once(r);
        if (put < 0)
            return false;
        moved += (size_t)put;
    }
    if (moved > 0) {
        note_bytes(r, &r->out.bytes, moved);
        skt_relay_count(r, SKT_TALLY_TO_TCP, moved);
        touch(r); /* the window has opened */
    }
    if (put > 0 && !r->out.blocked) {
        skt_loop_defer(r->set->loop, &r->more);
    } else if (!r->out.shut && skt_kcp_at_end(skt_stream_kcp(r->st))) {
        r->out.shut = true;
        skt_tcp_conn_shut(r->conn);
    }
    return true;
}

/* What TCP broke with may still have bytes before it: they are read. */
static void push_out(struct skt_relay *r)
{
    if (r->out.shut || r->fate.broken || r->fate.over || !r->conn)
        return;
    if (pump_out(r))
        return;
    r->fate.broken = true;
    r->out.blocked = false;
}

/* Reads what may be read, now that there is room or TCP has something. */
static void pull_in(struct skt_relay *r)
{
    if (r->in.ended || r->in.held || !r->conn)
        return;
    if (r->in.deaf || r->fate.over)
        skt_relay_drop_input(r);
    else
        pump_in(r);
}

/* --- events --- */

void skt_relay_on_tcp(void *owner, unsigned ready)
{
    struct skt_relay *r = owner;
    if (ready & SKT_IO_WRITE)
        push_out(r);
    if (ready & SKT_IO_READ || r->fate.broken)
        pull_in(r);
    settle(r);
}

void skt_relay_on_more(struct skt_loop_task *t, skt_us now)
{
    (void)now;
    struct skt_relay *r = SKT_CONTAINER(t, struct skt_relay, more);
    push_out(r);
    if (r->fate.broken)
        pull_in(r);
    settle(r);
}

/* The stream is over. While the target is not connected yet it may still be told what came before. */
static void on_stream_reset(struct skt_relay *r)
{
    int reason = r->st->reset_reason;
    bool closed = skt_session_state(r->st->session) == SKT_SESSION_CLOSED;
    r->fate.refused = reason != SKT_RESET_ABORT && r->out.bytes == 0;
    if (r->fate.refused && !r->st->by_peer)
        skt_relay_log_refused(r, reason);
    if (r->connect && !closed && skt_stream_has_unread(r->st))
        return; /* skt_relay_start comes back to it */
    if (r->connect || r->fate.leaving)
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
    if (st->has_end && !r->in.deaf) {
        r->in.deaf = true;
        r->in.held = false;
    }
    if (events & SKT_KCP_WRITABLE && r->in.held) {
        r->in.held = false;
        pull_in(r);
    }
    if (events & SKT_KCP_READABLE && !r->out.blocked)
        push_out(r);
    if (r->fate.broken)
        pull_in(r);
    settle(r);
}

void skt_relay_retry(struct skt_relay *r)
{
    if (!r->in.ended) {
        r->in.held = false;
        pull_in(r);
    }
    settle(r);
}
