/* SPDX-License-Identifier: MIT */
/* TCP connections whose queue is above its mark hold back the messages that feed it: while on_skcp_recv_data
 * runs for a session, sending to such a connection makes the session's next message wait until the queue is
 * short again. */
#include "lua/tcp.h"

#include <stdlib.h>

struct skt_hold {
    struct skt_list link; /* in app->holds */
    struct skt_tcp *c;
    struct skt_skcp *k;
    uint32_t cid;
};

static struct skt_hold *find(const struct skt_app *app, const struct skt_tcp *c, const struct skt_skcp *k,
                             uint32_t cid)
{
    for (struct skt_list *l = app->holds.next; l != &app->holds; l = l->next) {
        struct skt_hold *h = SKT_CONTAINER(l, struct skt_hold, link);
        if ((!c || h->c == c) && h->k == k && h->cid == cid)
            return h;
    }
    return NULL;
}

void skt_hold_add(struct skt_tcp *c)
{
    struct skt_app *app = c->app;
    struct skt_skcp *k = app->delivering;
    if (!k || c->queued_len <= SKT_TCP_MARK || find(app, c, k, app->delivering_cid))
        return;
    struct skt_hold *h = malloc(sizeof *h);
    if (!h)
        return; /* the queue's hard limit still stands */
    *h = (struct skt_hold){.c = c, .k = k, .cid = app->delivering_cid};
    skt_list_append(&app->holds, &h->link);
    skt_endpoint_hold(k->ep, h->cid, true);
}

static void drop(struct skt_app *app, struct skt_hold *h)
{
    struct skt_skcp *k = h->k;
    uint32_t cid = h->cid;
    skt_list_remove(&h->link);
    free(h);
    if (k->ep && !find(app, NULL, k, cid))
        skt_endpoint_hold(k->ep, cid, false);
}

void skt_hold_release(struct skt_tcp *c)
{
    struct skt_app *app = c->app;
    for (struct skt_list *l = app->holds.next, *next; l != &app->holds; l = next) {
        struct skt_hold *h = SKT_CONTAINER(l, struct skt_hold, link);
        next = l->next;
        if (h->c == c)
            drop(app, h);
    }
}

void skt_hold_forget(struct skt_skcp *k, uint32_t cid)
{
    struct skt_app *app = k->base.app;
    for (struct skt_list *l = app->holds.next, *next; l != &app->holds; l = next) {
        struct skt_hold *h = SKT_CONTAINER(l, struct skt_hold, link);
        next = l->next;
        if (h->k == k && (cid == 0 || h->cid == cid))
            drop(app, h);
    }
}
