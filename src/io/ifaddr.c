/* SPDX-License-Identifier: MIT */
#include "io/ifaddr.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static uint8_t prefix_of(const uint8_t *mask, size_t len)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < len; i++)
        for (unsigned bit = 0x80; bit && (mask[i] & bit); bit >>= 1)
            bits++;
    return bits;
}

static bool read_net(struct skt_ipnet *net, const struct ifaddrs *i)
{
    *net = (struct skt_ipnet){0};
    if (i->ifa_addr->sa_family == AF_INET) {
        const struct sockaddr_in *a = (const struct sockaddr_in *)(const void *)i->ifa_addr,
                                 *m = (const struct sockaddr_in *)(const void *)i->ifa_netmask;
        net->family = 4;
        memcpy(net->ip, &a->sin_addr, 4);
        net->prefix = prefix_of((const uint8_t *)&m->sin_addr, 4);
        return true;
    }
    if (i->ifa_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)(const void *)i->ifa_addr,
                                  *m = (const struct sockaddr_in6 *)(const void *)i->ifa_netmask;
        net->family = 6;
        memcpy(net->ip, &a->sin6_addr, 16);
        net->prefix = prefix_of((const uint8_t *)&m->sin6_addr, 16);
        return !IN6_IS_ADDR_LINKLOCAL(&a->sin6_addr);
    }
    return false;
}

size_t skt_ifaddr_nets(struct skt_ipnet *out, size_t max, const char *except)
{
    struct ifaddrs *all;
    size_t n = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    for (const struct ifaddrs *i = all; i && n < max; i = i->ifa_next) {
        if (!i->ifa_addr || !i->ifa_netmask || (i->ifa_flags & IFF_LOOPBACK) || !(i->ifa_flags & IFF_UP))
            continue;
        if (except && strcmp(i->ifa_name, except) == 0)
            continue;
        if (read_net(&out[n], i) && out[n].prefix > 0)
            n++;
    }
    freeifaddrs(all);
    return n;
}
