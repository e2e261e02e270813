/* SPDX-License-Identifier: MIT */
/* The demo as a whole, which its course (cmd_demo.c) and the start of its processes (demo/start.c) share. */
#ifndef SKT_DEMO_DEMO_H
#define SKT_DEMO_DEMO_H

#include "cli/janitor.h"
#include "demo/child.h"
#include "demo/config.h"
#include "demo/sockets.h"
#include "demo/stats.h"
#include "demo/view.h"

#include <signal.h>
#include <stdbool.h>

struct demo {
    struct skt_demo_link_words link;   /* what the line is told to be */
    double seconds;                    /* after which it ends, of the command line; 0: not given */
    double port;                       /* for the user, of the command line; 0: not given */
    double seed;                       /* of which packets are lost, of the command line; 0: not given */
    struct skt_demo_folder folder;     /* with the configurations of both ends */
    struct skt_demo_ports ports;       /* where its parts find each other */
    struct skt_demo_sockets fds;       /* opened before the processes are started */
    struct skt_janitor janitor;        /* cleans up, whatever the demo's end is */
    struct skt_demo_children children; /* its processes */
    struct skt_demo_stats stats;       /* what they have reported */
};

/* A signal has asked for the end. */
extern volatile sig_atomic_t skt_demo_ended_by_signal;

/* Starts all that is needed for a session, and waits until there is one. An exit status; what fails is said.
 */
int skt_demo_start_tunnel(struct demo *d);

/* Starts what loads: through the tunnel, on this machine, and in plain TCP. An exit status. */
int skt_demo_start_load(struct demo *d);

/* Takes what the processes report, waiting for up to wait_ms for the first of it. */
void skt_demo_take_reports(struct demo *d, int wait_ms);

/* Has one of the processes ended, which none should? Says so. */
bool skt_demo_has_lost_a_child(struct demo *d);

/* Prints the ends of both ends' logs. */
void skt_demo_print_logs(const struct demo *d);

#endif
