/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint_input.h"

#include "base/err.h"
#include "base/log.h"
#include "proto/keys/packet.h"
#include "tunnel/endpoint_internal.h"
#include "tunnel/endpoint_keys.h"
#include "tunnel/endpoint_log.h"

#include <stdio.h>
#include <string.h>

enum {
    ASK_MAX = 16
}; /* silent sessions asked at a time: one that is gone is enough, and each costs a packet */

static uint16_t via_of(const struct skt_endpoint *ep, const struct skt_udp *udp)
{
    for (size_t i = 0; i < ep->udp.count; i++)
        if (ep->udp.list[i] == udp)
            return (uint16_t)i;
    return 0;
}

static void reply(struct skt_endpoint *ep, const struct skt_addr *to, long len)
{
    if (len > 0)
        (void)skt_udp_send(ep->udp.list[to->via], to, ep->shared->send_buffer, (size_t)len, (size_t)len,
                           false);
}

static void log_narrowed(struct skt_endpoint_key *key)
{
    const struct skt_stampcache *c = &key->stamps->cache;
    if (key->narrowed_told != c->narrowed)
        skt_warn_rarely(
            0,
            "very many handshakes: those of clients whose clocks are more than 2 minutes slow are "
            "refused for up to 2 hours, so that there is room to remember the others (%u entries)",
            c->count);
    key->narrowed_told = c->narrowed;
}

/* The other end is told by message 2. */
static void log_mismatch(const struct skt_endpoint *ep, const struct skt_addr *from)
{
    const struct skt_acceptor *a = &ep->serving.acceptor;
    char addr[SKT_ADDR_TEXT_MAX], why[160];
    if (a->mismatch == SKT_HS_OK)
        return;
    if (a->mismatch == SKT_HS_VERSION)
        snprintf(why, sizeof why, "it speaks version %u of the protocol, we speak %u", a->mismatch_version,
                 SKT_WIRE_VERSION);
    else if (a->mismatch == SKT_HS_MODE)
        snprintf(why, sizeof why, "it runs %s, we run %s; both ends need the same kind",
                 skt_wire_mode_words((enum skt_wire_mode)a->mismatch_mode),
                 skt_wire_mode_words((enum skt_wire_mode)ep->ctx.mode));
    else
        snprintf(why, sizeof why, "no cipher in common");
    skt_warn_rarely(skt_log_key(from->ip, sizeof from->ip, a->mismatch), "can't serve a client at %s: %s",
                    skt_addr_text(from, addr), why);
}

static void log_load(struct skt_endpoint *ep)
{
    if (ep->serving.cookies_told != ep->serving.acceptor.cookies_given)
        skt_warn_rarely(0,
                        "very many handshakes without a session: %u are open; new clients have to come twice",
                        ep->serving.acceptor.half_count);
    ep->serving.cookies_told = ep->serving.acceptor.cookies_given;
}

static void on_initiation(struct skt_endpoint *ep, skt_us now, struct skt_endpoint_key *key,
                          const struct skt_addr *from, const struct skt_udp_datagram *d)
{
    if (!ep->server)
        return;
    skt_endpoint_keys_select(ep, key);
    ep->ctx.boot_ms = skt_stampfile_clock(0).boot_ms;
    skt_endpoint_refresh_speaks(ep);
    long len = skt_acceptor_initiation(&ep->serving.acceptor, now, from, d->data, d->len,
                                       ep->shared->send_buffer, SKT_MTU_START);
    if (ep->serving.acceptor.stamp_new) /* first remembered, then answered */
        skt_stampfile_append(key->stamps->file, &ep->serving.acceptor.last_stamp);
    skt_endpoint_trace_initiation(from, len);
    if (len == SKT_ERR_AUTH)
        skt_endpoint_log_foreign(ep, from, SKT_ERR_AUTH);
    skt_stampfile_set_unsure(key->stamps->file, skt_cookies_expiry(&key->stamps->cookies) != SKT_NEVER);
    reply(ep, from, len);
    log_mismatch(ep, from);
    log_load(ep);
    log_narrowed(key);
    skt_loop_timer_set(ep->loop, &ep->serving.timer, skt_endpoint_keys_expiry(ep));
}

static void refuse(struct skt_endpoint *ep, const struct skt_attach_request *req, const struct skt_addr *from,
                   int result, const char *text)
{
    static const char *const why[] = {[SKT_ATTACH_TICKET] = "unknown ticket",
                                      [SKT_ATTACH_FULL] = "no room",
                                      [SKT_ATTACH_REFUSED] = "no reason given"};
    skt_endpoint_log_refusing(ep, req->ticket, from, *text ? text : why[result]);
    reply(ep, from,
          skt_acceptor_refuse(&ep->serving.acceptor, req, result, text, ep->shared->send_buffer,
                              SKT_MTU_START));
}

static void greet(struct skt_endpoint *ep, struct skt_session *s, bool is_new)
{
    char who[SKT_CLIENT_TEXT_MAX];
    skt_debug_of(skt_endpoint_log_key(ep, s), "handshake: ATTACH with a good ticket, %s %s",
                 skt_endpoint_session_text(ep, s, who), is_new ? "is new" : "has new keys");
    if (!is_new)
        return;
    skt_endpoint_log_up(ep, s, "is up");
    if (ep->handler.on_accept)
        ep->handler.on_accept(ep->user, ep, skt_session_cid(s));
}

/* For a newcomer, where there are as many sessions as there may be. */
static void make_room(struct skt_endpoint *ep, skt_us now, const struct skt_attach_request *req)
{
    struct skt_session *silent[ASK_MAX], *s;
    if (req->continued || ep->serving.acceptor.sessions.count < ep->serving.acceptor.sessions_max)
        return;
    s = skt_acceptor_make_room(&ep->serving.acceptor, now, req->ticket);
    if (s) {
        skt_session_close(s, now, SKT_CLOSE_ROOM);
        skt_endpoint_touch(ep, s);
        return;
    }
    unsigned n = skt_acceptor_ask(&ep->serving.acceptor, now, req->ticket, silent, ASK_MAX);
    for (unsigned i = 0; i < n; i++)
        skt_endpoint_touch(ep, silent[i]);
}

static void on_ticket(struct skt_endpoint *ep, skt_us now, struct skt_attach_request *req,
                      const struct skt_addr *from)
{
    if (!req->known ||
        (ep->handler.check_ticket && ep->handler.check_ticket(ep->user, ep, req->ticket) != 0)) {
        refuse(ep, req, from, SKT_ATTACH_TICKET, "");
        return;
    }
    if (req->continued && skt_session_state(req->continued) == SKT_SESSION_CLOSED)
        req->continued = NULL; /* by the handler: what asks now is new */
    char text[SKT_REASON_MAX + 1] = "";
    if (ep->handler.check_attach && ep->handler.check_attach(ep->user, ep, req, text) != 0) {
        refuse(ep, req, from, SKT_ATTACH_REFUSED, text);
        return;
    }
    make_room(ep, now, req);
    struct skt_session *s;
    bool is_new;
    int err = skt_acceptor_admit(&ep->serving.acceptor, now, req, &s, &is_new);
    if (err) {
        refuse(ep, req, from, SKT_ATTACH_FULL,
               err == SKT_ERR_FULL ? "the server has as many sessions as it may"
                                   : "the server has no memory left");
        return;
    }
    if (is_new && skt_endpoint_link_new(ep, s) != SKT_OK) {
        skt_acceptor_forget(&ep->serving.acceptor, s);
        skt_session_free(s);
        return;
    }
    skt_endpoint_touch(ep, s);
    greet(ep, s, is_new);
}

static void on_known(struct skt_endpoint *ep, skt_us now, struct skt_slot *slot, const struct skt_addr *from,
                     struct skt_udp_datagram *d)
{
    if (slot->kind == SKT_SLOT_SESSION) {
        struct skt_session *s = (struct skt_session *)(void *)slot;
        int err = skt_session_receive(s, now, from, d->data, d->len);
        if (err)
            skt_endpoint_trace_dropped(s, from, err);
        else
            skt_endpoint_touch(ep, s);
        skt_endpoint_trace_handshake(ep, s, NULL);
        return;
    }
    struct skt_attach_request req;
    struct skt_half *half = (struct skt_half *)(void *)slot;
    int err = skt_acceptor_attach(&ep->serving.acceptor, now, half, from, d->data, d->len, &req);
    if (err && err != SKT_ERR_AGAIN)
        skt_endpoint_trace_dropped(NULL, from, err);
    else if (err == SKT_OK)
        on_ticket(ep, now, &req, from);
    else if (err == SKT_ERR_AGAIN)
        reply(ep, from,
              skt_acceptor_challenge(&ep->serving.acceptor, half, ep->shared->send_buffer, SKT_MTU_START));
}

static void take_one(struct skt_endpoint *ep, skt_us now, struct skt_udp_datagram *d,
                     const struct skt_packet_in *in, struct skt_endpoint_key *by)
{
    if (in->err) {
        ep->ctx.drops.malformed++;
        skt_endpoint_log_foreign(ep, &d->from, in->err);
        return;
    }
    if (in->header.kind == SKT_PACKET_INITIATION) {
        on_initiation(ep, now, by, &d->from, d);
        return;
    }
    struct skt_slot *slot = skt_idmap_get(&ep->ctx.ids, in->header.receiver);
    if (slot) {
        on_known(ep, now, slot, &d->from, d);
    } else {
        ep->ctx.drops.unknown++;
        skt_endpoint_log_foreign(ep, &d->from, SKT_ERR_NOTFOUND);
    }
}

/* Up to SKT_PACKET_BATCH datagrams. */
static void take_some(struct skt_endpoint *ep, skt_us now, uint16_t via, struct skt_udp_datagram *d, size_t n)
{
    struct skt_packet_in in[SKT_PACKET_BATCH];
    struct skt_endpoint_key *by[SKT_PACKET_BATCH];
    skt_endpoint_keys_unmask(ep, d, n, in, by);
    for (size_t i = 0; i < n && !ep->turn.freeing; i++) {
        d[i].from.via = via;
        take_one(ep, now, &d[i], &in[i], by[i]);
    }
}

void skt_endpoint_on_batch(void *user, struct skt_udp *udp, struct skt_udp_datagram *d, size_t n)
{
    struct skt_endpoint *ep = user;
    skt_us now = skt_loop_update(ep->loop); /* round trips are measured by it */
    uint16_t via = via_of(ep, udp);
    skt_endpoint_refresh(ep);
    skt_endpoint_enter(ep);
    for (size_t i = 0; i < n; i += SKT_PACKET_BATCH)
        take_some(ep, now, via, d + i, n - i < SKT_PACKET_BATCH ? n - i : SKT_PACKET_BATCH);
    skt_shared_active(ep->shared);
    skt_endpoint_leave(ep);
}
