/* SPDX-License-Identifier: MIT */
/* The format of the original's last version: no mode, everything in one table (tun_ip, tcp_servers,
 * tcp_clients, skcp_servers, skcp_clients), and the mode told by the name of script_file. */
#ifndef SKT_CONFIG_FLAT_H
#define SKT_CONFIG_FLAT_H

#include "config/read.h"

/* The table `config` is on top of the stack: where it has no mode but these fields, it gets the mode and its
 * table from them, with a warning; fails in words where the mode can't be told. Else nothing happens. */
void skt_config_take_flat(struct config_reader *r);

#endif
