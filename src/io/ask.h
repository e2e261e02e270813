/* SPDX-License-Identifier: MIT */
/* Asks name servers directly, past a tunnel whose routes cover them: the tunnel's own look-ups must not wait
 * for the tunnel. libc can't be told so; it is asked as well (io/resolve.h), since it alone knows of
 * /etc/hosts and the like. */
#ifndef SKT_IO_ASK_H
#define SKT_IO_ASK_H

#include "base/addr.h"
#include "io/loop.h"

#include <stddef.h>
#include <stdint.h>

struct skt_ask;

/* The end, once, from the loop: n addresses with the port that was given; n = 0: none came within 5 s, or the
 * name has none. */
typedef void (*skt_ask_fn)(void *user, const struct skt_addr *addrs, size_t n);

/* Asks all n servers at once for both families, again each second. without: the tunnel's interface, whose
 * routes are passed by; 0: none. SKT_ERR_ARG (no name, no servers), SKT_ERR_NOMEM, SKT_ERR_IO (none of them
 * can be asked). *out is valid until fn is called. */
int skt_ask_start(struct skt_ask **out, struct skt_loop *loop, const struct skt_addr *servers, size_t n,
                  unsigned without, const char *name, uint16_t port, skt_ask_fn fn, void *user);

/* NULL is allowed. */
void skt_ask_cancel(struct skt_ask *ask);

#endif
