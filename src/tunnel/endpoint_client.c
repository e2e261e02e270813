/* SPDX-License-Identifier: MIT */
/* A client's sockets and its server's addresses. */
#include "base/err.h"
#include "base/log.h"
#include "tunnel/endpoint_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RESOLVE_INTERVAL (2 * SKT_US_PER_SEC)

static void open_socket(struct skt_endpoint *ep, uint8_t family)
{
    int via = family == 6 ? SKT_VIA_V6 : SKT_VIA_V4;
    if (ep->sockets[via])
        return;
    struct skt_addr any = {.family = family};
    int err = skt_udp_open(&ep->sockets[via], ep->loop, &any, skt_endpoint_on_batch, ep);
    if (err)
        skt_error("can't open an IPv%d UDP socket: %s", family, skt_err_str(err));
}

/* Takes new addresses over and tells the session. */
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
    if (ep->link) {
        skt_session_set_candidates(ep->link->session, ep->candidates, n, ep->port_lo, ep->port_hi);
        skt_endpoint_touch(ep, ep->link->session);
    }
}

static void on_resolved(void *user, const struct skt_addr *addrs, size_t n, const char *error)
{
    struct skt_endpoint *ep = (struct skt_endpoint *)user;
    ep->resolve = NULL;
    if (n > 0)
        set_candidates(ep, addrs, n);
    else if (ep->candidate_count == 0)
        skt_warn("can't look up %s: %s", ep->address, error);
}

int skt_endpoint_client_init(struct skt_endpoint *ep)
{
    ep->sockets = (struct skt_udp **)calloc(SKT_CLIENT_SOCKETS, sizeof(struct skt_udp *));
    if (!ep->sockets)
        return SKT_ERR_NOMEM;
    ep->socket_count = SKT_CLIENT_SOCKETS;
    skt_endpoint_client_resolve(ep);
    return SKT_OK;
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

/* Another local port: one that a middlebox has taken against, or a mapping that it has lost, is left behind.
 */
void skt_endpoint_client_reopen(struct skt_endpoint *ep)
{
    for (size_t i = 0; i < ep->socket_count; i++) {
        skt_udp_close(ep->sockets[i]);
        ep->sockets[i] = NULL;
    }
    for (size_t i = 0; i < ep->candidate_count; i++)
        open_socket(ep, ep->candidates[i].family);
}

void skt_endpoint_log_silent(struct skt_endpoint *ep)
{
    char clock[64];
    struct tm tm;
    time_t t = (time_t)(ep->ctx.wall_ms / 1000);
    gmtime_r(&t, &tm);
    strftime(clock, sizeof clock, "%Y-%m-%d %H:%M:%S UTC", &tm);
    skt_warn("no answer from the server %s (port %u to %u): is the password or key right? Is UDP blocked on "
             "the way, "
             "or the server down? Is the clock right (here: %s; it may be off by 2 h at most)? Trying on.",
             ep->address, ep->port_lo, ep->port_hi, clock);
    skt_endpoint_client_reopen(ep);
}
