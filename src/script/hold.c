/* SPDX-License-Identifier: MIT */
/* What is full holds back who feeds it: while a callback runs, sending to something that is above its mark
 * makes the source of what the callback tells wait (a TCP connection, a session, a listener, the TUN) until
 * the hold is ended again. What happens once has no such source. */
#include "script/hold.h"

#include "script/api_etcp.h"
#include "script/skcp.h"
#include "script/tcp.h"

#include <stdlib.h>

struct skt_script_hold {
    struct skt_list link;      /* in app->holds */
    struct skt_script_tcp *c;  /* what is full; NULL: a session, and the hold is skt_script_pending's */
    uint32_t source;           /* the connection that waits; 0: none */
    struct skt_script_skcp *k; /* the session that waits; NULL: none, or it has ended */
    uint32_t cid;
    struct skt_script_etcp *etcp; /* the listener that waits; NULL: none, or it has ended */
    bool tun;                     /* the TUN waits */
};

static struct skt_script_hold *find_session(const struct skt_script *app, const struct skt_script_skcp *k,
                                            uint32_t cid)
{
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        struct skt_script_hold *h = SKT_CONTAINER(l, struct skt_script_hold, link);
        if (h->k == k && h->cid == cid)
            return h;
    }
    return NULL;
}

/* Whose bytes it is that are being delivered: only they are held back by a connection that is full. A
 * listener or the TUN would have all others wait for one reader. */
static bool is_stream(const struct skt_script_source *s)
{
    return (s->kind == SKT_SOURCE_TCP && s->tcp->phase == SKT_TCP_UP) || s->kind == SKT_SOURCE_SESSION;
}

/* Does this connection hold the source of what is being delivered already? */
static bool holds_source(const struct skt_script *app, const struct skt_script_tcp *c)
{
    const struct skt_script_source *s = &app->source;
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        const struct skt_script_hold *h = SKT_CONTAINER(l, struct skt_script_hold, link);
        if (h->c == c &&
            (s->kind == SKT_SOURCE_TCP ? h->source == s->tcp->number : h->k == s->k && h->cid == s->cid))
            return true;
    }
    return false;
}

bool skt_script_hold_has_source(const struct skt_script *app)
{
    return app->source.kind != SKT_SOURCE_NONE;
}

struct skt_script_hold *skt_script_hold_begin(struct skt_script *app, struct skt_script_tcp *c)
{
    const struct skt_script_source *s = &app->source;
    struct skt_script_hold *h = skt_script_hold_has_source(app) ? calloc(1, sizeof *h) : NULL;
    if (!h)
        return NULL;
    h->c = c;
    skt_list_append(&app->holds, &h->link);
    if (s->kind == SKT_SOURCE_TCP && s->tcp->phase == SKT_TCP_UP) {
        h->source = s->tcp->number;
        s->tcp->holds++;
    } else if (s->kind == SKT_SOURCE_SESSION) {
        h->k = s->k;
        h->cid = s->cid;
        if (h->k->ep)
            skt_endpoint_hold(h->k->ep, h->cid, true);
    } else if (s->kind == SKT_SOURCE_LISTENER) {
        h->etcp = s->etcp;
        h->etcp->holds++;
        skt_script_etcp_watch(h->etcp);
    } else if (s->kind == SKT_SOURCE_TUN) {
        h->tun = true;
        app->tun_holds++;
    }
    return h;
}

void skt_script_hold_end(struct skt_script *app, struct skt_script_hold *h)
{
    struct skt_script_hold was = *h;
    struct skt_script_tcp *source = was.source ? skt_script_tcp_find(app, NULL, was.source) : NULL;
    skt_list_remove(&h->link);
    free(h);
    if (source && --source->holds == 0)
        skt_script_tcp_watch(source);
    if (was.k && was.k->ep && !find_session(app, was.k, was.cid))
        skt_endpoint_hold(was.k->ep, was.cid, false);
    if (was.etcp && --was.etcp->holds == 0)
        skt_script_etcp_watch(was.etcp);
    app->tun_holds -= was.tun;
}

void skt_script_hold_forget_listener(const struct skt_script_etcp *e)
{
    struct skt_script *app = e->base.app;
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        struct skt_script_hold *h = SKT_CONTAINER(l, struct skt_script_hold, link);
        if (h->etcp == e)
            h->etcp = NULL;
    }
}

void skt_script_hold_add(struct skt_script_tcp *c)
{
    if (c->queued_len > SKT_TCP_MARK && is_stream(&c->app->source) && !holds_source(c->app, c))
        (void)skt_script_hold_begin(c->app,
                                    c); /* without memory for it the queue only grows by this one buffer */
}

void skt_script_hold_release(struct skt_script_tcp *c)
{
    struct skt_script *app = c->app;
    for (struct skt_list *l = app->holds.next, *next; l != &app->holds; l = next) {
        struct skt_script_hold *h = SKT_CONTAINER(l, struct skt_script_hold, link);
        next = l->next;
        if (h->c == c)
            skt_script_hold_end(app, h);
    }
}

void skt_script_hold_forget(struct skt_script_skcp *k, uint32_t cid)
{
    struct skt_script *app = k->base.app;
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        struct skt_script_hold *h = SKT_CONTAINER(l, struct skt_script_hold, link);
        if (h->k == k && (cid == 0 || h->cid == cid))
            h->k = NULL;
    }
}
