/* SPDX-License-Identifier: MIT */
/* Reading the configuration, at the start and again. */
#ifndef SKT_CLI_RUN_RELOAD_H
#define SKT_CLI_RUN_RELOAD_H

#include "cli/process.h"

/* Reads what the process's source names, by way of the opener where it runs. As skt_config_load. */
int skt_run_read_config(struct skt_process *p, struct skt_config **out, char *why, size_t cap);

/* Logs what the configuration is warned of. */
void skt_run_log_warnings(const struct skt_config *conf);

/* SIGHUP: takes over what can change, names what can't, opens the log anew. On a mistake nothing is changed.
 */
void skt_run_reload(struct skt_process *p);

#endif
