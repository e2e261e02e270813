/* SPDX-License-Identifier: MIT */
/* A status as a table for people, of 80 columns. */
#ifndef SKT_CLI_STATUS_TABLE_H
#define SKT_CLI_STATUS_TABLE_H

#include "base/format.h"
#include "cli/json.h"
#include "cli/status_items.h"

#include <stdbool.h>
#include <stdio.h>

struct skt_status_view {
    bool rates;   /* of the last second, in place of the bytes so far, which go to the lines below */
    int rows_max; /* lines at most, where sessions' can be left out; 0: no limit */
};

/* Once, with all there is. */
void skt_status_table_print(FILE *out, struct skt_json status);

/* With the sessions in their order, as the view says. */
void skt_status_table_show(FILE *out, struct skt_json status, const struct skt_status_items *sessions,
                           const struct skt_status_view *view);

#endif
