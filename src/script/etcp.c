/* SPDX-License-Identifier: MIT */
#include "script/etcp.h"

#include "io/tcp.h"
#include "script/hold.h"
#include "script/state.h"
#include "script/tcp_open.h"

#include <stdlib.h>

enum { BACKLOG = 1024 }; /* connections that wait to be accepted: a burst of as many, while a turn lasts */

static void on_connection(struct skt_listener *l, int fd)
{
    struct skt_script_etcp *e = SKT_CONTAINER(l, struct skt_script_etcp, listener);
    struct skt_tcp_conn *conn = skt_tcp_conn_accepted(l->loop, fd);
    if (conn)
        skt_script_tcp_accept(e, conn);
}

static void on_feeder_changed(struct skt_script_feeder *f)
{
    struct skt_script_etcp *e = SKT_CONTAINER(f, struct skt_script_etcp, feeder);
    if (skt_listener_is_open(&e->listener))
        skt_listener_watch(&e->listener, f->holds == 0);
}

struct skt_script_etcp *skt_script_etcp_new(struct skt_script *app, bool server)
{
    struct skt_script_etcp *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->base.app = app;
    e->server = server;
    e->feeder.changed = on_feeder_changed;
    skt_list_init(&e->link);
    skt_list_init(&e->tcps);
    skt_list_append(&app->etcps, &e->link);
    return e;
}

int skt_script_etcp_listen(struct skt_script_etcp *e, const struct skt_addr *at)
{
    int fd = skt_tcp_listen(at, BACKLOG);
    if (fd < 0)
        return fd;
    skt_listener_init(&e->listener, e->base.app->loop, fd, "TCP connections", on_connection);
    skt_listener_watch(&e->listener, true);
    return 0;
}

void skt_script_etcp_end(struct skt_script_etcp *e)
{
    struct skt_script *app = e->base.app;
    skt_listener_close(&e->listener);
    skt_script_hold_forget_feeder(app, &e->feeder);
    skt_script_handle_end(app->lua.L, e);
    while (!skt_list_empty(&e->tcps))
        skt_script_tcp_abort(SKT_CONTAINER(e->tcps.next, struct skt_script_tcp, link));
}

void skt_script_etcp_close_listeners(struct skt_script *app)
{
    for (struct skt_list *l = app->etcps.next; l != &app->etcps; l = l->next)
        skt_listener_close(&SKT_CONTAINER(l, struct skt_script_etcp, link)->listener);
}

void skt_script_etcp_close_all(struct skt_script *app)
{
    while (!skt_list_empty(&app->etcps)) {
        struct skt_script_etcp *e = SKT_CONTAINER(app->etcps.next, struct skt_script_etcp, link);
        skt_script_etcp_end(e);
        skt_list_remove(&e->link);
        free(e);
    }
    while (!skt_list_empty(&app->tcps.lingering))
        skt_script_tcp_abort(SKT_CONTAINER(app->tcps.lingering.next, struct skt_script_tcp, link));
}
