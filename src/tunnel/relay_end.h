/* SPDX-License-Identifier: MIT */
/* Ends of a relay that have their place behind the data. The relay may have ended after each. */
#ifndef SKT_TUNNEL_RELAY_END_H
#define SKT_TUNNEL_RELAY_END_H

#include "tunnel/relay_internal.h"

/* TCP is broken, or has had its time. Nothing more is read from it; the peer gets what was, then the reset.
 */
void skt_relay_leave(struct skt_relay *r, int reason);

/* The stream was reset by the peer, or with its session. TCP gets what came before, then the reset. */
void skt_relay_on_over(struct skt_relay *r);

/* What the process itself ends has both: the peer gets what was read, TCP what has come. */
void skt_relay_leave_both(struct skt_relay *r);

/* Goes on with either. */
void skt_relay_end_step(struct skt_relay *r);

/* Reads what TCP has and drops it. The relay does not end. */
void skt_relay_drop_input(struct skt_relay *r);

#endif
