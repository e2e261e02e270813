/* SPDX-License-Identifier: MIT */
/* An IP address with a port, and our own end of the way there (socket, address), as a plain value. */
#ifndef SKT_BASE_ADDR_H
#define SKT_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SKT_ADDR_TEXT_MAX = 64 }; /* "[IPv6%scope]:port" and the final zero fit */

struct skt_addr {
    uint8_t family; /* 0: none, 4, 6 */
    uint8_t ip[16]; /* network order; IPv4 in the first 4 bytes, the rest zero */
    uint16_t port;  /* host order */
    uint16_t via; /* which of our own sockets leads there: with it this names a path, not only its far end */
    uint32_t scope;    /* IPv6 scope id */
    uint8_t local[16]; /* our own address on that path, laid out as ip; zero: the system chooses it */
};

/* The same in all. */
bool skt_addr_equal(const struct skt_addr *a, const struct skt_addr *b);

/* The same host, by whatever way. */
bool skt_addr_same_ip(const struct skt_addr *a, const struct skt_addr *b);

/* "192.0.2.1:4000", "[2001:db8::1]:4000", "none"; returns buf. */
const char *skt_addr_text(const struct skt_addr *a, char buf[SKT_ADDR_TEXT_MAX]);

/* Reads a numeric IPv4 or IPv6 address (no port, no name) into a; SKT_ERR_ARG. */
int skt_addr_parse(struct skt_addr *a, const char *ip, uint16_t port);

#endif
