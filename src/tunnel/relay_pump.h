/* SPDX-License-Identifier: MIT */
/* What moves a relay's bytes, both ways, when something has happened. The relay may have ended after each. */
#ifndef SKT_TUNNEL_RELAY_PUMP_H
#define SKT_TUNNEL_RELAY_PUMP_H

#include "tunnel/relay_internal.h"

/* The connection's on_ready. */
void skt_relay_on_tcp(void *owner, unsigned ready);

/* There is more to move than one event may. */
void skt_relay_on_more(struct skt_loop_task *t, skt_us now);

/* The stream has something to tell. */
void skt_relay_on_news(struct skt_stream_owner *owner, struct skt_stream *st, unsigned events);

/* Tries again what waits without an event to wait for: memory. */
void skt_relay_retry(struct skt_relay *r);

#endif
