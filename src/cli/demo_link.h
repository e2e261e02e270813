/* SPDX-License-Identifier: MIT */
/* The demo's bad line: a UDP relay between client and server that limits the rate, loses and delays, in this
 * order, the same in each direction. Seeded: the same packets are lost in every run with as many of them. */
#ifndef SKT_CLI_DEMO_LINK_H
#define SKT_CLI_DEMO_LINK_H

#include "base/addr.h"

#include <stdint.h>

struct skt_demo_link_conf {
    double loss;      /* share of the packets lost each way, 0..1 */
    double delay_s;   /* one way */
    double rate_mbit; /* each way, with a buffer of 100 ms; 0: no limit */
    uint64_t seed;
    int client_fd;        /* a bound UDP socket, where the client sends to */
    uint16_t server_port; /* on 127.0.0.1 */
    int report_fd;        /* gets a struct skt_demo_report of kind SKT_DEMO_LINK now and then */
};

/* Works until the process is ended. */
_Noreturn void skt_demo_link_run(const struct skt_demo_link_conf *conf);

#endif
