/* SPDX-License-Identifier: MIT */
/* Single changes of interfaces and routes, done at once by the kernel (io/net_linux.c: rtnetlink;
 * io/net_darwin.c: ioctl and a routing socket). All: SKT_ERR_IO with errno. */
#ifndef SKT_IO_NET_H
#define SKT_IO_NET_H

#include "base/ipnet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_net_route {
    struct skt_ipnet dst;     /* where packets go */
    struct skt_ipnet gateway; /* family 0: none, the network is on the link */
    unsigned ifindex;         /* by which interface */
    uint32_t metric;          /* the lowest is taken; 0: the system's default */
    bool nowhere;             /* packets are refused ("unreachable"): no interface, no gateway */
};

/* The interface's number; 0 with errno: there is none. */
unsigned skt_net_ifindex(const char *ifname);

/* The name of an interface; false: there is none. */
bool skt_net_ifname(unsigned ifindex, char name[16]);

/* Sets the MTU (0: leaves it) and brings the interface up, or leaves it as it is. */
int skt_net_link_set(const char *ifname, size_t mtu, bool up);

/* Adds or removes an address with its network's route. Adding what is there, and removing what is not, is
 * success. peer4: the other end's, where the system wants one. */
int skt_net_address(const char *ifname, const struct skt_ipnet *address, const uint8_t *peer4, bool add);

/* Adds a route marked as ours. SKT_ERR_FULL: there is the same already. */
int skt_net_route_add(const struct skt_net_route *route);

/* Removes a route that is marked as ours. SKT_ERR_NOTFOUND: there is none such. */
int skt_net_route_delete(const struct skt_net_route *route);

/* The best route to a host in the main table, leaving out ours, those by interface `without`, and those whose
 * link is down. out->dst is the host. SKT_ERR_NOTFOUND: none. */
int skt_net_route_find(const struct skt_ipnet *host, unsigned without, struct skt_net_route *out);

/* Does what is sent to this host stay on this machine, or go to a group, by the rules and tables as they are?
 * Loopback, addresses of interfaces, networks that are routed here, broadcast. Where the system does not tell
 * (no memory, no descriptor): yes. */
bool skt_net_is_own(const struct skt_ipnet *host);

/* A descriptor that becomes readable when routes, addresses, links or forwarding change; -1 with errno.
 * Reading it: drain. */
int skt_net_monitor_open(void);
void skt_net_monitor_drain(int fd);

/* The same for rules of the packet filter, and for files in the folder of `path`; -1 also where the system
 * tells of no such thing. */
int skt_net_rules_monitor_open(void);
int skt_net_file_monitor_open(const char *path);

#endif
