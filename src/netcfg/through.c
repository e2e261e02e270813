/* SPDX-License-Identifier: MIT */
#include "netcfg/through.h"

#include "base/err.h"
#include "netcfg/route.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int through_tunnel(struct skt_netcfg_helper *h, struct skt_net_route *r, const struct skt_ipnet *net)
{
    *r = (struct skt_net_route){.dst = skt_ipnet_masked(net), .ifindex = skt_net_ifindex(h->ifname)};
    if (r->ifindex == 0 && skt_err_is_passing(errno))
        return skt_netcfg_say_errno(h, SKT_ERR_IO, "interface %s", h->ifname);
    return r->ifindex ? SKT_OK : skt_netcfg_say(h, SKT_ERR_NOTFOUND, "interface %s is gone", h->ifname);
}

int skt_netcfg_through_add(struct skt_netcfg_helper *h, const struct skt_ipnet *net)
{
    struct skt_ipnet nets[2];
    char line[SKT_JOURNAL_LINE_MAX], text[SKT_IPNET_TEXT_MAX];
    size_t n = skt_netcfg_route_halves(nets, net);
    if (skt_netcfg_pins_wait_in(h, net)) {
        h->passing = true;
        return skt_netcfg_say(h, SKT_ERR_AGAIN, "route %s: waits for a host in it that must stay outside",
                              skt_ipnet_text(net, true, text));
    }
    for (size_t i = 0; i < n; i++) {
        struct skt_net_route r;
        int err = through_tunnel(h, &r, &nets[i]);
        if (!err && (err = skt_netcfg_route_line(line, &r)) != SKT_OK)
            err = skt_netcfg_say_errno(h, SKT_ERR_IO, "interface %s", h->ifname);
        bool known = !err && skt_journal_has(&h->journal, line);
        if (!err)
            err = skt_netcfg_route_add(h, &r, known);
        if (err && !(known && err == SKT_ERR_FULL))
            return err;
    }
    return SKT_OK;
}

int skt_netcfg_through_restore(struct skt_netcfg_helper *h)
{
    char dst[SKT_IPNET_TEXT_MAX], dev[SKT_NETCFG_IFNAME_MAX];
    struct skt_net_route r;
    int result = 0;
    for (size_t i = 0; i < h->journal.count; i++) {
        const char *line = h->journal.lines[i];
        if (strncmp(line, "route ", 6) != 0 || !skt_netcfg_route_read(line + 6, &r, dev) ||
            strcmp(dev, h->ifname) != 0)
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
