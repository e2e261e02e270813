/* SPDX-License-Identifier: MIT */
/* Which address a client gets: its ticket's, else the one that it asks for, first come. */
#include "script/tun_admit.h"

#include "base/err.h"
#include "config/tickets.h"
#include "script/state.h"
#include "script/tun.h"

#include <stdio.h>
#include <string.h>

static int refuse(char *text, const char *fmt, const struct skt_ipnet *net, const char *more)
{
    char ip[SKT_IPNET_TEXT_MAX];
    snprintf(text, SKT_REASON_MAX + 1, fmt, skt_ipnet_text(net, false, ip), more);
    return SKT_ERR_ARG;
}

static bool same_host(const struct skt_ipnet *a, const struct skt_ipnet *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static bool host_of_ticket(const struct skt_config_ticket *t, struct skt_ipnet *out)
{
    return t && t->tun_ip && skt_ipnet_parse(out, t->tun_ip) == SKT_OK;
}

/* Is it the tun_ip of another ticket? */
static bool is_reserved(const struct skt_config *conf, const struct skt_config_ticket *own,
                        const struct skt_ipnet *net)
{
    for (size_t i = 0; i < conf->table.ticket_count; i++) {
        const struct skt_config_ticket *t = &conf->table.tickets[i];
        struct skt_ipnet host;
        if (t != own && host_of_ticket(t, &host) && same_host(&host, net))
            return true;
    }
    return false;
}

/* Is the address held by a session of another ticket? */
static bool is_taken(const struct skt_script_tun_unit *u, const struct skt_ipnet *net, const uint8_t *ticket)
{
    struct skt_endpoint *ep;
    uint32_t cid;
    if (!skt_switch_owner(u->sw, net, &ep, &cid))
        return false;
    const struct skt_session *s = skt_endpoint_session(ep, cid);
    return s && skt_session_state(s) != SKT_SESSION_CLOSED &&
           memcmp(skt_session_ticket(s), ticket, SKT_TICKET_LEN) != 0;
}

static bool is_network_or_broadcast(const struct skt_ipnet *own, const struct skt_ipnet *net)
{
    uint8_t broadcast[4];
    struct skt_ipnet network = skt_ipnet_masked(own);
    if (own->family != 4 || !skt_ipnet_broadcast(own, broadcast))
        return false;
    return memcmp(net->ip, network.ip, 4) == 0 || memcmp(net->ip, broadcast, 4) == 0;
}

static int check_address(const struct skt_script_tun_unit *u, const struct skt_config_ticket *t,
                         const uint8_t *ticket, const struct skt_ipnet *net, char *text)
{
    const struct skt_ipnet *own = net->family == 4 ? &u->address4 : &u->address6;
    char own_text[SKT_IPNET_TEXT_MAX];
    if (own->family == 0)
        return refuse(text, "tun_ip %s: the server has no address of that kind%s", net, "");
    if (!skt_ipnet_has(own, net->family, net->ip) || is_network_or_broadcast(own, net)) {
        struct skt_ipnet network = skt_ipnet_masked(own);
        return refuse(text, "tun_ip %s is no address for a client of the server's network %s", net,
                      skt_ipnet_text(&network, true, own_text));
    }
    if (same_host(own, net))
        return refuse(text, "tun_ip %s is the server's own%s", net, "");
    if (is_reserved(u->app->conf, t, net))
        return refuse(text, "tun_ip %s belongs to another ticket%s", net, "");
    if (is_taken(u, net, ticket))
        return refuse(text, "tun_ip %s is in use by a client with another ticket%s", net, "");
    return SKT_OK;
}

int skt_script_tun_check_attach(struct skt_script_skcp *k, const struct skt_attach_request *req, char *text)
{
    struct skt_script_tun_unit *u = k->base.app->tun;
    if (!u || !u->server || req->continued)
        return SKT_OK;
    const struct skt_config_ticket *t = skt_tickets_entry(k->base.app->conf, req->ticket);
    const uint8_t *ip4 = skt_attach_extension(req, SKT_EXTENSION_TUN_IP4, 4);
    const uint8_t *ip6 = skt_attach_extension(req, SKT_EXTENSION_TUN_IP6, 16);
    u->wish = (struct skt_script_tun_wish){.ep = k->ep};
    struct skt_ipnet host;
    if (ip4)
        u->wish.ip4 = skt_ipnet_host(4, ip4);
    if (host_of_ticket(t, &host)) {
        char ip[SKT_IPNET_TEXT_MAX];
        if (ip4 && !same_host(&host, &u->wish.ip4))
            return refuse(text, "tun_ip %s is not this ticket's, which is %s", &u->wish.ip4,
                          skt_ipnet_text(&host, false, ip));
        u->wish.ip4 = host;
    }
    if (ip6)
        u->wish.ip6 = skt_ipnet_host(6, ip6);
    int err = SKT_OK;
    if (u->wish.ip4.family)
        err = check_address(u, t, req->ticket, &u->wish.ip4, text);
    if (err == SKT_OK && u->wish.ip6.family)
        err = check_address(u, t, req->ticket, &u->wish.ip6, text);
    return err;
}

void skt_script_tun_on_accept(struct skt_script_skcp *k, uint32_t cid)
{
    struct skt_script_tun_unit *u = k->base.app->tun;
    if (u && u->wish.ep == k->ep)
        u->wish.cid = cid;
}

void skt_script_tun_on_close(struct skt_script_skcp *k, uint32_t cid)
{
    struct skt_script_tun_unit *u = k->base.app->tun;
    if (u && u->sw)
        skt_switch_detach(u->sw, k->ep, cid);
}

/* --- attaching --- */

/* Ends an older session of the same ticket that has the address. */
static int take_over(struct skt_script_tun_unit *u, struct skt_endpoint *ep, uint32_t cid,
                     const struct skt_ipnet *net)
{
    struct skt_endpoint *old_ep;
    uint32_t old_cid;
    if (!skt_switch_owner(u->sw, net, &old_ep, &old_cid) || (old_ep == ep && old_cid == cid))
        return SKT_OK;
    const struct skt_session *s = skt_endpoint_session(ep, cid);
    if (is_taken(u, net, skt_session_ticket(s)))
        return SKT_ERR_FULL;
    char ip[SKT_IPNET_TEXT_MAX];
    skt_info_news(skt_log_key(net->ip, sizeof net->ip, 0), "session %u takes %s over from session %u", cid,
                  skt_ipnet_text(net, false, ip), old_cid);
    skt_switch_detach(u->sw, old_ep, old_cid);
    (void)skt_endpoint_close(old_ep, old_cid, SKT_CLOSE_TAKEOVER);
    return SKT_OK;
}

static int give(struct skt_script_tun_unit *u, struct skt_endpoint *ep, uint32_t cid,
                const struct skt_ipnet *net)
{
    if (net->family == 0)
        return SKT_OK;
    int err = take_over(u, ep, cid, net);
    return err == SKT_OK ? skt_switch_add(u->sw, ep, cid, net) : err;
}

static int give_all(struct skt_script_tun_unit *u, struct skt_script_skcp *k, uint32_t cid)
{
    const struct skt_session *s = skt_endpoint_session(k->ep, cid);
    const struct skt_config_ticket *t = skt_tickets_entry(u->app->conf, skt_session_ticket(s));
    struct skt_ipnet host = {0};
    int err;
    if (u->wish.ep == k->ep && u->wish.cid == cid) {
        err = give(u, k->ep, cid, &u->wish.ip4);
        if (err == SKT_OK)
            err = give(u, k->ep, cid, &u->wish.ip6);
    } else {
        err = host_of_ticket(t, &host) ? give(u, k->ep, cid, &host) : SKT_OK;
    }
    for (size_t i = 0; t && err == SKT_OK && i < t->subnets.count; i++) {
        struct skt_ipnet net;
        err = skt_ipnet_parse(&net, t->subnets.items[i]);
        if (err == SKT_OK)
            err = give(u, k->ep, cid, &net);
    }
    return err;
}

int skt_script_tun_attach(struct skt_script_skcp *k, uint32_t cid)
{
    struct skt_script_tun_unit *u = k->base.app->tun;
    int err = skt_switch_attach(u->sw, k->ep, cid);
    return err == SKT_OK && u->server ? give_all(u, k, cid) : err;
}
