/* SPDX-License-Identifier: MIT */
/* What is full holds back who feeds it: while on_tcp_recv or on_skcp_recv_data runs, sending to something
 * that is above its mark makes the source of what is being delivered wait, a TCP connection or a session,
 * until the hold is ended again. */
#include "lua/tcp.h"

#include <stdlib.h>

struct skt_hold {
    struct skt_list link; /* in app->holds */
    struct skt_tcp *c;    /* what is full; NULL: a session, and the hold is skt_pending's */
    uint32_t source;      /* the connection that waits; 0: it is a session */
    struct skt_skcp *k;   /* the session that waits; NULL: it has ended */
    uint32_t cid;
};

static struct skt_hold *find_session(const struct skt_app *app, const struct skt_skcp *k, uint32_t cid)
{
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        struct skt_hold *h = SKT_CONTAINER(l, struct skt_hold, link);
        if (h->k == k && h->cid == cid)
            return h;
    }
    return NULL;
}

/* Does this connection hold the source of what is being delivered already? */
static bool holds_source(const struct skt_app *app, const struct skt_tcp *c)
{
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        const struct skt_hold *h = SKT_CONTAINER(l, struct skt_hold, link);
        if (h->c == c && (app->feeding ? h->source == app->feeding->number
                                       : h->k == app->delivering && h->cid == app->delivering_cid))
            return true;
    }
    return false;
}

bool skt_hold_has_source(const struct skt_app *app)
{
    return app->feeding ? app->feeding->phase == SKT_TCP_UP : app->delivering != NULL;
}

struct skt_hold *skt_hold_begin(struct skt_app *app, struct skt_tcp *c)
{
    if (!skt_hold_has_source(app))
        return NULL;
    struct skt_hold *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->c = c;
    skt_list_append(&app->holds, &h->link);
    if (app->feeding) {
        h->source = app->feeding->number;
        app->feeding->holds++;
    } else {
        h->k = app->delivering;
        h->cid = app->delivering_cid;
        if (h->k->ep)
            skt_endpoint_hold(h->k->ep, h->cid, true);
    }
    return h;
}

void skt_hold_end(struct skt_app *app, struct skt_hold *h)
{
    struct skt_skcp *k = h->k;
    uint32_t cid = h->cid;
    struct skt_tcp *source = h->source ? skt_tcp_find(app, NULL, h->source) : NULL;
    skt_list_remove(&h->link);
    free(h);
    if (source && --source->holds == 0)
        skt_tcp_watch(source);
    if (k && k->ep && !find_session(app, k, cid))
        skt_endpoint_hold(k->ep, cid, false);
}

void skt_hold_add(struct skt_tcp *c)
{
    if (c->queued_len > SKT_TCP_MARK && skt_hold_has_source(c->app) && !holds_source(c->app, c))
        (void)skt_hold_begin(c->app, c); /* without memory for it the queue only grows by this one buffer */
}

void skt_hold_release(struct skt_tcp *c)
{
    struct skt_app *app = c->app;
    for (struct skt_list *l = app->holds.next, *next; l != &app->holds; l = next) {
        struct skt_hold *h = SKT_CONTAINER(l, struct skt_hold, link);
        next = l->next;
        if (h->c == c)
            skt_hold_end(app, h);
    }
}

void skt_hold_forget(struct skt_skcp *k, uint32_t cid)
{
    struct skt_app *app = k->base.app;
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        struct skt_hold *h = SKT_CONTAINER(l, struct skt_hold, link);
        if (h->k == k && (cid == 0 || h->cid == cid))
            h->k = NULL;
    }
}
