/* SPDX-License-Identifier: MIT */
/* What the demo opens before it starts its processes, which inherit it. */
#ifndef SKT_DEMO_SOCKETS_H
#define SKT_DEMO_SOCKETS_H

#include "demo/config.h"

#include <stdint.h>

struct skt_demo_sockets {
    int target_fd;             /* the web server listens on it */
    int link_fd;               /* UDP, where the client sends to */
    int report_in, report_out; /* ends of the pipe for struct skt_demo_report */
};

/* Opens them on loopback and fills in the ports. The client's is `wanted`; for 0 it is 8080, or where that is
 * taken a free one. An exit status; what fails is reported. */
int skt_demo_sockets_open(struct skt_demo_sockets *s, struct skt_demo_ports *ports, uint16_t wanted);

#endif
