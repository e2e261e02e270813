/* SPDX-License-Identifier: MIT */
#include "netcfg/again.h"

#include "base/err.h"
#include "base/log.h"
#include "netcfg/internal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    FIRST_MS = 100, /* the first pause; each is twice as long as the one before */
    DOUBLINGS_MAX = 7,
    UNDO_TRIES = 5,
};

static skt_us pause_of(unsigned tries)
{
    return (skt_us)FIRST_MS * SKT_US_PER_MS << (tries < DOUBLINGS_MAX ? tries : DOUBLINGS_MAX);
}

/* --- what is owed --- */

static void drop_route(struct skt_netcfg_again *a, const struct skt_ipnet *net)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->route_count; i++)
        if (memcmp(&a->routes[i].net, net, sizeof *net) != 0)
            a->routes[kept++] = a->routes[i];
    a->route_count = kept;
}

/* False: there is no room for it. */
static bool keep_route(struct skt_netcfg_again *a, const struct skt_ipnet *net, bool add, bool owed)
{
    drop_route(a, net);
    if (owed && a->route_count == SKT_JOURNAL_LINES_MAX)
        return false;
    if (owed)
        a->routes[a->route_count++] = (struct skt_netcfg_owed){*net, add};
    return true;
}

static bool keep(struct skt_netcfg_again *a, enum skt_netcfg_what what, bool owed,
                 const struct skt_ipnet *net, size_t mtu)
{
    switch (what) {
    case SKT_NETCFG_ROUTE:
    case SKT_NETCFG_UNROUTE:
        return keep_route(a, net, what == SKT_NETCFG_ROUTE, owed);
    case SKT_NETCFG_PIN:
        a->pins = a->pins || owed; /* another one may be owed */
        break;
    case SKT_NETCFG_DNS:
        a->dns = owed;
        break;
    case SKT_NETCFG_NAT:
        a->nat = owed;
        break;
    case SKT_NETCFG_FORWARD4:
        a->forward4 = owed;
        break;
    case SKT_NETCFG_FORWARD6:
        a->forward6 = owed;
        break;
    case SKT_NETCFG_MTU:
        a->mtu = owed ? mtu : 0;
        break;
    case SKT_NETCFG_UP:
        a->up = owed;
        break;
    case SKT_NETCFG_LOOK:
        a->look = owed;
        break;
    }
    return true;
}

static bool is_owed(const struct skt_netcfg_again *a)
{
    return a->route_count > 0 || a->mtu > 0 || a->dns || a->nat || a->forward4 || a->forward6 || a->up ||
           a->pins || a->look;
}

int skt_netcfg_again_note(struct skt_netcfg_helper *h, enum skt_netcfg_what what, int err,
                          const struct skt_ipnet *net, size_t mtu)
{
    struct skt_netcfg_again *a = &h->again;
    bool owed = err && a->passing;
    if (keep(a, what, owed, net, mtu) && owed) {
        size_t len = strlen(h->text);
        snprintf(h->text + len, sizeof h->text - len, "; it is tried again");
        if (a->due == SKT_NEVER)
            a->due = skt_netcfg_now() + pause_of(a->tries);
    }
    return err;
}

bool skt_netcfg_again_owes_pin(const struct skt_netcfg_helper *h, const struct skt_ipnet *net)
{
    for (size_t i = 0; i < h->pin_count; i++)
        if (h->pins[i].owed && skt_ipnet_has(net, h->pins[i].host.family, h->pins[i].host.ip))
            return true;
    return false;
}

void skt_netcfg_again_forget(struct skt_netcfg_helper *h)
{
    h->again = (struct skt_netcfg_again){.due = SKT_NEVER};
}

/* --- trying --- */

/* How it went this time. Who asked knows of the first time. */
static void tell(struct skt_netcfg_helper *h, int err, const char *what)
{
    if (!err)
        skt_info_news(0, "%s: %s: done now", h->ifname, what);
    else
        SKT_LOG_LIMITED(SKT_LOG_STEADY, SKT_LOG_WARN, skt_log_key(what, strlen(what), 0), "%s: still: %s",
                        h->ifname, h->text);
}

static void clear(struct skt_netcfg_helper *h)
{
    h->again.passing = false;
    h->text[0] = '\0';
}

static void try_routes(struct skt_netcfg_helper *h)
{
    /* What fails again goes to the end. */
    for (size_t n = h->again.route_count; n > 0 && h->again.route_count > 0; n--) {
        struct skt_netcfg_owed r = h->again.routes[0];
        char what[SKT_IPNET_TEXT_MAX + 16] = "route ";
        clear(h);
        int err = r.add ? skt_netcfg_do_route(h, &r.net) : skt_netcfg_do_unroute(h, &r.net);
        (void)skt_netcfg_again_note(h, r.add ? SKT_NETCFG_ROUTE : SKT_NETCFG_UNROUTE, err, &r.net, 0);
        skt_ipnet_text(&r.net, true, what + strlen(what));
        tell(h, err, what);
    }
}

static int do_mtu(struct skt_netcfg_helper *h)
{
    return skt_netcfg_do_mtu(h, h->again.mtu);
}

static int do_dns(struct skt_netcfg_helper *h)
{
    struct skt_ipnet servers[SKT_NETCFG_DNS_MAX];
    memcpy(servers, h->servers, sizeof servers);
    return skt_netcfg_do_dns(h, servers, h->server_count);
}

static int do_nat(struct skt_netcfg_helper *h)
{
    struct skt_ipnet from[SKT_NETCFG_FROM_MAX];
    memcpy(from, h->watch.from, sizeof from);
    return skt_netcfg_do_nat(h, from, h->watch.from_count);
}

static int do_forward4(struct skt_netcfg_helper *h)
{
    return skt_netcfg_do_forward(h, true, false);
}

static int do_forward6(struct skt_netcfg_helper *h)
{
    return skt_netcfg_do_forward(h, false, true);
}

static void try_one(struct skt_netcfg_helper *h, bool owed, enum skt_netcfg_what kind,
                    int (*run)(struct skt_netcfg_helper *h), const char *what)
{
    if (!owed)
        return;
    size_t mtu = h->again.mtu;
    clear(h);
    int err = run(h);
    (void)skt_netcfg_again_note(h, kind, err, NULL, mtu);
    tell(h, err, what);
}

static void try_pins(struct skt_netcfg_helper *h)
{
    if (!h->again.pins)
        return;
    clear(h);
    int err = skt_netcfg_pins_update(h);
    tell(h, err, "the routes of what stays outside");
}

void skt_netcfg_again_turn(struct skt_netcfg_helper *h)
{
    struct skt_netcfg_again *a = &h->again;
    if (a->due == SKT_NEVER || skt_netcfg_now() < a->due)
        return;
    try_pins(h); /* in the order in which they are asked for */
    try_routes(h);
    try_one(h, a->mtu > 0, SKT_NETCFG_MTU, do_mtu, "MTU");
    try_one(h, a->forward4, SKT_NETCFG_FORWARD4, do_forward4, "forwarding IPv4");
    try_one(h, a->forward6, SKT_NETCFG_FORWARD6, do_forward6, "forwarding IPv6");
    try_one(h, a->dns, SKT_NETCFG_DNS, do_dns, "name servers");
    try_one(h, a->nat, SKT_NETCFG_NAT, do_nat, "NAT");
    try_one(h, a->up, SKT_NETCFG_UP, skt_netcfg_run_up, "up script");
    if (a->look)
        skt_netcfg_watch_look(h);
    h->text[0] = '\0';
    a->tries = is_owed(a) ? a->tries + 1 : 0;
    a->due = is_owed(a) ? skt_netcfg_now() + pause_of(a->tries) : SKT_NEVER;
}

int skt_netcfg_again_wait_ms(const struct skt_netcfg_helper *h)
{
    skt_us now = skt_netcfg_now(), due = h->again.due;
    if (due == SKT_NEVER)
        return -1;
    return due <= now ? 0 : (int)((due - now + SKT_US_PER_MS - 1) / SKT_US_PER_MS);
}

int skt_netcfg_again_undo(struct skt_netcfg_helper *h, const char *start)
{
    int err;
    for (unsigned i = 0;; i++) {
        clear(h);
        err = skt_netcfg_undo_all(h, start);
        if (!err || !h->again.passing || i + 1 == UNDO_TRIES)
            return err;
        (void)poll(NULL, 0, (int)(pause_of(i) / SKT_US_PER_MS));
    }
}
