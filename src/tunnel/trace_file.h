/* SPDX-License-Identifier: MIT */
/* The file that a trace is written to (trace_file): qlog/qlog.h, a bounded size, never a wait for anything
 * but the system's own buffers. What can't be written ends the trace, and is said once. */
#ifndef SKT_TUNNEL_TRACE_FILE_H
#define SKT_TUNNEL_TRACE_FILE_H

#include "io/loop.h"
#include "io/statefile.h"
#include "proto/trace.h"

struct skt_trace_file;

struct skt_trace_file_conf {
    const char *path;    /* copied */
    uint64_t max;        /* bytes; the first record behind them ends the trace */
    const char *title;   /* of the first record; see skt_qlog_conf */
    const char *vantage; /* of the first record; see skt_qlog_conf */
};

/* Makes the file (0600), or begins it anew where it is a trace already or is empty. SKT_ERR_AUTH: it is
 * something else, or others can exchange it (io/statefile.h); SKT_ERR_IO (errno); why: one line for both.
 * SKT_ERR_NOMEM. */
int skt_trace_file_open(struct skt_trace_file **out, struct skt_loop *loop,
                        const struct skt_trace_file_conf *conf, char why[SKT_STATEFILE_WHY_MAX]);

/* Writes what is left. Nobody may tell it anything any more. NULL is allowed. */
void skt_trace_file_close(struct skt_trace_file *f);

/* For skt_endpoint_set_trace; f NULL: nobody. */
struct skt_trace skt_trace_file_trace(const struct skt_trace_file *f);

/* Does it write there still? False where f is NULL, or the trace has ended. */
bool skt_trace_file_is(const struct skt_trace_file *f, const char *path, uint64_t max);

#endif
