/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint.h"

#include "base/err.h"
#include "base/log.h"
#include "base/wipe.h"
#include "proto/keys/packet.h"
#include "tunnel/endpoint_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RCV_WND_MAX = 8192, /* segments: 11 MB, 0.6 Gbit/s at 160 ms */
    SND_UNSENT_MAX = 256 * 1024,
    ORPHANS_PART = 8, /* of the descriptors for targets */
    FAMILIES = 2,     /* IPv4 and IPv6 */
};

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

/* --- making --- */

static int init_context(struct skt_endpoint *ep, const struct skt_endpoint_conf *conf)
{
    struct skt_context *ctx = &ep->ctx;
    ctx->crypto = ep->shared->crypto;
    ctx->pool = &ep->shared->pool;
    memcpy(ctx->identity.psk, conf->psk, SKT_KEY_LEN);
    ctx->identity.has_static = conf->has_static;
    memcpy(ctx->identity.static_priv, conf->static_priv, SKT_KEY_LEN);
    memcpy(ctx->identity.static_pub, conf->static_pub, SKT_KEY_LEN);
    skt_idmap_init(&ctx->ids);
    ctx->cc = conf->tuning.speed == SKT_SPEED_NORMAL ? &skt_cc_normal : &skt_cc_turbo;
    ctx->cost_aes_ns = ep->shared->costs.aes_ns;
    ctx->cost_chacha_ns = ep->shared->costs.chacha_ns;
    ctx->tuning = conf->tuning;
    if (ctx->tuning.ciphers == 0)
        ctx->tuning.ciphers =
            SKT_CIPHER_BIT(SKT_CIPHER_AES_256_GCM) | SKT_CIPHER_BIT(SKT_CIPHER_CHACHA20_POLY1305);
    ctx->mode = conf->mode;
    ctx->trace = ep->shared->trace;
    ctx->limits = (struct skt_kcp_limits){RCV_WND_MAX, SND_UNSENT_MAX};
    ctx->gf256 = skt_crypto_gf256();
    ctx->features = conf->features | SKT_FEATURE_ACK_RANGES | SKT_FEATURE_PARITY | SKT_FEATURE_PIECES;
    if (!conf->server)
        ctx->features |= SKT_FEATURE_TICKET_PROOF;
    if (conf->extensions_len > sizeof ctx->extensions)
        return SKT_ERR_ARG;
    if (conf->extensions_len > 0)
        memcpy(ctx->extensions, conf->extensions, conf->extensions_len);
    ctx->extensions_len = (uint8_t)conf->extensions_len;

    uint8_t c2s[SKT_KEY_LEN], s2c[SKT_KEY_LEN];
    int err = skt_packet_mask_keys(ctx->crypto, conf->psk, c2s, s2c);
    if (!err) {
        ctx->mask_in = ctx->crypto->mask_new(conf->server ? c2s : s2c);
        ctx->mask_out = ctx->crypto->mask_new(conf->server ? s2c : c2s);
        err = ctx->mask_in && ctx->mask_out ? SKT_OK : SKT_ERR_NOMEM;
    }
    skt_wipe(c2s, sizeof c2s);
    skt_wipe(s2c, sizeof s2c);
    return err;
}

/* "*" and "::" are both families, on a socket each. */
static size_t bind_addresses(const char *text, struct skt_addr addrs[FAMILIES])
{
    static const char *const both[] = {"", "*", "::"};
    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
        if (strcmp(text, both[i]) != 0)
            continue;
        addrs[0] = (struct skt_addr){.family = 4};
        addrs[1] = (struct skt_addr){.family = 6};
        return 2;
    }
    return skt_addr_parse(&addrs[0], text, 0) == SKT_OK ? 1 : 0;
}

static bool is_any(const struct skt_addr *addr)
{
    static const uint8_t zero[16];
    return memcmp(addr->ip, zero, sizeof zero) == 0;
}

static int open_server_socket(struct skt_endpoint *ep, const struct skt_addr *addr)
{
    struct skt_udp **udp = &ep->sockets[ep->socket_count];
    int err = skt_udp_open(udp, ep->loop, addr, skt_endpoint_on_batch, ep);
    if (err)
        return err;
    ep->socket_count++;
    if (is_any(addr) && skt_udp_track_local(*udp))
        skt_warn(
            "this system can't tell which address a client asked; answers leave from the one that routes "
            "choose");
    return SKT_OK;
}

/* What an errno of opening means where the system has only one family. */
static bool lacks_family(int error)
{
    return error == EAFNOSUPPORT || error == EPROTONOSUPPORT || error == EADDRNOTAVAIL;
}

static int open_server_sockets(struct skt_endpoint *ep)
{
    struct skt_addr addrs[FAMILIES];
    size_t families = bind_addresses(ep->address, addrs), opened = 0;
    size_t ports = (size_t)(ep->port_hi - ep->port_lo) + 1;
    if (families == 0 || ports * families > UINT16_MAX) /* skt_addr.via */
        return SKT_ERR_ARG;
    ep->sockets = calloc(ports * families, sizeof(struct skt_udp *));
    if (!ep->sockets)
        return SKT_ERR_NOMEM;
    for (size_t i = 0; i < families; i++) {
        for (size_t port = 0; port < ports; port++) {
            addrs[i].port = (uint16_t)(ep->port_lo + port);
            int err = open_server_socket(ep, &addrs[i]);
            if (err == SKT_ERR_IO && port == 0 && lacks_family(errno) && (opened > 0 || i + 1 < families))
                break;
            if (err)
                return err;
            opened++;
        }
    }
    return SKT_OK;
}

static void on_acceptor_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_endpoint *ep = SKT_CONTAINER(t, struct skt_endpoint, acceptor_timer);
    skt_acceptor_expire(&ep->acceptor, now);
    skt_loop_timer_set(ep->loop, t, skt_acceptor_expiry(&ep->acceptor));
}

static const uint8_t *find_ticket(void *user, const uint8_t *id)
{
    struct skt_endpoint *ep = user;
    return ep->handler.find_ticket ? ep->handler.find_ticket(ep->user, ep, id) : NULL;
}

static int init_server(struct skt_endpoint *ep, const struct skt_endpoint_conf *conf)
{
    uint32_t first_cid; /* random, so that cids of a server's earlier life do not come again */
    int err = ep->ctx.crypto->random(&first_cid, sizeof first_cid);
    if (!err)
        err = open_server_sockets(ep);
    if (err)
        return err;
    err = skt_stamps_get(&ep->stamps, ep->shared, conf->psk, conf->state_folder, ep->ctx.wall_ms);
    if (err)
        return err;
    ep->narrowed = ep->stamps->cache.narrowed;
    skt_acceptor_init(&ep->acceptor, &ep->ctx, &ep->stamps->cache, &ep->stamps->cookies, first_cid,
                      conf->tuning.sessions_max);
    ep->acceptor.find_ticket = find_ticket;
    ep->acceptor.find_user = ep;
    return SKT_OK;
}

static void dispose(struct skt_endpoint *ep)
{
    if (ep->server && ep->acceptor.ctx) {
        skt_acceptor_dispose(&ep->acceptor);
        skt_stamps_put(ep->stamps);
    }
    skt_endpoint_client_dispose(ep);
    for (size_t i = 0; i < ep->socket_count; i++)
        skt_udp_close(ep->sockets[i]);
    free(ep->sockets);
    skt_loop_timer_stop(ep->loop, &ep->acceptor_timer);
    skt_loop_task_cancel(&ep->drive);
    if (ep->ctx.mask_in)
        ep->ctx.crypto->mask_free(ep->ctx.mask_in);
    if (ep->ctx.mask_out)
        ep->ctx.crypto->mask_free(ep->ctx.mask_out);
    skt_idmap_dispose(&ep->ctx.ids);
    free(ep->address);
    skt_wipe(ep, sizeof *ep);
    free(ep);
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
    ep->probing = conf->probing;
    ep->port_lo = conf->port_lo;
    ep->port_hi = conf->port_hi;
    skt_list_init(&ep->all);
    skt_list_init(&ep->touched);
    skt_loop_task_init(&ep->drive, skt_endpoint_drive);
    skt_loop_timer_init(&ep->acceptor_timer, on_acceptor_timer);
    skt_endpoint_refresh(ep);
    ep->address = strdup(conf->address);
    int err = ep->address ? init_context(ep, conf) : SKT_ERR_NOMEM;
    if (!err)
        err = ep->server ? init_server(ep, conf) : skt_endpoint_client_init(ep);
    if (err) {
        int saved = errno;
        dispose(ep);
        errno = saved;
        return err;
    }
    *out = ep;
    return SKT_OK;
}

/* --- links --- */

int skt_endpoint_link_new(struct skt_endpoint *ep, struct skt_session *s)
{
    struct skt_link *link = calloc(1, sizeof *link);
    if (!link)
        return SKT_ERR_NOMEM;
    link->ep = ep;
    link->session = s;
    skt_list_init(&link->link);
    skt_list_init(&link->touched);
    skt_loop_timer_init(&link->timer, skt_endpoint_on_timer);
    if (!ep->server) {
        link->number = ++ep->last_link;
        int err = skt_idmap_put(&ep->links, link->number, link);
        if (err) {
            free(link);
            return err;
        }
    }
    skt_list_append(&ep->all, &link->link);
    skt_session_set_user(s, link);
    return SKT_OK;
}

void skt_endpoint_link_forget(struct skt_link *link)
{
    struct skt_endpoint *ep = link->ep;
    skt_loop_timer_stop(ep->loop, &link->timer);
    skt_list_remove(&link->link);
    skt_list_remove(&link->touched);
    if (ep->server) {
        skt_acceptor_forget(&ep->acceptor, link->session);
    } else {
        skt_endpoint_client_note_end(ep, link->session);
        (void)skt_endpoint_client_note_cid(link, 0);
        skt_idmap_remove(&ep->links, link->number);
    }
}

void skt_endpoint_touch(struct skt_endpoint *ep, struct skt_session *s)
{
    struct skt_link *link = skt_session_user(s);
    if (!link)
        return;
    if (skt_list_empty(&link->touched))
        skt_list_append(&ep->touched, &link->touched);
    skt_loop_defer(ep->loop, &ep->drive);
}

void skt_endpoint_enter(struct skt_endpoint *ep)
{
    ep->depth++;
}

static void finish_free(struct skt_endpoint *ep)
{
    skt_us now = skt_loop_now(ep->loop);
    ep->depth++; /* a second skt_endpoint_free from on_close changes nothing */
    while (!skt_list_empty(&ep->all)) {
        struct skt_link *link = SKT_CONTAINER(ep->all.next, struct skt_link, link);
        skt_session_close(link->session, now, SKT_CLOSE_LOCAL);
        skt_list_remove(&link->touched);
        skt_endpoint_drive_link(link, now); /* says good-bye and frees it, once nothing is left to send */
    }
    dispose(ep);
}

void skt_endpoint_leave(struct skt_endpoint *ep)
{
    if (--ep->depth == 0 && ep->freeing)
        finish_free(ep);
}

void skt_endpoint_free(struct skt_endpoint *ep)
{
    if (!ep || ep->freeing)
        return;
    ep->freeing = true;
    if (ep->depth == 0)
        finish_free(ep);
}

/* --- what owners ask for --- */

struct skt_session *skt_endpoint_session(const struct skt_endpoint *ep, uint32_t cid)
{
    if (cid == 0)
        return NULL;
    if (ep->server)
        return skt_idmap_get(&ep->acceptor.sessions, cid);
    const struct skt_link *link = skt_idmap_get(&ep->cids, cid);
    return link && skt_session_cid(link->session) == cid ? link->session : NULL;
}

struct skt_session *skt_endpoint_ending(const struct skt_endpoint *ep, uint32_t cid)
{
    return ep->ending && ep->ending_cid == cid ? ep->ending->session : NULL;
}

struct skt_session *skt_endpoint_next(const struct skt_endpoint *ep, uint32_t *pos)
{
    if (ep->server)
        return skt_idmap_next(&ep->acceptor.sessions, pos);
    const struct skt_link *link = skt_idmap_next(&ep->links, pos);
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

bool skt_endpoint_take_fd(struct skt_endpoint *ep, struct skt_session *s)
{
    struct skt_link *link = skt_session_user(s);
    struct skt_shared *shared = ep->shared;
    if (!link || shared->fds + link->fds >= shared->fds_max)
        return false;
    link->fds++;
    shared->fds++;
    return true;
}

void skt_endpoint_return_fd(struct skt_endpoint *ep, struct skt_session *s)
{
    struct skt_link *link = skt_session_user(s);
    assert(link && link->fds > 0);
    link->fds--;
    ep->shared->fds--;
}

bool skt_endpoint_leave_fd(struct skt_endpoint *ep, struct skt_session *s)
{
    struct skt_link *link = skt_session_user(s);
    struct skt_shared *shared = ep->shared;
    assert(link && link->fds > 0);
    if (shared->fds_orphaned >= shared->fds_max / ORPHANS_PART)
        return false;
    link->fds--;
    shared->fds_orphaned++;
    return true;
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

size_t skt_endpoint_addresses(const struct skt_endpoint *ep, const struct skt_addr **addrs)
{
    *addrs = ep->candidates;
    return ep->candidate_count;
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
