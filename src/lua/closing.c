/* SPDX-License-Identifier: MIT */
/* Sessions that the script has closed while messages of its own were under way: they end once the peer has
 * acknowledged all, or after a while. */
#include "base/err.h"
#include "lua/skcp.h"

#include <stdlib.h>

static const skt_us poll_every = 10 * SKT_US_PER_MS;
static const skt_us patience = 10 * SKT_US_PER_SEC;

struct skt_closing {
    struct skt_list link; /* in app->closings */
    struct skt_skcp *k;
    uint32_t cid;
    skt_us until;
};

static void end(struct skt_closing *c)
{
    skt_list_remove(&c->link);
    free(c);
}

static bool is_due(const struct skt_closing *c, skt_us now)
{
    const struct skt_session *s = skt_endpoint_session(c->k->ep, c->cid);
    bool drained = !s || skt_session_state(s) == SKT_SESSION_CLOSED ||
                   (skt_session_messages_drained(s) && !skt_pending_waits(c->k->base.app, c->k, c->cid));
    return drained || now >= c->until;
}

static void on_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_app *app = SKT_CONTAINER(t, struct skt_app, closing_timer);
    for (struct skt_list *l = app->closings.next, *next; l != &app->closings; l = next) {
        struct skt_closing *c = SKT_CONTAINER(l, struct skt_closing, link);
        next = l->next;
        if (is_due(c, now)) {
            (void)skt_endpoint_close(c->k->ep, c->cid, SKT_CLOSE_LOCAL);
            end(c);
        }
    }
    if (!skt_list_empty(&app->closings))
        (void)skt_loop_timer_set(app->loop, t, now + poll_every);
}

void skt_closing_init_app(struct skt_app *app)
{
    skt_list_init(&app->closings);
    skt_loop_timer_init(&app->closing_timer, on_timer);
}

bool skt_closing_has(const struct skt_app *app, const struct skt_skcp *k, uint32_t cid)
{
    for (const struct skt_list *l = app->closings.next; l != &app->closings; l = l->next) {
        const struct skt_closing *c = SKT_CONTAINER(l, struct skt_closing, link);
        if (c->k == k && c->cid == cid)
            return true;
    }
    return false;
}

int skt_closing_begin(struct skt_skcp *k, uint32_t cid)
{
    struct skt_app *app = k->base.app;
    const struct skt_session *s = skt_endpoint_session(k->ep, cid);
    bool waits = skt_pending_waits(app, k, cid);
    if (!s || skt_session_state(s) == SKT_SESSION_CLOSED || skt_closing_has(app, k, cid))
        return SKT_ERR_CLOSED;
    struct skt_closing *c = NULL;
    skt_us now = skt_loop_now(app->loop);
    if (waits || !skt_session_messages_drained(s))
        c = calloc(1, sizeof *c);
    if (!c || skt_loop_timer_set(app->loop, &app->closing_timer, now + poll_every) != SKT_OK) {
        free(c);
        return skt_endpoint_close(k->ep, cid, SKT_CLOSE_LOCAL);
    }
    *c = (struct skt_closing){.k = k, .cid = cid, .until = now + patience};
    skt_list_init(&c->link);
    skt_list_append(&app->closings, &c->link);
    return SKT_OK;
}

void skt_closing_forget(struct skt_skcp *k, uint32_t cid)
{
    struct skt_app *app = k->base.app;
    for (struct skt_list *l = app->closings.next, *next; l != &app->closings; l = next) {
        struct skt_closing *c = SKT_CONTAINER(l, struct skt_closing, link);
        next = l->next;
        if (c->k == k && (cid == 0 || c->cid == cid))
            end(c);
    }
    if (skt_list_empty(&app->closings))
        skt_loop_timer_stop(app->loop, &app->closing_timer);
}
