/* SPDX-License-Identifier: MIT */
/* macOS: interfaces by ioctl, routes by a routing socket (route(4)) and the table by sysctl. */
#include "base/err.h"
#include "io/netcfg_system.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_dl.h>
#include <net/route.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sockio.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#include <unistd.h>

/* Of netinet6/in6_var.h, which not every SDK has. */
struct address6_lifetime {
    time_t expire, preferred;
    uint32_t valid_s, preferred_s;
};
struct address6_request {
    char name[IFNAMSIZ];
    struct sockaddr_in6 address, peer, mask;
    int flags;
    struct address6_lifetime lifetime;
};
#define ADD_ADDRESS6     _IOW('i', 26, struct address6_request)
#define LIFETIME_FOREVER 0xffffffffu

/* What our routes are marked with, so that nobody else's is ever removed. */
enum { ROUTE_MARK = RTF_PROTO1 };

unsigned skt_net_ifindex(const char *ifname)
{
    return if_nametoindex(ifname);
}

bool skt_net_ifname(unsigned ifindex, char name[16])
{
    return if_indextoname(ifindex, name) != NULL;
}

/* --- links and addresses --- */

static int control(int family, unsigned long what, void *request)
{
    int fd = socket(family, SOCK_DGRAM, 0);
    if (fd < 0)
        return SKT_ERR_IO;
    int failed = ioctl(fd, what, request), error = errno;
    close(fd);
    errno = error;
    return failed ? SKT_ERR_IO : SKT_OK;
}

static void set_name(char name[IFNAMSIZ], const char *ifname)
{
    memset(name, 0, IFNAMSIZ);
    memcpy(name, ifname, strnlen(ifname, IFNAMSIZ - 1));
}

int skt_net_link_set(const char *ifname, size_t mtu, bool up)
{
    struct ifreq r = {0};
    int err = SKT_OK;
    set_name(r.ifr_name, ifname);
    if (mtu > 0) {
        r.ifr_mtu = (int)mtu;
        err = control(AF_INET, SIOCSIFMTU, &r);
    }
    if (!err && up) {
        err = control(AF_INET, SIOCGIFFLAGS, &r);
        r.ifr_flags |= IFF_UP;
        if (!err)
            err = control(AF_INET, SIOCSIFFLAGS, &r);
    }
    return err;
}

static void put_address(union skt_sockaddr *out, const struct skt_ipnet *net)
{
    memset(out, 0, sizeof *out);
    if (net->family == 4) {
        out->v4.sin_len = sizeof out->v4;
        out->v4.sin_family = AF_INET;
        memcpy(&out->v4.sin_addr, net->ip, 4);
    } else {
        out->v6.sin6_len = sizeof out->v6;
        out->v6.sin6_family = AF_INET6;
        memcpy(&out->v6.sin6_addr, net->ip, 16);
    }
}

static void put_mask(union skt_sockaddr *out, const struct skt_ipnet *net)
{
    struct skt_ipnet ones = {.family = net->family, .prefix = net->prefix};
    memset(ones.ip, 0xff, net->family == 4 ? 4 : 16);
    ones = skt_ipnet_masked(&ones);
    put_address(out, &ones);
}

static int add_address4(const char *ifname, const struct skt_ipnet *address, const uint8_t *peer4, bool add)
{
    struct ifaliasreq r;
    union skt_sockaddr own, peer, mask;
    struct skt_ipnet other = *address;
    if (peer4)
        memcpy(other.ip, peer4, 4);
    memset(&r, 0, sizeof r);
    put_address(&own, address);
    put_address(&peer, &other);
    put_mask(&mask, address);
    set_name(r.ifra_name, ifname);
    memcpy(&r.ifra_addr, &own, sizeof own.v4);
    memcpy(&r.ifra_broadaddr, &peer, sizeof peer.v4);
    memcpy(&r.ifra_mask, &mask, sizeof mask.v4);
    return control(AF_INET, add ? SIOCAIFADDR : SIOCDIFADDR, &r);
}

static int add_address6(const char *ifname, const struct skt_ipnet *address)
{
    struct address6_request r = {.lifetime = {.valid_s = LIFETIME_FOREVER, .preferred_s = LIFETIME_FOREVER}};
    union skt_sockaddr own, mask;
    put_address(&own, address);
    put_mask(&mask, address);
    set_name(r.name, ifname);
    r.address = own.v6;
    r.mask = mask.v6;
    return control(AF_INET6, ADD_ADDRESS6, &r);
}

/* The interface leads to one other end only: the network gets a route besides. */
int skt_net_address(const char *ifname, const struct skt_ipnet *address, const uint8_t *peer4, bool add)
{
    struct skt_net_route route = {.dst = skt_ipnet_masked(address), .ifindex = if_nametoindex(ifname)};
    if (address->family == 6)
        return add ? add_address6(ifname, address) : SKT_OK; /* goes with the interface */
    int err = add_address4(ifname, address, peer4, add);
    if (err && errno == EEXIST)
        err = SKT_OK;
    if (!err && add && address->prefix < 32) {
        err = skt_net_route_add(&route);
        if (err == SKT_ERR_FULL)
            err = SKT_OK;
    }
    return err;
}

/* --- routes --- */

struct message {
    struct rt_msghdr header;
    uint8_t addresses[4 * sizeof(union skt_sockaddr)];
};

/* Addresses in messages are padded to 4 bytes. */
static size_t padded(size_t len)
{
    return len ? (len + 3) & ~(size_t)3 : 4;
}

static size_t append(struct message *m, size_t at, const void *sa, size_t len)
{
    memcpy(m->addresses + at, sa, len);
    return at + padded(len);
}

static size_t append_gateway(struct message *m, size_t at, const struct skt_net_route *route)
{
    union skt_sockaddr gateway;
    if (route->gateway.family) {
        put_address(&gateway, &route->gateway);
        m->header.rtm_flags |= RTF_GATEWAY;
        return append(m, at, &gateway, gateway.sa.sa_len);
    }
    struct sockaddr_dl link = {
        .sdl_len = sizeof link, .sdl_family = AF_LINK, .sdl_index = (unsigned short)route->ifindex};
    return append(m, at, &link, sizeof link);
}

static int change_route(const struct skt_net_route *route, uint8_t type)
{
    struct message m = {.header = {.rtm_version = RTM_VERSION,
                                   .rtm_type = type,
                                   .rtm_seq = 1,
                                   .rtm_flags = RTF_UP | RTF_STATIC | ROUTE_MARK,
                                   .rtm_addrs = RTA_DST | RTA_GATEWAY}};
    union skt_sockaddr dst, mask;
    struct skt_ipnet net = skt_ipnet_masked(&route->dst);
    put_address(&dst, &net);
    size_t len = append(&m, 0, &dst, dst.sa.sa_len);
    len = append_gateway(&m, len, route);
    if (net.prefix == (net.family == 4 ? 32 : 128)) {
        m.header.rtm_flags |= RTF_HOST;
    } else {
        put_mask(&mask, &net);
        m.header.rtm_addrs |= RTA_NETMASK;
        len = append(&m, len, &mask, mask.sa.sa_len);
    }
    m.header.rtm_msglen = (unsigned short)(sizeof m.header + len);
    int fd = socket(PF_ROUTE, SOCK_RAW, 0);
    if (fd < 0)
        return SKT_ERR_IO;
    (void)shutdown(fd, SHUT_RD); /* no answers wanted: write tells */
    int err = write(fd, &m, m.header.rtm_msglen) == m.header.rtm_msglen ? SKT_OK : SKT_ERR_IO;
    int error = errno;
    close(fd);
    errno = error;
    return err;
}

int skt_net_route_add(const struct skt_net_route *route)
{
    int err = change_route(route, RTM_ADD);
    return err && errno == EEXIST ? SKT_ERR_FULL : err;
}

/* --- the table --- */

/* What is of interest in an entry. */
struct entry {
    int flags;
    unsigned ifindex;
    struct skt_ipnet dst, gateway;
};

static void read_ip(struct skt_ipnet *net, const struct sockaddr *sa)
{
    *net = (struct skt_ipnet){0};
    if (sa->sa_family == AF_INET && sa->sa_len >= 8)
        *net = skt_ipnet_host(4, (const uint8_t *)sa + 4);
    else if (sa->sa_family == AF_INET6 && sa->sa_len >= 24)
        *net = skt_ipnet_host(6, (const uint8_t *)sa + 8);
}

/* Masks end where only zeros follow, and may be of length 0. */
static uint8_t read_prefix(const struct sockaddr *sa, uint8_t family)
{
    const uint8_t *p = (const uint8_t *)sa;
    size_t start = family == 4 ? 4 : 8, end = start + (family == 4 ? 4 : 16);
    uint8_t prefix = 0;
    for (size_t i = start; i < end && i < sa->sa_len; i++)
        for (uint8_t bits = p[i]; bits & 0x80; bits = (uint8_t)(bits << 1))
            prefix++;
    return prefix;
}

static bool read_entry(struct entry *e, const struct rt_msghdr *m)
{
    const uint8_t *at = (const uint8_t *)(m + 1), *end = (const uint8_t *)m + m->rtm_msglen;
    *e = (struct entry){.flags = m->rtm_flags, .ifindex = m->rtm_index};
    for (int i = 0; i < RTAX_MAX; i++) {
        if (!(m->rtm_addrs & 1 << i))
            continue;
        const struct sockaddr *sa = (const struct sockaddr *)(const void *)at;
        if (end - at < 4 || (size_t)(end - at) < sa->sa_len)
            break;
        if (i == RTAX_DST)
            read_ip(&e->dst, sa);
        else if (i == RTAX_GATEWAY)
            read_ip(&e->gateway, sa);
        else if (i == RTAX_NETMASK && !(e->flags & RTF_HOST))
            e->dst.prefix = read_prefix(sa, e->dst.family);
        at += padded(sa->sa_len);
        if (at > end)
            break;
    }
    if (!(e->flags & (RTF_HOST | RTF_GATEWAY)) && !(m->rtm_addrs & RTA_NETMASK))
        e->dst.prefix = 0;
    return e->dst.family != 0;
}

/* Calls fn for each entry of a family. SKT_ERR_IO, SKT_ERR_NOMEM. */
static int walk(uint8_t family, void (*fn)(void *user, const struct entry *e), void *user)
{
    int what[] = {CTL_NET, PF_ROUTE, 0, family == 4 ? AF_INET : AF_INET6, NET_RT_DUMP, 0};
    size_t len = 0;
    if (sysctl(what, 6, NULL, &len, NULL, 0))
        return SKT_ERR_IO;
    len += len / 4 + 4096; /* it may grow meanwhile */
    uint8_t *table = malloc(len);
    if (!table)
        return SKT_ERR_NOMEM;
    int err = sysctl(what, 6, table, &len, NULL, 0) ? SKT_ERR_IO : SKT_OK;
    for (size_t at = 0; !err && len - at >= sizeof(struct rt_msghdr);) {
        const struct rt_msghdr *m = (const struct rt_msghdr *)(const void *)(table + at);
        struct entry e;
        if (m->rtm_msglen < sizeof *m || m->rtm_msglen > len - at)
            break;
        if (m->rtm_version == RTM_VERSION && read_entry(&e, m))
            fn(user, &e);
        at += m->rtm_msglen;
    }
    free(table);
    return err;
}

struct search {
    const struct skt_net_route *wanted; /* of ours, to be removed */
    const struct skt_ipnet *host;
    unsigned without;
    int best_prefix; /* -1: nothing found */
    struct skt_net_route *out;
};

static void consider(void *user, const struct entry *e)
{
    struct search *s = user;
    if (!(e->flags & RTF_UP) ||
        e->flags & (ROUTE_MARK | RTF_REJECT | RTF_BLACKHOLE | RTF_LLINFO | RTF_WASCLONED | RTF_IFSCOPE) ||
        e->ifindex == 0 || e->ifindex == s->without || e->dst.prefix <= s->best_prefix ||
        !skt_ipnet_has(&e->dst, s->host->family, s->host->ip))
        return;
    s->best_prefix = e->dst.prefix;
    *s->out = (struct skt_net_route){.dst = *s->host, .ifindex = e->ifindex};
    if (e->flags & RTF_GATEWAY)
        s->out->gateway = e->gateway;
}

int skt_net_route_find(const struct skt_ipnet *host, unsigned without, struct skt_net_route *out)
{
    struct search s = {.host = host, .without = without, .best_prefix = -1, .out = out};
    int err = walk(host->family, consider, &s);
    return !err && s.best_prefix < 0 ? SKT_ERR_NOTFOUND : err;
}

static void is_ours(void *user, const struct entry *e)
{
    struct search *s = user;
    struct skt_ipnet wanted = skt_ipnet_masked(&s->wanted->dst);
    if (e->flags & ROUTE_MARK && e->dst.prefix == wanted.prefix && memcmp(e->dst.ip, wanted.ip, 16) == 0)
        s->best_prefix = e->dst.prefix;
}

int skt_net_route_delete(const struct skt_net_route *route)
{
    struct search s = {.wanted = route, .best_prefix = -1};
    int err = walk(route->dst.family, is_ours, &s);
    if (err)
        return err;
    if (s.best_prefix < 0)
        return SKT_ERR_NOTFOUND;
    err = change_route(route, RTM_DELETE);
    return err && errno == ESRCH ? SKT_ERR_NOTFOUND : err;
}

/* --- changes --- */

int skt_net_monitor_open(void)
{
    int fd = socket(PF_ROUTE, SOCK_RAW, 0);
    if (fd >= 0 && skt_fd_prepare(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void skt_net_monitor_drain(int fd)
{
    char buf[8192];
    while (recv(fd, buf, sizeof buf, 0) >= 0 || errno == ENOBUFS || errno == EINTR)
        ;
}
