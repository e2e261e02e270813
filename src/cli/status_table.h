/* SPDX-License-Identifier: MIT */
/* A status as a table for people. */
#ifndef SKT_CLI_STATUS_TABLE_H
#define SKT_CLI_STATUS_TABLE_H

#include "cli/json.h"

#include <stdio.h>

enum { SKT_FORMAT_MAX = 32 }; /* room for a formatted number, the end included */

void skt_status_table_print(FILE *out, struct skt_json status);

/* 1234567 bytes: "1.2 MB"; returns buf. */
const char *skt_format_bytes(double bytes, char buf[SKT_FORMAT_MAX]);

/* 3725 s: "1h02m"; returns buf. */
const char *skt_format_duration(double seconds, char buf[SKT_FORMAT_MAX]);

#endif
