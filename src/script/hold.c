/* SPDX-License-Identifier: MIT */
#include "script/hold.h"

#include "script/state.h"
#include "tunnel/endpoint.h"

#include <stdlib.h>

struct skt_script_hold {
    struct skt_list link;             /* in app->holds */
    const void *full;                 /* the connection that is full; NULL: a session is */
    struct skt_script_feeder *feeder; /* who waits; NULL: no feeder, or it has ended */
    struct skt_endpoint *ep;          /* of the session that waits; NULL: no session, or it has ended */
    uint32_t cid;                     /* of the session that waits */
};

static bool is_held(const struct skt_script *app, const struct skt_endpoint *ep, uint32_t cid)
{
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        const struct skt_script_hold *h = SKT_CONTAINER(l, struct skt_script_hold, link);
        if (h->ep == ep && h->cid == cid)
            return true;
    }
    return false;
}

/* Does a full connection hold back whose bytes these are? */
static bool is_stream(const struct skt_script_source *s)
{
    return s->kind == SKT_SOURCE_SESSION ||
           (s->kind == SKT_SOURCE_FEEDER && s->feeder->stream && !s->feeder->ended);
}

/* Does this connection hold the source of what is being delivered already? */
static bool holds_source(const struct skt_script *app, const void *full)
{
    const struct skt_script_source *s = &app->source;
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        const struct skt_script_hold *h = SKT_CONTAINER(l, struct skt_script_hold, link);
        if (h->full == full && h->feeder == s->feeder && h->ep == s->ep && h->cid == s->cid)
            return true;
    }
    return false;
}

bool skt_script_hold_has_source(const struct skt_script *app)
{
    return app->source.kind != SKT_SOURCE_NONE;
}

struct skt_script_hold *skt_script_hold_begin(struct skt_script *app, const void *full)
{
    const struct skt_script_source *s = &app->source;
    struct skt_script_hold *h = skt_script_hold_has_source(app) ? calloc(1, sizeof *h) : NULL;
    if (!h)
        return NULL;
    h->full = full;
    skt_list_append(&app->holds, &h->link);
    if (s->kind == SKT_SOURCE_FEEDER && !s->feeder->ended) {
        h->feeder = s->feeder;
        if (h->feeder->holds++ == 0 && h->feeder->changed)
            h->feeder->changed(h->feeder);
    } else if (s->kind == SKT_SOURCE_SESSION) {
        h->ep = s->ep;
        h->cid = s->cid;
        skt_endpoint_hold(h->ep, h->cid, true);
    }
    return h;
}

void skt_script_hold_end(struct skt_script *app, struct skt_script_hold *h)
{
    struct skt_script_hold was = *h;
    skt_list_remove(&h->link);
    free(h);
    if (was.feeder && --was.feeder->holds == 0 && was.feeder->changed)
        was.feeder->changed(was.feeder);
    if (was.ep && !is_held(app, was.ep, was.cid))
        skt_endpoint_hold(was.ep, was.cid, false);
}

void skt_script_hold_add(struct skt_script *app, const void *full)
{
    if (is_stream(&app->source) && !holds_source(app, full))
        (void)skt_script_hold_begin(app, full); /* without memory the queue only grows by this one buffer */
}

void skt_script_hold_release(struct skt_script *app, const void *full)
{
    for (struct skt_list *l = app->holds.next, *next; l != &app->holds; l = next) {
        struct skt_script_hold *h = SKT_CONTAINER(l, struct skt_script_hold, link);
        next = l->next;
        if (h->full == full)
            skt_script_hold_end(app, h);
    }
}

void skt_script_hold_forget_feeder(struct skt_script *app, struct skt_script_feeder *feeder)
{
    feeder->ended = true;
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        struct skt_script_hold *h = SKT_CONTAINER(l, struct skt_script_hold, link);
        if (h->feeder == feeder)
            h->feeder = NULL;
    }
}

void skt_script_hold_forget_session(struct skt_script *app, const struct skt_endpoint *ep, uint32_t cid)
{
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        struct skt_script_hold *h = SKT_CONTAINER(l, struct skt_script_hold, link);
        if (h->ep == ep && (cid == 0 || h->cid == cid))
            h->ep = NULL;
    }
}
