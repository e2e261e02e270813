/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/err.h"
#include "io/net.h"
#include "io/rtnl.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

/* What our routes carry as their origin (rtm_protocol), so that nobody else's is ever removed. */
enum { ROUTE_ORIGIN = 83 };

static uint8_t family_of(const struct skt_ipnet *net)
{
    return net->family == 4 ? AF_INET : AF_INET6;
}

static size_t ip_len(const struct skt_ipnet *net)
{
    return net->family == 4 ? 4 : 16;
}

unsigned skt_net_ifindex(const char *ifname)
{
    return if_nametoindex(ifname);
}

bool skt_net_ifname(unsigned ifindex, char name[16])
{
    return if_indextoname(ifindex, name) != NULL;
}

/* --- links and addresses --- */

int skt_net_link_set(const char *ifname, size_t mtu, bool up)
{
    struct skt_rtnl_request r;
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    link.ifi_index = (int)if_nametoindex(ifname);
    if (link.ifi_index == 0)
        return SKT_ERR_IO;
    if (up)
        link.ifi_flags = link.ifi_change = IFF_UP;
    skt_rtnl_begin(&r, RTM_NEWLINK, 0, &link, sizeof link);
    if (mtu > 0)
        skt_rtnl_put_u32(&r, IFLA_MTU, (uint32_t)mtu);
    return skt_rtnl_talk(&r);
}

int skt_net_address(const char *ifname, const struct skt_ipnet *address, const uint8_t *peer4, bool add)
{
    (void)peer4; /* the network's route leads there */
    struct skt_rtnl_request r;
    struct ifaddrmsg a = {.ifa_family = family_of(address),
                          .ifa_prefixlen = address->prefix,
                          .ifa_index = if_nametoindex(ifname)};
    if (a.ifa_index == 0)
        return SKT_ERR_IO;
    if (address->family == 6)
        a.ifa_flags = IFA_F_NODAD; /* nobody answers there, and the address is wanted now */
    skt_rtnl_begin(&r, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_REPLACE : 0, &a, sizeof a);
    skt_rtnl_put(&r, IFA_LOCAL, address->ip, ip_len(address));
    skt_rtnl_put(&r, IFA_ADDRESS, address->ip, ip_len(address));
    int err = skt_rtnl_talk(&r);
    if (err && (errno == EEXIST || (!add && errno == EADDRNOTAVAIL)))
        err = SKT_OK;
    return err;
}

/* --- routes --- */

static void put_gateway(struct skt_rtnl_request *r, const struct skt_net_route *route)
{
    const struct skt_ipnet *gateway = &route->gateway;
    if (!gateway->family)
        return;
    if (gateway->family == route->dst.family) {
        skt_rtnl_put(r, RTA_GATEWAY, gateway->ip, ip_len(gateway));
        return;
    }
    uint8_t via[sizeof(struct rtvia) + 16]; /* an IPv4 network behind an IPv6 gateway */
    struct rtvia head = {.rtvia_family = family_of(gateway)};
    memcpy(via, &head, sizeof head);
    memcpy(via + sizeof head, gateway->ip, ip_len(gateway));
    skt_rtnl_put(r, RTA_VIA, via, sizeof head + ip_len(gateway));
}

static void build_route(struct skt_rtnl_request *r, const struct skt_net_route *route, uint16_t type,
                        uint16_t flags)
{
    struct skt_ipnet dst = skt_ipnet_masked(&route->dst);
    struct rtmsg m = {.rtm_family = family_of(&dst),
                      .rtm_dst_len = dst.prefix,
                      .rtm_table = RT_TABLE_MAIN,
                      .rtm_protocol = ROUTE_ORIGIN,
                      .rtm_scope = route->gateway.family || route->nowhere || dst.family == 6
                                       ? RT_SCOPE_UNIVERSE
                                       : RT_SCOPE_LINK,
                      .rtm_type = route->nowhere ? RTN_UNREACHABLE : RTN_UNICAST};
    if (type == RTM_DELROUTE)
        m.rtm_scope = RT_SCOPE_NOWHERE; /* any */
    skt_rtnl_begin(r, type, flags, &m, sizeof m);
    skt_rtnl_put(r, RTA_DST, dst.ip, ip_len(&dst));
    if (!route->nowhere)
        skt_rtnl_put_u32(r, RTA_OIF, route->ifindex);
    if (route->metric)
        skt_rtnl_put_u32(r, RTA_PRIORITY, route->metric);
    put_gateway(r, route);
}

int skt_net_route_add(const struct skt_net_route *route)
{
    struct skt_rtnl_request r;
    build_route(&r, route, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
    int err = skt_rtnl_talk(&r);
    return err && errno == EEXIST ? SKT_ERR_FULL : err;
}

int skt_net_route_delete(const struct skt_net_route *route)
{
    struct skt_rtnl_request r;
    build_route(&r, route, RTM_DELROUTE, 0);
    int err = skt_rtnl_talk(&r);
    return err && (errno == ESRCH || errno == ENODEV) ? SKT_ERR_NOTFOUND : err;
}

/* The best route to a host is looked for. */
struct search {
    const struct skt_ipnet *host; /* the host */
    unsigned without;             /* an interface whose routes do not count */
    int best_prefix;              /* of the best so far; -1: nothing found */
    uint32_t best_metric;         /* of the best so far */
    struct skt_net_route *out;    /* the best so far */
};

static bool read_address(struct skt_ipnet *net, uint8_t family, const uint8_t *data, size_t len)
{
    size_t needed = family == AF_INET ? 4 : family == AF_INET6 ? 16 : SIZE_MAX;
    if (len < needed)
        return false;
    *net = skt_ipnet_host(family == AF_INET ? 4 : 6, data);
    return true;
}

static void read_hop(struct skt_net_route *out, uint8_t family, struct rtattr *gateway, struct rtattr *via)
{
    if (gateway)
        read_address(&out->gateway, family, RTA_DATA(gateway), RTA_PAYLOAD(gateway));
    if (via && RTA_PAYLOAD(via) > sizeof(struct rtvia)) {
        struct rtvia head;
        memcpy(&head, RTA_DATA(via), sizeof head);
        const uint8_t *ip = (const uint8_t *)RTA_DATA(via) + sizeof head;
        read_address(&out->gateway, (uint8_t)head.rtvia_family, ip, RTA_PAYLOAD(via) - sizeof head);
    }
}

/* Of several ways the first one whose link is up. */
static void read_multipath(struct skt_net_route *out, uint8_t family, struct rtattr *list)
{
    struct rtnexthop *hop = RTA_DATA(list);
    size_t left = RTA_PAYLOAD(list);
    while (left >= sizeof *hop && hop->rtnh_len >= sizeof *hop && hop->rtnh_len <= left) {
        struct rtattr *gateway = NULL, *via = NULL;
        size_t attrs_left = hop->rtnh_len - sizeof *hop;
        uint8_t *at = (uint8_t *)hop + sizeof *hop;
        for (struct rtattr *a; (a = skt_rtnl_next(&at, &attrs_left)) != NULL;) {
            if (a->rta_type == RTA_GATEWAY)
                gateway = a;
            else if (a->rta_type == RTA_VIA)
                via = a;
        }
        if (!(hop->rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN))) {
            out->ifindex = (unsigned)hop->rtnh_ifindex;
            read_hop(out, family, gateway, via);
            return;
        }
        size_t step = ((size_t)hop->rtnh_len + 3) & ~(size_t)3; /* RTNH_ALIGN */
        if (step > left)
            return;
        left -= step;
        hop = (struct rtnexthop *)(void *)((uint8_t *)hop + step);
    }
}

static void consider(void *user, const void *body, struct rtattr **attrs)
{
    struct search *s = user;
    const struct rtmsg *m = body;
    struct skt_ipnet dst = {.family = s->host->family, .prefix = m->rtm_dst_len};
    if (m->rtm_family != family_of(s->host) || m->rtm_type != RTN_UNICAST ||
        m->rtm_protocol == ROUTE_ORIGIN || m->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN | RTM_F_CLONED) ||
        skt_rtnl_u32(attrs[RTA_TABLE], m->rtm_table) != RT_TABLE_MAIN || m->rtm_dst_len > s->host->prefix)
        return;
    if (attrs[RTA_DST] && RTA_PAYLOAD(attrs[RTA_DST]) >= ip_len(s->host))
        memcpy(dst.ip, RTA_DATA(attrs[RTA_DST]), ip_len(s->host));
    if (!skt_ipnet_has(&dst, s->host->family, s->host->ip))
        return;
    uint32_t metric = skt_rtnl_u32(attrs[RTA_PRIORITY], 0);
    if (dst.prefix < s->best_prefix || (dst.prefix == s->best_prefix && metric >= s->best_metric))
        return;
    struct skt_net_route found = {.dst = *s->host, .ifindex = skt_rtnl_u32(attrs[RTA_OIF], 0)};
    if (attrs[RTA_MULTIPATH])
        read_multipath(&found, m->rtm_family, attrs[RTA_MULTIPATH]);
    else
        read_hop(&found, m->rtm_family, attrs[RTA_GATEWAY], attrs[RTA_VIA]);
    if (found.ifindex == 0 || found.ifindex == s->without)
        return;
    s->best_prefix = dst.prefix;
    s->best_metric = metric;
    *s->out = found;
}

int skt_net_route_find(const struct skt_ipnet *host, unsigned without, struct skt_net_route *out)
{
    struct skt_rtnl_request r;
    struct rtmsg m = {.rtm_family = family_of(host)};
    struct search s = {.host = host, .without = without, .best_prefix = -1, .out = out};
    skt_rtnl_begin(&r, RTM_GETROUTE, 0, &m, sizeof m);
    int err = skt_rtnl_dump(&r, RTM_NEWROUTE, sizeof m, consider, &s);
    if (!err && s.best_prefix < 0)
        err = SKT_ERR_NOTFOUND;
    return err;
}

static void note_type(void *user, const void *body, struct rtattr **attrs)
{
    (void)attrs;
    *(int *)user = ((const struct rtmsg *)body)->rtm_type;
}

bool skt_net_is_own(const struct skt_ipnet *host)
{
    struct skt_rtnl_request r;
    struct rtmsg m = {.rtm_family = family_of(host), .rtm_dst_len = (uint8_t)(ip_len(host) * 8)};
    int type = RTN_UNSPEC;
    skt_rtnl_begin(&r, RTM_GETROUTE, 0, &m, sizeof m);
    skt_rtnl_put(&r, RTA_DST, host->ip, ip_len(host));
    if (skt_rtnl_ask(&r, RTM_NEWROUTE, sizeof m, note_type, &type))
        return errno != ENETUNREACH && errno != EHOSTUNREACH && errno != EACCES;
    return type != RTN_UNICAST && type != RTN_UNREACHABLE && type != RTN_PROHIBIT && type != RTN_BLACKHOLE &&
           type != RTN_THROW;
}

/* --- changes --- */

int skt_net_monitor_open(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                 .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE |
                                              RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    if (fd >= 0 && bind(fd, (struct sockaddr *)&groups, sizeof groups)) {
        int error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    /* Forwarding; older kernels don't tell. */
    int more[] = {RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF};
    for (size_t i = 0; fd >= 0 && i < sizeof more / sizeof more[0]; i++)
        (void)setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &more[i], sizeof more[i]);
    return fd;
}

int skt_net_rules_monitor_open(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
    struct sockaddr_nl self = {.nl_family = AF_NETLINK};
    int group = NFNLGRP_NFTABLES;
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&self, sizeof self) ||
                    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

int skt_net_file_monitor_open(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    int len = slash ? (int)(slash - path) : 0;
    if (!slash || (size_t)len >= sizeof folder)
        return -1;
    snprintf(folder, sizeof folder, "%.*s", len ? len : 1, path);
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0 &&
        inotify_add_watch(fd, folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* ENOBUFS (changes were lost) is news like any other. */
void skt_net_monitor_drain(int fd)
{
    char buf[8192];
    while (read(fd, buf, sizeof buf) >= 0 || errno == ENOBUFS || errno == EINTR)
        ;
}
