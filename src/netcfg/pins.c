/* SPDX-License-Identifier: MIT */
#include "netcfg/pins.h"

#include "base/err.h"
#include "netcfg/route.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <stdio.h>
#include <string.h>

static bool is_loopback(const struct skt_ipnet *host)
{
    static const struct skt_ipnet v4 = {4, 8, {127}}, v6 = {6, 128, {[15] = 1}};
    return skt_ipnet_has(&v4, host->family, host->ip) || skt_ipnet_has(&v6, host->family, host->ip);
}

static bool same_way(const struct skt_net_route *a, const struct skt_net_route *b)
{
    return a->ifindex == b->ifindex && a->gateway.family == b->gateway.family &&
           memcmp(a->gateway.ip, b->gateway.ip, sizeof a->gateway.ip) == 0;
}

/* On an error it is there as before. */
static int remove_pin_route(struct skt_netcfg_helper *h, struct skt_netcfg_pin *pin)
{
    char line[SKT_JOURNAL_LINE_MAX], start[SKT_IPNET_TEXT_MAX + 8], dst[SKT_IPNET_TEXT_MAX];
    if (!pin->set)
        return SKT_OK;
    int err = skt_netcfg_route_line(line, &pin->route);
    if (err == SKT_OK) {
        err = skt_netcfg_undo_line(h, line);
    } else if (err == SKT_ERR_NOTFOUND) {
        /* The interface is gone, and its number with it. */
        snprintf(start, sizeof start, "route %s ", skt_ipnet_text(&pin->host, true, dst));
        err = skt_netcfg_undo_all(h, start);
    } else {
        err = skt_netcfg_say_errno(h, err, "route %s", skt_ipnet_text(&pin->host, true, dst));
    }
    pin->set = err != SKT_OK;
    return err;
}

/* Makes the route follow the way that the host's packets take without the tunnel. Where there is none now,
 * the last one stays. */
static int follow_way(struct skt_netcfg_helper *h, struct skt_netcfg_pin *pin)
{
    struct skt_net_route way;
    char text[SKT_IPNET_TEXT_MAX];
    int err = skt_net_route_find(&pin->host, skt_net_ifindex(h->ifname), &way);
    if (err == SKT_ERR_NOTFOUND)
        return skt_netcfg_say(h, err, "no route to %s: the network may be down; it is set when it comes back",
                              skt_ipnet_text(&pin->host, false, text));
    if (err)
        return skt_netcfg_say_errno(h, err, "no route to %s", skt_ipnet_text(&pin->host, false, text));
    if (pin->set && !same_way(&pin->route, &way) && (err = remove_pin_route(h, pin)) != SKT_OK)
        return err;
    err = skt_netcfg_route_add(h, &way, pin->set);
    if (err == SKT_ERR_FULL)
        return SKT_OK; /* ours is still there, or somebody else's does as well */
    if (!err) {
        pin->route = way;
        pin->set = true;
    }
    return err;
}

/* The same for one that may be leaving; notes whether it is to be tried again. */
static int update_pin(struct skt_netcfg_helper *h, struct skt_netcfg_pin *pin)
{
    bool before = h->passing;
    h->passing = false;
    int err = pin->leaving ? remove_pin_route(h, pin) : follow_way(h, pin);
    pin->owed = err && h->passing;
    h->passing = before || h->passing;
    return err;
}

static struct skt_netcfg_pin *find_pin(struct skt_netcfg_helper *h, const struct skt_ipnet *host)
{
    for (size_t i = 0; i < h->pins.n; i++)
        if (h->pins.at[i].host.family == host->family &&
            memcmp(h->pins.at[i].host.ip, host->ip, sizeof host->ip) == 0)
            return &h->pins.at[i];
    return NULL;
}

int skt_netcfg_pins_add(struct skt_netcfg_helper *h, const struct skt_ipnet *host)
{
    struct skt_netcfg_pin *pin = find_pin(h, host);
    if (is_loopback(host))
        return SKT_OK;
    if (!pin && h->pins.n == SKT_NETCFG_PINS_MAX)
        return skt_netcfg_say(h, SKT_ERR_FULL, "more than %d hosts outside the tunnel", SKT_NETCFG_PINS_MAX);
    if (!pin) {
        pin = &h->pins.at[h->pins.n++];
        *pin = (struct skt_netcfg_pin){.host = *host};
    }
    pin->leaving = false;
    return update_pin(h, pin);
}

int skt_netcfg_pins_remove(struct skt_netcfg_helper *h, const struct skt_ipnet *host)
{
    struct skt_netcfg_pin *pin = find_pin(h, host);
    if (!pin)
        return SKT_OK;
    pin->leaving = true;
    int err = update_pin(h, pin);
    if (!err || !pin->owed)
        *pin = h->pins.at[--h->pins.n];
    return err;
}

int skt_netcfg_pins_update(struct skt_netcfg_helper *h)
{
    int result = SKT_OK;
    for (size_t i = h->pins.n; i-- > 0;) {
        struct skt_netcfg_pin *pin = &h->pins.at[i];
        int err = update_pin(h, pin);
        if (pin->owed)
            result = err;
        else if (pin->leaving)
            *pin = h->pins.at[--h->pins.n];
    }
    h->passing = result != SKT_OK;
    return result;
}

bool skt_netcfg_pins_wait_in(const struct skt_netcfg_helper *h, const struct skt_ipnet *net)
{
    for (size_t i = 0; i < h->pins.n; i++)
        if (h->pins.at[i].owed && skt_ipnet_has(net, h->pins.at[i].host.family, h->pins.at[i].host.ip))
            return true;
    return false;
}

void skt_netcfg_pins_forget(struct skt_netcfg_helper *h)
{
    h->pins.n = 0;
}

int skt_netcfg_pins_note(struct skt_netcfg_helper *h, int err)
{
    bool others = h->owed.is[SKT_NETCFG_PINS];
    err = skt_netcfg_owed_note(h, SKT_NETCFG_PINS, err);
    h->owed.is[SKT_NETCFG_PINS] = h->owed.is[SKT_NETCFG_PINS] || others;
    return err;
}
