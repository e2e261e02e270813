/* SPDX-License-Identifier: MIT */
/* What the addresses and ports of a mode must be to each other: listeners, entries, the target. Each for
 * skt_config_try, arg unused. */
#ifndef SKT_CONFIG_CHECK_ADDRESS_H
#define SKT_CONFIG_CHECK_ADDRESS_H

#include "config/read.h"

/* tcp_listen_addr and tcp_listen_port become the first listener: before all others. */
void skt_config_add_first_listener(struct config_reader *r, void *arg);

void skt_config_check_listeners(struct config_reader *r, void *arg);
void skt_config_check_addresses(struct config_reader *r, void *arg);

/* Two of the server's own entries can't have one port. */
void skt_config_check_ports(struct config_reader *r, void *arg);

/* Warns of a server that a client has twice. */
void skt_config_check_twice(struct config_reader *r, void *arg);

/* tcp_target_addr and tcp_target_port: both or none. */
void skt_config_check_target(struct config_reader *r, void *arg);

#endif
