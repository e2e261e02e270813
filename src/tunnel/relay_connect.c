/* SPDX-License-Identifier: MIT */
/* The server's side of a relay's beginning: the way to the target, and what the client is told where there is
 * none. */
#include "tunnel/relay_connect.h"

#include "base/err.h"
#include "tunnel/relay_log.h"
#include "tunnel/relay_start.h"

#include <stdlib.h>
#include <string.h>

static int reason_of(enum skt_dial_what what)
{
    switch (what) {
    case SKT_DIAL_REFUSED:
        return SKT_RESET_REFUSED;
    case SKT_DIAL_TIMEOUT:
        return SKT_RESET_TIMEOUT;
    case SKT_DIAL_NO_ROOM:
        return SKT_RESET_LIMIT;
    case SKT_DIAL_NO_NAME:
    case SKT_DIAL_UNREACHABLE:
        break;
    }
    return SKT_RESET_UNREACHABLE;
}

/* Who asked for an address waits to hear that it is connected. False: no memory. */
static bool tell_connected(const struct skt_relay *r)
{
    static const uint8_t connected = SKT_STREAM_CONNECTED;
    if (r->st->kind != SKT_STREAM_TCP_TO || r->st->reset)
        return true;
    skt_endpoint_touch(r->ep, r->st->session);
    return skt_kcp_write(skt_stream_kcp(r->st), &connected, 1) == SKT_OK;
}

static void on_dialled(void *user, struct skt_tcp_conn *conn)
{
    struct skt_relay *r = user;
    if (!conn) {
        r->fate.refused = true;
        skt_relay_log_no_target(r);
        skt_relay_abort(r, reason_of(r->connect->dial.failure.what));
        return;
    }
    if (!tell_connected(r)) {
        r->fate.refused = true;
        skt_tcp_conn_reset(conn);
        skt_relay_abort(r, SKT_RESET_LIMIT);
        return;
    }
    skt_relay_drop_connect(r);
    skt_relay_trace_connected(r, conn);
    skt_relay_start(r, conn);
}

/* What it leaves behind where it fails, skt_relay_drop_connect frees. */
static int begin(struct skt_relay *r, const char *host, uint16_t port)
{
    struct skt_relay_connect *c = calloc(1, sizeof *c);
    if (!c)
        return SKT_ERR_NOMEM;
    r->connect = c;
    c->port = port;
    c->host = strdup(host);
    if (!c->host)
        return SKT_ERR_NOMEM;
    return skt_dial_begin(&c->dial, r->set->loop, host, port, r->options.connect_timeout, on_dialled, r);
}

int skt_relay_connect(struct skt_relay_set *set, struct skt_endpoint *ep, struct skt_stream *st,
                      const char *host, uint16_t port, const struct skt_relay_options *options,
                      struct skt_relay **out)
{
    set->stats.accepted++;
    bool gone = st->reset && !skt_stream_has_unread(st);
    const char *target = st->kind == SKT_STREAM_TCP_TO ? SKT_RELAY_ADDRESSES : st->name;
    struct skt_relay *r = gone ? NULL : skt_relay_new(set, ep, target, options);
    if (!r) {
        set->stats.refused++;
        int why = gone ? SKT_ERR_CLOSED : SKT_ERR_NOMEM;
        skt_relay_reset_stream(ep, st, SKT_RESET_LIMIT);
        return why;
    }
    r->began = skt_loop_now(set->loop);
    int err = skt_relay_charge_begin(&r->charge, ep, st->session);
    if (!err)
        err = begin(r, host, port);
    if (err) {
        skt_relay_forget(r);
        skt_relay_reset_stream(ep, st, err == SKT_ERR_ARG ? SKT_RESET_UNREACHABLE : SKT_RESET_LIMIT);
        return err;
    }
    r->st = st;
    st->user = &r->owner;
    skt_relay_trace_begin(r);
    if (out)
        *out = r;
    return SKT_OK;
}
