/* SPDX-License-Identifier: MIT */
/* How a relay begins, on either side. */
#ifndef SKT_TUNNEL_RELAY_START_H
#define SKT_TUNNEL_RELAY_START_H

#include "tunnel/relay_internal.h"

/* What relays are counted for that lead to an address, not to a target with a name. */
#define SKT_RELAY_ADDRESSES "(addresses)"

/* One that has neither a stream nor a connection yet; counted for this target. NULL: no memory. */
struct skt_relay *skt_relay_new(struct skt_relay_set *set, struct skt_endpoint *ep, const char *target,
                                const struct skt_relay_options *options);

/* It has its connection, the relay's from now on: bytes begin to move. The relay may have ended afterwards.
 */
void skt_relay_start(struct skt_relay *r, struct skt_tcp_conn *conn);

#endif
