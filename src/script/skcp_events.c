/* SPDX-License-Identifier: MIT */
#include "script/skcp_events.h"

#include "base/err.h"
#include "base/log.h"
#include "config/tickets.h"
#include "script/closing.h"
#include "script/hold.h"
#include "script/pending.h"
#include "script/skcp_tell.h"
#include "script/speaks.h"
#include "script/state.h"
#include "script/stream.h"
#include "script/tun_admit.h"
#include "script/tun_pins.h"

#include <string.h>

static int on_check_ticket(void *user, struct skt_endpoint *ep, const uint8_t ticket[SKT_TICKET_LEN])
{
    struct skt_script_skcp *k = user;
    struct skt_script *app = k->base.app;
    (void)ep;
    struct skt_script_call_arg args[] = {skt_arg_handle(k), skt_arg_string(ticket, SKT_TICKET_LEN)};
    if (!skt_script_call_present(&app->lua, SKT_CB_SKCP_CHECK_TICKET))
        return app->conf->table.has_tickets && !skt_tickets_entry(app->conf, ticket);
    lua_Integer result = -1; /* a callback that fails, or says nothing, lets nobody in */
    struct skt_script_source source = {.kind = SKT_SOURCE_EVENT};
    skt_script_skcp_deliver(k, source, SKT_CB_SKCP_CHECK_TICKET, args, 2, &result);
    return result == 0 ? 0 : 1;
}

static const char *on_name_of(void *user, const uint8_t ticket[SKT_TICKET_LEN])
{
    const struct skt_script_skcp *k = user;
    const struct skt_config_ticket *t = skt_tickets_entry(k->base.app->conf, ticket);
    return t ? t->name : NULL;
}

static const uint8_t *on_find_ticket(void *user, struct skt_endpoint *ep, const uint8_t id[SKT_TICKET_ID_LEN])
{
    const struct skt_script_skcp *k = user;
    (void)ep;
    return skt_tickets_find(&k->base.app->tickets, k->base.app->conf, id);
}

/* Has the ticket as many sessions as it may, at all servers? One that goes on counts already. */
static bool is_ticket_full(const struct skt_script *app, const struct skt_attach_request *req)
{
    const struct skt_config_ticket *t = skt_tickets_entry(app->conf, req->ticket);
    int64_t left = t ? t->sessions_max : 0;
    if (left == 0 || req->continued)
        return false;
    for (struct skt_list *l = app->skcps.live.next; l != &app->skcps.live; l = l->next) {
        const struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        uint32_t pos = 0;
        for (struct skt_session *s; k->server && (s = skt_endpoint_next(k->ep, &pos)) != NULL;)
            left -= skt_session_state(s) != SKT_SESSION_CLOSED &&
                    memcmp(skt_session_ticket(s), req->ticket, SKT_TICKET_LEN) == 0;
    }
    return left <= 0;
}

static int on_check_attach(void *user, struct skt_endpoint *ep, const struct skt_attach_request *req,
                           char *text)
{
    struct skt_script_skcp *k = user;
    (void)ep;
    if (is_ticket_full(k->base.app, req)) {
        strcpy(text, "the ticket has as many sessions as it may");
        return SKT_ERR_FULL;
    }
    int err = skt_script_speaks_check_attach(k->base.app, req, text);
    return err == SKT_OK ? skt_script_tun_check_attach(k, req, text) : err;
}

static void on_addresses(void *user, struct skt_endpoint *ep, const struct skt_addr *addrs, size_t n)
{
    const struct skt_script_skcp *k = user;
    (void)ep;
    skt_script_tun_unit_pin(k->base.app, addrs, n);
}

static uint32_t on_speaks(void *user)
{
    const struct skt_script_skcp *k = user;
    return skt_script_speaks(k->base.app);
}

static void tell_speaks(const struct skt_script_skcp *k, const struct skt_endpoint *ep, uint32_t cid)
{
    const struct skt_session *s = skt_endpoint_session(ep, cid);
    if (s)
        skt_script_speaks_tell(k->base.app, s);
}

static void count(struct skt_session *s)
{
    struct skt_tally *tally = s ? skt_endpoint_tally(s) : NULL;
    if (tally)
        tally->begun++;
}

static void on_accept(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    const struct skt_script_skcp *k = user;
    struct skt_session *s = skt_endpoint_session(ep, cid);
    const char *name = s ? on_name_of(user, skt_session_ticket(s)) : NULL;
    if (s)
        skt_endpoint_set_tally(ep, s, skt_tally_of(&k->base.app->tallies[1], name ? name : ""));
    count(s);
    skt_script_tun_on_accept(user, cid);
    tell_speaks(user, ep, cid);
    skt_script_skcp_tell(user, SKT_CB_SKCP_ACCEPT, cid);
}

static void on_cid(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    count(skt_endpoint_session(ep, cid));
    tell_speaks(user, ep, cid);
    skt_script_skcp_tell(user, SKT_CB_SKCP_RECV_CID, cid);
}

static void on_message(void *user, struct skt_endpoint *ep, uint32_t cid, const uint8_t *msg, size_t len)
{
    struct skt_script_skcp *k = user;
    struct skt_script_call_arg args[] = {skt_arg_handle(k), skt_arg_integer(cid), skt_arg_string(msg, len)};
    struct skt_script *app = k->base.app;
    if (skt_script_closing_has(k, cid))
        return; /* the script wants no more of it */
    if (app->conf->mode != SKT_CONFIG_CUSTOM && !skt_script_call_present(&app->lua, SKT_CB_SKCP_RECV_DATA)) {
        skt_error_rarely(
            skt_log_key(app->conf->mode_name, strlen(app->conf->mode_name), 0),
            "session %u was ended: its peer's script sends messages, and the mode %s here takes none. Both "
            "ends need the script, or neither",
            cid, app->conf->mode_name);
        (void)skt_endpoint_close(ep, cid, SKT_CLOSE_REFUSED);
        return;
    }
    struct skt_script_source source = {.kind = SKT_SOURCE_SESSION, .ep = ep, .cid = cid};
    skt_script_skcp_deliver(k, source, SKT_CB_SKCP_RECV_DATA, args, 3, NULL);
}

static void on_room(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    struct skt_script_skcp *k = user;
    (void)ep;
    if (skt_script_pending_retry(k, cid) && !skt_script_closing_has(k, cid))
        skt_script_skcp_tell(k, SKT_CB_SKCP_ROOM, cid);
}

static void on_close(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    struct skt_script_skcp *k = user;
    if (!skt_script_closing_was_told(k, cid))
        skt_script_skcp_tell_close(k, cid);
    skt_script_tun_on_close(k, cid);
    skt_script_streams_forget(k, cid);
    skt_script_pending_forget(k, cid);
    skt_script_hold_forget_session(k->base.app, ep, cid);
    skt_script_closing_forget(k, cid);
}

static void on_stream(void *user, struct skt_endpoint *ep, uint32_t cid, struct skt_stream *st)
{
    (void)ep;
    skt_script_stream_on_news(user, cid, st);
}

const struct skt_endpoint_handler skt_script_skcp_handler = {
    .speaks = on_speaks,
    .find_ticket = on_find_ticket,
    .check_ticket = on_check_ticket,
    .check_attach = on_check_attach,
    .name_of = on_name_of,
    .on_accept = on_accept,
    .on_cid = on_cid,
    .on_message = on_message,
    .on_close = on_close,
    .on_stream = on_stream,
    .on_room = on_room,
    .on_addresses = on_addresses,
};
