/* SPDX-License-Identifier: MIT */
/* The status socket of a process: its place, and who removes it. */
#ifndef SKT_CLI_RUN_STATUS_H
#define SKT_CLI_RUN_STATUS_H

#include "cli/process.h"

/* Opens the socket, where there is to be one, under another name where another instance has ours. An exit
 * status; what failed was said. */
int skt_run_open_status(struct skt_process *p);

/* Where privileges will be given up, the socket's removal needs somebody who keeps them. An exit status; what
 * failed was said. */
int skt_run_keep_a_janitor(struct skt_process *p);

/* The configuration has the place where the socket really is: state files go beside it. SKT_ERR_NOMEM. */
int skt_run_set_status_path(struct skt_config *conf, const char *path);

#endif
