/* SPDX-License-Identifier: MIT */
/* What the fields of a configuration must be to each other, and what is to be said about it. */
#ifndef SKT_CONFIG_CHECK_H
#define SKT_CONFIG_CHECK_H

#include "config/read.h"

/* The top's fields are read: finds the script, sets what depends on the file's name. */
void skt_config_check_top(struct config_reader *r);

/* The mode's table is read and on top of the stack. */
void skt_config_check_mode(struct config_reader *r);

/* Parts of it, each for skt_config_try: listeners, entries and targets (config/check_address.c), */
void skt_config_add_first_listener(struct config_reader *r, void *arg);
void skt_config_check_listeners(struct config_reader *r, void *arg);
void skt_config_check_addresses(struct config_reader *r, void *arg);
void skt_config_check_ports(struct config_reader *r, void *arg);
void skt_config_check_target(struct config_reader *r, void *arg);

/* the TUN's addresses, lists of networks, its programs and name (config/check_tun.c). */
void skt_config_check_tun(struct config_reader *r, void *arg);
void skt_config_check_nets(struct config_reader *r, void *arg);
void skt_config_check_hooks(struct config_reader *r, void *arg);

/* SKT_ERR_NOMEM. */
int skt_config_warn_readable(struct skt_config *conf);

#endif
