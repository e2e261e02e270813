/* SPDX-License-Identifier: MIT */
#include "proto/session/connect.h"

#include "base/err.h"
#include "proto/session/internal.h"

#include <stdlib.h>
#include <string.h>

#define SILENT_AGAIN    (5250 * SKT_US_PER_MS) /* at 11 s: a round trip of 8 s would have been seen by then */
#define SILENT_INTERVAL (30 * SKT_US_PER_SEC)  /* then: so that the log is not full of it */

/* Between ATTACHs, however long the round trip: as between message 1s (retry_wait). */
#define ATTACH_WAIT_MAX (2 * SKT_US_PER_SEC)

enum { SILENT_TRIES = 5 }; /* 5.75 s: it is said that there is no answer yet */

/* The wait after the n-th try: 0.25, 0.5, 1, then 2 s. */
static skt_us retry_wait(unsigned n)
{
    return n >= 4 ? 2 * SKT_US_PER_SEC : 250 * SKT_US_PER_MS << (n - 1);
}

int skt_connect_init(struct skt_connect *c, bool client)
{
    c->at = c->attach_at = c->attach_until = c->silent_at = SKT_NEVER;
    c->client = client ? calloc(1, sizeof *c->client) : NULL;
    return client && !c->client ? SKT_ERR_NOMEM : SKT_OK;
}

void skt_connect_dispose(struct skt_session *s)
{
    skt_connect_drop_attempts(s);
    skt_connect_drop_pending(s);
    free(s->connect.client);
    s->connect.client = NULL;
}

bool skt_connect_under_way(const struct skt_session *s)
{
    return s->connect.at != SKT_NEVER || s->connect.pending;
}

void skt_connect_need(struct skt_session *s, skt_us now)
{
    struct skt_connect *c = &s->connect;
    if (skt_connect_under_way(s))
        return;
    c->tries = 0;
    c->at = now;
    c->silent_at = SKT_NEVER;
}

void skt_session_rekey(struct skt_session *s, skt_us now)
{
    if (!s->client || s->state == SKT_SESSION_IDLE || s->state == SKT_SESSION_CLOSED)
        return;
    skt_connect_drop_attempts(s);
    skt_connect_drop_pending(s);
    s->connect.at = SKT_NEVER;
    s->connect.client->cookie_until = 0; /* the server made it with the other one */
    skt_connect_need(s, now);
}

void skt_session_set_candidates(struct skt_session *s, const struct skt_addr *addrs, size_t n,
                                uint16_t port_lo, uint16_t port_hi)
{
    struct skt_connect *c = &s->connect;
    if (n > SKT_CANDIDATES_MAX)
        n = SKT_CANDIDATES_MAX;
    if (c->candidate_count == 0 && c->at != SKT_NEVER) { /* the first try waits for them */
        c->at = 0;
        c->tries = 0;
    }
    bool same = n == c->candidate_count;
    for (size_t i = 0; same && i < n; i++)
        same = skt_addr_equal(&c->client->candidates[i], &addrs[i]);
    if (!same) /* else each goes on to have its turn */
        c->candidate_next = 0;
    memcpy(c->client->candidates, addrs, n * sizeof *addrs);
    c->candidate_count = n;
    c->port_lo = port_lo;
    c->port_hi = port_hi;
}

int skt_session_connect(struct skt_session *s, skt_us now, const uint8_t ticket[SKT_TICKET_LEN])
{
    if (s->state == SKT_SESSION_CLOSED)
        return SKT_ERR_CLOSED;
    bool connecting = s->state == SKT_SESSION_CONNECTING;
    if (s->state != SKT_SESSION_IDLE && !(connecting && memcmp(s->ticket, ticket, SKT_TICKET_LEN) != 0))
        return SKT_OK;
    if (connecting) { /* whatever the server thinks of the other ticket: not this one's answer */
        skt_connect_dispose(s);
        s->connect.at = s->connect.silent_at = SKT_NEVER;
    }
    memcpy(s->ticket, ticket, SKT_TICKET_LEN);
    s->state = SKT_SESSION_CONNECTING;
    skt_session_tell_state(s);
    skt_connect_need(s, now);
    return SKT_OK;
}

unsigned skt_session_take_notes(struct skt_session *s)
{
    unsigned notes = s->connect.notes;
    s->connect.notes = 0;
    return notes;
}

skt_us skt_connect_expiry(const struct skt_session *s)
{
    const struct skt_connect *c = &s->connect;
    return skt_us_min(skt_us_min(c->at, c->silent_at), skt_us_min(c->attach_at, c->attach_until));
}

void skt_connect_expire(struct skt_session *s, skt_us now)
{
    struct skt_connect *c = &s->connect;
    if (now >= c->attach_until) { /* message 2 came, but no word about the ticket */
        skt_connect_drop_pending(s);
        c->at = now;
        c->tries = 0;
    }
    if (now >= c->silent_at) {
        s->events |= SKT_EVENT_SILENT;
        c->silent_at = now + (c->tries <= SILENT_TRIES ? SILENT_AGAIN : SILENT_INTERVAL);
    }
}

size_t skt_connect_send(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap,
                        struct skt_send_info *info)
{
    struct skt_connect *c = &s->connect;
    size_t len = 0;
    if (c->pending && now >= c->attach_at) {
        len = skt_connect_write_attach(s, buf);
        info->to = c->pending_to;
        c->attach_at =
            now + skt_us_max(retry_wait(++c->attach_tries), skt_us_min(c->rtt / 4, ATTACH_WAIT_MAX));
    } else if (now >= c->at) {
        c->tries++;
        c->at = now + retry_wait(c->tries);
        if (c->tries == SILENT_TRIES)
            c->silent_at = c->at;
        if (c->tries > 1 || c->candidate_count == 0)
            s->events |=
                SKT_EVENT_RESOLVE; /* as long as there is no answer; the owner knows how often is enough */
        if (c->candidate_count > 0)
            len = skt_connect_send_initiation(s, now, buf, cap, &info->to);
    }
    s->stats.bytes_tx += len;
    if (len)
        skt_trace_tell(&s->path.trace, sent, now, len, SKT_TRACE_HANDSHAKE);
    return len;
}
