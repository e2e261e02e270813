/* SPDX-License-Identifier: MIT */
/* A client's sockets, its server's addresses and its sessions. */
#include "base/err.h"
#include "base/log.h"
#include "tunnel/endpoint_internal.h"
#include "tunnel/endpoint_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RESOLVE_INTERVAL (2 * SKT_US_PER_SEC)

static void on_error(void *user, const struct skt_addr *to, int error)
{
    skt_endpoint_client_unreached(user, to, error);
}

static void open_socket(struct skt_endpoint *ep, uint8_t family)
{
    int via = family == 6 ? SKT_VIA_V6 : SKT_VIA_V4;
    if (ep->sockets[via])
        return;
    struct skt_addr any = {.family = family};
    int err = skt_udp_open(&ep->sockets[via], ep->loop, &any, skt_endpoint_on_batch, ep);
    if (err)
        skt_error_rarely(family, "can't open an IPv%d UDP socket: %s", family,
                         err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
    else
        skt_udp_watch_errors(ep->sockets[via], on_error);
}

/* Takes new addresses over and tells the sessions. */
static void set_candidates(struct skt_endpoint *ep, const struct skt_addr *addrs, size_t n)
{
    if (n > SKT_CANDIDATES_MAX)
        n = SKT_CANDIDATES_MAX;
    for (size_t i = 0; i < n; i++) {
        ep->candidates[i] = addrs[i];
        ep->candidates[i].via = addrs[i].family == 6 ? SKT_VIA_V6 : SKT_VIA_V4;
        open_socket(ep, addrs[i].family);
    }
    ep->candidate_count = n;
    if (ep->handler.on_addresses)
        ep->handler.on_addresses(ep->user, ep, ep->candidates, n);
    struct skt_session *s;
    for (uint32_t pos = 0; (s = skt_endpoint_next(ep, &pos)) != NULL;) {
        skt_session_set_candidates(s, ep->candidates, n, ep->port_lo, ep->port_hi);
        skt_endpoint_touch(ep, s);
    }
}

static void on_resolved(void *user, const struct skt_addr *addrs, size_t n, const char *error)
{
    struct skt_endpoint *ep = user;
    ep->resolve = NULL;
    if (n > 0)
        set_candidates(ep, addrs, n);
    else if (ep->candidate_count == 0)
        skt_endpoint_log_unresolved(ep, error);
}

int skt_endpoint_client_init(struct skt_endpoint *ep)
{
    skt_idmap_init(&ep->links);
    skt_idmap_init(&ep->cids);
    ep->sockets = calloc(SKT_CLIENT_SOCKETS, sizeof(struct skt_udp *));
    if (!ep->sockets)
        return SKT_ERR_NOMEM;
    ep->socket_count = SKT_CLIENT_SOCKETS;
    skt_endpoint_client_resolve(ep);
    return SKT_OK;
}

void skt_endpoint_client_dispose(struct skt_endpoint *ep)
{
    skt_resolve_cancel(ep->resolve);
    skt_idmap_dispose(&ep->links);
    skt_idmap_dispose(&ep->cids);
}

void skt_endpoint_client_resolve(struct skt_endpoint *ep)
{
    struct skt_addr numeric;
    if (skt_addr_parse(&numeric, ep->address, ep->port_lo) == SKT_OK) {
        if (ep->candidate_count == 0)
            set_candidates(ep, &numeric, 1);
        return;
    }
    skt_us now = skt_loop_now(ep->loop);
    if (ep->resolve || now < ep->resolve_next)
        return;
    ep->resolve_next = now + RESOLVE_INTERVAL;
    if (skt_resolve_start(&ep->resolve, ep->loop, ep->address, ep->port_lo, on_resolved, ep) != SKT_OK)
        ep->resolve = NULL;
}

static bool any_is_up(const struct skt_endpoint *ep)
{
    const struct skt_session *s;
    for (uint32_t pos = 0; (s = skt_endpoint_next(ep, &pos)) != NULL;)
        if (skt_session_state(s) == SKT_SESSION_UP)
            return true;
    return false;
}

/* Another local port: one that a middlebox has taken against, or a mapping that it has lost, is left behind.
 */
static void reopen(struct skt_endpoint *ep)
{
    for (size_t i = 0; i < ep->socket_count; i++) {
        skt_udp_close(ep->sockets[i]);
        ep->sockets[i] = NULL;
    }
    for (size_t i = 0; i < ep->candidate_count; i++)
        open_socket(ep, ep->candidates[i].family);
}

/* Trouble is watched for as long as the server has not answered. */
static void watch_errors(struct skt_endpoint *ep, bool on)
{
    for (size_t i = 0; i < ep->socket_count; i++)
        if (ep->sockets[i])
            skt_udp_watch_errors(ep->sockets[i], on ? on_error : NULL);
}

void skt_endpoint_client_heard(struct skt_endpoint *ep)
{
    ep->was_silent = false;
    watch_errors(ep, false);
}

void skt_endpoint_client_unreached(struct skt_endpoint *ep, const struct skt_addr *to, int error)
{
    if (!ep->server)
        skt_endpoint_log_unreached(ep, to, error);
}

void skt_endpoint_client_silent(struct skt_endpoint *ep)
{
    if (any_is_up(ep))
        return; /* the server answers; this session has asked for too much */
    skt_endpoint_log_silent(ep);
    if (ep->was_silent) /* not at once: the answer may only have a long way */
        reopen(ep);
    ep->was_silent = true;
    watch_errors(ep, true);
}

/* --- sessions --- */

#define REFUSED_WAIT_MIN (2 * SKT_US_PER_SEC)
#define REFUSED_WAIT_MAX (160 * SKT_US_PER_SEC)
#define REFUSED_FORGET   (300 * SKT_US_PER_SEC) /* a session that lasted so long was no refusal's */

void skt_endpoint_client_note_end(struct skt_endpoint *ep, const struct skt_session *s)
{
    skt_us now = skt_loop_now(ep->loop);
    if (skt_session_close_reason(s) != SKT_CLOSE_REFUSED || ep->freeing)
        return;
    bool lasted = now - skt_session_created(s) > REFUSED_FORGET;
    ep->refused_wait =
        lasted || !ep->refused_wait ? REFUSED_WAIT_MIN : skt_us_min(2 * ep->refused_wait, REFUSED_WAIT_MAX);
    ep->ask_at = now + ep->refused_wait;
    skt_warn_rarely(skt_log_key(ep->address, strlen(ep->address), ep->port_lo),
                    "the server %s has ended our session: the ticket is not valid any more, or its mode "
                    "can't talk to ours "
                    "(a script at one end?). Not asking again for %u s",
                    ep->address, (unsigned)(ep->refused_wait / SKT_US_PER_SEC));
}

int skt_endpoint_client_note_cid(struct skt_link *link, uint32_t cid)
{
    struct skt_endpoint *ep = link->ep;
    if (link->told_cid)
        skt_idmap_remove(&ep->cids, link->told_cid);
    link->told_cid = 0;
    int err = cid ? skt_idmap_put(&ep->cids, cid, link) : SKT_OK;
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
    if (ep->links.count >= SKT_ENDPOINT_SESSIONS_MAX)
        return SKT_ERR_FULL;
    int err = skt_session_new_client(out, &ep->ctx, now);
    if (err)
        return err;
    err = skt_endpoint_link_new(ep, *out);
    if (err) {
        skt_session_free(*out);
        return err;
    }
    skt_session_set_probing(*out, ep->probing);
    skt_session_set_candidates(*out, ep->candidates, ep->candidate_count, ep->port_lo, ep->port_hi);
    return SKT_OK;
}

int skt_endpoint_request(struct skt_endpoint *ep, const uint8_t ticket[SKT_TICKET_LEN])
{
    skt_us now = skt_loop_now(ep->loop);
    if (ep->server || ep->freeing)
        return SKT_ERR_ARG;
    struct skt_session *s = under_way(ep);
    int err = s ? SKT_OK : begin_session(ep, now, &s);
    if (err)
        return err;
    err = skt_session_connect(s, skt_us_max(now, ep->ask_at), ticket);
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
