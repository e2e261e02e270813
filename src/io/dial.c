/* SPDX-License-Identifier: MIT */
#include "io/dial.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Where there is no limit, an address that does not answer keeps the next one waiting this long. */
#define ATTEMPT_LIMIT (10 * SKT_US_PER_SEC)

static void try_next(struct skt_dial *d);

static enum skt_dial_what what_of(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return SKT_DIAL_REFUSED;
    case ETIMEDOUT:
        return SKT_DIAL_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return SKT_DIAL_NO_ROOM;
    default:
        return SKT_DIAL_UNREACHABLE;
    }
}

/* at: where; NULL: nowhere in particular. */
static void note_failure(struct skt_dial *d, enum skt_dial_what what, const struct skt_addr *at,
                         const char *why)
{
    struct skt_dial_failure *f = &d->failure;
    if (*f->why && what <= f->what)
        return;
    f->what = what;
    f->at = at ? *at : (struct skt_addr){0};
    snprintf(f->why, sizeof f->why, "%s", why);
}

static void note_errno(struct skt_dial *d, int error)
{
    note_failure(d, what_of(error), &d->addrs[d->next - 1], strerror(error));
}

/* The owner may free the dial in fn. */
static void finish(struct skt_dial *d, bool connected)
{
    struct skt_tcp_conn *conn = d->conn;
    d->conn = NULL;
    if (!connected) {
        skt_tcp_conn_reset(conn);
        conn = NULL;
    }
    skt_loop_timer_stop(d->loop, &d->timer);
    d->loop = NULL;
    d->fn(d->user, conn);
}

static void on_ready(void *owner, unsigned ready)
{
    struct skt_dial *d = owner;
    (void)ready;
    int err = skt_tcp_conn_connected(d->conn);
    if (err == SKT_ERR_AGAIN)
        return;
    if (!err) {
        skt_tcp_conn_own(d->conn, NULL, NULL);
        finish(d, true);
        return;
    }
    note_errno(d, errno);
    try_next(d);
}

static skt_us attempt_until(const struct skt_dial *d, skt_us now)
{
    size_t left = d->n - d->next; /* after the one that is tried now */
    if (d->until == SKT_NEVER)
        return left ? now + ATTEMPT_LIMIT : SKT_NEVER;
    return now + (d->until - now) / (skt_us)(left + 1);
}

static void try_next(struct skt_dial *d)
{
    skt_us now = skt_loop_now(d->loop);
    while (d->next < d->n && now < d->until) {
        if (skt_tcp_conn_connect(d->conn, &d->addrs[d->next++]) != SKT_OK) {
            note_errno(d, errno);
            continue;
        }
        skt_tcp_conn_watch(d->conn, SKT_IO_WRITE);
        skt_loop_timer_set(d->loop, &d->timer, attempt_until(d, now));
        return;
    }
    if (!*d->failure.why) /* the name was found in the very moment in which the time was over */
        note_failure(d, SKT_DIAL_TIMEOUT, NULL, "no answer in time");
    finish(d, false);
}

static void on_resolved(void *user, const struct skt_addr *addrs, size_t n, const char *error)
{
    struct skt_dial *d = user;
    d->resolve = NULL;
    if (n == 0)
        note_failure(d, SKT_DIAL_NO_NAME, NULL, error);
    else
        memcpy(d->addrs, addrs, n * sizeof *addrs);
    d->n = n;
    try_next(d);
}

static void on_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_dial *d = SKT_CONTAINER(t, struct skt_dial, timer);
    (void)now;
    if (d->resolve) {
        skt_resolve_cancel(d->resolve);
        d->resolve = NULL;
        note_failure(d, SKT_DIAL_NO_NAME, NULL, "its name was not found in time");
    } else {
        note_failure(d, SKT_DIAL_TIMEOUT, &d->addrs[d->next - 1], "no answer in time");
    }
    try_next(d);
}

int skt_dial_begin(struct skt_dial *d, struct skt_loop *loop, const char *host, uint16_t port, skt_us limit,
                   skt_dial_fn fn, void *user)
{
    *d = (struct skt_dial){.loop = loop, .fn = fn, .user = user};
    d->until = skt_us_add(skt_loop_now(loop), limit);
    skt_loop_timer_init(&d->timer, on_timer);
    d->conn = skt_tcp_conn_new(loop);
    if (d->conn)
        skt_tcp_conn_own(d->conn, on_ready, d);
    skt_loop_timer_set(loop, &d->timer, d->until);
    int err = SKT_ERR_NOMEM;
    if (d->conn)
        err = skt_resolve_start(&d->resolve, loop, host, port, on_resolved, d);
    if (err)
        skt_dial_cancel(d);
    return err;
}

void skt_dial_cancel(struct skt_dial *d)
{
    if (!d->loop)
        return;
    skt_resolve_cancel(d->resolve);
    d->resolve = NULL;
    skt_tcp_conn_reset(d->conn);
    d->conn = NULL;
    skt_loop_timer_stop(d->loop, &d->timer);
    d->loop = NULL;
}
