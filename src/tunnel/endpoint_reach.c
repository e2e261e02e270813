/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint_reach.h"

#include "base/err.h"
#include "base/log.h"
#include "tunnel/endpoint_input.h"
#include "tunnel/endpoint_internal.h"
#include "tunnel/endpoint_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RESOLVE_INTERVAL                                                                                     \
    (2 * SKT_US_PER_SEC) /* a name server is not asked by every handshake that is sent again */

static void on_error(void *user, const struct skt_addr *to, int error)
{
    skt_endpoint_reach_failed(user, to, error);
}

static void open_socket(struct skt_endpoint *ep, uint8_t family)
{
    int via = family == 6 ? SKT_VIA_V6 : SKT_VIA_V4;
    if (ep->udp.list[via])
        return;
    struct skt_addr any = {.family = family};
    int err = skt_udp_open(&ep->udp.list[via], ep->loop, &any, skt_endpoint_on_batch, ep);
    if (err)
        skt_error_rarely(family, "can't open an IPv%d UDP socket: %s", family,
                         err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
    else
        skt_udp_watch_errors(ep->udp.list[via], on_error);
}

/* Takes new addresses over and tells the sessions. */
static void set_candidates(struct skt_endpoint *ep, const struct skt_addr *addrs, size_t n)
{
    if (n > SKT_CANDIDATES_MAX)
        n = SKT_CANDIDATES_MAX;
    for (size_t i = 0; i < n; i++) {
        ep->reach.candidates[i] = addrs[i];
        ep->reach.candidates[i].via = addrs[i].family == 6 ? SKT_VIA_V6 : SKT_VIA_V4;
        open_socket(ep, addrs[i].family);
    }
    ep->reach.candidate_count = n;
    if (ep->handler.on_addresses)
        ep->handler.on_addresses(ep->user, ep, ep->reach.candidates, n);
    struct skt_session *s;
    for (uint32_t pos = 0; (s = skt_endpoint_next(ep, &pos)) != NULL;) {
        skt_session_set_candidates(s, ep->reach.candidates, n, ep->place.port_lo, ep->place.port_hi);
        skt_endpoint_touch(ep, s);
    }
}

static void on_resolved(void *user, const struct skt_addr *addrs, size_t n, const char *error)
{
    struct skt_endpoint *ep = user;
    ep->reach.resolve = NULL;
    if (n > 0)
        set_candidates(ep, addrs, n);
    else if (ep->reach.candidate_count == 0)
        skt_endpoint_log_unresolved(ep, error);
}

int skt_endpoint_reach_init(struct skt_endpoint *ep)
{
    ep->udp.list = calloc(SKT_CLIENT_SOCKETS, sizeof(struct skt_udp *));
    if (!ep->udp.list)
        return SKT_ERR_NOMEM;
    ep->udp.count = SKT_CLIENT_SOCKETS;
    skt_endpoint_reach_resolve(ep);
    return SKT_OK;
}

void skt_endpoint_reach_dispose(struct skt_endpoint *ep)
{
    skt_resolve_cancel(ep->reach.resolve);
}

void skt_endpoint_reach_resolve(struct skt_endpoint *ep)
{
    struct skt_addr numeric;
    if (skt_addr_parse(&numeric, ep->place.address, ep->place.port_lo) == SKT_OK) {
        if (ep->reach.candidate_count == 0)
            set_candidates(ep, &numeric, 1);
        return;
    }
    skt_us now = skt_loop_now(ep->loop);
    if (ep->reach.resolve || now < ep->reach.resolve_next)
        return;
    ep->reach.resolve_next = now + RESOLVE_INTERVAL;
    if (skt_resolve_start(&ep->reach.resolve, ep->loop, ep->place.address, ep->place.port_lo, on_resolved,
                          ep) != SKT_OK)
        ep->reach.resolve = NULL;
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
    for (size_t i = 0; i < ep->udp.count; i++) {
        skt_udp_close(ep->udp.list[i]);
        ep->udp.list[i] = NULL;
    }
    for (size_t i = 0; i < ep->reach.candidate_count; i++)
        open_socket(ep, ep->reach.candidates[i].family);
}

/* Trouble is watched for as long as the server has not answered. */
static void watch_errors(struct skt_endpoint *ep, bool on)
{
    for (size_t i = 0; i < ep->udp.count; i++)
        if (ep->udp.list[i])
            skt_udp_watch_errors(ep->udp.list[i], on ? on_error : NULL);
}

void skt_endpoint_reach_heard(struct skt_endpoint *ep)
{
    ep->reach.was_silent = false;
    watch_errors(ep, false);
}

void skt_endpoint_reach_failed(struct skt_endpoint *ep, const struct skt_addr *to, int error)
{
    if (!ep->server)
        skt_endpoint_log_unreached(ep, to, error);
}

void skt_endpoint_reach_silent(struct skt_endpoint *ep)
{
    if (any_is_up(ep))
        return; /* the server answers; this session has asked for too much */
    skt_endpoint_log_silent(ep);
    if (ep->reach.was_silent) /* not at once: the answer may only have a long way */
        reopen(ep);
    ep->reach.was_silent = true;
    watch_errors(ep, true);
}
