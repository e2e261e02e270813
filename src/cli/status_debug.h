/* SPDX-License-Identifier: MIT */
/* What `status --debug` shows below the table: each session's path and streams, and who is held by what. */
#ifndef SKT_CLI_STATUS_DEBUG_H
#define SKT_CLI_STATUS_DEBUG_H

#include "cli/json.h"

#include <stdio.h>

enum {
    SKT_STATUS_DEBUG_ROWS = 40
}; /* streams shown of a session, those with most under way; --json has all */

/* Who writes it: skt_status_debug_show in skcptun-tools; in skcptun NULL, and the code is not there. */
extern int (*skt_status_debug)(FILE *out, struct skt_json status);

/* Writes it; SKT_ERR_NOMEM. */
int skt_status_debug_show(FILE *out, struct skt_json status);

#endif
