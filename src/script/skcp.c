/* SPDX-License-Identifier: MIT */
#include "script/skcp.h"

#include "base/err.h"
#include "base/log.h"
#include "base/wipe.h"
#include "config/tickets.h"
#include "script/app_numbers.h"
#include "script/closing.h"
#include "script/hold.h"
#include "script/pending.h"
#include "script/skcp_conf.h"
#include "script/skcp_events.h"
#include "script/state.h"
#include "script/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A client's sessions are counted for their server, as the configuration has it; a server's for the holder of
 * the ticket, once there is one. */
static void count_for_server(struct skt_script_skcp *k, const struct skt_config_entry *e)
{
    char name[300]; /* a host's 253 and the ports */
    int n =
        snprintf(name, sizeof name, strchr(e->address, ':') ? "[%s]:%u" : "%s:%u", e->address, e->port.lo);
    if (e->port.hi != e->port.lo && n > 0 && (size_t)n < sizeof name)
        snprintf(name + n, sizeof name - (size_t)n, "-%u", e->port.hi);
    skt_endpoint_set_tally(k->ep, NULL, skt_tally_of(&k->base.app->tallies[0], name));
}

/* The endpoint, and on a server what tells of its tickets. */
static int open_endpoint(struct skt_script_skcp *k, size_t entry)
{
    struct skt_script *app = k->base.app;
    struct skt_endpoint_conf conf;
    char folder[SKT_STATE_FOLDER_MAX];
    int err = skt_script_skcp_conf(app, entry, &conf, folder);
    if (err == SKT_OK && k->server)
        err = skt_tickets_index(&app->tickets, app->conf);
    if (err == SKT_OK)
        err = skt_endpoint_new(&k->ep, app->loop, &conf, &skt_script_skcp_handler, k);
    if (err == SKT_OK && !k->server)
        count_for_server(k, &app->conf->table.entries[entry]);
    if (err == SKT_OK && k->server)
        skt_endpoint_take_proofs(k->ep, skt_tickets_proved(app->conf));
    int saved = errno;
    skt_wipe(&conf, sizeof conf);
    errno = saved;
    return err;
}

int skt_script_skcp_new(struct skt_script_skcp **out, struct skt_script *app, size_t entry)
{
    struct skt_script_skcp *k = calloc(1, sizeof *k);
    if (!k)
        return SKT_ERR_NOMEM;
    k->base.app = app;
    k->entry = entry;
    k->server = app->conf->table.entries[entry].server;
    k->number = skt_script_number(app);
    skt_list_init(&k->link);
    skt_list_init(&k->streams);
    skt_idmap_init(&k->waiting);
    int err = open_endpoint(k, entry);
    if (err != SKT_OK) {
        free(k);
        return err;
    }
    skt_list_append(&app->skcps.live, &k->link);
    *out = k;
    return SKT_OK;
}

/* Outside of the endpoint's handlers: on_skcp_close is called for each session, with the handle still good.
 */
static void finish(struct skt_script_skcp *k)
{
    struct skt_script *app = k->base.app;
    k->finishing = true;
    const struct skt_endpoint *ep = k->ep;
    skt_script_drops_add(&app->drops, skt_endpoint_drops(ep));
    skt_endpoint_free(k->ep);
    k->ep = NULL;
    skt_script_streams_forget(k, 0);
    skt_script_hold_forget_session(app, ep, 0); /* before others let go of a hold on one of its sessions */
    skt_script_pending_forget(k, 0);
    skt_script_closing_forget(k, 0);
    skt_script_handle_end(app->lua.L, k);
}

static void on_finish(struct skt_loop_task *t, skt_us now)
{
    struct skt_script *app = SKT_CONTAINER(t, struct skt_script, skcps.finish);
    (void)now;
    for (struct skt_list *l = app->skcps.dead.next; l != &app->skcps.dead; l = l->next) {
        struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        if (!k->finishing)
            finish(k);
    }
    skt_script_skcp_free_dead(app);
}

void skt_script_skcps_init(struct skt_script *app)
{
    skt_list_init(&app->skcps.live);
    skt_list_init(&app->skcps.dead);
    skt_loop_task_init(&app->skcps.finish, on_finish);
}

void skt_script_skcp_end(struct skt_script_skcp *k)
{
    struct skt_script *app = k->base.app;
    if (k->ending)
        return;
    k->ending = true;
    skt_list_move_tail(&app->skcps.dead, &k->link);
    if (k->depth == 0)
        finish(k);
    skt_loop_defer(app->loop, &app->skcps.finish);
}

void skt_script_skcp_close_all(struct skt_script *app)
{
    while (!skt_list_empty(&app->skcps.live))
        skt_script_skcp_end(SKT_CONTAINER(app->skcps.live.next, struct skt_script_skcp, link));
}

void skt_script_skcp_free_dead(struct skt_script *app)
{
    for (struct skt_list *l = app->skcps.dead.next, *next; l != &app->skcps.dead; l = next) {
        struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        next = l->next;
        if (k->ep || k->depth > 0)
            continue; /* being freed further up the stack */
        skt_list_remove(&k->link);
        skt_idmap_dispose(&k->waiting);
        free(k);
    }
}

int skt_script_skcp_set_keys(struct skt_script *app)
{
    int first = SKT_OK;
    for (struct skt_list *l = app->skcps.live.next; l != &app->skcps.live; l = l->next) {
        const struct skt_script_skcp *k = SKT_CONTAINER(l, struct skt_script_skcp, link);
        struct skt_endpoint_conf conf;
        char folder[SKT_STATE_FOLDER_MAX];
        int err = skt_script_skcp_conf(app, k->entry, &conf, folder);
        if (err == SKT_OK)
            err = skt_endpoint_set_keys(k->ep, &conf);
        skt_wipe(&conf, sizeof conf);
        first = first ? first : err;
    }
    return first;
}

/* Clients that have proved their ticket go on doing so: a table that is gone takes a restart. */
static void update_proofs(struct skt_script *app)
{
    if (skt_tickets_index(&app->tickets, app->conf) != SKT_OK)
        skt_error("no memory for the tickets: clients are refused until the next reload");
    for (struct skt_list *l = app->skcps.live.next; l != &app->skcps.live; l = l->next) {
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
    for (struct skt_list *l = app->skcps.live.next; l != &app->skcps.live; l = l->next) {
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
