/* SPDX-License-Identifier: MIT */
/* In the helper: routes into the tunnel, and hosts that are kept outside. */
#include "base/err.h"
#include "netcfg/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 16 };

/* Metric of routes that hold a network shut: worse than any other, so that the tunnel's own comes first. */
enum { SHUT_METRIC = 4294 * 1000 };

/* "route 10.0.0.0/8 - skt0 0", "route 192.0.2.1/32 192.168.1.1 eth0 0". SKT_ERR_NOTFOUND: the interface is
 * gone; SKT_ERR_IO with errno: nobody knows now. */
static int route_line(char line[SKT_JOURNAL_LINE_MAX], const struct skt_net_route *r)
{
    char dst[SKT_IPNET_TEXT_MAX], gateway[SKT_IPNET_TEXT_MAX] = "-", dev[NAME_MAX_LEN];
    if (!skt_net_ifname(r->ifindex, dev))
        return skt_err_is_passing(errno) ? SKT_ERR_IO : SKT_ERR_NOTFOUND;
    struct skt_ipnet net = skt_ipnet_masked(&r->dst);
    if (r->gateway.family)
        skt_ipnet_text(&r->gateway, false, gateway);
    snprintf(line, SKT_JOURNAL_LINE_MAX, "route %s %s %s %u", skt_ipnet_text(&net, true, dst), gateway, dev,
             r->metric);
    return SKT_OK;
}

/* Reads what follows "route "; false: no line of ours. */
static bool read_line(const char *rest, struct skt_net_route *r, char dev[NAME_MAX_LEN])
{
    char dst[SKT_IPNET_TEXT_MAX], gateway[SKT_IPNET_TEXT_MAX];
    *r = (struct skt_net_route){0};
    return sscanf(rest, "%55s %55s %15s %u", dst, gateway, dev, &r->metric) == 4 &&
           skt_netcfg_is_ifname(dev) && skt_ipnet_parse(&r->dst, dst) == SKT_OK &&
           (strcmp(gateway, "-") == 0 || skt_ipnet_parse(&r->gateway, gateway) == SKT_OK);
}

int skt_netcfg_undo_route(struct skt_netcfg_helper *h, const char *rest)
{
    char dst[SKT_IPNET_TEXT_MAX], dev[NAME_MAX_LEN];
    struct skt_net_route r;
    if (!read_line(rest, &r, dev))
        return SKT_OK; /* nothing to be undone */
    skt_ipnet_text(&r.dst, true, dst);
    r.ifindex = skt_net_ifindex(dev);
    if (r.ifindex == 0 && !skt_err_is_passing(errno))
        return SKT_OK; /* gone with its interface */
    int err = r.ifindex ? skt_net_route_delete(&r) : SKT_ERR_IO;
    if (err == SKT_ERR_NOTFOUND)
        err = SKT_OK;
    return err ? skt_netcfg_say_errno(h, err, "route %s by %s: removing it", dst, dev) : err;
}

/* SKT_ERR_FULL: somebody has such a route already. */
static int add_route(struct skt_netcfg_helper *h, const struct skt_net_route *r, bool in_journal)
{
    char line[SKT_JOURNAL_LINE_MAX], dst[SKT_IPNET_TEXT_MAX];
    skt_ipnet_text(&r->dst, true, dst);
    int err = route_line(line, r);
    if (err == SKT_ERR_IO)
        return skt_netcfg_say_errno(h, err, "route %s: its interface", dst);
    if (err)
        return skt_netcfg_say(h, err, "route %s: its interface is gone", dst);
    if (!in_journal && (err = skt_netcfg_record(h, "%s", line)) != SKT_OK)
        return err;
    err = skt_net_route_add(r);
    int error = errno;
    if (err && !in_journal)
        skt_journal_remove(&h->journal, line);
    if (err == SKT_ERR_FULL)
        return skt_netcfg_say(h, err, "route %s: there is one already, which stays", dst);
    errno = error;
    return err ? skt_netcfg_say_errno(h, err, "route %s", dst) : err;
}

/* --- into the tunnel --- */

static int through_tunnel(struct skt_netcfg_helper *h, struct skt_net_route *r, const struct skt_ipnet *net)
{
    *r = (struct skt_net_route){.dst = skt_ipnet_masked(net), .ifindex = skt_net_ifindex(h->ifname)};
    if (r->ifindex == 0 && skt_err_is_passing(errno))
        return skt_netcfg_say_errno(h, SKT_ERR_IO, "interface %s", h->ifname);
    return r->ifindex ? SKT_OK : skt_netcfg_say(h, SKT_ERR_NOTFOUND, "interface %s is gone", h->ifname);
}

/* The halves of the default route, or the network itself. */
static size_t split_default(struct skt_ipnet nets[2], const struct skt_ipnet *net)
{
    nets[0] = nets[1] = *net;
    if (net->prefix > 0)
        return 1;
    memset(nets[0].ip, 0, sizeof nets[0].ip);
    nets[0].prefix = 1;
    nets[1] = nets[0];
    nets[1].ip[0] = 0x80;
    return 2;
}

int skt_netcfg_do_route(struct skt_netcfg_helper *h, const struct skt_ipnet *net)
{
    struct skt_ipnet nets[2];
    char line[SKT_JOURNAL_LINE_MAX], text[SKT_IPNET_TEXT_MAX];
    size_t n = split_default(nets, net);
    if (skt_netcfg_again_owes_pin(h, net)) {
        h->again.passing = true;
        return skt_netcfg_say(h, SKT_ERR_AGAIN, "route %s: waits for a host in it that must stay outside",
                              skt_ipnet_text(net, true, text));
    }
    for (size_t i = 0; i < n; i++) {
        struct skt_net_route r;
        int err = through_tunnel(h, &r, &nets[i]);
        if (!err && (err = route_line(line, &r)) != SKT_OK)
            err = skt_netcfg_say_errno(h, SKT_ERR_IO, "interface %s", h->ifname);
        bool known = !err && skt_journal_has(&h->journal, line);
        if (!err)
            err = add_route(h, &r, known);
        if (err && !(known && err == SKT_ERR_FULL))
            return err;
    }
    return SKT_OK;
}

int skt_netcfg_do_unroute(struct skt_netcfg_helper *h, const struct skt_ipnet *net)
{
    struct skt_ipnet nets[2];
    char line[SKT_JOURNAL_LINE_MAX];
    size_t n = split_default(nets, net);
    int result = SKT_OK;
    for (size_t i = 0; i < n; i++) {
        struct skt_net_route r;
        int err = through_tunnel(h, &r, &nets[i]);
        if (!err)
            err = route_line(line, &r);
        if (!err && skt_journal_has(&h->journal, line))
            err = skt_netcfg_undo_line(h, line);
        if (err)
            result = err;
    }
    return result;
}

int skt_netcfg_restore_routes(struct skt_netcfg_helper *h)
{
    char dst[SKT_IPNET_TEXT_MAX], dev[NAME_MAX_LEN];
    struct skt_net_route r;
    int result = 0;
    for (size_t i = 0; i < h->journal.count; i++) {
        const char *line = h->journal.lines[i];
        if (strncmp(line, "route ", 6) != 0 || !read_line(line + 6, &r, dev) || strcmp(dev, h->ifname) != 0)
            continue;
        r.ifindex = skt_net_ifindex(dev);
        int err = r.ifindex ? skt_net_route_add(&r) : SKT_ERR_IO;
        if (err == SKT_ERR_FULL)
            continue; /* it is there */
        int one = err ? skt_netcfg_say_errno(h, err, "%s", skt_ipnet_text(&r.dst, true, dst)) : 1;
        result = result >= 0 ? one : result;
    }
    return result;
}

/* --- into the tunnel or nowhere --- */

static struct skt_net_route nowhere(const struct skt_ipnet *net)
{
    return (struct skt_net_route){.dst = skt_ipnet_masked(net), .metric = SHUT_METRIC, .nowhere = true};
}

static void shut_line(char line[SKT_JOURNAL_LINE_MAX], const struct skt_net_route *r)
{
    char dst[SKT_IPNET_TEXT_MAX];
    snprintf(line, SKT_JOURNAL_LINE_MAX, "unreachable %s", skt_ipnet_text(&r->dst, true, dst));
}

int skt_netcfg_undo_shut(struct skt_netcfg_helper *h, const char *rest)
{
    struct skt_ipnet net;
    if (skt_ipnet_parse(&net, rest))
        return SKT_OK;
    struct skt_net_route r = nowhere(&net);
    int err = skt_net_route_delete(&r);
    if (err == SKT_ERR_NOTFOUND)
        err = SKT_OK;
    return err ? skt_netcfg_say_errno(h, err, "opening %.60s", rest) : err;
}

/* Is it a route that h->shut asks for? */
static bool is_to_be_shut(const struct skt_netcfg_helper *h, const char *line)
{
    struct skt_ipnet nets[2];
    char wanted[SKT_JOURNAL_LINE_MAX];
    for (size_t i = 0; i < h->shut.n; i++) {
        size_t n = split_default(nets, &h->shut.at[i]);
        for (size_t k = 0; k < n; k++) {
            struct skt_net_route r = nowhere(&nets[k]);
            shut_line(wanted, &r);
            if (strcmp(line, wanted) == 0)
                return true;
        }
    }
    return false;
}

static int shut_one(struct skt_netcfg_helper *h, const struct skt_ipnet *net)
{
    char line[SKT_JOURNAL_LINE_MAX];
    struct skt_net_route r = nowhere(net);
    shut_line(line, &r);
    int err = skt_journal_has(&h->journal, line) ? SKT_OK : skt_netcfg_record(h, "%s", line);
    if (err)
        return err;
    err = skt_net_route_add(&r);
    if (err == SKT_ERR_FULL)
        return SKT_OK;
    return err ? skt_netcfg_say_errno(h, err, "kill_switch: %.60s", line) : 1;
}

int skt_netcfg_restore_shut(struct skt_netcfg_helper *h)
{
    struct skt_ipnet nets[2];
    int result = 0;
    for (size_t i = 0; i < h->shut.n; i++) {
        size_t n = split_default(nets, &h->shut.at[i]);
        for (size_t k = 0; k < n; k++) {
            int one = shut_one(h, &nets[k]);
            result = one && result >= 0 ? one : result;
        }
    }
    return result;
}

int skt_netcfg_do_shut(struct skt_netcfg_helper *h)
{
    for (size_t i = h->journal.count; i-- > 0;) {
        char line[SKT_JOURNAL_LINE_MAX];
        snprintf(line, sizeof line, "%s", h->journal.lines[i]);
        if (strncmp(line, "unreachable ", 12) != 0 || is_to_be_shut(h, line))
            continue;
        if (skt_netcfg_undo_shut(h, line + 12) == SKT_OK)
            (void)skt_journal_remove(&h->journal, line);
    }
    int result = skt_netcfg_restore_shut(h);
    return result < 0 ? result : SKT_OK;
}

/* --- outside it --- */

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
    int err = route_line(line, &pin->route);
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
    err = add_route(h, &way, pin->set);
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
    bool before = h->again.passing;
    h->again.passing = false;
    int err = pin->leaving ? remove_pin_route(h, pin) : follow_way(h, pin);
    pin->owed = err && h->again.passing;
    h->again.passing = before || h->again.passing;
    return err;
}

static struct skt_netcfg_pin *find_pin(struct skt_netcfg_helper *h, const struct skt_ipnet *host)
{
    for (size_t i = 0; i < h->pin_count; i++)
        if (h->pins[i].host.family == host->family &&
            memcmp(h->pins[i].host.ip, host->ip, sizeof host->ip) == 0)
            return &h->pins[i];
    return NULL;
}

int skt_netcfg_do_pin(struct skt_netcfg_helper *h, const struct skt_ipnet *host)
{
    struct skt_netcfg_pin *pin = find_pin(h, host);
    if (is_loopback(host))
        return SKT_OK;
    if (!pin && h->pin_count == SKT_NETCFG_PINS_MAX)
        return skt_netcfg_say(h, SKT_ERR_FULL, "more than %d hosts outside the tunnel", SKT_NETCFG_PINS_MAX);
    if (!pin) {
        pin = &h->pins[h->pin_count++];
        *pin = (struct skt_netcfg_pin){.host = *host};
    }
    pin->leaving = false;
    return update_pin(h, pin);
}

int skt_netcfg_do_unpin(struct skt_netcfg_helper *h, const struct skt_ipnet *host)
{
    struct skt_netcfg_pin *pin = find_pin(h, host);
    if (!pin)
        return SKT_OK;
    pin->leaving = true;
    int err = update_pin(h, pin);
    if (!err || !pin->owed)
        *pin = h->pins[--h->pin_count];
    return err;
}

int skt_netcfg_pins_update(struct skt_netcfg_helper *h)
{
    int result = SKT_OK;
    for (size_t i = h->pin_count; i-- > 0;) {
        struct skt_netcfg_pin *pin = &h->pins[i];
        int err = update_pin(h, pin);
        if (pin->owed)
            result = err;
        else if (pin->leaving)
            *pin = h->pins[--h->pin_count];
    }
    h->again.pins = false;
    return skt_netcfg_again_note(h, SKT_NETCFG_PIN, result, NULL, 0);
}
