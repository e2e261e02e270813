/* SPDX-License-Identifier: MIT */
#include "script/tcp.h"

#include "base/err.h"
#include "script/etcp.h"
#include "script/hold.h"
#include "script/state.h"

#include <stdlib.h>

static void bury(struct skt_loop_task *t, skt_us now)
{
    struct skt_script_tcps *tcps = SKT_CONTAINER(t, struct skt_script_tcps, bury);
    (void)now;
    while (!skt_list_empty(&tcps->graveyard)) {
        struct skt_script_tcp *c = SKT_CONTAINER(tcps->graveyard.next, struct skt_script_tcp, link);
        skt_list_remove(&c->link);
        free(c);
    }
}

void skt_script_tcps_init(struct skt_script *app)
{
    struct skt_script_tcps *tcps = &app->tcps;
    skt_idmap_init(&tcps->by_number);
    skt_list_init(&tcps->lingering);
    skt_list_init(&tcps->graveyard);
    skt_loop_task_init(&tcps->bury, bury);
}

void skt_script_tcps_dispose(struct skt_script *app)
{
    struct skt_script_tcps *tcps = &app->tcps;
    skt_loop_task_cancel(&tcps->bury);
    bury(&tcps->bury, 0);
    skt_script_tcp_free_buffer(app);
    skt_idmap_dispose(&tcps->by_number);
}

void skt_script_tcp_free_buffer(struct skt_script *app)
{
    free(app->tcps.read_buf);
    app->tcps.read_buf = NULL;
}

static void on_feeder_changed(struct skt_script_feeder *f)
{
    skt_script_tcp_watch(SKT_CONTAINER(f, struct skt_script_tcp, feeder));
}

struct skt_script_tcp *skt_script_tcp_new(struct skt_script *app, struct skt_script_etcp *etcp)
{
    struct skt_script_tcp *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->app = app;
    c->etcp = etcp;
    c->number = skt_script_number(app);
    c->phase = SKT_TCP_CONNECTING;
    c->feeder.stream = true;
    c->feeder.changed = on_feeder_changed;
    c->queue.last = &c->queue.first;
    skt_list_init(&c->link);
    if (skt_idmap_put(&app->tcps.by_number, c->number, c) != SKT_OK) {
        free(c);
        return NULL;
    }
    skt_list_append(&etcp->tcps, &c->link);
    return c;
}

struct skt_script_tcp *skt_script_tcp_find(struct skt_script *app, const struct skt_script_etcp *etcp,
                                           uint32_t number)
{
    struct skt_script_tcp *c = skt_idmap_get(&app->tcps.by_number, number);
    return c && (!etcp || c->etcp == etcp) ? c : NULL;
}

void skt_script_tcp_drop_dial(struct skt_script_tcp *c)
{
    if (!c->dial)
        return;
    skt_dial_cancel(c->dial);
    free(c->dial);
    c->dial = NULL;
}

void skt_script_tcp_forget(struct skt_script_tcp *c)
{
    skt_idmap_remove(&c->app->tcps.by_number, c->number);
    skt_script_hold_forget_feeder(c->app, &c->feeder);
}

void skt_script_tcp_drop_queue(struct skt_script_tcp *c)
{
    struct skt_script_chunks *q = &c->queue;
    while (q->first) {
        struct skt_script_chunk *next = q->first->next;
        free(q->first);
        q->first = next;
    }
    q->last = &q->first;
    q->len = 0;
}

/* The memory stays until the end of the turn, as callers up the stack may look at it. */
struct skt_tcp_conn *skt_script_tcp_release(struct skt_script_tcp *c)
{
    struct skt_script *app = c->app;
    struct skt_tcp_conn *conn = c->conn;
    if (conn)
        skt_tcp_conn_watch(conn, 0);
    skt_loop_timer_stop(app->loop, &c->timer);
    skt_script_tcp_drop_dial(c);
    skt_script_tcp_drop_queue(c);
    skt_script_hold_release(app, c);
    skt_script_tcp_forget(c);
    c->phase = SKT_TCP_GONE;
    c->conn = NULL;
    skt_list_move_tail(&app->tcps.graveyard, &c->link);
    skt_loop_defer(app->loop, &app->tcps.bury);
    return conn;
}

void skt_script_tcp_abort(struct skt_script_tcp *c)
{
    if (c->phase != SKT_TCP_GONE)
        skt_tcp_conn_reset(skt_script_tcp_release(c));
}

void skt_script_tcp_watch(struct skt_script_tcp *c)
{
    unsigned events = 0;
    if (!c->conn)
        return;
    if (c->queue.first)
        events |= SKT_IO_WRITE;
    /* Without on_tcp_recv nothing is read: the connection waits for a relay. */
    if (c->phase == SKT_TCP_UP && c->feeder.holds == 0 && c->app->tcps.wants_recv)
        events |= SKT_IO_READ;
    if (c->phase == SKT_TCP_LINGERING && !c->ended)
        events |= SKT_IO_READ;
    skt_tcp_conn_watch(c->conn, events);
}

void skt_script_tcp_watch_all(struct skt_script *app)
{
    uint32_t pos = 0;
    for (struct skt_script_tcp *c; (c = skt_idmap_next(&app->tcps.by_number, &pos)) != NULL;)
        skt_script_tcp_watch(c);
}

skt_us skt_script_tcp_connect_limit(const struct skt_script *app)
{
    return (skt_us)(app->conf->table.tcp_recv_timeout * (double)SKT_US_PER_SEC);
}

skt_us skt_script_tcp_idle_limit(const struct skt_script *app)
{
    double limit = app->conf->table.tcp_keepalive;
    return limit > 0 ? (skt_us)(limit * (double)SKT_US_PER_SEC) : SKT_NEVER;
}
