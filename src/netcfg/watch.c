/* SPDX-License-Identifier: MIT */
#include "netcfg/watch.h"

#include "base/err.h"
#include "base/log.h"
#include "io/sockaddr.h"
#include "netcfg/internal.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* A change of the network comes in many pieces. */
#define SETTLE (300 * SKT_US_PER_MS)
/* What tells by no descriptor (iptables; whatever on macOS) is looked at this often. */
#define RARELY (30 * SKT_US_PER_SEC)
/* More than FIGHT_MAX times in FIGHT_TIME is no accident. */
#define FIGHT_TIME (60 * SKT_US_PER_SEC)
#define REST_TIME  (600 * SKT_US_PER_SEC)

enum {
    FIGHT_MAX = 5,
    KERNEL_METRIC6 = 256, /* of the routes that Linux makes for IPv6 addresses (IP6_RT_PRIO_ADDRCONF) */
};

/* --- the interface and its addresses --- */

struct seen {
    bool up;
    bool has[SKT_NETCFG_ADDRESSES_MAX];
};

static int look(struct skt_netcfg_helper *h, struct seen *s)
{
    struct ifaddrs *list = NULL;
    struct skt_addr addr;
    *s = (struct seen){0};
    if (getifaddrs(&list) != 0)
        return skt_netcfg_say_errno(h, SKT_ERR_IO, "the interfaces");
    for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
        if (strcmp(a->ifa_name, h->ifname) != 0)
            continue;
        s->up = s->up || (a->ifa_flags & IFF_UP);
        if (!a->ifa_addr)
            continue;
        skt_sockaddr_read(&addr, a->ifa_addr);
        for (size_t i = 0; i < h->watch.address_count; i++)
            if (h->watch.addresses[i].family == addr.family &&
                memcmp(h->watch.addresses[i].ip, addr.ip, addr.family == 4 ? 4 : 16) == 0)
                s->has[i] = true;
    }
    freeifaddrs(list);
    return SKT_OK;
}

/* --- each kind: 1: something was missing and is there again; 0: nothing was; negative: it can't be put back
 * --- */

static int put_link(struct skt_netcfg_helper *h)
{
    struct seen s;
    int err = look(h, &s);
    if (err || s.up)
        return err;
    err = skt_net_link_set(h->ifname, 0, true);
    return err ? skt_netcfg_say_errno(h, err, "bringing it up") : 1;
}

static int put_addresses(struct skt_netcfg_helper *h)
{
    struct seen s;
    int result = look(h, &s);
    if (result)
        return result;
    for (size_t i = 0; i < h->watch.address_count; i++) {
        if (s.has[i])
            continue;
        int err = skt_net_address(h->ifname, &h->watch.addresses[i], NULL, true);
        int one = err ? skt_netcfg_say_errno(h, err, "the address") : 1;
        result = result >= 0 ? one : result;
    }
    return result;
}

/* The route that an address brings along for its network: a flush of routes takes it, too, and leaves the
 * address. */
static int put_networks(struct skt_netcfg_helper *h)
{
    struct seen s;
    int result = look(h, &s);
    if (result)
        return result;
    for (size_t i = 0; i < h->watch.address_count; i++) {
        const struct skt_ipnet *address = &h->watch.addresses[i];
        if (!s.up || !s.has[i] || address->prefix == (address->family == 4 ? 32 : 128))
            continue;
        struct skt_net_route r = {.dst = skt_ipnet_masked(address), .ifindex = skt_net_ifindex(h->ifname)};
        r.metric = address->family == 6 ? KERNEL_METRIC6
                                        : 0; /* the kernel's own: a second one would be another route */
        int err = skt_net_route_add(&r);
        if (err == SKT_ERR_FULL)
            continue;
        int one = err ? skt_netcfg_say_errno(h, err, "the network's route") : 1;
        result = result >= 0 ? one : result;
    }
    return result;
}

static int put_nat(struct skt_netcfg_helper *h)
{
    if (!h->watch.rules_changed || skt_netcfg_nat_is_there(h))
        return 0;
    struct skt_ipnet from[SKT_NETCFG_FROM_MAX];
    memcpy(from, h->watch.from, sizeof from);
    int err = skt_netcfg_do_nat(h, from, h->watch.from_count);
    return err ? err : 1;
}

static const struct {
    const char *what;
    int (*put)(struct skt_netcfg_helper *h);
} kinds[] = {
    {"the interface was taken down", put_link},
    {"its address was removed", put_addresses},
    {"the route of its network was removed", put_networks},
    {"the routes that hold it shut were removed", skt_netcfg_restore_shut},
    {"routes were removed", skt_netcfg_restore_routes},
    {"forwarding was switched off", skt_netcfg_restore_forward},
    {"the rules for NAT were removed", put_nat},
    {"the name servers were changed", skt_netcfg_restore_dns},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Says what happened, and whether it will be put back the next time. */
static void note(struct skt_netcfg_helper *h, size_t kind, int result, skt_us now)
{
    struct skt_netcfg_fight *f = &h->watch.fights[kind];
    if (f->count == 0 || now - f->since > FIGHT_TIME) {
        f->since = now;
        f->count = 0;
    }
    f->count++;
    if (result < 0) {
        f->rest_until = now + REST_TIME;
        skt_error("%s: %s by somebody else, and it can't be put back%s%s", h->ifname, kinds[kind].what,
                  h->text[0] ? ": " : "", h->text);
    } else if (f->count > FIGHT_MAX) {
        f->rest_until = now + REST_TIME;
        skt_error("%s: %s by somebody else %u times within a minute; the next time it stays so, for 10 min",
                  h->ifname, kinds[kind].what, f->count);
    } else {
        skt_warn("%s: %s by somebody else; put back", h->ifname, kinds[kind].what);
    }
}

/* No fight: there was no memory for it, or the like. */
static int put_later(const struct skt_netcfg_helper *h, size_t kind, int result)
{
    SKT_LOG_LIMITED(SKT_LOG_STEADY, SKT_LOG_WARN, kind + 1, "%s: %s, maybe; it can't be put back yet: %s",
                    h->ifname, kinds[kind].what, h->text);
    return result;
}

static void check(struct skt_netcfg_helper *h, skt_us now)
{
    if (!h->ifname[0])
        return;
    int owed = SKT_OK;
    errno = 0;
    /* The main process makes it anew. */
    bool gone = skt_net_ifindex(h->ifname) == 0 && !skt_err_is_passing(errno);
    for (size_t i = 0; i < KINDS; i++) {
        if (now < h->watch.fights[i].rest_until || (gone && kinds[i].put != skt_netcfg_restore_shut))
            continue;
        h->text[0] = '\0';
        h->again.passing = false;
        int result = kinds[i].put(h);
        if (result < 0 && h->again.passing)
            owed = put_later(h, i, result);
        else if (result)
            note(h, i, result, now);
    }
    h->again.passing = owed != SKT_OK;
    (void)skt_netcfg_again_note(h, SKT_NETCFG_LOOK, owed, NULL, 0);
    h->watch.rules_changed = h->watch.rules_changed && owed;
    h->again.passing = false;
    (void)skt_netcfg_pins_update(h);
    h->text[0] = '\0';
}

void skt_netcfg_watch_look(struct skt_netcfg_helper *h)
{
    check(h, skt_netcfg_now());
}

/* --- when --- */

void skt_netcfg_watch_open(struct skt_netcfg_helper *h)
{
    h->watch.rules = skt_net_rules_monitor_open();
    h->watch.file = skt_net_file_monitor_open(h->resolv_conf);
    h->watch.due = SKT_NEVER;
}

int skt_netcfg_watch_address(struct skt_netcfg_helper *h, const char *text)
{
    struct skt_netcfg_watch *w = &h->watch;
    if (w->address_count == SKT_NETCFG_ADDRESSES_MAX)
        return SKT_ERR_FULL;
    return skt_ipnet_parse(&w->addresses[w->address_count++], text);
}

int skt_netcfg_watch_wait_ms(const struct skt_netcfg_helper *h)
{
    skt_us now = skt_netcfg_now(), at = h->watch.due;
    if (at == SKT_NEVER)
        return skt_netcfg_needs_looking(h) ? (int)(RARELY / SKT_US_PER_MS) : -1;
    return at <= now ? 0 : (int)((at - now + SKT_US_PER_MS - 1) / SKT_US_PER_MS);
}

void skt_netcfg_watch_turn(struct skt_netcfg_helper *h, bool network, bool rules, bool file)
{
    struct skt_netcfg_watch *w = &h->watch;
    skt_us now = skt_netcfg_now();
    bool none = !network && !rules && !file;
    if (network)
        skt_net_monitor_drain(h->monitor);
    if (rules)
        skt_net_monitor_drain(w->rules);
    if (file)
        skt_net_monitor_drain(w->file);
    if (rules || (none && w->due == SKT_NEVER))
        w->rules_changed = true;
    if (!none && w->due == SKT_NEVER)
        w->due = now + SETTLE;
    if (none ? now >= w->due || w->due == SKT_NEVER : now >= w->due) {
        w->due = SKT_NEVER;
        check(h, now);
    }
}
