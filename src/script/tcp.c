/* SPDX-License-Identifier: MIT */
#include "script/tcp.h"

#include "base/err.h"
#include "io/tcp.h"
#include "script/hold.h"
#include "script/tcp_internal.h"

#include <stdlib.h>
#include <string.h>

enum { READS_A_TURN = 4 }; /* so that one busy connection leaves the others their turn */

static const skt_us linger_look = 20 * SKT_US_PER_MS; /* what TCP has delivered the loop does not tell */

static void bury(struct skt_loop_task *t, skt_us now)
{
    struct skt_script *app = SKT_CONTAINER(t, struct skt_script, bury);
    (void)now;
    while (!skt_list_empty(&app->graveyard)) {
        struct skt_script_tcp *c = SKT_CONTAINER(app->graveyard.next, struct skt_script_tcp, link);
        skt_list_remove(&c->link);
        free(c);
    }
}

void skt_script_tcp_init_app(struct skt_script *app)
{
    skt_loop_task_init(&app->bury, bury);
}

void skt_script_tcp_dispose_app(struct skt_script *app)
{
    skt_loop_task_cancel(&app->bury);
    bury(&app->bury, 0);
    skt_script_tcp_free_buffer(app);
}

void skt_script_tcp_free_buffer(struct skt_script *app)
{
    free(app->read_buf);
    app->read_buf = NULL;
}

struct skt_script_tcp *skt_script_tcp_find(struct skt_script *app, const struct skt_script_etcp *etcp,
                                           uint32_t number)
{
    struct skt_script_tcp *c = skt_idmap_get(&app->tcps, number);
    return c && (!etcp || c->etcp == etcp) ? c : NULL;
}

static void drop_queue(struct skt_script_tcp *c)
{
    while (c->first) {
        struct skt_script_chunk *next = c->first->next;
        free(c->first);
        c->first = next;
    }
    c->last = &c->first;
    c->queued_len = 0;
}

/* Stops watching; the memory stays until the end of the turn, as callers up the stack may look at it. */
static void lay_down(struct skt_script_tcp *c)
{
    struct skt_script *app = c->app;
    if (c->conn)
        skt_tcp_conn_watch(c->conn, 0);
    skt_loop_timer_stop(app->loop, &c->timer);
    skt_script_tcp_drop_dial(c);
    drop_queue(c);
    skt_script_hold_release(c);
    skt_idmap_remove(&app->tcps, c->number);
    c->phase = SKT_TCP_GONE;
    skt_list_move_tail(&app->graveyard, &c->link);
    skt_loop_defer(app->loop, &app->bury);
}

struct skt_tcp_conn *skt_script_tcp_release(struct skt_script_tcp *c)
{
    struct skt_tcp_conn *conn = c->conn;
    lay_down(c);
    c->conn = NULL;
    return conn;
}

void skt_script_tcp_abort(struct skt_script_tcp *c)
{
    if (c->phase != SKT_TCP_GONE)
        skt_tcp_conn_reset(skt_script_tcp_release(c));
}

/* The orderly end: nothing is left to send. */
static void finish(struct skt_script_tcp *c)
{
    skt_tcp_conn_close(skt_script_tcp_release(c));
}

/* --- writing --- */

void skt_script_tcp_flush(struct skt_script_tcp *c)
{
    while (c->first) {
        struct skt_script_chunk *chunk = c->first;
        const struct iovec iov = {chunk->bytes + chunk->done, chunk->len - chunk->done};
        ssize_t n = skt_tcp_conn_write(c->conn, &iov, 1);
        if (n == SKT_ERR_IO)
            drop_queue(c); /* the reading side will find out why */
        if (n <= 0)
            return;
        chunk->done += (size_t)n;
        c->active = skt_loop_now(c->app->loop);
        c->queued_len -= (size_t)n;
        if (chunk->done == chunk->len) {
            c->first = chunk->next;
            if (!c->first)
                c->last = &c->first;
            free(chunk);
        }
    }
}

int skt_script_tcp_send(struct skt_script_tcp *c, const uint8_t *buf, size_t len)
{
    if (len == 0)
        return SKT_OK;
    size_t limit = skt_script_hold_has_source(c->app) ? SKT_TCP_HELD_MAX : SKT_TCP_QUEUE_MAX;
    if (c->queued_len > 0 && c->queued_len + len > limit) {
        c->blocked = true;
        return SKT_ERR_AGAIN;
    }
    struct skt_script_chunk *chunk = malloc(sizeof *chunk + len);
    if (!chunk)
        return SKT_ERR_NOMEM;
    chunk->next = NULL;
    chunk->len = len;
    chunk->done = 0;
    memcpy(chunk->bytes, buf, len);
    bool idle = !c->first;
    *c->last = chunk;
    c->last = &chunk->next;
    c->queued_len += len;
    if (idle && c->phase == SKT_TCP_UP)
        skt_script_tcp_flush(c);
    skt_script_hold_add(c);
    skt_script_tcp_watch(c);
    return SKT_OK;
}

/* --- closing --- */

/* Of a connection's beginning and end. */
static struct skt_script_source source_of(const struct skt_script_tcp *c)
{
    if (c->etcp && c->etcp->server)
        return (struct skt_script_source){.kind = SKT_SOURCE_LISTENER, .etcp = c->etcp};
    return (struct skt_script_source){.kind = SKT_SOURCE_EVENT};
}

/* The system drops what it has not delivered where a socket is closed with input unread. So that is read and
 * dropped, and the socket closed once the peer's system has all. */
static void linger(struct skt_script_tcp *c)
{
    struct skt_script *app = c->app;
    skt_us now = skt_loop_now(app->loop);
    int err = c->ended ? SKT_ERR_AGAIN : skt_tcp_conn_drop_input(c->conn);
    if (err == SKT_OK)
        c->ended = true;
    if (err == SKT_ERR_IO || (!c->first && skt_tcp_unsent(skt_tcp_conn_fd(c->conn)) == 0)) {
        finish(c);
    } else if (now >= c->linger_until) {
        skt_script_tcp_abort(c);
    } else {
        skt_us look = c->first ? c->linger_until : skt_us_min(c->linger_until, now + linger_look);
        skt_loop_timer_set(app->loop, &c->timer, look);
        skt_script_tcp_watch(c);
    }
}

/* Calls on_tcp_close, once in a connection's life. */
static void tell_close(struct skt_script_tcp *c)
{
    struct skt_script *app = c->app;
    if (c->closing)
        return;
    c->closing = true;
    struct skt_script_call_arg args[] = {skt_arg_integer(c->number)};
    struct skt_script_source outer = app->source;
    app->source = source_of(c);
    skt_script_call_callback(app, SKT_CB_TCP_CLOSE, args, 1, NULL);
    app->source = outer;
}

void skt_script_tcp_close(struct skt_script_tcp *c, bool silent)
{
    struct skt_script *app = c->app;
    if (c->phase >= SKT_TCP_LINGERING)
        return;
    if (!silent)
        tell_close(c);
    if (c->phase >= SKT_TCP_LINGERING)
        return; /* on_tcp_close has closed it */
    c->closing = true;
    if (c->phase != SKT_TCP_UP) {
        skt_script_tcp_abort(c);
        return;
    }
    c->phase = SKT_TCP_LINGERING;
    c->linger_until = skt_loop_now(app->loop) + SKT_TCP_LINGER_S * SKT_US_PER_SEC;
    skt_idmap_remove(&app->tcps, c->number);
    skt_list_move_tail(&app->lingering, &c->link);
    linger(c);
}

void skt_script_tcp_fail(struct skt_script_tcp *c)
{
    drop_queue(c);
    skt_script_tcp_close(c, false);
}

/* --- reading --- */

/* One read; false: no more now. */
static bool read_once(struct skt_script_tcp *c)
{
    struct skt_script *app = c->app;
    size_t cap = (size_t)app->conf->table.tcp_read_buf_size;
    if (!app->read_buf)
        app->read_buf = malloc(cap);
    if (!app->read_buf) {
        skt_loop_io_rest(app->loop, &c->conn->io);
        return false;
    }
    const struct iovec iov = {app->read_buf, cap};
    ssize_t n = skt_tcp_conn_read(c->conn, &iov, 1);
    if (n == SKT_ERR_AGAIN)
        return false;
    if (n <= 0) {
        if (n < 0)
            drop_queue(c);
        skt_script_tcp_close(c, false);
        return false;
    }
    c->active = skt_loop_now(app->loop);
    struct skt_script_source outer = app->source;
    struct skt_script_call_arg args[] = {skt_arg_integer(c->number),
                                         skt_arg_string(app->read_buf, (size_t)n)};
    app->source = (struct skt_script_source){.kind = SKT_SOURCE_TCP, .tcp = c};
    skt_script_call_callback(app, SKT_CB_TCP_RECV, args, 2, NULL);
    app->source = outer;
    return c->phase == SKT_TCP_UP && c->holds == 0;
}

static void on_writable(struct skt_script_tcp *c)
{
    skt_script_tcp_flush(c);
    if (c->queued_len > SKT_TCP_MARK / 2)
        return;
    skt_script_hold_release(c);
    if (c->blocked && c->phase == SKT_TCP_UP) {
        struct skt_script_call_arg args[] = {skt_arg_integer(c->number)};
        c->blocked = false;
        skt_script_call_callback(c->app, SKT_CB_TCP_ROOM, args, 1, NULL);
    }
}

static void on_ready(void *owner, unsigned ready)
{
    struct skt_script_tcp *c = owner;
    if (ready & SKT_IO_WRITE)
        on_writable(c);
    if (c->phase == SKT_TCP_LINGERING) {
        linger(c);
        return;
    }
    if (c->phase == SKT_TCP_UP && (ready & SKT_IO_READ) && c->holds == 0) {
        for (int i = 0; i < READS_A_TURN && c->phase == SKT_TCP_UP && read_once(c); i++)
            ;
    }
    skt_script_tcp_watch(c);
}

void skt_script_tcp_watch(struct skt_script_tcp *c)
{
    unsigned events = 0;
    if (!c->conn || c->phase == SKT_TCP_GONE)
        return;
    if (c->first)
        events |= SKT_IO_WRITE;
    /* Without on_tcp_recv nothing is read: the connection waits for a relay. */
    if (c->phase == SKT_TCP_UP && c->holds == 0 && c->app->wants_recv)
        events |= SKT_IO_READ;
    if (c->phase == SKT_TCP_LINGERING && !c->ended)
        events |= SKT_IO_READ;
    skt_tcp_conn_watch(c->conn, events);
}

void skt_script_tcp_watch_all(struct skt_script *app)
{
    uint32_t pos = 0;
    for (struct skt_script_tcp *c; (c = skt_idmap_next(&app->tcps, &pos)) != NULL;)
        skt_script_tcp_watch(c);
}

/* --- beginning --- */

skt_us skt_script_tcp_idle_limit(const struct skt_script *app)
{
    double limit = app->conf->table.tcp_keepalive;
    return limit > 0 ? (skt_us)(limit * (double)SKT_US_PER_SEC) : SKT_NEVER;
}

void skt_script_tcp_up(struct skt_script_tcp *c, struct skt_tcp_conn *conn)
{
    struct skt_script *app = c->app;
    c->conn = conn;
    skt_tcp_conn_own(conn, on_ready, c);
    c->phase = SKT_TCP_UP;
    c->active = skt_loop_now(app->loop);
    skt_loop_timer_set(app->loop, &c->timer, skt_us_add(c->active, skt_script_tcp_idle_limit(app)));
}

/* As the relay does: nothing moved for the limit, so nothing of it is waited for. */
static void on_idle(struct skt_script_tcp *c, skt_us now)
{
    skt_us due = skt_us_add(c->active, skt_script_tcp_idle_limit(c->app));
    if (now < due) {
        skt_loop_timer_set(c->app->loop, &c->timer, due);
        return;
    }
    drop_queue(c);
    skt_script_tcp_close(c, false);
}

static void on_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_script_tcp *c = SKT_CONTAINER(t, struct skt_script_tcp, timer);
    if (c->phase == SKT_TCP_LINGERING)
        linger(c);
    else
        on_idle(c, now);
}

struct skt_script_tcp *skt_script_tcp_new(struct skt_script_etcp *etcp)
{
    struct skt_script *app = etcp->base.app;
    struct skt_script_tcp *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->app = app;
    c->etcp = etcp;
    c->number = skt_script_number(app);
    c->phase = SKT_TCP_CONNECTING;
    c->last = &c->first;
    skt_list_init(&c->link);
    skt_loop_timer_init(&c->timer, on_timer);
    if (skt_idmap_put(&app->tcps, c->number, c) != SKT_OK) {
        free(c);
        return NULL;
    }
    skt_list_append(&etcp->tcps, &c->link);
    return c;
}

struct skt_script_tcp *skt_script_tcp_adopt(struct skt_script_etcp *etcp, struct skt_tcp_conn *conn)
{
    struct skt_script_tcp *c = skt_script_tcp_new(etcp);
    if (!c) {
        skt_tcp_conn_reset(conn);
        return NULL;
    }
    skt_script_tcp_up(c, conn);
    return c;
}

void skt_script_tcp_announce(struct skt_script_tcp *c)
{
    struct skt_script *app = c->app;
    struct skt_script_call_arg args[] = {skt_arg_integer(c->number), skt_arg_handle(c->etcp)};
    bool present = skt_script_call_present(app, SKT_CB_TCP_ACCEPT);
    struct skt_script_source outer = app->source;
    app->source = source_of(c);
    bool ok = skt_script_call_callback(app, SKT_CB_TCP_ACCEPT, args, 2, NULL);
    app->source = outer;
    bool unheard = present && !ok && app->calls.no_memory;
    if (c->phase != SKT_TCP_UP)
        return;
    if (unheard) /* perhaps it got as far as to keep the number */
        tell_close(c);
    if (unheard || (!present && !app->wants_recv))
        skt_script_tcp_abort(c); /* nobody would ever look at it */
    else
        skt_script_tcp_watch(c);
}
