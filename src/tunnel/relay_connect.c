/* SPDX-License-Identifier: MIT */
/* The server's way to a target, and what the client is told where there is none. */
#include "base/err.h"
#include "tunnel/relay_internal.h"

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

static void on_dialled(void *user, int fd)
{
    struct skt_relay *r = user;
    if (fd < 0) {
        r->refused = true;
        skt_relay_log_no_target(r);
        skt_relay_abort(r, reason_of(r->connect->dial.failure.what));
        return;
    }
    skt_relay_connect_free(r);
    skt_relay_trace_connected(r, fd);
    skt_relay_start(r, fd);
}

int skt_relay_connect_begin(struct skt_relay *r, const char *host, uint16_t port)
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

void skt_relay_connect_free(struct skt_relay *r)
{
    if (!r->connect)
        return;
    skt_dial_cancel(&r->connect->dial);
    free(r->connect->host);
    free(r->connect);
    r->connect = NULL;
}
