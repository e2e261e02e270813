/* SPDX-License-Identifier: MIT */
/* The streams of a session: made, reset, released. */
#include "base/err.h"
#include "proto/session/internal.h"

#include <stdlib.h>
#include <string.h>

enum { EXPIRE_MAX = 256 }; /* streams reset at a time, so that others have their turn */

int skt_streams_init(struct skt_session *s)
{
    skt_idmap_init(&s->streams.map);
    skt_list_init(&s->streams.news);
    skt_list_init(&s->streams.quiet);
    skt_list_init(&s->streams.unopened);
    skt_flows_init(s);
    s->streams.next_conv = s->client ? SKT_CONV_FIRST : SKT_CONV_FIRST + 1;
    int err = skt_replay_init(&s->streams.opened, SKT_CONV_WINDOW);
    if (err)
        return err;
    err = skt_kcp_init(&s->control, SKT_CONV_CONTROL, false, &s->path, &s->ctx->limits);
    if (err) {
        skt_replay_dispose(&s->streams.opened);
        return err;
    }
    err = skt_kcp_init(&s->messages.kcp, SKT_CONV_MESSAGE, false, &s->path, &s->ctx->limits);
    if (err) {
        skt_kcp_dispose(&s->control);
        skt_replay_dispose(&s->streams.opened);
    }
    return err;
}

void skt_streams_queue_stateless_ack(struct skt_session *s, const struct skt_kcp_header *h)
{
    if (h->cmd == SKT_KCP_CMD_PUSH && s->streams.stateless_count < SKT_STATELESS_ACKS_MAX)
        s->streams.stateless[s->streams.stateless_count++] =
            (struct skt_kcp_stateless){.conv = h->conv, .sn = h->sn, .ts = h->ts};
}

static void dispose_stream(struct skt_session *s, struct skt_stream *st)
{
    struct skt_account *a = &s->path.account;
    skt_list_remove(&st->link);
    skt_kcp_dispose(&st->kcp);
    skt_account_free(a, st->name, (size_t)st->name_len + 1 + st->to_len);
    skt_account_free(a, st, SKT_STREAM_LEN);
}

void skt_stream_free(struct skt_session *s, struct skt_stream *st)
{
    const struct skt_kcp *k = &st->kcp;
    if (k->owed.newest) { /* the acknowledgement of the last segment outlives the conversation */
        struct skt_kcp_header last = {
            .conv = st->conv, .cmd = SKT_KCP_CMD_PUSH, .sn = k->rcv.nxt - 1, .ts = k->owed.newest_ts};
        skt_streams_queue_stateless_ack(s, &last);
    }
    skt_trace_tell(&s->path.trace, closed, s->path.now, st->conv, st->reset, st->reset_reason);
    skt_idmap_remove(&s->streams.map, st->conv);
    s->streams.peer_count -= st->by_peer;
    dispose_stream(s, st);
}

void skt_streams_dispose(struct skt_session *s)
{
    uint32_t pos = 0;
    struct skt_stream *st;
    while ((st = skt_idmap_next(&s->streams.map, &pos)) != NULL)
        dispose_stream(s, st);
    skt_idmap_dispose(&s->streams.map);
    skt_resets_dispose(s);
    skt_flows_dispose(s);
    skt_kcp_dispose(&s->control);
    skt_kcp_dispose(&s->messages.kcp);
    skt_replay_dispose(&s->streams.opened);
}

void skt_stream_add_news(struct skt_session *s, struct skt_stream *st, unsigned news)
{
    if (news && !st->news)
        skt_list_move_tail(&s->streams.news, &st->link);
    st->news |= news;
}

int skt_stream_new(struct skt_session *s, skt_us now, uint32_t conv, bool by_peer, struct skt_stream **out)
{
    struct skt_account *a = &s->path.account;
    struct skt_stream *st = skt_account_alloc(a, SKT_STREAM_LEN, false);
    if (!st)
        return SKT_ERR_NOMEM;
    int err = skt_kcp_init(&st->kcp, conv, true, &s->path, &s->ctx->limits);
    if (!err)
        err = skt_idmap_put(&s->streams.map, conv, st);
    if (err) {
        if (st->kcp.path)
            skt_kcp_dispose(&st->kcp);
        skt_account_free(a, st, SKT_STREAM_LEN);
        return err;
    }
    st->session = s;
    st->conv = conv;
    st->by_peer = by_peer;
    st->opened = !by_peer;
    st->header_until = skt_us_add(now, SKT_STREAM_HEADER_TIME);
    skt_list_init(&st->link);
    skt_list_append(by_peer ? &s->streams.unopened : &s->streams.quiet, &st->link);
    s->streams.peer_count += by_peer;
    skt_trace_tell(&s->path.trace, opened, now, conv, by_peer);
    *out = st;
    return SKT_OK;
}

/* --- ending --- */

void skt_session_reset_stream(struct skt_session *s, struct skt_stream *st, int reason)
{
    /* Without memory for it the peer learns from our silence about the stream; its idle limits end it. */
    if (!st->reset && s->state != SKT_SESSION_CLOSED)
        (void)skt_resets_add(s, st->conv, reason, true);
    skt_stream_free(s, st);
}

void skt_streams_refuse(struct skt_session *s, uint32_t conv, int reason)
{
    if (skt_resets_add(s, conv, reason, false))
        skt_replay_commit(&s->streams.opened, conv / 2);
}

skt_us skt_streams_expiry(const struct skt_session *s)
{
    if (skt_list_empty(&s->streams.unopened))
        return SKT_NEVER;
    return SKT_CONTAINER(s->streams.unopened.next, struct skt_stream, link)->header_until;
}

void skt_streams_expire(struct skt_session *s, skt_us now)
{
    for (unsigned n = 0; n < EXPIRE_MAX && skt_streams_expiry(s) <= now; n++)
        skt_session_reset_stream(s, SKT_CONTAINER(s->streams.unopened.next, struct skt_stream, link),
                                 SKT_RESET_TIMEOUT);
}

bool skt_session_leave_stream(struct skt_session *s, struct skt_stream *st, int reason)
{
    bool told = !st->reset && s->state != SKT_SESSION_CLOSED &&
                skt_resets_add_end(s, st->conv, reason, skt_kcp_end(&st->kcp));
    if (!told || skt_kcp_drained(&st->kcp)) {
        skt_stream_free(s, st);
        return false;
    }
    st->leaving = true;
    return true;
}

void skt_session_release_stream(struct skt_session *s, struct skt_stream *st)
{
    bool done = st->reset || ((skt_kcp_at_end(&st->kcp) || st->leaving) && skt_kcp_drained(&st->kcp));
    if (done)
        skt_stream_free(s, st);
    else
        skt_session_reset_stream(s, st, SKT_RESET_ABORT);
}

bool skt_stream_check_end(struct skt_session *s, struct skt_stream *st)
{
    if (!st->has_end || st->reset || !skt_kcp_has_come(&st->kcp, st->end_sn))
        return true;
    if (!st->opened && !skt_stream_read_header(s, st))
        return false;
    bool known = st->opened;
    skt_stream_mark_reset(s, st, st->reset_reason);
    return known;
}

void skt_stream_end_at(struct skt_session *s, struct skt_stream *st, int reason, uint32_t end_sn)
{
    if (st->has_end || st->reset)
        return;
    st->has_end = true;
    st->end_sn = end_sn;
    st->reset_reason = (uint8_t)reason;
    if (st->leaving) { /* neither end has anybody left to deliver to */
        skt_stream_mark_reset(s, st, reason);
        return;
    }
    if (skt_stream_check_end(s, st) && st->opened && !st->reset)
        skt_stream_add_news(s, st, SKT_STREAM_DEAF);
}

void skt_stream_mark_reset(struct skt_session *s, struct skt_stream *st, int reason)
{
    if (st->reset)
        return;
    st->reset = true;
    st->reset_reason = (uint8_t)reason;
    if (!st->opened)
        skt_stream_free(s, st); /* nobody knows of it yet */
    else
        skt_stream_add_news(s, st, SKT_STREAM_RESET);
}

int skt_streams_restart(struct skt_session *s, skt_us now)
{
    skt_flows_restart(s);
    skt_resets_dispose(s);
    skt_kcp_dispose(&s->control);
    skt_kcp_dispose(&s->messages.kcp);
    skt_replay_dispose(&s->streams.opened);
    int err = skt_replay_init(&s->streams.opened, SKT_CONV_WINDOW);
    if (!err)
        err = skt_kcp_init(&s->control, SKT_CONV_CONTROL, false, &s->path, &s->ctx->limits);
    if (!err)
        err = skt_kcp_init(&s->messages.kcp, SKT_CONV_MESSAGE, false, &s->path, &s->ctx->limits);
    uint32_t pos = 0;
    struct skt_stream *st;
    while ((st = skt_idmap_next(&s->streams.map, &pos)) != NULL) {
        /* A stream that the old server never answered is as good as not yet opened: it goes to the new one.
         */
        if (!st->by_peer && !st->leaving && !skt_kcp_heard(&st->kcp))
            skt_kcp_resend_all(&st->kcp, now);
        else if (st->opened)
            skt_stream_mark_reset(s, st, SKT_RESET_ABORT);
    }
    return err;
}

struct skt_stream *skt_session_next_stream(struct skt_session *s, unsigned *events)
{
    /* With the session all its streams are reset; that is said of one after the other, as they are fetched,
     * for they may be many. */
    bool ended = s->state == SKT_SESSION_CLOSED;
    struct skt_list *from = ended && skt_list_empty(&s->streams.news) ? &s->streams.quiet : &s->streams.news;
    if (skt_list_empty(from))
        return NULL;
    struct skt_stream *st = SKT_CONTAINER(from->next, struct skt_stream, link);
    if (ended && !st->reset)
        skt_stream_mark_reset(s, st, SKT_RESET_ABORT);
    if (st->reset)
        skt_kcp_take_all(&st->kcp); /* nothing will go on with what has come */
    /* Who still reads one that was reset before has to let go now. */
    *events = st->news | (ended ? SKT_STREAM_RESET : 0);
    st->news = 0;
    skt_list_remove(&st->link);
    if (!ended)
        skt_list_append(&s->streams.quiet, &st->link);
    return st;
}
