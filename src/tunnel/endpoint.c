/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint.h"

#include "base/err.h"
#include "base/wipe.h"
#include "tunnel/endpoint_context.h"
#include "tunnel/endpoint_internal.h"
#include "tunnel/endpoint_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void skt_endpoint_refresh(struct skt_endpoint *ep)
{
    ep->ctx.wall_ms = skt_loop_wall_ms(ep->loop);
}

void skt_endpoint_refresh_speaks(struct skt_endpoint *ep)
{
    const uint32_t both = SKT_FEATURE_BUILT_IN | SKT_FEATURE_MESSAGES;
    ep->ctx.features &= ~both;
    if (ep->handler.speaks)
        ep->ctx.features |= ep->handler.speaks(ep->user) & both;
}

static void dispose(struct skt_endpoint *ep)
{
    skt_endpoint_server_dispose(ep);
    skt_endpoint_requests_dispose(ep);
    skt_endpoint_reach_dispose(ep);
    for (size_t i = 0; i < ep->udp.count; i++)
        skt_udp_close(ep->udp.list[i]);
    free(ep->udp.list);
    skt_loop_task_cancel(&ep->turn.drive);
    skt_endpoint_keys_dispose(ep);
    skt_endpoint_context_dispose(&ep->ctx);
    free(ep->place.address);
    skt_wipe(ep, sizeof *ep);
    free(ep);
}

static int init_client(struct skt_endpoint *ep, const struct skt_endpoint_conf *conf)
{
    skt_endpoint_requests_init(ep);
    int err = skt_endpoint_keys_init(ep, conf);
    return err ? err : skt_endpoint_reach_init(ep);
}

int skt_endpoint_new(struct skt_endpoint **out, struct skt_loop *loop, const struct skt_endpoint_conf *conf,
                     const struct skt_endpoint_handler *handler, void *user)
{
    struct skt_endpoint *ep = calloc(1, sizeof *ep);
    if (!ep)
        return SKT_ERR_NOMEM;
    ep->shared = conf->shared;
    ep->loop = loop;
    ep->handler = *handler;
    ep->user = user;
    ep->server = conf->server;
    ep->asking.probing = conf->probing;
    ep->place.port_lo = conf->port_lo;
    ep->place.port_hi = conf->port_hi;
    skt_list_init(&ep->all);
    skt_list_init(&ep->keys);
    skt_list_init(&ep->turn.touched);
    skt_loop_task_init(&ep->turn.drive, skt_endpoint_drive);
    skt_endpoint_refresh(ep);
    ep->place.address = strdup(conf->address);
    int err = ep->place.address ? skt_endpoint_context_init(&ep->ctx, conf) : SKT_ERR_NOMEM;
    if (!err)
        err = ep->server ? skt_endpoint_server_init(ep, conf) : init_client(ep, conf);
    if (err) {
        int saved = errno;
        dispose(ep);
        errno = saved;
        return err;
    }
    *out = ep;
    return SKT_OK;
}

void skt_endpoint_touch(struct skt_endpoint *ep, struct skt_session *s)
{
    struct skt_link *link = skt_session_user(s);
    if (!link)
        return;
    if (skt_list_empty(&link->touched))
        skt_list_append(&ep->turn.touched, &link->touched);
    skt_loop_defer(ep->loop, &ep->turn.drive);
}

void skt_endpoint_end(struct skt_endpoint *ep)
{
    skt_us now = skt_loop_now(ep->loop);
    ep->turn.depth++; /* a second skt_endpoint_free from on_close changes nothing */
    while (!skt_list_empty(&ep->all)) {
        struct skt_link *link = SKT_CONTAINER(ep->all.next, struct skt_link, link);
        skt_session_close(link->session, now, SKT_CLOSE_LOCAL);
        skt_list_remove(&link->touched);
        skt_endpoint_drive_link(link, now); /* says good-bye and frees it, once nothing is left to send */
    }
    dispose(ep);
}

void skt_endpoint_free(struct skt_endpoint *ep)
{
    if (!ep || ep->turn.freeing)
        return;
    ep->turn.freeing = true;
    if (ep->turn.depth == 0)
        skt_endpoint_end(ep);
}

/* --- what owners ask for --- */

struct skt_session *skt_endpoint_session(const struct skt_endpoint *ep, uint32_t cid)
{
    if (cid == 0)
        return NULL;
    if (ep->server)
        return skt_idmap_get(&ep->serving.acceptor.sessions, cid);
    const struct skt_link *link = skt_idmap_get(&ep->asking.cids, cid);
    return link && skt_session_cid(link->session) == cid ? link->session : NULL;
}

struct skt_session *skt_endpoint_ending(const struct skt_endpoint *ep, uint32_t cid)
{
    return ep->turn.ending && ep->turn.ending_cid == cid ? ep->turn.ending->session : NULL;
}

struct skt_session *skt_endpoint_next(const struct skt_endpoint *ep, uint32_t *pos)
{
    if (ep->server)
        return skt_idmap_next(&ep->serving.acceptor.sessions, pos);
    const struct skt_link *link = skt_idmap_next(&ep->asking.links, pos);
    return link ? link->session : NULL;
}

int skt_endpoint_send(struct skt_endpoint *ep, uint32_t cid, const void *buf, size_t len)
{
    struct skt_session *s = skt_endpoint_session(ep, cid);
    if (!s)
        return SKT_ERR_NOTFOUND;
    int err = skt_session_send_message(s, buf, len);
    skt_endpoint_touch(ep, s);
    return err;
}

void skt_endpoint_hold(struct skt_endpoint *ep, uint32_t cid, bool hold)
{
    struct skt_session *s = skt_endpoint_session(ep, cid);
    struct skt_link *link = s ? skt_session_user(s) : NULL;
    if (!link || link->held == hold)
        return;
    link->held = hold;
    link->resumed = !hold;
    skt_endpoint_touch(ep, s);
}

int skt_endpoint_close(struct skt_endpoint *ep, uint32_t cid, int reason)
{
    struct skt_session *s = skt_endpoint_session(ep, cid);
    if (!s)
        return SKT_ERR_NOTFOUND;
    struct skt_link *link = skt_session_user(s);
    if (link && skt_session_state(s) != SKT_SESSION_CLOSED)
        link->ended_here = true;
    skt_session_close(s, skt_loop_now(ep->loop), reason);
    skt_endpoint_touch(ep, s);
    return SKT_OK;
}

struct skt_shared *skt_endpoint_shared(const struct skt_endpoint *ep)
{
    return ep->shared;
}

void skt_endpoint_set_packets(struct skt_endpoint *ep, struct skt_session *s, struct skt_packet_owner *owner)
{
    struct skt_link *link = skt_session_user(s);
    if (!link)
        return;
    link->packets = owner;
    skt_endpoint_touch(ep, s);
}

void skt_endpoint_take_proofs(struct skt_endpoint *ep, bool on)
{
    if (on)
        ep->ctx.features |= SKT_FEATURE_TICKET_PROOF;
    else
        ep->ctx.features &= ~(uint32_t)SKT_FEATURE_TICKET_PROOF;
}

void skt_endpoint_set_tally(struct skt_endpoint *ep, struct skt_session *s, struct skt_tally *tally)
{
    struct skt_link *link = s ? skt_session_user(s) : NULL;
    if (link)
        link->tally = tally;
    else
        ep->tally = tally;
}

struct skt_tally *skt_endpoint_tally(const struct skt_session *s)
{
    const struct skt_link *link = skt_session_user(s);
    return link ? link->tally : NULL;
}

size_t skt_endpoint_addresses(const struct skt_endpoint *ep, const struct skt_addr **addrs)
{
    *addrs = ep->reach.candidates;
    return ep->reach.candidate_count;
}

void skt_endpoint_set_trace(struct skt_endpoint *ep, const struct skt_trace *trace)
{
    skt_us now = skt_loop_now(ep->loop);
    ep->ctx.trace = *trace;
    for (struct skt_list *l = ep->all.next; l != &ep->all; l = l->next)
        skt_session_set_trace(SKT_CONTAINER(l, struct skt_link, link)->session, now, trace);
}

const struct skt_drops *skt_endpoint_drops(const struct skt_endpoint *ep)
{
    return &ep->ctx.drops;
}

bool skt_endpoint_is_server(const struct skt_endpoint *ep)
{
    return ep->server;
}
