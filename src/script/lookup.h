/* SPDX-License-Identifier: MIT */
/* The look-up that blocks (skt.api.lookup_dns), for 2 s at most. It can't be one of io/resolve.h, which
 * answers from the loop: the loop has called the script that asks, and stands still until it has its answer.
 * A second loop for each look-up would take descriptors, and libev ends the process where there are none.
 * Scripts that need not block have lookup_async, which is io/resolve.h's. */
#ifndef SKT_SCRIPT_LOOKUP_H
#define SKT_SCRIPT_LOOKUP_H

#include "base/addr.h"

/* Writes the first IPv4 address of a name. NULL, or why there is none (static text). */
const char *skt_script_lookup_ipv4(const char *name, char ip[SKT_ADDR_TEXT_MAX]);

/* The address of a without its port. */
const char *skt_script_ip_text(const struct skt_addr *a, char buf[SKT_ADDR_TEXT_MAX]);

#endif
