/* SPDX-License-Identifier: MIT */
#include "netcfg/again.h"

#include "base/err.h"
#include "base/log.h"
#include "netcfg/say.h"
#include "netcfg/state.h"
#include "netcfg/through.h"

#include <stdio.h>
#include <string.h>

/* Logs how a repeated try went. Whoever asked was told of the first failure by the answer. */
static void tell(struct skt_netcfg_helper *h, int err, const char *what)
{
    if (!err)
        skt_info_news(0, "%s: %s: done now", h->ifname, what);
    else
        SKT_LOG_LIMITED(SKT_LOG_STEADY, SKT_LOG_WARN, skt_log_key(what, strlen(what), 0), "%s: still: %s",
                        h->ifname, h->text);
}

static void try_routes(struct skt_netcfg_helper *h)
{
    /* What fails again goes to the end. */
    for (size_t n = h->owed.route_count; n > 0 && h->owed.route_count > 0; n--) {
        struct skt_ipnet net = h->owed.routes[0];
        char what[SKT_IPNET_TEXT_MAX + 16] = "route ";
        skt_netcfg_say_nothing(h);
        int err = skt_netcfg_owed_note_route(h, &net, skt_netcfg_through_add(h, &net));
        skt_ipnet_text(&net, true, what + strlen(what));
        tell(h, err, what);
    }
}

/* The kinds that say by themselves how it went are not among them. */
static const struct {
    int (*run)(struct skt_netcfg_helper *h); /* tries it; NULL: it is tried elsewhere */
    const char *what;                        /* in words */
} tries[SKT_NETCFG_KINDS] = {
    [SKT_NETCFG_PINS] = {skt_netcfg_pins_update, "the routes of what stays outside"},
    [SKT_NETCFG_MTU] = {skt_netcfg_interface_mtu_again, "MTU"},
    [SKT_NETCFG_DNS] = {skt_netcfg_dns_again, "name servers"},
    [SKT_NETCFG_NAT] = {skt_netcfg_nat_again, "NAT"},
    [SKT_NETCFG_UP] = {skt_netcfg_script_up, "up script"},
};

static void try_kind(struct skt_netcfg_helper *h, enum skt_netcfg_kind kind)
{
    if (!h->owed.is[kind] || !tries[kind].run)
        return;
    skt_netcfg_say_nothing(h);
    tell(h, skt_netcfg_owed_note(h, kind, tries[kind].run(h)), tries[kind].what);
}

void skt_netcfg_again_turn(struct skt_netcfg_helper *h)
{
    if (h->owed.due == SKT_NEVER || skt_clock_now() < h->owed.due)
        return;
    try_kind(h, SKT_NETCFG_PINS);
    try_routes(h); /* after the pins: a route waits for the hosts in it that must stay outside */
    for (int i = SKT_NETCFG_PINS + 1; i < SKT_NETCFG_KINDS; i++)
        try_kind(h, (enum skt_netcfg_kind)i);
    if (h->owed.is[SKT_NETCFG_LOOK])
        skt_netcfg_watch_look(h);
    h->text[0] = '\0';
    skt_netcfg_owed_tried(h);
}
