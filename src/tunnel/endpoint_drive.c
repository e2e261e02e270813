/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint_drive.h"

#include "base/err.h"
#include "base/log.h"
#include "tunnel/endpoint_internal.h"
#include "tunnel/endpoint_log.h"

#include <errno.h>
#include <stdlib.h>

enum {
    RUNS_MAX = 16, /* sends of one session before the others have their turn: up to 1 MiB */
    NEWS_MAX = 64, /* streams of one session that tell their news before that: each that ends costs a few
                      system calls */
};

/* True: of all that have news. When a session with thousands of streams ends, each costs a few system calls:
 * so others have their turn between them, but for the end of the endpoint itself. */
static bool tell_streams(struct skt_endpoint *ep, struct skt_session *s)
{
    for (unsigned n = 0; n < NEWS_MAX || ep->turn.freeing; n++) {
        unsigned news;
        struct skt_stream *st = skt_session_next_stream(s, &news);
        if (!st)
            return true;
        struct skt_stream_owner *owner = st->user;
        if (owner)
            owner->news(owner, st, news);
        else if (ep->handler.on_stream)
            ep->handler.on_stream(ep->user, ep, skt_session_cid(s), st);
        else
            skt_session_reset_stream(s, st, SKT_RESET_TARGET);
    }
    return false;
}

/* What has arrived is delivered, held back or not, where the peer or a timeout ends the session; whoever ends
 * it here wants no more. */
static bool may_tell_message(const struct skt_endpoint *ep, const struct skt_session *s)
{
    const struct skt_link *link = skt_session_user(s);
    if (skt_session_state(s) == SKT_SESSION_CLOSED)
        return !ep->turn.freeing && !link->ended_here;
    return !ep->turn.freeing && !link->held;
}

static void tell_messages(struct skt_endpoint *ep, struct skt_session *s)
{
    const uint8_t *msg;
    long len;
    ((struct skt_link *)skt_session_user(s))->resumed = false;
    while (may_tell_message(ep, s) && (len = skt_session_read_message(s, &msg)) >= 0)
        if (ep->handler.on_message)
            ep->handler.on_message(ep->user, ep, skt_session_cid(s), msg, (size_t)len);
}

static void tell_close(struct skt_endpoint *ep, struct skt_session *s, uint32_t cid)
{
    if (!ep->handler.on_close)
        return;
    ep->turn.ending = skt_session_user(s);
    ep->turn.ending_cid = cid;
    ep->handler.on_close(ep->user, ep, cid);
    ep->turn.ending = NULL;
}

static void tell_client(struct skt_endpoint *ep, struct skt_session *s, unsigned events)
{
    if (events & SKT_EVENT_RESOLVE)
        skt_endpoint_reach_resolve(ep);
    if (events & SKT_EVENT_SILENT)
        skt_endpoint_reach_silent(ep);
    if (events & SKT_EVENT_REFUSED)
        skt_endpoint_log_refused(ep, s);
    if (events & SKT_EVENT_LOST) {
        skt_endpoint_log_lost(ep, s);
        tell_close(ep, s, skt_session_old_cid(s));
    }
    if (events & SKT_EVENT_UP) {
        struct skt_link *link = skt_session_user(s);
        if (skt_endpoint_requests_told_cid(link, skt_session_cid(s)) != SKT_OK) {
            skt_session_close(s, skt_loop_now(ep->loop), SKT_CLOSE_LOCAL); /* nobody could name it */
            return;
        }
        skt_endpoint_reach_heard(ep);
        skt_endpoint_log_up(ep, s, "is up");
        if (ep->handler.on_cid)
            ep->handler.on_cid(ep->user, ep, skt_session_cid(s));
    }
}

/* False: there is more to tell, in a later round. What becomes of the session comes after its streams. */
static bool tell(struct skt_endpoint *ep, struct skt_session *s)
{
    if (!tell_streams(ep, s))
        return false;
    unsigned events = skt_session_take_events(s);
    if (!ep->server)
        tell_client(ep, s, events);
    if ((events & SKT_EVENT_CONTINUED) && !ep->server)
        skt_endpoint_reach_heard(ep);
    if ((events & SKT_EVENT_CONTINUED) && !(events & SKT_EVENT_UP))
        skt_endpoint_log_up(ep, s, "goes on");
    if ((events & (SKT_EVENT_MESSAGE | SKT_EVENT_CLOSED)) ||
        ((struct skt_link *)skt_session_user(s))->resumed)
        tell_messages(ep, s);
    if ((events & SKT_EVENT_MESSAGE_ROOM) && ep->handler.on_room)
        ep->handler.on_room(ep->user, ep, skt_session_cid(s));
    if (events & SKT_EVENT_CLOSED) {
        uint32_t cid = skt_session_cid(s);
        if (cid)
            skt_endpoint_log_closed(ep, s);
        if (cid && (ep->server || cid == ((struct skt_link *)skt_session_user(s))->told_cid))
            tell_close(ep, s, cid);
    }
    return tell_streams(ep, s); /* what the handlers have caused */
}

/* Sends what the session has; true when there may be more. */
static bool flush(struct skt_endpoint *ep, struct skt_link *link, skt_us now)
{
    struct skt_session *s = link->session;
    struct skt_send_info info;
    for (int i = 0; i < RUNS_MAX; i++) {
        if (link->packets && skt_session_state(s) != SKT_SESSION_CLOSED)
            link->packets->pump(link->packets, s, now);
        size_t len = skt_session_send(s, now, ep->shared->send_buffer, SKT_SEND_BUFFER_LEN, &info);
        skt_endpoint_trace_handshake(ep, s, len > 0 ? &info.to : NULL);
        if (len == 0)
            return false;
        struct skt_udp *udp = info.to.via < ep->udp.count ? ep->udp.list[info.to.via] : NULL;
        /* What can't be sent is lost, as on the way. */
        int err =
            udp ? skt_udp_send(udp, &info.to, ep->shared->send_buffer, len, info.segment_len, info.fragment)
                : SKT_OK;
        if (err == SKT_ERR_ARG && !info.fragment)
            skt_session_on_too_long(s, now, info.segment_len);
        if (err == SKT_ERR_IO)
            skt_endpoint_reach_failed(ep, &info.to, errno);
    }
    return true;
}

/* Once a session: such paths work, but slower than their owner may expect. */
static void tell_narrow(struct skt_link *link)
{
    const struct skt_session *s = link->session;
    if (skt_session_mtu(s) >= SKT_MTU_MIN || link->told_narrow || skt_session_packet_mtu(s) == 0)
        return;
    link->told_narrow = true;
    SKT_LOG_LIMITED(
        SKT_LOG_NEWS, SKT_LOG_WARN, skt_endpoint_log_key(link->ep, s),
        "session %u: its path carries no more than %zu bytes of UDP in one datagram; it works, but costs "
        "more. Is an interface's MTU too small on the way?",
        skt_session_cid(s), skt_session_mtu(s));
}

static void end_link(struct skt_link *link)
{
    skt_endpoint_link_forget(link);
    skt_session_free(link->session);
    free(link);
}

void skt_endpoint_drive_link(struct skt_link *link, skt_us now)
{
    struct skt_endpoint *ep = link->ep;
    struct skt_session *s = link->session;
    skt_endpoint_refresh(ep);
    if (!ep->server && skt_session_state(s) == SKT_SESSION_CONNECTING)
        skt_endpoint_refresh_speaks(ep);
    bool told = tell(ep, s);
    bool more = flush(ep, link, now) || !told;
    if (skt_session_state(s) == SKT_SESSION_CLOSED && !more) {
        /* News that came with the end has been told: it was there before, or was made by close itself. */
        (void)tell(ep, s);
        end_link(link);
        return;
    }
    tell_narrow(link);
    if (more)
        skt_endpoint_touch(ep, s);
    skt_us at = skt_session_expiry(s, now);
    skt_loop_timer_set(ep->loop, &link->timer, at);
}

void skt_endpoint_drive(struct skt_loop_task *t, skt_us now)
{
    struct skt_endpoint *ep = SKT_CONTAINER(t, struct skt_endpoint, turn.drive);
    struct skt_list batch; /* those touched meanwhile wait for the next round */
    skt_endpoint_enter(ep);
    skt_list_init(&batch);
    while (!skt_list_empty(&ep->turn.touched))
        skt_list_move_tail(&batch, ep->turn.touched.next);
    while (!skt_list_empty(&batch)) {
        struct skt_link *link = SKT_CONTAINER(batch.next, struct skt_link, touched);
        skt_list_remove(&link->touched);
        skt_endpoint_drive_link(link, now);
    }
    skt_endpoint_leave(ep);
}

void skt_endpoint_on_timer(struct skt_loop_timer *t, skt_us now)
{
    struct skt_link *link = SKT_CONTAINER(t, struct skt_link, timer);
    skt_endpoint_refresh(link->ep);
    skt_session_expire(link->session, now);
    skt_endpoint_touch(link->ep, link->session);
}

/* --- handlers that are being called --- */

void skt_endpoint_enter(struct skt_endpoint *ep)
{
    ep->turn.depth++;
}

void skt_endpoint_leave(struct skt_endpoint *ep)
{
    if (--ep->turn.depth == 0 && ep->turn.freeing)
        skt_endpoint_end(ep);
}
