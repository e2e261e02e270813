/* SPDX-License-Identifier: MIT */
/* TCP connections that the script makes: a connection at once for the script, whose socket comes later. */
#include "base/err.h"
#include "base/log.h"
#include "io/dial.h"
#include "script/tcp_internal.h"

#include <stdlib.h>

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

skt_us skt_script_tcp_connect_limit(const struct skt_script *app)
{
    return (skt_us)(app->conf->table.tcp_recv_timeout * (double)SKT_US_PER_SEC);
}

int skt_script_tcp_dial(struct skt_script_etcp *etcp, const char *host, uint16_t port,
                        struct skt_script_tcp **out)
{
    struct skt_script_tcp *c = skt_script_tcp_new(etcp);
    if (!c)
        return SKT_ERR_NOMEM;
    struct skt_script *app = c->app;
    skt_us limit = skt_script_tcp_connect_limit(app);
    c->dial = calloc(1, sizeof *c->dial);
    int err = c->dial ? skt_dial_begin(c->dial, app->loop, host, port, limit, on_dialled, c) : SKT_ERR_NOMEM;
    if (err != SKT_OK) {
        skt_script_tcp_abort(c);
        return err;
    }
    *out = c;
    return SKT_OK;
}

void skt_script_tcp_drop_dial(struct skt_script_tcp *c)
{
    if (!c->dial)
        return;
    skt_dial_cancel(c->dial);
    free(c->dial);
    c->dial = NULL;
}
