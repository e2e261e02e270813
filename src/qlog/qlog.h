/* SPDX-License-Identifier: MIT */
/* A trace as text: the events of proto/trace.h as JSON text sequences (RFC 7464), after
 * draft-ietf-quic-qlog-main-schema, with events of our own in the namespace "skcptun" (doc/trace.md). Any
 * number of sessions in one trace, told apart by group_id. libc only: the text goes to a sink. */
#ifndef SKT_QLOG_QLOG_H
#define SKT_QLOG_QLOG_H

#include "proto/trace.h"

/* Bytes of a record, at most; one of metrics has 365 where all its numbers are as large as can be. */
enum { SKT_QLOG_RECORD_MAX = 512 };

struct skt_qlog;

struct skt_qlog_conf {
    /* Takes one record, whole, its separators included. False: no more is to be written, ever. */
    bool (*write)(void *user, const char *record, size_t len);
    void *user;          /* handed to write */
    skt_us started;      /* time 0 of the trace, of the clock that `now` is of */
    uint64_t wall_ms;    /* that moment on the wall clock, ms since 1970 */
    const char *title;   /* of the file, without anything that JSON would escape */
    const char *vantage; /* who looks: "client", "server", "network" */
};

/* Writes the first record. SKT_ERR_NOMEM, SKT_ERR_FULL (the sink took nothing). */
int skt_qlog_new(struct skt_qlog **out, const struct skt_qlog_conf *conf);

/* No session may have its trace any more: skt_session_set_trace. NULL is allowed. */
void skt_qlog_free(struct skt_qlog *q);

/* For skt_context.trace. */
struct skt_trace skt_qlog_trace(struct skt_qlog *q);

#endif
