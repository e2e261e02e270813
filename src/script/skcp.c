/* SPDX-License-Identifier: MIT */
/* Endpoints as scripts know them: from the endpoint's news to skt.cb.on_skcp_*. */
#include "script/skcp.h"

#include "base/err.h"
#include "base/folders.h"
#include "base/log.h"
#include "base/wipe.h"
#include "config/tickets.h"
#include "script/api_relay.h"
#include "script/closing.h"
#include "script/handle.h"
#include "script/hold.h"
#include "script/pending.h"
#include "script/speaks.h"
#include "script/tcp.h"
#include "script/tun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Handlers are counted, so that an endpoint is never freed from inside one of its own. */
static int on_check_ticket(void *user, struct skt_endpoint *ep, const uint8_t ticket[SKT_TICKET_LEN])
{
    struct skt_script_skcp *k = user;
    struct skt_script *app = k->base.app;
    (void)ep;
    struct skt_script_call_arg args[] = {skt_arg_handle(k), skt_arg_string(ticket, SKT_TICKET_LEN)};
    if (!skt_script_call_present(app, SKT_CB_SKCP_CHECK_TICKET))
        return app->conf->table.has_tickets && !skt_tickets_entry(app->conf, ticket);
    lua_Integer result = -1; /* a callback that fails, or says nothing, lets nobody in */
    struct skt_script_source outer = app->source;
    app->source = (struct skt_script_source){.kind = SKT_SOURCE_EVENT};
    k->depth++;
    skt_script_call_callback(app, SKT_CB_SKCP_CHECK_TICKET, args, 2, &result);
    k->depth--;
    app->source = outer;
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

static void tell(struct skt_script_skcp *k, enum skt_script_callback cb, uint32_t cid)
{
    struct skt_script_call_arg args[] = {skt_arg_handle(k), skt_arg_integer(cid)};
    struct skt_script *app = k->base.app;
    struct skt_script_source outer = app->source;
    app->source =
        (struct skt_script_source){.kind = cb == SKT_CB_SKCP_ROOM ? SKT_SOURCE_NONE : SKT_SOURCE_EVENT};
    k->depth++;
    skt_script_call_callback(app, cb, args, 2, NULL);
    k->depth--;
    app->source = outer;
}

static int on_check_attach(void *user, struct skt_endpoint *ep, const struct skt_attach_request *req,
                           char *text)
{
    struct skt_script_skcp *k = user;
    (void)ep;
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

static void on_accept(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    skt_script_tun_on_accept(user, cid);
    tell_speaks(user, ep, cid);
    tell(user, SKT_CB_SKCP_ACCEPT, cid);
}

static void on_cid(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    tell_speaks(user, ep, cid);
    tell(user, SKT_CB_SKCP_RECV_CID, cid);
}

static void on_message(void *user, struct skt_endpoint *ep, uint32_t cid, const uint8_t *msg, size_t len)
{
    struct skt_script_skcp *k = user;
    struct skt_script_call_arg args[] = {skt_arg_handle(k), skt_arg_integer(cid), skt_arg_string(msg, len)};
    struct skt_script *app = k->base.app;
    if (skt_script_closing_has(app, k, cid))
        return; /* the script wants no more of it */
    if (app->conf->mode != SKT_CONFIG_CUSTOM && !skt_script_call_present(app, SKT_CB_SKCP_RECV_DATA)) {
        skt_error_rarely(
            skt_log_key(app->conf->mode_name, strlen(app->conf->mode_name), 0),
            "session %u was ended: its peer's script sends messages, and the mode %s here takes none. Both "
            "ends need the script, or neither",
            cid, app->conf->mode_name);
        (void)skt_endpoint_close(ep, cid, SKT_CLOSE_REFUSED);
        return;
    }
    struct skt_script_source outer = app->source;
    k->depth++;
    app->source = (struct skt_script_source){.kind = SKT_SOURCE_SESSION, .k = k, .cid = cid};
    skt_script_call_callback(app, SKT_CB_SKCP_RECV_DATA, args, 3, NULL);
    app->source = outer;
    k->depth--;
}

static void on_room(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    struct skt_script_skcp *k = user;
    (void)ep;
    if (skt_script_pending_retry(k, cid) && !skt_script_closing_has(k->base.app, k, cid))
        tell(k, SKT_CB_SKCP_ROOM, cid);
}

void skt_script_skcp_tell_close(struct skt_script_skcp *k, uint32_t cid)
{
    uint32_t outer = k->closing_cid;
    k->closing_cid = cid;
    tell(k, SKT_CB_SKCP_CLOSE, cid);
    k->closing_cid = outer;
}

static void on_close(void *user, struct skt_endpoint *ep, uint32_t cid)
{
    struct skt_script_skcp *k = user;
    (void)ep;
    if (!skt_script_closing_was_told(k->base.app, k, cid))
        skt_script_skcp_tell_close(k, cid);
    skt_script_tun_on_close(k, cid);
    skt_script_relay_forget(k, cid);
    skt_script_pending_forget(k, cid);
    skt_script_hold_forget(k, cid);
    skt_script_closing_forget(k, cid);
}

static const struct skt_endpoint_handler handler = {
    .speaks = on_speaks,
    .find_ticket = on_find_ticket,
    .check_ticket = on_check_ticket,
    .check_attach = on_check_attach,
    .name_of = on_name_of,
    .on_accept = on_accept,
    .on_cid = on_cid,
    .on_message = on_message,
    .on_close = on_close,
    .on_stream = skt_script_relay_on_stream,
    .on_room = on_room,
    .on_addresses = on_addresses,
};

static uint8_t wire_mode(const struct skt_config *conf)
{
    switch (conf->mode) {
    case SKT_CONFIG_PROXY_CLIENT:
    case SKT_CONFIG_PROXY_SERVER:
        return SKT_MODE_PROXY;
    case SKT_CONFIG_TUN_CLIENT:
    case SKT_CONFIG_TUN_SERVER:
        return SKT_MODE_TUN;
    default:
        return SKT_MODE_CUSTOM;
    }
}

/* The folder that a server keeps its stamp cache in over a restart: where state outlives a reboot, or that of
 * a status socket that was put elsewhere. False: nowhere. */
static bool state_folder(const struct skt_config *conf, const struct skt_config_entry *e, char *out,
                         size_t cap)
{
    const char *slash = strrchr(conf->status_socket, '/');
    int dir_len = slash ? (int)(slash - conf->status_socket) : 0;
    if (!e->server || dir_len == 0)
        return false;
    int n = snprintf(out, cap, "%.*s", dir_len, conf->status_socket);
    if (n < 0 || (size_t)n >= cap)
        return false;
    if (strcmp(out, SKT_RUN_FOLDER) == 0 && access("/var/lib", W_OK) == 0) {
        n = snprintf(out, cap, "/var/lib/skcptun");
        return n > 0 && (size_t)n < cap;
    }
    return access(out, W_OK) == 0;
}

static size_t count_remotes(const struct skt_config *conf)
{
    size_t n = 0;
    for (size_t i = 0; i < conf->table.entry_count; i++)
        n += conf->table.entries[i].server ? 0 : 1;
    return n;
}

int skt_script_skcp_new(struct skt_script_skcp **out, struct skt_script *app, size_t entry)
{
    const struct skt_config_entry *e = &app->conf->table.entries[entry];
    char folder[512];
    struct skt_endpoint_conf conf = {
        .shared = app->shared,
        .server = e->server,
        .address = e->address,
        .port_lo = e->port.lo,
        .port_hi = e->port.hi,
        .has_static = e->server ? e->private_key.set : e->server_key.set,
        .tuning = e->tuning,
        .mode = wire_mode(app->conf),
        .probing = count_remotes(app->conf) > 1,
        .features = skt_script_tun_unit_features(app),
        .extensions = app->tun ? app->tun->extensions : NULL,
        .extensions_len = app->tun ? app->tun->extensions_len : 0,
        .state_folder = state_folder(app->conf, e, folder, sizeof folder) ? folder : NULL,
    };
    struct skt_script_skcp *k = calloc(1, sizeof *k);
    if (!k)
        return SKT_ERR_NOMEM;
    k->base.app = app;
    k->server = e->server;
    k->number = skt_script_number(app);
    skt_list_init(&k->link);
    skt_list_init(&k->streams);
    skt_idmap_init(&k->waiting);
    memcpy(conf.psk, app->psks[entry], SKT_KEY_LEN);
    int err = SKT_OK;
    if (e->private_key.set) {
        memcpy(conf.static_priv, e->private_key.bytes, SKT_KEY_LEN);
        err = skt_crypto_openssl()->x25519_public(conf.static_pub, conf.static_priv);
    } else if (e->server_key.set) {
        memcpy(conf.static_pub, e->server_key.bytes, SKT_KEY_LEN);
    }
    if (err == SKT_OK && e->server)
        err = skt_tickets_index(&app->tickets, app->conf);
    if (err == SKT_OK)
        err = skt_endpoint_new(&k->ep, app->loop, &conf, &handler, k);
    if (err == SKT_OK && e->server)
        skt_endpoint_take_proofs(k->ep, skt_tickets_proved(app->conf));
    int saved = errno;
    skt_wipe(&conf, sizeof conf);
    errno = saved;
    if (err != SKT_OK) {
        free(k);
        return err;
    }
    skt_list_append(&app->skcps, &k->link);
    *out = k;
    return SKT_OK;
}

/* Outside of the endpoint's handlers: on_skcp_close is called for each session, with the handle still good.
 */
static void finish(struct skt_script_skcp *k)
{
    struct skt_script *app = k->base.app;
    k->finishing = true;
    skt_endpoint_free(k->ep);
    k->ep = NULL;
    skt_script_relay_forget(k, 0);
    skt_script_pending_forget(k, 0);
    skt_script_hold_forget(k, 0);
    skt_script_closing_forget(k, 0);
    skt_script_handle_end(app->L, k);
}

static void on_finish(struct skt_loop_task *t, skt_us now)
{
    struct skt_script *app = SKT_CONTAINER(t, struct skt_script, finish);
    (void)now;
    for (struct skt_list *l = app->dead_skcps.next; l != &app->dead_skcps; l = l->next) {
        struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        if (!k->finishing)
            finish(k);
    }
    skt_script_skcp_free_dead(app);
}

void skt_script_skcp_init_app(struct skt_script *app)
{
    skt_loop_task_init(&app->finish, on_finish);
}

void skt_script_skcp_end(struct skt_script_skcp *k)
{
    struct skt_script *app = k->base.app;
    if (k->ending)
        return;
    k->ending = true;
    skt_list_move_tail(&app->dead_skcps, &k->link);
    if (k->depth == 0)
        finish(k);
    skt_loop_defer(app->loop, &app->finish);
}

void skt_script_skcp_close_all(struct skt_script *app)
{
    while (!skt_list_empty(&app->skcps))
        skt_script_skcp_end(SKT_CONTAINER(app->skcps.next, struct skt_script_skcp, link));
}

void skt_script_skcp_free_dead(struct skt_script *app)
{
    for (struct skt_list *l = app->dead_skcps.next, *next; l != &app->dead_skcps; l = next) {
        struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        next = l->next;
        if (k->ep || k->depth > 0)
            continue; /* being freed further up the stack */
        skt_list_remove(&k->link);
        skt_idmap_dispose(&k->waiting);
        free(k);
    }
}

/* Clients that have proved their ticket go on doing so: a table that is gone takes a restart. */
static void update_proofs(struct skt_script *app)
{
    if (skt_tickets_index(&app->tickets, app->conf) != SKT_OK)
        skt_error("no memory for the tickets: clients are refused until the next reload");
    for (struct skt_list *l = app->skcps.next; l != &app->skcps; l = l->next) {
        const struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        if (k->server && k->ep)
            skt_endpoint_take_proofs(k->ep, skt_tickets_proved(app->conf));
    }
}

void skt_script_skcp_check_tickets(struct skt_script *app)
{
    update_proofs(app);
    if (!app->conf->table.has_tickets)
        return;
    for (struct skt_list *l = app->skcps.next; l != &app->skcps; l = l->next) {
        struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        if (!k->server)
            continue;
        uint32_t pos = 0; /* closing one takes none off the map before the end of the turn */
        for (struct skt_session *s; (s = skt_endpoint_next(k->ep, &pos)) != NULL;) {
            if (skt_session_state(s) != SKT_SESSION_CLOSED &&
                !skt_tickets_entry(app->conf, skt_session_ticket(s)))
                (void)skt_endpoint_close(k->ep, skt_session_cid(s), SKT_CLOSE_REFUSED);
        }
    }
}
