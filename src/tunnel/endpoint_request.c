/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint_request.h"

#include "base/err.h"
#include "base/log.h"
#include "tunnel/endpoint_internal.h"

#include <string.h>

/* A client that is refused asks again later and later: each time costs the server a handshake, and the log of
 * both a line; 160 s are as long as a user waits who has just been let in. */
#define REFUSED_WAIT_MIN (2 * SKT_US_PER_SEC)
#define REFUSED_WAIT_MAX (160 * SKT_US_PER_SEC)
#define REFUSED_FORGET   (300 * SKT_US_PER_SEC) /* a session that lasted so long was no refusal's */

void skt_endpoint_requests_ended(struct skt_endpoint *ep, const struct skt_session *s)
{
    skt_us now = skt_loop_now(ep->loop);
    if (skt_session_close_reason(s) != SKT_CLOSE_REFUSED || ep->turn.freeing)
        return;
    bool lasted = now - skt_session_created(s) > REFUSED_FORGET;
    ep->asking.refused_wait = lasted || !ep->asking.refused_wait
                                  ? REFUSED_WAIT_MIN
                                  : skt_us_min(2 * ep->asking.refused_wait, REFUSED_WAIT_MAX);
    ep->asking.ask_at = now + ep->asking.refused_wait;
    skt_warn_rarely(
        skt_log_key(ep->place.address, strlen(ep->place.address), ep->place.port_lo),
        "the server %s has ended our session: our ticket or key is not valid any more, or its mode "
        "can't talk to ours "
        "(a script at one end?). Not asking again for %u s",
        ep->place.address, (unsigned)(ep->asking.refused_wait / SKT_US_PER_SEC));
}

void skt_endpoint_requests_init(struct skt_endpoint *ep)
{
    skt_idmap_init(&ep->asking.links);
    skt_idmap_init(&ep->asking.cids);
}

void skt_endpoint_requests_dispose(struct skt_endpoint *ep)
{
    skt_idmap_dispose(&ep->asking.links);
    skt_idmap_dispose(&ep->asking.cids);
}

int skt_endpoint_requests_told_cid(struct skt_link *link, uint32_t cid)
{
    struct skt_endpoint *ep = link->ep;
    if (link->told_cid)
        skt_idmap_remove(&ep->asking.cids, link->told_cid);
    link->told_cid = 0;
    int err = cid ? skt_idmap_put(&ep->asking.cids, cid, link) : SKT_OK;
    if (!err)
        link->told_cid = cid;
    return err;
}

/* The session that waits for its first cid, or for its next one; NULL: none does. */
static struct skt_session *under_way(const struct skt_endpoint *ep)
{
    struct skt_session *s;
    for (uint32_t pos = 0; (s = skt_endpoint_next(ep, &pos)) != NULL;) {
        const struct skt_link *link = skt_session_user(s);
        if (skt_session_state(s) != SKT_SESSION_CLOSED && skt_session_cid(s) != link->told_cid)
            return s;
        if (skt_session_state(s) == SKT_SESSION_IDLE || skt_session_state(s) == SKT_SESSION_CONNECTING)
            return s;
    }
    return NULL;
}

static int begin_session(struct skt_endpoint *ep, skt_us now, struct skt_session **out)
{
    if (ep->asking.links.count >= SKT_ENDPOINT_SESSIONS_MAX)
        return SKT_ERR_FULL;
    int err = skt_session_new_client(out, &ep->ctx, now);
    if (err)
        return err;
    err = skt_endpoint_link_new(ep, *out);
    if (err) {
        skt_session_free(*out);
        return err;
    }
    skt_session_set_probing(*out, ep->asking.probing);
    skt_session_set_candidates(*out, ep->reach.candidates, ep->reach.candidate_count, ep->place.port_lo,
                               ep->place.port_hi);
    return SKT_OK;
}

int skt_endpoint_request(struct skt_endpoint *ep, const uint8_t ticket[SKT_TICKET_LEN])
{
    skt_us now = skt_loop_now(ep->loop);
    if (ep->server || ep->turn.freeing)
        return SKT_ERR_ARG;
    struct skt_session *s = under_way(ep);
    int err = s ? SKT_OK : begin_session(ep, now, &s);
    if (err)
        return err;
    err = skt_session_connect(s, skt_us_max(now, ep->asking.ask_at), ticket);
    skt_endpoint_touch(ep, s);
    return err;
}

skt_us skt_endpoint_score(const struct skt_endpoint *ep)
{
    skt_us least = SKT_NEVER;
    const struct skt_session *s;
    for (uint32_t pos = 0; (s = skt_endpoint_next(ep, &pos)) != NULL;)
        if (skt_session_state(s) == SKT_SESSION_UP)
            least = skt_us_min(least, skt_session_mean_rtt(s));
    return least;
}
