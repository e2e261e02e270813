/* SPDX-License-Identifier: MIT */
/* Who goes when there are as many sessions as there may be. */
#include "base/err.h"
#include "base/wipe.h"
#include "proto/acceptor/internal.h"

#include <stdlib.h>
#include <string.h>

#define SHARES_INTERVAL (100 * SKT_US_PER_MS) /* counting them costs a sort */

enum { ASKS = 2 }; /* unanswered questions, since one may be lost */

static bool is_open(const struct skt_session *s)
{
    return s->state != SKT_SESSION_CLOSED;
}

/* It has missed two keepalives, or does not answer. */
static bool is_silent(const struct skt_session *s, skt_us now)
{
    skt_us interval = skt_us_min(s->liveness.keepalive / 3, SKT_KEEPALIVE_MAX);
    skt_us patience = skt_us_max(SKT_SUSPECT_MIN, 3 * s->path.rtt.srtt);
    return now >= s->liveness.heard + 2 * interval + patience ||
           (s->liveness.asks >= ASKS && now >= s->liveness.asked_at + patience);
}

static struct skt_session *longest_silent(const struct skt_acceptor *a, skt_us now, const uint8_t *ticket)
{
    struct skt_session *own = NULL, *any = NULL, *s;
    uint32_t pos = 0;
    while ((s = skt_idmap_next(&a->sessions, &pos)) != NULL) {
        if (!is_open(s) || !is_silent(s, now))
            continue;
        if (!any || s->liveness.heard < any->liveness.heard)
            any = s;
        if (memcmp(s->ticket, ticket, SKT_TICKET_LEN) == 0 &&
            (!own || s->liveness.heard < own->liveness.heard))
            own = s;
    }
    return own ? own : any;
}

/* By ticket, and of one ticket the longest unheard first. */
static int by_ticket(const void *x, const void *y)
{
    const struct skt_session *a = *(struct skt_session *const *)x, *b = *(struct skt_session *const *)y;
    int order = memcmp(a->ticket, b->ticket, SKT_TICKET_LEN);
    return order ? order : (a->liveness.heard > b->liveness.heard) - (a->liveness.heard < b->liveness.heard);
}

/* The longest unheard session of the ticket that has most of n sorted ones, and *most of them. */
static struct skt_session *of_the_most(struct skt_session **all, uint32_t n, const uint8_t *ticket,
                                       uint32_t *most, uint32_t *own)
{
    struct skt_session *found = NULL;
    *most = *own = 0;
    for (uint32_t i = 0, len; i < n; i += len) {
        for (len = 1; i + len < n && memcmp(all[i]->ticket, all[i + len]->ticket, SKT_TICKET_LEN) == 0;)
            len++;
        if (memcmp(all[i]->ticket, ticket, SKT_TICKET_LEN) == 0)
            *own = len;
        if (len > *most) {
            *most = len;
            found = all[i];
        }
    }
    return found;
}

static struct skt_session *fair_victim(struct skt_acceptor *a, skt_us now, const uint8_t *ticket)
{
    struct skt_session **all, *s, *found;
    uint32_t n = 0, pos = 0, most, own;
    if (now < a->shares_next)
        return NULL;
    a->shares_next = now + SHARES_INTERVAL;
    all = calloc(a->sessions.count, sizeof *all);
    if (!all)
        return NULL;
    while ((s = skt_idmap_next(&a->sessions, &pos)) != NULL)
        if (is_open(s))
            all[n++] = s;
    qsort(all, n, sizeof *all, by_ticket);
    found = of_the_most(all, n, ticket, &most, &own);
    free(all);
    return most >= own + 2 ? found : NULL;
}

struct skt_session *skt_acceptor_make_room(struct skt_acceptor *a, skt_us now,
                                           const uint8_t ticket[SKT_TICKET_LEN])
{
    if (a->sessions.count < a->sessions_max + a->leaving)
        return NULL;
    struct skt_session *s = longest_silent(a, now, ticket);
    if (!s)
        s = fair_victim(a, now, ticket);
    if (s && !s->leaving) {
        s->leaving = true;
        a->leaving++;
    }
    return s;
}

unsigned skt_acceptor_ask(struct skt_acceptor *a, skt_us now, const uint8_t ticket[SKT_TICKET_LEN],
                          struct skt_session **out, unsigned max)
{
    struct skt_session *s;
    uint32_t pos = 0;
    unsigned n = 0;
    while (n < max && (s = skt_idmap_next(&a->sessions, &pos)) != NULL) {
        if (!is_open(s) || now < s->liveness.heard + SKT_US_PER_SEC ||
            memcmp(s->ticket, ticket, SKT_TICKET_LEN) != 0 ||
            (s->liveness.asks > 0 && now < s->liveness.asked_at + SKT_US_PER_SEC))
            continue;
        s->liveness.asks += s->liveness.asks < ASKS;
        s->liveness.asked_at = now;
        s->due.set |= SKT_DUE_PING;
        out[n++] = s;
    }
    return n;
}
