/* SPDX-License-Identifier: MIT */
#include "script/closing.h"

#include "base/err.h"
#include "script/pending.h"
#include "script/skcp_tell.h"
#include "script/state.h"

#include <stdlib.h>

/* The endpoint does not tell when a peer has all messages; a look at a session costs next to nothing. */
#define POLL_EVERY (10 * SKT_US_PER_MS)

/* Who acknowledges nothing for so long has gone, or stands still. */
#define PATIENCE (10 * SKT_US_PER_SEC)

struct skt_script_closing {
    struct skt_list link;      /* in app->closing.sessions */
    struct skt_script_skcp *k; /* the session's endpoint */
    uint32_t cid;              /* the session */
    skt_us until;              /* it is not waited for any longer */
    bool told;                 /* on_skcp_close was called */
    bool ended;                /* the endpoint was asked to end it: skt_script_closing_forget follows */
};

static struct skt_script_closing *find(const struct skt_script_skcp *k, uint32_t cid)
{
    const struct skt_script *app = k->base.app;
    for (struct skt_list *l = app->closing.sessions.next; l != &app->closing.sessions; l = l->next) {
        struct skt_script_closing *c = SKT_CONTAINER(l, struct skt_script_closing, link);
        if (c->k == k && c->cid == cid)
            return c;
    }
    return NULL;
}

static void end(struct skt_script_closing *c)
{
    skt_list_remove(&c->link);
    free(c);
}

static bool is_due(const struct skt_script_closing *c, skt_us now)
{
    const struct skt_session *s = skt_endpoint_session(c->k->ep, c->cid);
    bool drained = !s || skt_session_state(s) == SKT_SESSION_CLOSED ||
                   (skt_session_messages_drained(s) && !skt_script_pending_waits(c->k, c->cid));
    return drained || now >= c->until;
}

/* One whose turn has come in this round, or NULL; callbacks may change the list, so it is walked anew each
 * time. */
static struct skt_script_closing *next_due(const struct skt_script *app, skt_us now)
{
    for (struct skt_list *l = app->closing.sessions.next; l != &app->closing.sessions; l = l->next) {
        struct skt_script_closing *c = SKT_CONTAINER(l, struct skt_script_closing, link);
        if (!c->ended && is_due(c, now))
            return c;
    }
    return NULL;
}

static void on_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_script *app = SKT_CONTAINER(t, struct skt_script, closing.timer);
    for (struct skt_script_closing *c; (c = next_due(app, now)) != NULL;) {
        const struct skt_session *s = skt_endpoint_session(c->k->ep, c->cid);
        if (s && skt_session_state(s) != SKT_SESSION_CLOSED && !c->told) {
            c->told = true;
            c->until = now >= c->until ? now : now + PATIENCE;
            skt_script_skcp_tell_close(c->k, c->cid);
            continue; /* c may be gone */
        }
        c->ended = true;
        if (skt_endpoint_close(c->k->ep, c->cid, SKT_CLOSE_LOCAL) != SKT_OK)
            end(c);
    }
    if (!skt_list_empty(&app->closing.sessions))
        skt_loop_timer_set(app->loop, t, now + POLL_EVERY);
}

void skt_script_closing_init(struct skt_script *app)
{
    skt_list_init(&app->closing.sessions);
    skt_loop_timer_init(&app->closing.timer, on_timer);
}

bool skt_script_closing_has(const struct skt_script_skcp *k, uint32_t cid)
{
    return find(k, cid) != NULL;
}

bool skt_script_closing_was_told(const struct skt_script_skcp *k, uint32_t cid)
{
    const struct skt_script_closing *c = find(k, cid);
    return c && c->told;
}

int skt_script_closing_begin(struct skt_script_skcp *k, uint32_t cid)
{
    struct skt_script *app = k->base.app;
    const struct skt_session *s = skt_endpoint_session(k->ep, cid);
    if (!s || skt_session_state(s) == SKT_SESSION_CLOSED || skt_script_closing_has(k, cid))
        return SKT_ERR_CLOSED;
    skt_us now = skt_loop_now(app->loop);
    struct skt_script_closing *c = calloc(1, sizeof *c);
    if (!c)
        return skt_endpoint_close(k->ep, cid, SKT_CLOSE_LOCAL);
    skt_loop_timer_set(app->loop, &app->closing.timer, now);
    *c = (struct skt_script_closing){.k = k, .cid = cid, .until = now + PATIENCE};
    skt_list_init(&c->link);
    skt_list_append(&app->closing.sessions, &c->link);
    return SKT_OK;
}

void skt_script_closing_forget(struct skt_script_skcp *k, uint32_t cid)
{
    struct skt_script *app = k->base.app;
    for (struct skt_list *l = app->closing.sessions.next, *next; l != &app->closing.sessions; l = next) {
        struct skt_script_closing *c = SKT_CONTAINER(l, struct skt_script_closing, link);
        next = l->next;
        if (c->k == k && (cid == 0 || c->cid == cid))
            end(c);
    }
    if (skt_list_empty(&app->closing.sessions))
        skt_loop_timer_stop(app->loop, &app->closing.timer);
}
