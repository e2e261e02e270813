/* SPDX-License-Identifier: MIT */
/* The demo's bad line under the tunnel: a UDP relay between client and server. */
#ifndef SKT_DEMO_LINK_H
#define SKT_DEMO_LINK_H

#include "demo/line.h"

#include <stdint.h>

struct skt_demo_link_conf {
    struct skt_demo_line_conf line; /* how bad the line is */
    int client_fd;                  /* a bound UDP socket, where the client sends to */
    uint16_t server_port;           /* on 127.0.0.1 */
    int report_fd;                  /* gets a struct skt_demo_report of kind SKT_DEMO_LINE now and then */
};

/* Works until the process is ended. */
_Noreturn void skt_demo_link_run(const struct skt_demo_link_conf *conf);

#endif
