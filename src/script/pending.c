/* SPDX-License-Identifier: MIT */
#include "script/pending.h"

#include "base/err.h"
#include "script/hold.h"
#include "script/skcp.h"
#include "script/state.h"

#include <stdlib.h>
#include <string.h>

/* The endpoint tells when there is room; it can't tell when there is memory again. */
#define RETRY_EVERY (100 * SKT_US_PER_MS)

/* What may wait for one session; a callback that sends in an endless loop is refused then. */
enum {
    WAITING_MAX = 8 * 1024 * 1024, /* the largest message 32 times */
    WAITING_OVERHEAD = 256,        /* a message's, its hold's and malloc's bytes around it */
};

/* What waits for one session. */
struct skt_script_waiting {
    size_t len; /* bytes, with WAITING_OVERHEAD each */
};

struct skt_script_pending {
    struct skt_list link;         /* in app->pending.messages, the oldest first */
    struct skt_script_skcp *k;    /* the session's endpoint */
    uint32_t cid;                 /* the session that it is for */
    struct skt_script_hold *hold; /* of where it came from */
    unsigned round;               /* of retries, the last one that it was in */
    size_t len;                   /* of bytes */
    uint8_t bytes[];              /* the message */
};

bool skt_script_pending_waits(const struct skt_script_skcp *k, uint32_t cid)
{
    return skt_idmap_get(&k->waiting, cid) != NULL;
}

/* Counts a message in (of a session that has none yet, too) or out. SKT_ERR_AGAIN: too much waits already. */
static int count_in(struct skt_script_skcp *k, uint32_t cid, size_t len)
{
    struct skt_script_waiting *w = skt_idmap_get(&k->waiting, cid);
    if (w && w->len > WAITING_MAX)
        return SKT_ERR_AGAIN;
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w || skt_idmap_put(&k->waiting, cid, w) != SKT_OK) {
            free(w);
            return SKT_ERR_NOMEM;
        }
    }
    w->len += len + WAITING_OVERHEAD;
    return SKT_OK;
}

static void count_out(struct skt_script_skcp *k, uint32_t cid, size_t len)
{
    struct skt_script_waiting *w = skt_idmap_get(&k->waiting, cid);
    w->len -= len + WAITING_OVERHEAD;
    if (w->len == 0)
        free(skt_idmap_remove(&k->waiting, cid));
}

static void drop(struct skt_script *app, struct skt_script_pending *p)
{
    struct skt_script_hold *h = p->hold;
    skt_list_remove(&p->link);
    count_out(p->k, p->cid, p->len);
    free(p);
    skt_script_hold_end(app, h);
}

bool skt_script_pending_retry(struct skt_script_skcp *k, uint32_t cid)
{
    struct skt_script *app = k->base.app;
    for (struct skt_list *l = app->pending.messages.next, *next; l != &app->pending.messages; l = next) {
        struct skt_script_pending *p = SKT_CONTAINER(l, struct skt_script_pending, link);
        next = l->next;
        if (p->k != k || p->cid != cid)
            continue;
        int err = skt_endpoint_send(k->ep, cid, p->bytes, p->len);
        if (err == SKT_ERR_AGAIN || err == SKT_ERR_NOMEM)
            return false;
        drop(app, p);
    }
    return true;
}

/* The oldest message whose session was not tried in this round, or NULL. */
static struct skt_script_pending *next_untried(const struct skt_script *app, unsigned round)
{
    for (struct skt_list *l = app->pending.messages.next; l != &app->pending.messages; l = l->next) {
        struct skt_script_pending *p = SKT_CONTAINER(l, struct skt_script_pending, link);
        if (p->round != round)
            return p;
    }
    return NULL;
}

static void mark_session(const struct skt_script *app, const struct skt_script_pending *of, unsigned round)
{
    for (struct skt_list *l = app->pending.messages.next; l != &app->pending.messages; l = l->next) {
        struct skt_script_pending *p = SKT_CONTAINER(l, struct skt_script_pending, link);
        if (p->k == of->k && p->cid == of->cid)
            p->round = round;
    }
}

static void on_retry(struct skt_loop_timer *t, skt_us now)
{
    struct skt_script *app = SKT_CONTAINER(t, struct skt_script, pending.retry);
    unsigned round = ++app->pending.round;
    for (struct skt_script_pending *p; (p = next_untried(app, round)) != NULL;) {
        mark_session(app, p, round);
        skt_script_pending_retry(p->k, p->cid);
    }
    if (!skt_list_empty(&app->pending.messages))
        skt_loop_timer_set(app->loop, t, now + RETRY_EVERY);
}

static int put_off(struct skt_script_skcp *k, uint32_t cid, const void *buf, size_t len)
{
    struct skt_script *app = k->base.app;
    struct skt_script_pending *p = malloc(sizeof *p + len);
    int err = p ? count_in(k, cid, len) : SKT_ERR_NOMEM;
    if (err != SKT_OK) {
        free(p);
        return err;
    }
    p->k = k;
    p->cid = cid;
    p->round = app->pending.round;
    p->len = len;
    memcpy(p->bytes, buf, len);
    skt_list_init(&p->link);
    p->hold = skt_script_hold_begin(app, NULL);
    if (!p->hold) {
        count_out(k, cid, len);
        free(p);
        return SKT_ERR_NOMEM;
    }
    if (skt_list_empty(&app->pending.messages))
        skt_loop_timer_set(app->loop, &app->pending.retry, skt_loop_now(app->loop) + RETRY_EVERY);
    skt_list_append(&app->pending.messages, &p->link);
    return SKT_OK;
}

void skt_script_pending_init(struct skt_script *app)
{
    skt_list_init(&app->pending.messages);
    skt_loop_timer_init(&app->pending.retry, on_retry);
}

int skt_script_pending_send(struct skt_script_skcp *k, uint32_t cid, const void *buf, size_t len)
{
    struct skt_script *app = k->base.app;
    bool behind = !skt_list_empty(&app->pending.messages) &&
                  skt_script_pending_waits(k, cid); /* messages stay in order */
    int err = behind ? SKT_ERR_AGAIN : skt_endpoint_send(k->ep, cid, buf, len);
    bool can_wait = skt_script_hold_has_source(app) && len > 0 && len <= SKT_MESSAGE_MAX;
    bool no_room = err == SKT_ERR_AGAIN || err == SKT_ERR_NOMEM;
    return no_room && can_wait ? put_off(k, cid, buf, len) : err;
}

void skt_script_pending_forget(struct skt_script_skcp *k, uint32_t cid)
{
    struct skt_script *app = k->base.app;
    for (struct skt_list *l = app->pending.messages.next, *next; l != &app->pending.messages; l = next) {
        struct skt_script_pending *p = SKT_CONTAINER(l, struct skt_script_pending, link);
        next = l->next;
        if (p->k == k && (cid == 0 || p->cid == cid))
            drop(app, p);
    }
    if (skt_list_empty(&app->pending.messages))
        skt_loop_timer_stop(app->loop, &app->pending.retry);
}
