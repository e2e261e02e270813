/* SPDX-License-Identifier: MIT */
/* A peer with good keys and bad manners: any frames, sealed as one end of a world's session would and handed
 * to the other at once. The sealing end's packet numbers go on behind them, so it lives on honestly beside
 * that. */
#ifndef SIM_FORGE_H
#define SIM_FORGE_H

#include "sim/world.h"

/* To the server as from the client's address, or to the client. What skt_session_receive says. */
int sim_forge(struct sim_world *w, bool to_server, const uint8_t *frames, size_t len);

/* To the server from another address. */
int sim_forge_from(struct sim_world *w, const struct skt_addr *from, const uint8_t *frames, size_t len);

/* Writes a segment's header and len bytes of its data (NULL: zeros). The bytes. */
size_t sim_forge_segment(uint8_t *out, const struct skt_kcp_header *h, const uint8_t *data);

#endif
