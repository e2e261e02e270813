/* SPDX-License-Identifier: MIT */
/* A status as a table for people. */
#ifndef SKT_CLI_STATUS_TABLE_H
#define SKT_CLI_STATUS_TABLE_H

#include "base/format.h"
#include "cli/json.h"

#include <stdio.h>

void skt_status_table_print(FILE *out, struct skt_json status);

#endif
