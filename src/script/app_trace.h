/* SPDX-License-Identifier: MIT */
/* The app's trace file. */
#ifndef SKT_SCRIPT_APP_TRACE_H
#define SKT_SCRIPT_APP_TRACE_H

#include <stddef.h>

struct skt_script;

/* Begins the trace that the configuration asks for, or another one than there is, and ends what it does not
 * ask for. As skt_trace_file_open; why: one line. */
int skt_script_trace_update(struct skt_script *app, char *why, size_t why_cap);
void skt_script_trace_end(struct skt_script *app);

#endif
