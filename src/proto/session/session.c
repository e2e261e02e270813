/* SPDX-License-Identifier: MIT */
/* A session's life, from new to free. */
#include "base/err.h"
#include "base/wipe.h"
#include "proto/session/internal.h"

#include <stdlib.h>
#include <string.h>

enum { SESSION_LEN = sizeof(struct skt_session) + SKT_SESSION_EXTRA }; /* charged to its account */

int skt_session_new(struct skt_session **out, struct skt_context *ctx, bool client, skt_us now)
{
    struct skt_session *s = calloc(1, sizeof *s);
    if (!s)
        return SKT_ERR_NOMEM;
    s->slot.kind = SKT_SLOT_SESSION;
    s->ctx = ctx;
    s->client = client;
    s->state = SKT_SESSION_IDLE;
    s->created = s->liveness.heard = now;
    s->liveness.unanswered = s->liveness.ping_at = SKT_NEVER;
    s->liveness.keepalive = ctx->tuning.keepalive_s * SKT_US_PER_SEC;
    skt_keys_init(&s->keys);
    skt_mtu_init(&s->mtu);
    skt_path_init(&s->path, ctx->pool, ctx->cc, skt_session_payload_limit(s->mtu.current, false), now);
    skt_path_set_tuning(&s->path, now, &ctx->tuning);
    bool charged = skt_account_charge(&s->path.account, SESSION_LEN);
    int err = charged ? skt_connect_init(&s->connect, client) : SKT_ERR_NOMEM;
    if (!err)
        err = ctx->crypto->random(&s->rng, sizeof s->rng);
    s->rng |= 1; /* the generator's state must not be 0 */
    if (!err)
        err = skt_streams_init(s);
    if (err) {
        if (charged)
            skt_account_release(&s->path.account, SESSION_LEN);
        skt_connect_dispose(s);
        skt_path_dispose(&s->path);
        free(s);
        return err;
    }
    skt_session_set_trace(s, now, &ctx->trace);
    *out = s;
    return SKT_OK;
}

int skt_session_new_client(struct skt_session **out, struct skt_context *ctx, skt_us now)
{
    return skt_session_new(out, ctx, true, now);
}

void skt_session_free(struct skt_session *s)
{
    if (!s)
        return;
    skt_connect_dispose(s);
    skt_streams_dispose(s);
    skt_parity_dispose(s);
    skt_pieces_dispose(s);
    skt_keys_drop_all(&s->keys);
    skt_session_drop_keys(s);
    skt_account_free(&s->path.account, s->messages.buf, s->messages.buf_len);
    skt_account_release(&s->path.account, SESSION_LEN);
    skt_path_dispose(&s->path);
    free(s->stash);
    skt_trace_tell(&s->path.trace, end, s->path.now);
    skt_wipe(s->ticket, sizeof s->ticket);
    skt_wipe(s->resume, sizeof s->resume);
    skt_wipe(s->resume_confirmed, sizeof s->resume_confirmed);
    free(s);
}

/* The end of a session, whoever wished it: nothing is received any more, streams are reset as their owners
 * are told (skt_session_next_stream). */
void skt_session_end(struct skt_session *s, int reason)
{
    if (s->state == SKT_SESSION_CLOSED)
        return;
    skt_session_mark_closed(s, reason);
    skt_connect_cancel(s);
}

void skt_session_close(struct skt_session *s, skt_us now, int reason)
{
    if (s->state == SKT_SESSION_CLOSED)
        return;
    skt_session_end(s, reason);
    if (skt_keys_sending(&s->keys, now))
        s->due.set = SKT_DUE_CLOSE;
}

void skt_session_set_trace(struct skt_session *s, skt_us now, const struct skt_trace *trace)
{
    struct skt_trace *t = &s->path.trace;
    skt_trace_tell(t, end, now);
    *t = (struct skt_trace){0};
    void *user = trace && trace->on ? trace->on->begin(trace->user, now, s->client) : NULL;
    if (!user)
        return;
    *t = (struct skt_trace){trace->on, user};
    skt_session_tell_state(s);
    if (s->peer.family)
        t->on->path(user, now, &s->peer);
    t->on->mtu(user, now, s->mtu.current);
}

unsigned skt_session_take_events(struct skt_session *s)
{
    unsigned events = s->events;
    s->events = 0;
    return events;
}

void skt_session_set_user(struct skt_session *s, void *user)
{
    s->user = user;
}

void *skt_session_user(const struct skt_session *s)
{
    return s->user;
}

void skt_session_set_probing(struct skt_session *s, bool on)
{
    s->probing = on;
}
