/* SPDX-License-Identifier: MIT */
#include "netcfg/requests.h"

#include "base/err.h"
#include "io/net.h"
#include "netcfg/request.h"
#include "netcfg/say.h"
#include "netcfg/state.h"
#include "netcfg/through.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int on_interface(struct skt_netcfg_helper *h, char *name)
{
    errno = 0;
    bool is_there = skt_netcfg_is_ifname(name) && skt_net_ifindex(name) != 0;
    /* Without a descriptor to ask by nobody knows; what is done with it then is tried again. */
    if (!is_there && !skt_err_is_passing(errno))
        return skt_netcfg_say(h, SKT_ERR_NOTFOUND, "no interface %.32s", name);
    if (h->may.ifname[0] && strcmp(h->may.ifname, name) != 0)
        return skt_netcfg_say(h, SKT_ERR_AUTH, "%s is not the tunnel's interface", name);
    snprintf(h->ifname, sizeof h->ifname, "%s", name);
    return SKT_OK;
}

static int on_mtu(struct skt_netcfg_helper *h, char *value)
{
    size_t mtu = skt_netcfg_read_mtu(value);
    if (!mtu)
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: not an MTU", value);
    return skt_netcfg_owed_note(h, SKT_NETCFG_MTU, skt_netcfg_interface_mtu(h, mtu));
}

/* --- requests about networks --- */

struct nets {
    struct skt_ipnet at[SKT_NETCFG_WORDS_MAX]; /* that a request names */
    size_t n;                                  /* of them */
};

static bool is_host(const struct skt_ipnet *net)
{
    return net->prefix == (net->family == 4 ? 32 : 128);
}

/* Reads the networks of a request; hosts: only these are wanted. */
static int read_nets(struct skt_netcfg_helper *h, char *text, bool hosts, struct nets *nets)
{
    char *save = NULL;
    nets->n = 0;
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        if (nets->n == SKT_NETCFG_WORDS_MAX)
            return skt_netcfg_say(h, SKT_ERR_ARG, "more than %d networks", SKT_NETCFG_WORDS_MAX);
        struct skt_ipnet *net = &nets->at[nets->n++];
        if (skt_ipnet_parse(net, word))
            return skt_netcfg_say(h, SKT_ERR_ARG, "%.60s: not an address", word);
        if (hosts && !is_host(net))
            return skt_netcfg_say(h, SKT_ERR_ARG, "%.60s: a host is wanted", word);
    }
    return SKT_OK;
}

static int read_one(struct skt_netcfg_helper *h, char *text, bool host, struct nets *nets)
{
    int err = read_nets(h, text, host, nets);
    return err || nets->n == 1 ? err : skt_netcfg_say(h, SKT_ERR_ARG, "one network is wanted");
}

static int refuse(struct skt_netcfg_helper *h, enum skt_netcfg_request request)
{
    return skt_netcfg_say(h, SKT_ERR_AUTH, "%s: not what the configuration names",
                          skt_netcfg_request_name(request));
}

static int on_pin(struct skt_netcfg_helper *h, char *rest)
{
    struct nets nets;
    int err = read_one(h, rest, true, &nets);
    if (err)
        return err;
    if (!h->may.anything && !h->may.any_host && !skt_netcfg_nets_have(&h->may.hosts, nets.at, 1))
        return refuse(h, SKT_NETCFG_REQUEST_PIN);
    return skt_netcfg_pins_note(h, skt_netcfg_pins_add(h, nets.at));
}

/* Taking back what was done needs no leave. */
static int on_unpin(struct skt_netcfg_helper *h, char *rest)
{
    struct nets nets;
    int err = read_one(h, rest, true, &nets);
    return err ? err : skt_netcfg_pins_note(h, skt_netcfg_pins_remove(h, nets.at));
}

static int on_route(struct skt_netcfg_helper *h, char *rest)
{
    struct nets nets;
    int err = read_one(h, rest, false, &nets);
    if (err)
        return err;
    if (!h->may.anything && !skt_netcfg_nets_have(&h->may.routes, nets.at, 1))
        return refuse(h, SKT_NETCFG_REQUEST_ROUTE);
    return skt_netcfg_owed_note_route(h, nets.at, skt_netcfg_through_add(h, nets.at));
}

static int on_dns(struct skt_netcfg_helper *h, char *rest)
{
    struct nets nets;
    int err = read_nets(h, rest, true, &nets);
    if (err)
        return err;
    if (!h->may.anything && !skt_netcfg_nets_have(&h->may.dns, nets.at, nets.n))
        return refuse(h, SKT_NETCFG_REQUEST_DNS);
    return skt_netcfg_owed_note(h, SKT_NETCFG_DNS, skt_netcfg_dns_set(h, nets.at, nets.n));
}

static bool may_nat(const struct skt_netcfg_may *may, const struct nets *nets)
{
    if (may->anything)
        return true;
    /* Where the configuration names networks, all that leaves by the tunnel is more than these. */
    bool some = nets->n > 0 || may->from.n == 0;
    return may->nat && some && skt_netcfg_nets_have(&may->from, nets->at, nets->n);
}

static int on_nat(struct skt_netcfg_helper *h, char *rest)
{
    struct nets nets;
    int err = read_nets(h, rest, false, &nets);
    if (err)
        return err;
    if (!may_nat(&h->may, &nets))
        return refuse(h, SKT_NETCFG_REQUEST_NAT);
    return skt_netcfg_owed_note(h, SKT_NETCFG_NAT, skt_netcfg_nat_set(h, nets.at, nets.n));
}

/* --- about all --- */

static int on_undo(struct skt_netcfg_helper *h, char *rest)
{
    (void)rest;
    skt_netcfg_pins_forget(h);
    skt_netcfg_owed_forget(h);
    (void)skt_journal_reload(&h->journal); /* what other instances have left to us */
    return skt_netcfg_undo_patiently(h, "");
}

static int on_open(struct skt_netcfg_helper *h, char *rest)
{
    (void)rest;
    h->keep = NULL; /* at the end, that is */
    return SKT_OK;
}

static const struct {
    int (*run)(struct skt_netcfg_helper *h, char *rest); /* does it; the answer's code, with the text set */
    bool before_name;                                    /* also while the interface was not named */
    bool is_alone;                                       /* nothing may follow its name */
} handlers[SKT_NETCFG_REQUESTS] = {
    [SKT_NETCFG_REQUEST_INTERFACE] = {on_interface, true, false},
    [SKT_NETCFG_REQUEST_MTU] = {on_mtu, false, false},
    [SKT_NETCFG_REQUEST_PIN] = {on_pin, false, false},
    [SKT_NETCFG_REQUEST_UNPIN] = {on_unpin, false, false},
    [SKT_NETCFG_REQUEST_ROUTE] = {on_route, false, false},
    [SKT_NETCFG_REQUEST_DNS] = {on_dns, false, false},
    [SKT_NETCFG_REQUEST_NAT] = {on_nat, false, false},
    [SKT_NETCFG_REQUEST_HOOK] = {skt_netcfg_script_on_request, false, false},
    [SKT_NETCFG_REQUEST_UNDO] = {on_undo, true, true},
    [SKT_NETCFG_REQUEST_OPEN] = {on_open, true, true},
};

int skt_netcfg_requests_do(struct skt_netcfg_helper *h, char *line)
{
    char *rest = line + strcspn(line, " ");
    if (*rest)
        *rest++ = '\0';
    int request = skt_netcfg_request_find(line);
    if (request < 0 || (handlers[request].is_alone && *rest))
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: no such request", line);
    if (!handlers[request].before_name && !h->ifname[0])
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: the interface was not named yet", line);
    return handlers[request].run(h, rest);
}
