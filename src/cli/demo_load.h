/* SPDX-License-Identifier: MIT */
/* The demo's load: real HTTP over plain sockets, with and without the tunnel in between. */
#ifndef SKT_CLI_DEMO_LOAD_H
#define SKT_CLI_DEMO_LOAD_H

#include <stdint.h>

/* Gets a small answer ten times a second, each on a connection of its own, directly and through the tunnel,
 * and reports how long each took, the connection included. */
_Noreturn void skt_demo_load_gets(uint16_t direct_port, uint16_t tunnel_port, int report_fd);

/* Downloads through the tunnel one after the other, 64 KiB at first and then more up to 16 MiB, comparing
 * every byte. */
_Noreturn void skt_demo_load_downloads(uint16_t tunnel_port, int report_fd);

#endif
