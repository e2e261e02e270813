/* SPDX-License-Identifier: MIT */
/* The demo's processes. Each is ended by the kernel when the demo is (Linux), or else by the janitor. */
#ifndef SKT_DEMO_CHILD_H
#define SKT_DEMO_CHILD_H

#include "cli/janitor.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SKT_DEMO_CHILDREN_MAX = 8 }; /* web server, line, two ends, two loads, plain TCP; one to spare */

struct skt_demo_child {
    pid_t pid;        /* 0: has ended */
    const char *name; /* in words, for who is told of its end */
    char log[128];    /* its log file, or "" */
};

struct skt_demo_children {
    struct skt_demo_child list[SKT_DEMO_CHILDREN_MAX]; /* in the order of their start */
    size_t count;                                      /* of them, those that have ended included */
    struct skt_janitor *janitor;                       /* ends them where the demo can't */
};

/* Forks a process that runs fn(user). SKT_ERR_IO. */
int skt_demo_child_fork(struct skt_demo_children *c, const char *name, void (*fn)(void *user), void *user);

/* Starts this program again as `skcptun CONFIG`, with its output in a log file. SKT_ERR_IO. */
int skt_demo_child_run(struct skt_demo_children *c, const char *name, const char *config, const char *log);

/* The first child found to have ended since the last call, with its wait status; NULL: all are alive. */
const struct skt_demo_child *skt_demo_child_ended(struct skt_demo_children *c, int *wait_status);

/* Prints the last lines of a child's log to stderr. */
void skt_demo_child_print_log(const struct skt_demo_child *child);

/* Ends all of them, by force where one takes longer than two seconds. */
void skt_demo_children_end(struct skt_demo_children *c);

#endif
