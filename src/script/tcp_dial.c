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

static void on_dialled(void *user, int fd)
{
    struct skt_script_tcp *c = user;
    if (fd < 0)
        log_failure(&c->dial->failure);
    skt_script_tcp_drop_dial(c);
    if (fd < 0) {
        skt_script_tcp_fail(c);
        return;
    }
    skt_script_tcp_attach(c, fd);
    skt_script_tcp_up(c);
    skt_script_tcp_flush(c);
    skt_script_tcp_watch(c);
}

int skt_script_tcp_dial(struct skt_script_etcp *etcp, const char *host, uint16_t port,
                        struct skt_script_tcp **out)
{
    struct skt_script_tcp *c = skt_script_tcp_new(etcp, -1, SKT_TCP_CONNECTING);
    if (!c)
        return SKT_ERR_NOMEM;
    struct skt_script *app = c->app;
    skt_us limit = (skt_us)(app->conf->table.tcp_recv_timeout * (double)SKT_US_PER_SEC);
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
