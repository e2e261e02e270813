/* SPDX-License-Identifier: MIT */
/* What is told of a path (proto/trace.h), where that costs more to find out than to tell. */
#ifndef SKT_PROTO_PATH_TELL_H
#define SKT_PROTO_PATH_TELL_H

#include "proto/path/path.h"

void skt_path_tell_metrics(const struct skt_path *p, skt_us now);
void skt_path_tell_segment(const struct skt_path *p, skt_us now, const struct skt_segment *seg,
                           enum skt_trace_cause cause);
void skt_path_tell_lost(const struct skt_path *p, skt_us now, const struct skt_segment *seg,
                        enum skt_trace_loss how);

static inline bool skt_path_is_traced(const struct skt_path *p)
{
    return __builtin_expect(p->trace.on != NULL, 0);
}

static inline void skt_path_trace_metrics(const struct skt_path *p, skt_us now)
{
    if (skt_path_is_traced(p))
        skt_path_tell_metrics(p, now);
}

#endif
