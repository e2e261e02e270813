/* SPDX-License-Identifier: MIT */
/* The requests of the helper, one line of text each: what they may ask for, and whom they go to. */
#include "base/err.h"
#include "netcfg/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MTU_MIN = 576, /* of IPv4 */
    MTU_MAX = 65535,
};

struct words {
    char *at[SKT_NETCFG_WORDS_MAX];
    size_t n;
};

static int split(struct words *w, char *text)
{
    char *save = NULL;
    w->n = 0;
    for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        if (w->n == SKT_NETCFG_WORDS_MAX)
            return SKT_ERR_ARG;
        w->at[w->n++] = p;
    }
    return SKT_OK;
}

static int read_nets(struct skt_netcfg_helper *h, const struct words *w,
                     struct skt_ipnet nets[SKT_NETCFG_WORDS_MAX])
{
    for (size_t i = 0; i < w->n; i++)
        if (skt_ipnet_parse(&nets[i], w->at[i]))
            return skt_netcfg_say(h, SKT_ERR_ARG, "%.60s: not an address", w->at[i]);
    return SKT_OK;
}

static int on_interface(struct skt_netcfg_helper *h, const char *name)
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

int skt_netcfg_do_mtu(struct skt_netcfg_helper *h, size_t mtu)
{
    int err = skt_net_link_set(h->ifname, mtu, false);
    return err ? skt_netcfg_say_errno(h, err, "%s: MTU %zu", h->ifname, mtu) : err;
}

static int on_mtu(struct skt_netcfg_helper *h, const char *value)
{
    size_t len = strlen(value);
    bool digits = len > 0 && len <= 5 && strspn(value, "0123456789") == len;
    unsigned long mtu = digits ? strtoul(value, NULL, 10) : 0;
    if (mtu < MTU_MIN || mtu > MTU_MAX)
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: not an MTU", value);
    int err = skt_netcfg_do_mtu(h, mtu);
    return skt_netcfg_again_note(h, SKT_NETCFG_MTU, err, NULL, mtu);
}

/* Is this verb with these networks what the configuration named? Taking back what was done needs no leave. */
static bool is_named(const struct skt_netcfg_may *may, const char *verb, const struct skt_ipnet *nets,
                     size_t n)
{
    if (may->anything || strncmp(verb, "un", 2) == 0)
        return true;
    if (strcmp(verb, "dns") == 0)
        return skt_netcfg_nets_have(&may->dns, nets, n);
    if (strcmp(verb, "nat") == 0)
        return may->nat && (n > 0 || may->from.n == 0) && skt_netcfg_nets_have(&may->from, nets, n);
    if (strcmp(verb, "pin") == 0)
        return may->any_host || skt_netcfg_nets_have(&may->hosts, nets, n);
    return skt_netcfg_nets_have(&may->routes, nets, n);
}

static bool is_host(const struct skt_ipnet *net)
{
    return net->prefix == (net->family == 4 ? 32 : 128);
}

/* The requests about networks, but for dns and nat about one. */
static int on_networks(struct skt_netcfg_helper *h, const char *verb, char *rest)
{
    static const struct {
        const char *verb;
        int (*run)(struct skt_netcfg_helper *h, const struct skt_ipnet *net);
        enum skt_netcfg_what what;
    } single[] = {{"route", skt_netcfg_do_route, SKT_NETCFG_ROUTE},
                  {"unroute", skt_netcfg_do_unroute, SKT_NETCFG_UNROUTE},
                  {"pin", skt_netcfg_do_pin, SKT_NETCFG_PIN},
                  {"unpin", skt_netcfg_do_unpin, SKT_NETCFG_PIN}};
    struct words w;
    struct skt_ipnet nets[SKT_NETCFG_WORDS_MAX];
    size_t i = 0, known = sizeof single / sizeof single[0];
    bool dns = strcmp(verb, "dns") == 0, nat = strcmp(verb, "nat") == 0;
    while (i < known && strcmp(verb, single[i].verb) != 0)
        i++;
    if (i == known && !dns && !nat)
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: no such request", verb);
    if (split(&w, rest))
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: too many networks", verb);
    int err = read_nets(h, &w, nets);
    if (err)
        return err;
    if (!dns && !nat && w.n != 1)
        return skt_netcfg_say(h, SKT_ERR_ARG, "%s: one network is wanted", verb);
    for (size_t k = 0; k < w.n; k++)
        if ((dns || strstr(verb, "pin")) && !is_host(&nets[k]))
            return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: hosts are wanted", verb);
    if (!is_named(&h->may, verb, nets, w.n))
        return skt_netcfg_say(h, SKT_ERR_AUTH, "%.20s: not what the configuration names", verb);
    if (dns)
        return skt_netcfg_again_note(h, SKT_NETCFG_DNS, skt_netcfg_do_dns(h, nets, w.n), NULL, 0);
    if (nat)
        return skt_netcfg_again_note(h, SKT_NETCFG_NAT, skt_netcfg_do_nat(h, nets, w.n), NULL, 0);
    return skt_netcfg_again_note(h, single[i].what, single[i].run(h, nets), nets, 0);
}

static int on_forward(struct skt_netcfg_helper *h, const char *families)
{
    bool v4 = strchr(families, '4') != NULL, v6 = strchr(families, '6') != NULL;
    if (strspn(families, "46") != strlen(families) || strlen(families) > 2)
        return skt_netcfg_say(h, SKT_ERR_ARG, "forward: 4, 6 or 46");
    if (!h->may.anything && !h->may.nat)
        return skt_netcfg_say(h, SKT_ERR_AUTH, "forward: not what the configuration names");
    int err = v4 ? skt_netcfg_do_forward(h, true, false) : SKT_OK;
    if (v4)
        (void)skt_netcfg_again_note(h, SKT_NETCFG_FORWARD4, err, NULL, 0);
    if (!err && v6)
        err = skt_netcfg_again_note(h, SKT_NETCFG_FORWARD6, skt_netcfg_do_forward(h, false, true), NULL, 0);
    else if (v6 && h->again.forward4)
        h->again.forward6 = true; /* after that */
    return err;
}

static int on_undo(struct skt_netcfg_helper *h)
{
    h->pin_count = 0;
    skt_netcfg_again_forget(h);
    (void)skt_journal_reload(&h->journal); /* what other instances have left to us */
    return skt_netcfg_again_undo(h, "");
}

int skt_netcfg_on_request(struct skt_netcfg_helper *h, char *line)
{
    char *rest = line + strcspn(line, " ");
    if (*rest)
        *rest++ = '\0';
    if (strcmp(line, "interface") == 0)
        return on_interface(h, rest);
    if (strcmp(line, "undo") == 0 && !*rest)
        return on_undo(h);
    if (strcmp(line, "open") == 0 && !*rest) {
        h->keep_shut = false; /* at the end, that is */
        return SKT_OK;
    }
    if (!h->ifname[0])
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: the interface was not named yet", line);
    if (strcmp(line, "mtu") == 0)
        return on_mtu(h, rest);
    if (strcmp(line, "forward") == 0)
        return on_forward(h, rest);
    if (strcmp(line, "hook") == 0)
        return skt_netcfg_on_hook(h, rest);
    return on_networks(h, line, rest);
}
