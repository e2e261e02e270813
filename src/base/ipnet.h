/* SPDX-License-Identifier: MIT */
/* A network: an IPv4 or IPv6 address with the length of its prefix. A single host is a /32 or /128. */
#ifndef SKT_BASE_IPNET_H
#define SKT_BASE_IPNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SKT_IPNET_TEXT_MAX = 56 }; /* an IPv6 address, "/128" and the final zero fit */

struct skt_ipnet {
    uint8_t family; /* 0: none, 4, 6 */
    uint8_t prefix; /* bits, 0..32 or 0..128 */
    uint8_t ip[16]; /* network order; IPv4 in the first 4 bytes, the rest zero. Host bits may be set */
};

/* Reads "10.0.0.0/8", "fd00::1/64", or an address alone (a host). Nothing else may follow. SKT_ERR_ARG. */
int skt_ipnet_parse(struct skt_ipnet *net, const char *text);

/* The same from an IPv4 address and a mask, "255.255.255.0". SKT_ERR_ARG, also for a mask with holes. */
int skt_ipnet_parse_mask(struct skt_ipnet *net, const char *ip, const char *mask);

/* A host's network of its own. family: 4 or 6; ip: 4 or 16 bytes. */
struct skt_ipnet skt_ipnet_host(uint8_t family, const uint8_t *ip);

/* "10.0.0.0/8"; without the prefix where with_prefix is false. Returns buf. */
const char *skt_ipnet_text(const struct skt_ipnet *net, bool with_prefix, char buf[SKT_IPNET_TEXT_MAX]);

/* The same network with all host bits 0. */
struct skt_ipnet skt_ipnet_masked(const struct skt_ipnet *net);

/* Is an address (family 4: 4 bytes, 6: 16 bytes) inside the network? */
bool skt_ipnet_has(const struct skt_ipnet *net, uint8_t family, const uint8_t *ip);

/* The IPv4 network's directed broadcast address; false for IPv6 and for /31 and /32, which have none. */
bool skt_ipnet_broadcast(const struct skt_ipnet *net, uint8_t ip[4]);

#endif
