/* SPDX-License-Identifier: MIT */
/* The root of a configuration: what the file has left in the sandbox becomes struct skt_config. */
#ifndef SKT_CONFIG_ROOT_H
#define SKT_CONFIG_ROOT_H

#include "config/read.h"

/* Reads the environment that is on top of the stack, and checks it; takes it off. SKT_OK; SKT_ERR_ARG: why
 * has the first mistake, `problems` (may be NULL) all of them; SKT_ERR_NOMEM. */
int skt_config_read_root(struct config_reader *r, char *why, size_t why_cap,
                         struct skt_config_strings *problems);

#endif
