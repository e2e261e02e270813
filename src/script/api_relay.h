/* SPDX-License-Identifier: MIT */
/* Streams and relays as scripts see them: a stream that the peer opened waits until the script gives it to
 * a relay. */
#ifndef SKT_SCRIPT_API_RELAY_H
#define SKT_SCRIPT_API_RELAY_H

#include "script/state.h"

#include <stdint.h>

struct skt_script_skcp;

/* Streams that no relay has: forgets those of a session (cid 0: all), resetting them. */
void skt_script_relay_forget(struct skt_script_skcp *k, uint32_t cid);

/* The endpoint's on_stream. */
void skt_script_relay_on_stream(void *user, struct skt_endpoint *ep, uint32_t cid, struct skt_stream *st);

#endif
