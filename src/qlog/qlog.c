/* SPDX-License-Identifier: MIT */
#include "qlog/qlog_internal.h"

#include "base/err.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RECORD_BEGIN '\x1e' /* RFC 7464, 2.1 */

/* --- records --- */

static void give(struct skt_qlog *q, char *record, size_t cap, size_t len)
{
    if (q->over || len + 1 >= cap) /* one that is too long would not be JSON */
        return;
    record[len++] = '\n';
    q->over = !q->conf.write(q->conf.user, record, len);
}

void skt_qlog_put(struct skt_qlog_session *s, skt_us now, const char *name, const char *format, ...)
{
    struct skt_qlog *q = s->qlog;
    char record[SKT_QLOG_RECORD_MAX];
    if (q->over)
        return;
    q->at = skt_us_max(q->at, now);
    skt_us at = q->at - q->conf.started; /* ms, as the draft has them */
    int n = snprintf(record, sizeof record,
                     "%c{\"time\":%" PRIu64 ".%03u,\"name\":\"skcptun:%s\",\"group_id\":\"%" PRIu32
                     "\",\"data\":{",
                     RECORD_BEGIN, (uint64_t)(at / 1000), (unsigned)(at % 1000), name, s->number);
    va_list args;
    va_start(args, format);
    n += vsnprintf(record + n, sizeof record - (size_t)n, format, args);
    va_end(args);
    if ((size_t)n + 3 >= sizeof record)
        return;
    record[n++] = '}';
    record[n++] = '}';
    give(q, record, sizeof record, (size_t)n);
}

static bool put_header(struct skt_qlog *q)
{
    char record[2 * SKT_QLOG_RECORD_MAX], when[32] = "";
    time_t seconds = (time_t)(q->conf.wall_ms / 1000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc))
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    int n =
        snprintf(record, sizeof record,
                 "%c{\"file_schema\":\"urn:ietf:params:qlog:file:sequential\","
                 "\"serialization_format\":\"application/qlog+json-seq\",\"title\":\"%s\",\"trace\":{"
                 "\"common_fields\":{\"time_format\":\"relative_to_epoch\",\"reference_time\":{"
                 "\"clock_type\":\"monotonic\",\"epoch\":\"unknown\",\"wall_clock_time\":\"%s.%03uZ\"}},"
                 "\"vantage_point\":{\"type\":\"%s\"},\"event_schemas\":[\"urn:skcptun:qlog:events:1\"]}}",
                 RECORD_BEGIN, q->conf.title, when, (unsigned)(q->conf.wall_ms % 1000), q->conf.vantage);
    if (n > 0 && (size_t)n < sizeof record)
        give(q, record, sizeof record, (size_t)n);
    return !q->over;
}

/* --- life --- */

int skt_qlog_new(struct skt_qlog **out, const struct skt_qlog_conf *conf)
{
    struct skt_qlog *q = calloc(1, sizeof *q);
    if (!q)
        return SKT_ERR_NOMEM;
    q->conf = *conf;
    q->at = conf->started;
    skt_list_init(&q->sessions);
    if (!put_header(q)) {
        free(q);
        return SKT_ERR_FULL;
    }
    *out = q;
    return SKT_OK;
}

void skt_qlog_free(struct skt_qlog *q)
{
    if (!q)
        return;
    while (!skt_list_empty(&q->sessions)) {
        struct skt_qlog_session *s = SKT_CONTAINER(q->sessions.next, struct skt_qlog_session, link);
        skt_list_remove(&s->link);
        free(s);
    }
    free(q);
}

struct skt_trace skt_qlog_trace(struct skt_qlog *q)
{
    return (struct skt_trace){&skt_qlog_events, q};
}
