/* SPDX-License-Identifier: MIT */
/* What a running process does for its log: lines that were counted are told in time, and SIGUSR1 writes the
 * status. */
#ifndef SKT_CLI_RUN_LOG_H
#define SKT_CLI_RUN_LOG_H

#include "io/loop.h"

#include <stdio.h>

/* write_status(user, out) writes the status as JSON. Once in a process. */
void skt_run_log_start(struct skt_loop *loop, void (*write_status)(void *user, FILE *out), void *user);

/* No status any more; to be called before what write_status needs goes. */
void skt_run_log_stop(void);

#endif
