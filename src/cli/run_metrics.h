/* SPDX-License-Identifier: MIT */
/* The metrics, the state of health and the status page of a process, on metrics_addr. */
#ifndef SKT_CLI_RUN_METRICS_H
#define SKT_CLI_RUN_METRICS_H

#include "cli/process.h"

/* Opens the socket, where there is to be one. An exit status; what failed was said. */
int skt_run_open_metrics(struct skt_process *p);

/* Answers from now on: there is a p->app. */
void skt_run_serve_metrics(struct skt_process *p);

/* The configuration may have another address. Where nobody can listen there, what was stays, and it is said.
 */
void skt_run_move_metrics(struct skt_process *p);

void skt_run_close_metrics(struct skt_process *p);

#endif
