/* SPDX-License-Identifier: MIT */
/* What the settings of the TUN modes must be to each other. Each for skt_config_try, arg unused. */
#ifndef SKT_CONFIG_CHECK_TUN_H
#define SKT_CONFIG_CHECK_TUN_H

#include "config/read.h"

/* The TUN's own addresses, MTU and name, and the tickets' addresses in its network. */
void skt_config_check_tun(struct config_reader *r, void *arg);

/* Lists of networks: routes, dns, the subnets of tickets. */
void skt_config_check_nets(struct config_reader *r, void *arg);

/* The programs of up and down. */
void skt_config_check_hooks(struct config_reader *r, void *arg);

#endif
