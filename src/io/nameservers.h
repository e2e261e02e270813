/* SPDX-License-Identifier: MIT */
/* The network's own name servers: those that the machine had before a tunnel's took their place. */
#ifndef SKT_IO_NAMESERVERS_H
#define SKT_IO_NAMESERVERS_H

#include "base/addr.h"

#include <stddef.h>

enum { SKT_NAMESERVERS_MAX = 6 }; /* libc takes three; a machine with two networks has some more */

/* Reads resolv_conf (NULL: /etc/resolv.conf), or what is kept beside it where we have changed it. Where only
 * a resolver of this machine stands there, those that it asks, as far as their files are known. Port 53. How
 * many there are. */
size_t skt_nameservers_read(const char *resolv_conf, struct skt_addr out[SKT_NAMESERVERS_MAX]);

#endif
