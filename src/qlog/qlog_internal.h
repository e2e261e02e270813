/* SPDX-License-Identifier: MIT */
/* Between qlog.c, the file and its records, and qlog_events.c, what is written of each event. */
#ifndef SKT_QLOG_QLOG_INTERNAL_H
#define SKT_QLOG_QLOG_INTERNAL_H

#include "base/list.h"
#include "qlog/qlog.h"

#include <stdbool.h>
#include <stdint.h>

struct skt_qlog {
    struct skt_qlog_conf conf; /* as given */
    struct skt_list sessions;  /* that have begun and not ended */
    uint32_t last_number;      /* of a session */
    skt_us at;                 /* time of the last record: it does not go back */
    bool over;                 /* the sink takes no more */
};

/* What a session's events go to. */
struct skt_qlog_session {
    struct skt_list link;          /* in qlog->sessions */
    struct skt_qlog *qlog;         /* whose it is */
    uint32_t number;               /* its group_id */
    bool told_any;                 /* metrics were written */
    struct skt_trace_metrics told; /* the last that were */
    skt_us told_at;                /* when */
    int limit;                     /* enum skt_trace_limit, as written last; -1: not yet */
    struct skt_trace_queue queue;  /* as written last */
    skt_us queue_at;               /* when */
};

extern const struct skt_trace_events skt_qlog_events;

/* Writes {"time":…,"name":"skcptun:NAME","group_id":"N","data":{FORMAT}}. */
void skt_qlog_put(struct skt_qlog_session *s, skt_us now, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
