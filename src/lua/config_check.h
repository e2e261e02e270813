/* SPDX-License-Identifier: MIT */
/* What the fields of a configuration must be to each other, and what is to be said about it. */
#ifndef SKT_LUA_CONFIG_CHECK_H
#define SKT_LUA_CONFIG_CHECK_H

#include "lua/config_read.h"

/* The top's fields are read: finds the script, sets what depends on the file's name. */
void config_check_top(struct config_reader *r);

/* The mode's table is read and on top of the stack. */
void config_check_mode(struct config_reader *r);

/* Part of it: addresses and networks (config_check_tun.c). */
void config_check_tun(struct config_reader *r);

/* SKT_ERR_NOMEM. */
int config_warn_readable(struct skt_config *conf);

#endif
