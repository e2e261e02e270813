/* SPDX-License-Identifier: MIT */
/* The server's way to a target; a relay has one only while it lasts. */
#ifndef SKT_TUNNEL_RELAY_CONNECT_H
#define SKT_TUNNEL_RELAY_CONNECT_H

#include "io/dial.h"

struct skt_relay_connect {
    struct skt_dial dial; /* under way */
    char *host;           /* as the configuration has it */
    uint16_t port;        /* of the target, at that host */
};

#endif
