/* SPDX-License-Identifier: MIT */
/* metrics_addr: ":9100" (this machine alone, by IPv4), "ADDRESS:9100" or "[IPv6]:9100". */
#ifndef SKT_CONFIG_METRICS_H
#define SKT_CONFIG_METRICS_H

#include "base/addr.h"
#include "config/read.h"

/* Reads it. SKT_ERR_ARG. */
int skt_config_metrics_addr(const char *text, struct skt_addr *out);

/* Is it right, and of this machine alone? For skt_config_try, arg unused. */
void skt_config_check_metrics(struct config_reader *r, void *arg);

#endif
