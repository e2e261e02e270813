/* SPDX-License-Identifier: MIT */
/* How relays begin, and the client's side of it. */
#include "tunnel/relay.h"

#include "base/err.h"
#include "tunnel/relay_end.h"
#include "tunnel/relay_log.h"
#include "tunnel/relay_pump.h"
#include "tunnel/relay_start.h"

#include <stdlib.h>
#include <string.h>

enum { PIECES_FIRST = 8 }; /* 11 KiB: a first request or answer in one read, without segments for much more */

/* A session is suspect within a second or three round trips; connections that it never answered have until
 * then. */
#define UNHEARD_US      (4 * SKT_US_PER_SEC)
#define UNHEARD_LOOK_US (500 * SKT_US_PER_MS)

/* A connection of the last moments before the server fell silent would hang until the session is given up: it
 * is reset while whoever made it can still try again, by another server. True: it is looked at again, or was
 * reset. */
static bool look_unheard(struct skt_relay *r, skt_us now)
{
    if (!r->unheard || !r->st || r->fate.broken || r->fate.over || r->fate.leaving)
        return false;
    r->unheard = !skt_kcp_heard(skt_stream_kcp(r->st));
    if (!r->unheard)
        return false;
    if (now >= r->began + UNHEARD_US && skt_session_state(r->st->session) == SKT_SESSION_SUSPECT)
        skt_relay_abort(r, SKT_RESET_TIMEOUT);
    else
        skt_loop_timer_set(r->set->loop, &r->timer, now + UNHEARD_LOOK_US);
    return true;
}

static void on_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_relay *r = SKT_CONTAINER(t, struct skt_relay, timer);
    if (look_unheard(r, now))
        return;
    if (r->fate.leaving || r->fate.over) {
        skt_relay_end_step(r);
        return;
    }
    skt_us due = skt_us_add(r->active, r->fate.broken ? r->options.linger : r->options.idle_limit);
    if (due <= now && r->fate.broken)
        skt_relay_abort(r, SKT_RESET_ABORT);
    else if (due <= now)
        skt_relay_leave(r, SKT_RESET_ABORT);
    else
        skt_loop_timer_set(r->set->loop, t, due);
}

static const char *state_of(const struct skt_relay *r)
{
    if (r->connect)
        return "connecting";
    if (r->fate.over || r->fate.leaving || r->fate.broken)
        return "ending";
    if (r->in.ended || r->out.shut)
        return r->in.ended && r->out.shut ? "ending" : "half-closed";
    return r->unheard && r->st && !skt_kcp_heard(skt_stream_kcp(r->st)) ? "opening" : "open";
}

static void on_look(const struct skt_stream_owner *owner, struct skt_stream_look *look)
{
    const struct skt_relay *r = SKT_CONTAINER(owner, const struct skt_relay, owner);
    look->state = state_of(r);
    look->target = r->name.target;
    look->active = r->active;
    look->unread = r->in.held;
    look->in = r->connect ? SKT_HOLD_CONNECT : r->out.blocked ? SKT_HOLD_TARGET : SKT_HOLD_NONE;
}

struct skt_relay *skt_relay_new(struct skt_relay_set *set, struct skt_endpoint *ep, const char *target,
                                const struct skt_relay_options *options)
{
    struct skt_relay *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->owner.news = skt_relay_on_news;
    r->owner.look = on_look;
    r->set = set;
    r->ep = ep;
    r->options = *options;
    if (r->options.linger == 0)
        r->options.linger = SKT_RELAY_LINGER_US;
    r->in.pieces = PIECES_FIRST;
    skt_list_init(&r->blind);
    skt_list_append(&set->relays, &r->link);
    skt_loop_timer_init(&r->timer, on_timer);
    skt_loop_task_init(&r->more, skt_relay_on_more);
    set->stats.open++;
    r->tally = skt_tally_of(&set->targets, target);
    skt_relay_count(r, SKT_TALLY_ASKED, 1);
    skt_relay_count(r, SKT_TALLY_OPEN, 1);
    return r;
}

void skt_relay_start(struct skt_relay *r, struct skt_tcp_conn *conn)
{
    struct skt_loop *loop = r->set->loop;
    r->conn = conn;
    skt_tcp_conn_own(conn, skt_relay_on_tcp, r);
    r->active = skt_loop_now(loop);
    skt_loop_timer_set(loop, &r->timer, skt_us_add(r->active, r->options.idle_limit));
    skt_relay_watch(r);
    skt_loop_defer(loop, &r->more); /* the stream may have data already */
    if (r->st->has_end)
        r->in.deaf = true;
    if (r->st->reset)
        skt_relay_on_over(r);
}

static int open_stream(struct skt_relay *r, uint32_t cid, const char *target)
{
    struct skt_session *session = skt_endpoint_session(r->ep, cid);
    if (!session)
        return SKT_ERR_NOTFOUND;
    r->began = skt_loop_now(r->set->loop);
    int err = skt_session_open_stream(session, r->began, SKT_STREAM_TCP, target, &r->st);
    if (err)
        return err;
    r->st->user = &r->owner;
    skt_endpoint_touch(r->ep, session);
    return SKT_OK;
}

int skt_relay_open(struct skt_relay_set *set, struct skt_tcp_conn *conn, struct skt_endpoint *ep,
                   uint32_t cid, const char *target, const struct skt_relay_options *options,
                   struct skt_relay **out)
{
    set->stats.accepted++;
    struct skt_relay *r = skt_relay_new(set, ep, target, options);
    int err = r ? open_stream(r, cid, target) : SKT_ERR_NOMEM;
    if (err) {
        if (r)
            skt_relay_forget(r);
        else
            set->stats.refused++;
        skt_tcp_conn_reset(conn);
        return err;
    }
    if (*target)
        r->name.target = strdup(target); /* for the log only: without memory it has none */
    skt_relay_start(r, conn);
    skt_relay_trace_begin(r);
    r->unheard = true;
    skt_us idle = skt_loop_timer_is_set(&r->timer) ? skt_us_add(r->active, r->options.idle_limit) : SKT_NEVER;
    skt_loop_timer_set(set->loop, &r->timer, skt_us_min(r->began + UNHEARD_US, idle));
    if (out)
        *out = r;
    return SKT_OK;
}

int skt_relay_join(struct skt_relay_set *set, struct skt_tcp_conn *conn, struct skt_endpoint *ep,
                   struct skt_stream *st, const char *name, const struct skt_relay_options *options,
                   struct skt_relay **out)
{
    set->stats.accepted++;
    struct skt_relay *r = skt_relay_new(set, ep, SKT_RELAY_ADDRESSES, options);
    if (!r) {
        set->stats.refused++;
        skt_tcp_conn_reset(conn);
        skt_relay_reset_stream(ep, st, SKT_RESET_LIMIT);
        return SKT_ERR_NOMEM;
    }
    r->began = skt_loop_now(set->loop);
    r->st = st;
    st->user = &r->owner;
    r->conn = conn;
    r->name.target = strdup(name); /* for the log only */
    *out = r;
    skt_relay_trace_begin(r);
    skt_relay_start(r, conn);
    return SKT_OK;
}
