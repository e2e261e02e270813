/* SPDX-License-Identifier: MIT */
/* What a relay watches, and how it is taken apart. */
#include "tunnel/relay_connect.h"
#include "tunnel/relay_internal.h"
#include "tunnel/relay_log.h"

#include <stdlib.h>

void skt_relay_watch(struct skt_relay *r)
{
    struct skt_relay_set *set = r->set;
    if (!r->conn) {
        skt_list_remove(&r->blind);
        return;
    }
    unsigned events = 0;
    if (!r->in.ended && !r->in.held)
        events |= SKT_IO_READ;
    if (r->fate.broken)
        events = 0; /* it would tell of that for ever: what is left to read is read on other occasions */
    if (r->out.blocked)
        events |= SKT_IO_WRITE;
    skt_tcp_conn_watch(r->conn, events);
    if (events || r->fate.over) { /* over: its timer looks at it */
        skt_list_remove(&r->blind);
        return;
    }
    if (skt_list_empty(&r->blind))
        skt_list_append(&set->blind, &r->blind);
    if (!skt_loop_timer_is_set(&set->sweep))
        skt_loop_timer_set(set->loop, &set->sweep, skt_loop_now(set->loop) + SKT_RELAY_SWEEP_US);
}

void skt_relay_drop_connect(struct skt_relay *r)
{
    if (!r->connect)
        return;
    skt_dial_cancel(&r->connect->dial);
    free(r->connect->host);
    free(r->connect);
    r->connect = NULL;
}

/* Detaches the relay from everything but its stream and its connection. */
static void stop(struct skt_relay *r)
{
    r->fate.ending = true;
    skt_relay_trace_end(r);
    (void)skt_relay_charge_end(&r->charge, r->ep);
    skt_relay_charge_return_fd(&r->charge, r->ep);
    skt_relay_drop_connect(r);
    if (r->conn)
        skt_tcp_conn_watch(r->conn, 0);
    skt_loop_timer_stop(r->set->loop, &r->timer);
    skt_loop_task_cancel(&r->more);
    skt_list_remove(&r->blind);
    skt_list_remove(&r->link);
    r->set->stats.open--;
    skt_relay_count(r, SKT_TALLY_OPEN, UINT64_MAX); /* one less */
    skt_relay_count(r, SKT_TALLY_REFUSED, r->fate.refused);
    if (r->fate.refused)
        r->set->stats.refused++;
    else
        r->set->stats.closed++;
}

/* A reset, unless both directions have come to their ends. */
static void end_tcp(struct skt_relay *r)
{
    if (r->in.ended && r->out.shut && !r->fate.broken && !r->fate.over)
        skt_tcp_conn_close(r->conn);
    else
        skt_tcp_conn_reset(r->conn);
    r->conn = NULL;
}

static void tell_and_free(struct skt_relay *r)
{
    if (r->options.on_close)
        r->options.on_close(r->options.user, r);
    skt_kcp_rest_drop(&r->out.rest);
    free(r->name.target);
    free(r);
}

void skt_relay_end(struct skt_relay *r)
{
    if (r->fate.ending)
        return;
    stop(r);
    if (r->st) {
        struct skt_session *session = r->st->session;
        r->st->user = NULL;
        skt_session_release_stream(session, r->st);
        skt_endpoint_touch(r->ep, session);
    }
    end_tcp(r);
    tell_and_free(r);
}

void skt_relay_reset_stream(struct skt_endpoint *ep, struct skt_stream *st, int reason)
{
    struct skt_session *session = st->session;
    st->user = NULL;
    if (st->reset)
        skt_session_release_stream(session, st);
    else
        skt_session_reset_stream(session, st, reason);
    skt_endpoint_touch(ep, session);
}

void skt_relay_abort(struct skt_relay *r, int reason)
{
    if (r->fate.ending)
        return;
    stop(r);
    if (r->st)
        skt_relay_reset_stream(r->ep, r->st, reason);
    end_tcp(r);
    tell_and_free(r);
}

void skt_relay_reset(struct skt_relay *relay)
{
    skt_relay_abort(relay, SKT_RESET_ABORT);
}

void skt_relay_forget(struct skt_relay *r)
{
    r->fate.refused = true;
    stop(r);
    free(r->name.target);
    free(r);
}
