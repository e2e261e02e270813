/* SPDX-License-Identifier: MIT */
/* macOS: interfaces by ioctl, routes by a routing socket (route(4)) and the table by sysctl. */
#include "base/err.h"
#include "io/net.h"
#include "io/rtmsg.h"
#include "io/sockaddr.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_dl.h>
#include <net/route.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sockio.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#include <unistd.h>

/* Of netinet6/in6_var.h, which not every SDK has: struct in6_addrlifetime and in6_aliasreq, field by field.
 */
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
#define NO_DAD           0x20 /* nobody else is on the link who might have the address */
_Static_assert(ADD_ADDRESS6 == 0x8080691a, "SIOCAIFADDR_IN6");

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
    struct address6_request r = {.flags = NO_DAD,
                                 .lifetime = {.valid_s = LIFETIME_FOREVER, .preferred_s = LIFETIME_FOREVER}};
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
    bool v4 = address->family == 4;
    if (!v4 && !add)
        return SKT_OK; /* goes with the interface */
    int err = v4 ? add_address4(ifname, address, peer4, add) : add_address6(ifname, address);
    if (err && errno == (add ? EEXIST : EADDRNOTAVAIL))
        err = SKT_OK;
    if (!err && add && address->prefix < (v4 ? 32 : 128)) {
        err = skt_net_route_add(&route);
        if (err == SKT_ERR_FULL)
            err = SKT_OK;
    }
    return err;
}

/* --- routes --- */

/* io/rtmsg.h against this system's headers. */
#define SAME(ours, theirs) _Static_assert((ours) == (theirs), #ours)
SAME(SKT_RTMSG_VERSION, RTM_VERSION);
SAME(SKT_RTMSG_ADD, RTM_ADD);
SAME(SKT_RTMSG_DELETE, RTM_DELETE);
SAME(SKT_RTMSG_GET, RTM_GET);
SAME(SKT_RTMSG_HEADER_LEN, sizeof(struct rt_msghdr));
SAME(SKT_RTMSG_AT_VERSION, offsetof(struct rt_msghdr, rtm_version));
SAME(SKT_RTMSG_AT_TYPE, offsetof(struct rt_msghdr, rtm_type));
SAME(SKT_RTMSG_AT_INDEX, offsetof(struct rt_msghdr, rtm_index));
SAME(SKT_RTMSG_AT_FLAGS, offsetof(struct rt_msghdr, rtm_flags));
SAME(SKT_RTMSG_AT_ADDRS, offsetof(struct rt_msghdr, rtm_addrs));
SAME(SKT_RTMSG_AT_SEQ, offsetof(struct rt_msghdr, rtm_seq));
SAME(SKT_RTMSG_DST, RTAX_DST);
SAME(SKT_RTMSG_GATEWAY, RTAX_GATEWAY);
SAME(SKT_RTMSG_NETMASK, RTAX_NETMASK);
SAME(SKT_RTMSG_ADDRESSES, RTAX_MAX);
SAME(SKT_RTMSG_INET, AF_INET);
SAME(SKT_RTMSG_LINK, AF_LINK);
SAME(SKT_RTMSG_INET6, AF_INET6);
SAME(SKT_RTMSG_INET_LEN, sizeof(struct sockaddr_in));
SAME(SKT_RTMSG_LINK_LEN, sizeof(struct sockaddr_dl));
SAME(SKT_RTMSG_INET6_LEN, sizeof(struct sockaddr_in6));
SAME(SKT_RTF_UP, RTF_UP);
SAME(SKT_RTF_GATEWAY, RTF_GATEWAY);
SAME(SKT_RTF_HOST, RTF_HOST);
SAME(SKT_RTF_REJECT, RTF_REJECT);
SAME(SKT_RTF_LLINFO, RTF_LLINFO);
SAME(SKT_RTF_STATIC, RTF_STATIC);
SAME(SKT_RTF_BLACKHOLE, RTF_BLACKHOLE);
SAME(SKT_RTF_WASCLONED, RTF_WASCLONED);
SAME(SKT_RTF_IFSCOPE, RTF_IFSCOPE);
SAME(SKT_RTF_OURS, RTF_PROTO1);

static int change_route(const struct skt_net_route *route, uint8_t type)
{
    uint8_t message[SKT_RTMSG_LEN_MAX];
    size_t len = skt_rtmsg_build(message, type, route);
    int fd = socket(PF_ROUTE, SOCK_RAW, 0);
    if (fd < 0)
        return SKT_ERR_IO;
    (void)shutdown(fd, SHUT_RD); /* no answers wanted: write tells */
    int err = write(fd, message, len) == (ssize_t)len ? SKT_OK : SKT_ERR_IO;
    int error = errno;
    close(fd);
    errno = error;
    return err;
}

int skt_net_route_add(const struct skt_net_route *route)
{
    int err = change_route(route, SKT_RTMSG_ADD);
    return err && errno == EEXIST ? SKT_ERR_FULL : err;
}

/* A family's table, to be freed. SKT_ERR_IO, SKT_ERR_NOMEM. */
static int read_table(uint8_t family, uint8_t **table, size_t *len)
{
    int what[] = {CTL_NET, PF_ROUTE, 0, family == 4 ? AF_INET : AF_INET6, NET_RT_DUMP, 0};
    *table = NULL;
    if (sysctl(what, 6, NULL, len, NULL, 0))
        return SKT_ERR_IO;
    *len += *len / 4 + 4096; /* it may grow meanwhile */
    *table = malloc(*len);
    if (!*table)
        return SKT_ERR_NOMEM;
    if (sysctl(what, 6, *table, len, NULL, 0) == 0)
        return SKT_OK;
    free(*table);
    *table = NULL;
    return SKT_ERR_IO;
}

int skt_net_route_find(const struct skt_ipnet *host, unsigned without, struct skt_net_route *out)
{
    uint8_t *table;
    size_t len;
    int err = read_table(host->family, &table, &len);
    if (!err)
        err = skt_rtmsg_find(table, len, host, without, out);
    free(table);
    return err;
}

int skt_net_route_delete(const struct skt_net_route *route)
{
    uint8_t *table;
    size_t len;
    int err = read_table(route->dst.family, &table, &len);
    if (!err && !skt_rtmsg_has_ours(table, len, &route->dst))
        err = SKT_ERR_NOTFOUND;
    free(table);
    if (err)
        return err;
    err = change_route(route, SKT_RTMSG_DELETE);
    return err && errno == ESRCH ? SKT_ERR_NOTFOUND : err;
}

/* --- changes --- */

/* By its addresses: there is no asking without a routing socket's privileges. */
bool skt_net_is_own(const struct skt_ipnet *host)
{
    struct ifaddrs *all;
    struct skt_addr a;
    bool own = host->family == 4 && host->ip[0] == 127;
    if (getifaddrs(&all) != 0)
        return true;
    for (const struct ifaddrs *i = all; i && !own; i = i->ifa_next) {
        if (!i->ifa_addr)
            continue;
        skt_sockaddr_read(&a, i->ifa_addr);
        own = a.family == host->family && memcmp(a.ip, host->ip, host->family == 4 ? 4 : 16) == 0;
    }
    freeifaddrs(all);
    return own;
}

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

int skt_net_rules_monitor_open(void)
{
    return -1;
}

int skt_net_file_monitor_open(const char *path)
{
    (void)path;
    return -1;
}
