/* SPDX-License-Identifier: MIT */
/* `relay_tcp` of a client: TCP that its TUN has goes in streams, where that can be had. */
#ifndef SKT_SCRIPT_TUN_TAKER_H
#define SKT_SCRIPT_TUN_TAKER_H

struct skt_script_tun_unit;

/* Client: with relay_tcp TCP is taken out of the interface from now on; where it can't be had, the log says
 * so. */
void skt_script_tun_unit_start_taker(struct skt_script_tun_unit *u);

#endif
