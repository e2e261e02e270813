/* SPDX-License-Identifier: MIT */
#include "script/tcp_open.h"

#include "base/err.h"
#include "base/log.h"
#include "script/etcp.h"
#include "script/state.h"
#include "script/tcp_close.h"
#include "script/tcp_events.h"
#include "script/tcp_queue.h"

#include <stdlib.h>

static void announce(struct skt_script_tcp *c)
{
    struct skt_script *app = c->app;
    struct skt_script_call_arg args[] = {skt_arg_integer(c->number), skt_arg_handle(c->etcp)};
    bool present = skt_script_call_present(&app->lua, SKT_CB_TCP_ACCEPT);
    bool ok = skt_script_deliver(app, skt_script_tcp_event(c), SKT_CB_TCP_ACCEPT, args, 2, NULL);
    bool unheard = present && !ok && app->lua.no_memory;
    if (c->phase != SKT_TCP_UP)
        return;
    if (unheard) /* perhaps it got as far as to keep the number */
        skt_script_tcp_tell_close(c);
    if (unheard || (!present && !app->tcps.wants_recv))
        skt_script_tcp_abort(c); /* nobody would ever look at it */
    else
        skt_script_tcp_watch(c);
}

void skt_script_tcp_accept(struct skt_script_etcp *etcp, struct skt_tcp_conn *conn)
{
    struct skt_script_tcp *c = skt_script_tcp_new(etcp->base.app, etcp);
    if (!c) {
        skt_tcp_conn_reset(conn);
        return;
    }
    skt_script_tcp_up(c, conn);
    announce(c);
}

static void log_failure(const struct skt_dial_failure *f)
{
    char at[SKT_ADDR_TEXT_MAX];
    if (f->at.family)
        skt_debug("tcp: connect to %s: %s", skt_addr_text(&f->at, at), f->why);
    else
        skt_debug("tcp: connect: %s", f->why);
}

static void on_dialled(void *user, struct skt_tcp_conn *conn)
{
    struct skt_script_tcp *c = user;
    if (!conn)
        log_failure(&c->dial->failure);
    skt_script_tcp_drop_dial(c);
    if (!conn) {
        skt_script_tcp_fail(c);
        return;
    }
    skt_script_tcp_up(c, conn);
    skt_script_tcp_flush(c);
    skt_script_tcp_watch(c);
}

int skt_script_tcp_dial(struct skt_script_etcp *etcp, const char *host, uint16_t port,
                        struct skt_script_tcp **out)
{
    struct skt_script_tcp *c = skt_script_tcp_new(etcp->base.app, etcp);
    if (!c)
        return SKT_ERR_NOMEM;
    struct skt_loop *loop = c->app->loop;
    skt_us limit = skt_script_tcp_connect_limit(c->app);
    c->dial = calloc(1, sizeof *c->dial);
    int err = c->dial ? skt_dial_begin(c->dial, loop, host, port, limit, on_dialled, c) : SKT_ERR_NOMEM;
    if (err != SKT_OK) {
        skt_script_tcp_abort(c);
        return err;
    }
    *out = c;
    return SKT_OK;
}
