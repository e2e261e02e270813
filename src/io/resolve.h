/* SPDX-License-Identifier: MIT */
/* Looks names up without blocking the loop: getaddrinfo in a thread that ends with its answer. */
#ifndef SKT_IO_RESOLVE_H
#define SKT_IO_RESOLVE_H

#include "base/addr.h"
#include "io/loop.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SKT_RESOLVE_ADDRS_MAX = 8,   /* more addresses of one name are left out */
    SKT_RESOLVE_THREADS_MAX = 4, /* look-ups at the same time, per loop; the others wait in a queue */
};

struct skt_resolve;

/* The answer: n > 0 addresses with the port that was given, in the system's order of preference; or n = 0 and
 * a text. It is called once, from the loop, never from inside skt_resolve_start; the look-up is gone then. */
typedef void (*skt_resolve_fn)(void *user, const struct skt_addr *addrs, size_t n, const char *error);

/* Begins a look-up. A numeric address is answered at the end of this turn. *out is valid until fn is called
 * or the look-up is cancelled. SKT_ERR_NOMEM, SKT_ERR_ARG (name empty or too long), SKT_ERR_IO. */
int skt_resolve_start(struct skt_resolve **out, struct skt_loop *loop, const char *name, uint16_t port,
                      skt_resolve_fn fn, void *user);

/* From now on look-ups of this loop ask the network's own name servers, too (io/ask.h), and take the first
 * answer: libc's way may lead into a tunnel that is down. interface: the tunnel's, whose routes are passed
 * by; "": the name servers have routes of their own; NULL: no longer. resolv_conf: NULL: /etc/resolv.conf.
 * Texts are copied. SKT_ERR_NOMEM, SKT_ERR_ARG. */
int skt_resolve_set_around(struct skt_loop *loop, const char *interface, const char *resolv_conf);

/* Told of the network's own name servers before each time that they are asked around a tunnel: they change
 * with the network. fn NULL: nobody is. SKT_ERR_NOMEM. */
typedef void (*skt_resolve_servers_fn)(void *user, const struct skt_addr *servers, size_t n);
int skt_resolve_tell_servers(struct skt_loop *loop, skt_resolve_servers_fn fn, void *user);

/* Forgets a look-up: fn is not called any more. NULL is allowed. */
void skt_resolve_cancel(struct skt_resolve *r);

#endif
