/* SPDX-License-Identifier: MIT */
/* Which addresses a server connects to for its clients: `relay_tcp` of a tun_server and of its tickets. */
#ifndef SKT_CONFIG_READ_RELAY_H
#define SKT_CONFIG_READ_RELAY_H

#include "config/read.h"

config_read_fn skt_config_read_relay; /* into struct skt_config_relay */

#endif
