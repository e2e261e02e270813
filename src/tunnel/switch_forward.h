/* SPDX-License-Identifier: MIT */
/* Where a packet goes: from the TUN to a session, from a session to the TUN or to another session. */
#ifndef SKT_TUNNEL_SWITCH_FORWARD_H
#define SKT_TUNNEL_SWITCH_FORWARD_H

#include "tunnel/switch_port.h"

/* A packet from the TUN. */
void skt_switch_from_device(struct skt_switch *sw, struct skt_tun_packet *p);

/* A message from a port's session, whatever it holds. */
void skt_switch_from_session(struct skt_switch_port *port, skt_us now, uint8_t *message, size_t len);

/* Writes what was joined for the TUN: whoever reads messages calls it behind the last one. */
void skt_switch_flush(struct skt_switch *sw);

#endif
