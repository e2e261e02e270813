/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "proto/session/session.h"
#include "qlog/qlog_internal.h"

#include <inttypes.h>
#include <stdlib.h>

/* Metrics change with each acknowledgement; nobody sees more than this in a picture. A change of phase is
 * written at once. */
#define METRICS_TIME (2 * SKT_US_PER_MS)

#define QUEUE_TIME (5 * SKT_US_PER_MS) /* the same of what waits in a queue */

/* --- a session's life --- */

static void *on_begin(void *user, skt_us now, bool client)
{
    struct skt_qlog *q = user;
    struct skt_qlog_session *s = q->over ? NULL : calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->qlog = q;
    s->number = ++q->last_number;
    s->limit = -1;
    skt_list_init(&s->link);
    skt_list_append(&q->sessions, &s->link);
    skt_qlog_put(s, now, "session_started", "\"role\":\"%s\"", client ? "client" : "server");
    return s;
}

static void on_end(void *user, skt_us now)
{
    struct skt_qlog_session *s = user;
    skt_qlog_put(s, now, "session_ended", "%s", "");
    skt_list_remove(&s->link);
    free(s);
}

static void on_state(void *user, skt_us now, int state, uint32_t cid, int reason)
{
    const char *name = skt_session_state_str((enum skt_session_state)state);
    if (state == SKT_SESSION_CLOSED)
        skt_qlog_put(user, now, "state_updated", "\"new\":\"%s\",\"cid\":%" PRIu32 ",\"reason\":%d", name,
                     cid, reason);
    else
        skt_qlog_put(user, now, "state_updated", "\"new\":\"%s\",\"cid\":%" PRIu32, name, cid);
}

static void on_keys(void *user, skt_us now, enum skt_trace_keys what, const char *cipher)
{
    skt_qlog_put(user, now, "keys_updated", "\"what\":\"%s\",\"cipher\":\"%s\"", skt_trace_keys_str(what),
                 cipher);
}

static void on_path(void *user, skt_us now, const struct skt_addr *peer)
{
    char text[SKT_ADDR_TEXT_MAX];
    skt_qlog_put(user, now, "path_updated", "\"peer\":\"%s\"", skt_addr_text(peer, text));
}

static void on_mtu(void *user, skt_us now, size_t mtu)
{
    skt_qlog_put(user, now, "mtu_updated", "\"mtu\":%zu", mtu);
}

/* --- datagrams --- */

static void on_sent(void *user, skt_us now, size_t len, enum skt_trace_datagram what)
{
    skt_qlog_put(user, now, "datagram_sent", "\"length\":%zu,\"type\":\"%s\"", len,
                 skt_trace_datagram_str(what));
}

static void on_received(void *user, skt_us now, size_t len)
{
    skt_qlog_put(user, now, "datagram_received", "\"length\":%zu", len);
}

static void on_dropped(void *user, skt_us now, size_t len, int err)
{
    skt_qlog_put(user, now, "datagram_dropped", "\"length\":%zu,\"reason\":\"%s\"", len, skt_err_str(err));
}

/* --- segments --- */

static void on_segment(void *user, skt_us now, const struct skt_trace_segment *seg)
{
    skt_qlog_put(user, now, "segment_sent",
                 "\"conv\":%" PRIu32 ",\"sn\":%" PRIu32 ",\"length\":%u,\"cause\":\"%s\"", seg->conv, seg->sn,
                 seg->len, skt_trace_cause_str((enum skt_trace_cause)seg->cause));
}

static void on_acked(void *user, skt_us now, size_t bytes, uint64_t rate)
{
    skt_qlog_put(user, now, "acked", "\"bytes\":%zu,\"rate\":%" PRIu64, bytes, rate);
}

static void on_lost(void *user, skt_us now, const struct skt_trace_segment *seg, enum skt_trace_loss how)
{
    skt_qlog_put(user, now, "segment_lost",
                 "\"conv\":%" PRIu32 ",\"sn\":%" PRIu32 ",\"length\":%u,\"trigger\":\"%s\"", seg->conv,
                 seg->sn, seg->len, skt_trace_loss_str(how));
}

static void on_spurious(void *user, skt_us now, uint32_t conv, uint32_t sn)
{
    skt_qlog_put(user, now, "spurious_loss", "\"conv\":%" PRIu32 ",\"sn\":%" PRIu32, conv, sn);
}

static void on_timeout(void *user, skt_us now, unsigned count)
{
    skt_qlog_put(user, now, "timeout", "\"kind\":\"%s\",\"count\":%u", count > 1 ? "rto" : "probe", count);
}

static unsigned fraction(skt_us us)
{
    return (unsigned)(us % 1000);
}

static void on_metrics(void *user, skt_us now, const struct skt_trace_metrics *m)
{
    struct skt_qlog_session *s = user;
    bool turned = !s->told_any || s->told.phase != m->phase;
    if (!turned && now < s->told_at + METRICS_TIME)
        return;
    if (turned)
        skt_qlog_put(s, now, "phase_updated", "\"new\":\"%s\"", m->phase);
    s->told = *m;
    s->told_at = now;
    s->told_any = true;
    skt_qlog_put(s, now, "metrics_updated",
                 "\"cwnd\":%zu,\"inflight\":%zu,\"pacing_rate\":%" PRIu64 ",\"delivered\":%" PRIu64
                 ",\"smoothed_rtt\":%" PRIu64 ".%03u,\"min_rtt\":%" PRIu64 ".%03u,\"latest_rtt\":%" PRIu64
                 ".%03u,\"rtt_variance\":%" PRIu64 ".%03u",
                 m->cwnd, m->inflight, m->pacing_rate, m->delivered, (uint64_t)(m->srtt / 1000),
                 fraction(m->srtt), (uint64_t)(m->min_rtt / 1000), fraction(m->min_rtt),
                 (uint64_t)(m->latest_rtt / 1000), fraction(m->latest_rtt), (uint64_t)(m->rttvar / 1000),
                 fraction(m->rttvar));
}

static void on_limit(void *user, skt_us now, enum skt_trace_limit what)
{
    struct skt_qlog_session *s = user;
    if (s->limit == (int)what)
        return;
    s->limit = (int)what;
    skt_qlog_put(s, now, "limit_updated", "\"new\":\"%s\"", skt_trace_limit_str(what));
}

/* Drops and marks at once, what waits now and then. */
static void on_queue(void *user, skt_us now, const struct skt_trace_queue *q)
{
    struct skt_qlog_session *s = user;
    bool acted = q->dropped != s->queue.dropped || q->marked != s->queue.marked;
    bool moved = q->bytes != s->queue.bytes && now >= s->queue_at + QUEUE_TIME;
    if (!acted && !moved)
        return;
    s->queue = *q;
    s->queue_at = now;
    skt_qlog_put(s, now, "queue_updated",
                 "\"bytes\":%zu,\"packets\":%" PRIu32 ",\"dropped\":%" PRIu64 ",\"marked\":%" PRIu64,
                 q->bytes, q->packets, q->dropped, q->marked);
}

/* --- parity, streams --- */

static void on_group(void *user, skt_us now, const struct skt_trace_group *g)
{
    skt_qlog_put(user, now, "parity_group", "\"data\":%u,\"parity\":%u,\"length\":%u", g->data, g->parity,
                 g->len);
}

static void on_recovered(void *user, skt_us now, unsigned packets)
{
    skt_qlog_put(user, now, "parity_recovered", "\"packets\":%u", packets);
}

static void on_mended(void *user, skt_us now, uint32_t packets)
{
    skt_qlog_put(user, now, "parity_mended", "\"packets\":%" PRIu32, packets);
}

static void on_opened(void *user, skt_us now, uint32_t conv, bool by_peer)
{
    skt_qlog_put(user, now, "stream_opened", "\"conv\":%" PRIu32 ",\"by\":\"%s\"", conv,
                 by_peer ? "peer" : "us");
}

static void on_closed(void *user, skt_us now, uint32_t conv, bool reset, int reason)
{
    if (reset)
        skt_qlog_put(user, now, "stream_closed", "\"conv\":%" PRIu32 ",\"reset\":%d", conv, reason);
    else
        skt_qlog_put(user, now, "stream_closed", "\"conv\":%" PRIu32, conv);
}

const struct skt_trace_events skt_qlog_events = {
    .begin = on_begin,
    .end = on_end,
    .state = on_state,
    .keys = on_keys,
    .path = on_path,
    .mtu = on_mtu,
    .sent = on_sent,
    .received = on_received,
    .dropped = on_dropped,
    .segment = on_segment,
    .acked = on_acked,
    .lost = on_lost,
    .spurious = on_spurious,
    .timeout = on_timeout,
    .metrics = on_metrics,
    .limit = on_limit,
    .queue = on_queue,
    .group = on_group,
    .recovered = on_recovered,
    .mended = on_mended,
    .opened = on_opened,
    .closed = on_closed,
};
