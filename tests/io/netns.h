/* SPDX-License-Identifier: MIT */
/* A network namespace for the test process alone. */
#ifndef SKT_TESTS_NETNS_H
#define SKT_TESTS_NETNS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/net.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Enters a new one with the loopback up; false (and says why): these tests can't run here. */
static inline bool netns_enter(void)
{
    const char *why = NULL;
    if (geteuid() != 0)
        why = "needs root";
    else if (access("/dev/net/tun", R_OK | W_OK) != 0)
        why = "needs /dev/net/tun";
    else if (unshare(CLONE_NEWNET) != 0)
        why = "may not make network namespaces";
    else if (skt_net_link_set("lo", 0, true) != 0)
        why = "rtnetlink does not work here";
    if (why)
        fprintf(stderr, "left out: %s\n", why);
    return why == NULL;
}

#endif
