/* SPDX-License-Identifier: MIT */
#include "sim/trace.h"

#include "qlog/qlog.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct sim_trace {
    FILE *file;
    struct skt_qlog *qlog;
};

static bool write_record(void *user, const char *record, size_t len)
{
    return fwrite(record, 1, len, (FILE *)user) == len;
}

struct sim_trace *sim_trace_new(skt_us now, uint64_t wall_ms)
{
    const char *path = getenv("SKT_SIM_TRACE");
    if (!path || !*path)
        return NULL;
    struct sim_trace *t = calloc(1, sizeof *t);
    assert(t);
    t->file = fopen(path, "w");
    if (!t->file) {
        perror(path);
        abort();
    }
    struct skt_qlog_conf conf = {write_record, t->file, now, wall_ms, "skcptun simulator", "network"};
    int err = skt_qlog_new(&t->qlog, &conf);
    assert(!err);
    (void)err;
    return t;
}

struct skt_trace sim_trace_of(const struct sim_trace *t)
{
    return t ? skt_qlog_trace(t->qlog) : (struct skt_trace){NULL, NULL};
}

void sim_trace_free(struct sim_trace *t)
{
    if (!t)
        return;
    skt_qlog_free(t->qlog);
    (void)fclose(t->file);
    free(t);
}
