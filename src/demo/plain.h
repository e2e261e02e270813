/* SPDX-License-Identifier: MIT */
/* The demo's comparison: the same load in the system's own TCP, without the tunnel, over a line of its own
 * that is as bad. A UDP relay can't show that, since a relay of TCP would acknowledge in the target's stead;
 * so the segments themselves must be lost. The process makes a network namespace with a TUN device, for which
 * it needs no root where user namespaces and /dev/net/tun are open to all; a web server and the load in the
 * namespace then speak to each other through the device, whose packets cross the line one by one. */
#ifndef SKT_DEMO_PLAIN_H
#define SKT_DEMO_PLAIN_H

#include "demo/line.h"

struct skt_demo_plain_conf {
    struct skt_demo_line_conf line; /* how bad the line is */
    int report_fd; /* gets struct skt_demo_report of way SKT_DEMO_PLAIN: SKT_DEMO_UP or SKT_DEMO_DOWN first */
};

/* Works until the process is ended; where it can't be done here it says so in a report, and does nothing. */
_Noreturn void skt_demo_plain_run(const struct skt_demo_plain_conf *conf);

#endif
