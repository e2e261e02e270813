/* SPDX-License-Identifier: MIT */
#include "tunnel/switch_source.h"

#include "base/ippkt.h"
#include "io/ifaddr.h"

#include <string.h>

#define LOOK_TIME                                                                                            \
    (30 * SKT_US_PER_SEC) /* networks come and go by the minute; a look costs a few system calls */

static bool is_global_4(const uint8_t *ip)
{
    if (ip[0] == 0 || ip[0] == 127 || ip[0] >= 240) /* RFC 1122, 3.2.1.3; RFC 1112, 4 */
        return false;
    return !skt_ippkt_is_multicast(4, ip) && !skt_ippkt_is_link_local(4, ip);
}

/* Is this an address that can stand as a packet's source anywhere? Not: none ("this network"), loopback,
 * multicast, broadcast, reserved, link-local. IPv6's mapped addresses count as their IPv4 ones. */
static bool is_global(uint8_t family, const uint8_t *ip)
{
    static const uint8_t zeros[15], mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (family == 4)
        return is_global_4(ip);
    if (memcmp(ip, zeros, sizeof zeros) == 0 && ip[15] <= 1) /* none, loopback */
        return false;
    if (memcmp(ip, mapped, sizeof mapped) == 0)
        return is_global_4(ip + 12);
    return !skt_ippkt_is_multicast(6, ip) && !skt_ippkt_is_link_local(6, ip);
}

static bool is_routed(const struct skt_switch_sources *t, const struct skt_ipnet *near, uint8_t family,
                      const uint8_t *ip)
{
    for (size_t i = 0; i < t->route_count; i++)
        if (t->routes[i].prefix >= near->prefix && skt_ipnet_has(&t->routes[i], family, ip))
            return true;
    return false;
}

bool skt_switch_source_ok(struct skt_switch_sources *t, skt_us now, uint8_t family, const uint8_t *ip)
{
    if (!is_global(family, ip))
        return false;
    for (size_t i = 0; i < 2; i++)
        if (t->own[i].family == family && memcmp(t->own[i].ip, ip, family == 4 ? 4 : 16) == 0)
            return false;
    if (now >= t->look_at) {
        t->near_count = skt_ifaddr_nets(t->near, SKT_SWITCH_NEAR_MAX, t->tun);
        t->look_at = now + LOOK_TIME;
    }
    for (size_t i = 0; i < t->near_count; i++)
        if (skt_ipnet_has(&t->near[i], family, ip) && !is_routed(t, &t->near[i], family, ip))
            return false;
    return true;
}
