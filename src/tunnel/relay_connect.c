/* SPDX-License-Identifier: MIT */
/* The server's way to a target: look its name up, try its addresses one after the other. */
#include "base/err.h"
#include "io/tcp.h"
#include "tunnel/relay_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where there is no limit, an address that does not answer keeps the next one waiting this long. */
#define ATTEMPT_US (10 * SKT_US_PER_SEC)

static void try_next(struct skt_relay *r);

static void drop_socket(struct skt_relay *r)
{
    if (skt_relay_fd(r) < 0)
        return;
    skt_loop_io_set(r->set->loop, &r->io, 0);
    close(skt_relay_fd(r));
    r->io.w.fd = -1;
}

static int reason_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return SKT_RESET_REFUSED;
    case ETIMEDOUT:
        return SKT_RESET_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return SKT_RESET_LIMIT;
    default:
        return SKT_RESET_UNREACHABLE;
    }
}

/* Of several addresses' failures the client is told the one that says most. */
static int rank(int reason)
{
    switch (reason) {
    case SKT_RESET_LIMIT:
        return 3;
    case SKT_RESET_REFUSED:
        return 2;
    case SKT_RESET_TIMEOUT:
        return 1;
    default:
        return 0;
    }
}

/* at: where; NULL: nowhere in particular. */
static void note_failure(struct skt_relay_connect *c, int reason, const struct skt_addr *at, const char *why)
{
    if (*c->why && rank(reason) <= rank(c->reason))
        return;
    c->reason = reason;
    c->at = at ? *at : (struct skt_addr){0};
    snprintf(c->why, sizeof c->why, "%s", why);
}

static void note_errno(struct skt_relay_connect *c, int error)
{
    note_failure(c, reason_of(error), &c->addrs[c->next - 1], strerror(error));
}

static void give_up(struct skt_relay *r)
{
    int reason = r->connect->reason;
    r->refused = true;
    skt_relay_log_no_target(r);
    skt_relay_abort(r, reason);
}

static void on_connected(struct skt_loop_io *io, unsigned ready)
{
    (void)ready;
    struct skt_relay *r = SKT_CONTAINER(io, struct skt_relay, io);
    int fd = skt_relay_fd(r);
    int err = skt_tcp_connect_result(fd);
    if (err == SKT_ERR_AGAIN)
        return;
    if (err) {
        note_errno(r->connect, errno);
        drop_socket(r);
        try_next(r);
        return;
    }
    skt_loop_io_set(r->set->loop, &r->io, 0);
    skt_relay_connect_free(r);
    skt_relay_trace_connected(r, fd);
    skt_relay_start(r, fd);
}

/* Each address gets its share of the time that is left, so that a dead one leaves some for the others. */
static skt_us attempt_until(const struct skt_relay *r, skt_us now)
{
    const struct skt_relay_connect *c = r->connect;
    size_t left = c->n - c->next; /* after the one that is tried now */
    if (c->until == SKT_NEVER)
        return left ? now + ATTEMPT_US : SKT_NEVER;
    return c->until > now ? now + (c->until - now) / (left + 1) : now;
}

static void try_next(struct skt_relay *r)
{
    struct skt_relay_connect *c = r->connect;
    skt_us now = skt_loop_now(r->set->loop);
    while (c->next < c->n && now < c->until) {
        int fd = skt_tcp_connect(&c->addrs[c->next++]);
        if (fd < 0) {
            note_errno(c, errno);
            continue;
        }
        skt_loop_io_init(&r->io, fd, on_connected);
        skt_loop_io_set(r->set->loop, &r->io, SKT_IO_WRITE);
        (void)skt_loop_timer_set(r->set->loop, &r->timer, attempt_until(r, now));
        return;
    }
    give_up(r);
}

static void on_resolved(void *user, const struct skt_addr *addrs, size_t n, const char *error)
{
    struct skt_relay *r = (struct skt_relay *)user;
    struct skt_relay_connect *c = r->connect;
    c->resolve = NULL;
    if (n == 0)
        note_failure(c, SKT_RESET_UNREACHABLE, NULL, error);
    memcpy(c->addrs, addrs, n * sizeof *addrs);
    c->n = n;
    try_next(r);
}

void skt_relay_connect_on_timer(struct skt_relay *r)
{
    struct skt_relay_connect *c = r->connect;
    if (c->resolve) {
        note_failure(c, SKT_RESET_UNREACHABLE, NULL, "its name was not found in time");
        give_up(r);
        return;
    }
    note_failure(c, SKT_RESET_TIMEOUT, &c->addrs[c->next - 1], "no answer in time");
    drop_socket(r);
    try_next(r);
}

int skt_relay_connect_begin(struct skt_relay *r, const char *host, uint16_t port)
{
    struct skt_relay_connect *c = (struct skt_relay_connect *)calloc(1, sizeof *c);
    if (!c)
        return SKT_ERR_NOMEM;
    c->reason = SKT_RESET_UNREACHABLE;
    c->until = skt_us_add(skt_loop_now(r->set->loop), r->options.connect_timeout);
    c->port = port;
    c->host = strdup(host);
    r->connect = c;
    if (!c->host)
        return SKT_ERR_NOMEM;
    int err = skt_loop_timer_set(r->set->loop, &r->timer, c->until);
    if (!err)
        err = skt_resolve_start(&c->resolve, r->set->loop, host, port, on_resolved, r);
    return err;
}

void skt_relay_connect_free(struct skt_relay *r)
{
    if (!r->connect)
        return;
    skt_resolve_cancel(r->connect->resolve);
    free(r->connect->host);
    free(r->connect);
    r->connect = NULL;
}
