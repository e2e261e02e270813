/* SPDX-License-Identifier: MIT */
#include "netcfg/interface.h"

#include "base/err.h"
#include "io/net.h"
#include "io/sockaddr.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

enum { KERNEL_METRIC6 = 256 }; /* of the routes that Linux makes for IPv6 addresses (IP6_RT_PRIO_ADDRCONF) */

int skt_netcfg_interface_address(struct skt_netcfg_helper *h, const char *text)
{
    struct skt_netcfg_interface *f = &h->interface;
    if (f->n == SKT_NETCFG_ADDRESSES_MAX)
        return SKT_ERR_FULL;
    return skt_ipnet_parse(&f->addresses[f->n++], text);
}

int skt_netcfg_interface_mtu(struct skt_netcfg_helper *h, size_t mtu)
{
    h->interface.mtu = mtu;
    int err = skt_net_link_set(h->ifname, mtu, false);
    return err ? skt_netcfg_say_errno(h, err, "%s: MTU %zu", h->ifname, mtu) : err;
}

int skt_netcfg_interface_mtu_again(struct skt_netcfg_helper *h)
{
    return skt_netcfg_interface_mtu(h, h->interface.mtu);
}

/* --- put back --- */

/* What there is of it. */
struct seen {
    bool up;                            /* the interface is */
    bool has[SKT_NETCFG_ADDRESSES_MAX]; /* by address: it is there */
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
        for (size_t i = 0; i < h->interface.n; i++)
            if (h->interface.addresses[i].family == addr.family &&
                memcmp(h->interface.addresses[i].ip, addr.ip, addr.family == 4 ? 4 : 16) == 0)
                s->has[i] = true;
    }
    freeifaddrs(list);
    return SKT_OK;
}

int skt_netcfg_interface_restore_link(struct skt_netcfg_helper *h)
{
    struct seen s;
    int err = look(h, &s);
    if (err || s.up)
        return err;
    err = skt_net_link_set(h->ifname, 0, true);
    return err ? skt_netcfg_say_errno(h, err, "bringing it up") : 1;
}

int skt_netcfg_interface_restore_addresses(struct skt_netcfg_helper *h)
{
    struct seen s;
    int result = look(h, &s);
    if (result)
        return result;
    for (size_t i = 0; i < h->interface.n; i++) {
        if (s.has[i])
            continue;
        int err = skt_net_address(h->ifname, &h->interface.addresses[i], NULL, true);
        int one = err ? skt_netcfg_say_errno(h, err, "the address") : 1;
        result = result >= 0 ? one : result;
    }
    return result;
}

/* The route that an address brings along for its network: a flush of routes takes it, too, and leaves the
 * address. */
int skt_netcfg_interface_restore_networks(struct skt_netcfg_helper *h)
{
    struct seen s;
    int result = look(h, &s);
    if (result)
        return result;
    for (size_t i = 0; i < h->interface.n; i++) {
        const struct skt_ipnet *address = &h->interface.addresses[i];
        if (!s.up || !s.has[i] || address->prefix == (address->family == 4 ? 32 : 128))
            continue;
        struct skt_net_route r = {.dst = skt_ipnet_masked(address), .ifindex = skt_net_ifindex(h->ifname)};
        /* The kernel's own: with another metric it would be a second route. */
        r.metric = address->family == 6 ? KERNEL_METRIC6 : 0;
        int err = skt_net_route_add(&r);
        if (err == SKT_ERR_FULL)
            continue;
        int one = err ? skt_netcfg_say_errno(h, err, "the network's route") : 1;
        result = result >= 0 ? one : result;
    }
    return result;
}
