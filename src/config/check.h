/* SPDX-License-Identifier: MIT */
/* What the fields of a configuration must be to each other, and what is to be said about it. */
#ifndef SKT_CONFIG_CHECK_H
#define SKT_CONFIG_CHECK_H

#include "config/read.h"

/* The top's fields are read: finds the script, sets what depends on the file's name. */
void skt_config_check_top(struct config_reader *r);

/* The mode's table is read and on top of the stack. */
void skt_config_check_mode(struct config_reader *r);

/* Adds a warning that others can read the file: chmod 600. SKT_ERR_NOMEM. */
int skt_config_warn_readable(struct skt_config *conf);

#endif
