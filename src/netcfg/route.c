/* SPDX-License-Identifier: MIT */
#include "netcfg/route.h"

#include "base/err.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int skt_netcfg_route_line(char line[SKT_JOURNAL_LINE_MAX], const struct skt_net_route *r)
{
    char dst[SKT_IPNET_TEXT_MAX], gateway[SKT_IPNET_TEXT_MAX] = "-", dev[SKT_NETCFG_IFNAME_MAX];
    if (!skt_net_ifname(r->ifindex, dev))
        return skt_err_is_passing(errno) ? SKT_ERR_IO : SKT_ERR_NOTFOUND;
    struct skt_ipnet net = skt_ipnet_masked(&r->dst);
    if (r->gateway.family)
        skt_ipnet_text(&r->gateway, false, gateway);
    snprintf(line, SKT_JOURNAL_LINE_MAX, "route %s %s %s %u", skt_ipnet_text(&net, true, dst), gateway, dev,
             r->metric);
    return SKT_OK;
}

bool skt_netcfg_route_read(const char *rest, struct skt_net_route *r, char dev[SKT_NETCFG_IFNAME_MAX])
{
    char dst[SKT_IPNET_TEXT_MAX], gateway[SKT_IPNET_TEXT_MAX];
    *r = (struct skt_net_route){0};
    return sscanf(rest, "%55s %55s %15s %u", dst, gateway, dev, &r->metric) == 4 &&
           skt_netcfg_is_ifname(dev) && skt_ipnet_parse(&r->dst, dst) == SKT_OK &&
           (strcmp(gateway, "-") == 0 || skt_ipnet_parse(&r->gateway, gateway) == SKT_OK);
}

int skt_netcfg_route_undo(struct skt_netcfg_helper *h, const char *rest)
{
    char dst[SKT_IPNET_TEXT_MAX], dev[SKT_NETCFG_IFNAME_MAX];
    struct skt_net_route r;
    if (!skt_netcfg_route_read(rest, &r, dev))
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

int skt_netcfg_route_add(struct skt_netcfg_helper *h, const struct skt_net_route *r, bool in_journal)
{
    char line[SKT_JOURNAL_LINE_MAX], dst[SKT_IPNET_TEXT_MAX];
    skt_ipnet_text(&r->dst, true, dst);
    int err = skt_netcfg_route_line(line, r);
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

size_t skt_netcfg_route_halves(struct skt_ipnet nets[2], const struct skt_ipnet *net)
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
