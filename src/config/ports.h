/* SPDX-License-Identifier: MIT */
/* Ports: ranges of them, and those behind a host's name. */
#ifndef SKT_CONFIG_PORTS_H
#define SKT_CONFIG_PORTS_H

#include "config/read.h"

/* A port or a range: 4000, "4000-4009"; into struct skt_config_ports. */
config_read_fn skt_config_read_port_range;

/* "host:port", "[v6]:port": the string on top of the stack. *host is on the heap, even on failure. */
void skt_config_parse_host_port(struct config_reader *r, const struct config_field *f, char **host,
                                uint16_t *port);

#endif
