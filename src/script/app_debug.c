/* SPDX-License-Identifier: MIT */
/* What `status --debug` adds to a session: its path, its queue and each of its streams, with who is held and
 * why. At most SKT_DEBUG_STREAMS_MAX streams in an answer, those with something under way first. */
#include "script/app_debug.h"
#include "proto/kcp/turns.h"

#include "script/state.h"
#include "script/tun.h"

#include <inttypes.h>
#include <stdio.h>

/* One answer being written. */
struct debug {
    FILE *out;      /* where it goes */
    skt_us now;     /* the time that it tells of */
    unsigned left;  /* streams that it may still have */
    unsigned shown; /* of this session, so far */
};

static void write_name(FILE *out, const char *name, const char *text)
{
    if (text)
        fprintf(out, "\"%s\":\"%s\",", name, text);
    else
        fprintf(out, "\"%s\":null,", name);
}

/* Target names are what the configuration's owner or a client chose: only what needs no escape is shown. */
static void write_target(FILE *out, const char *target)
{
    if (!target) {
        write_name(out, "target", NULL);
        return;
    }
    fputs("\"target\":\"", out);
    for (; *target; target++)
        (void)fputc(*target < 0x20 || *target > 0x7e || *target == '"' || *target == '\\' ? '?' : *target,
                    out);
    fputs("\",", out);
}

static bool is_busy(const struct skt_kcp_view *v, const struct skt_stream_look *look)
{
    return v->una != v->end || v->unread > 0 || v->behind_gap > 0 || v->out || look->in || look->unread;
}

static void write_stream(struct debug *d, const char *kind, const char *by, const struct skt_kcp_view *v,
                         const struct skt_stream_look *look)
{
    FILE *out = d->out;
    enum skt_hold in = look->in ? look->in : v->in;
    if (!in && v->unread > 0)
        in = SKT_HOLD_READER;
    fprintf(out, "%s{\"conv\":%" PRIu32 ",\"kind\":\"%s\",", d->shown > 0 ? "," : "", v->conv, kind);
    write_name(out, "by", by);
    write_name(out, "state", look->state);
    write_target(out, look->target);
    if (look->active)
        fprintf(out, "\"idle_s\":%" PRIu64 ".%03u,", (uint64_t)((d->now - look->active) / SKT_US_PER_SEC),
                (unsigned)((d->now - look->active) / 1000 % 1000));
    else
        write_name(out, "idle_s", NULL);
    fprintf(out,
            "\"una\":%" PRIu32 ",\"nxt\":%" PRIu32 ",\"end\":%" PRIu32 ",\"peer_window\":%" PRIu32
            ",\"inflight_bytes\":%zu,\"unsent_bytes\":%zu,",
            v->una, v->nxt, v->end, v->peer_window, v->inflight, v->unsent);
    write_name(out, "held_out", skt_hold_str(v->out));
    fprintf(out,
            "\"tcp_waits\":%s,\"read\":%" PRIu32 ",\"got\":%" PRIu32 ",\"window\":%" PRIu32
            ",\"unread_bytes\":%zu,\"behind_gap\":%" PRIu32 ",",
            look->unread ? "true" : "false", v->read, v->got, v->window, v->unread, v->behind_gap);
    write_name(out, "held_in", skt_hold_str(in));
    fprintf(out, "\"busy\":%s}", is_busy(v, look) ? "true" : "false");
    d->shown++;
    d->left--;
}

/* Streams of one sort, busy or not; how many were left out. */
static uint32_t write_streams(struct debug *d, const struct skt_session *s, bool busy)
{
    uint32_t pos = 0, left_out = 0;
    for (struct skt_stream *st; (st = skt_session_stream_at(s, &pos)) != NULL;) {
        struct skt_stream_look look = {.state = st->reset    ? "reset"
                                                : st->opened ? "open"
                                                             : "opening",
                                       .target = st->name};
        const struct skt_stream_owner *owner = st->user;
        struct skt_kcp_view v;
        if (!busy && d->left == 0) {
            left_out++; /* the second round: what it would cost to look at them is saved */
            continue;
        }
        if (owner && owner->look)
            owner->look(owner, &look);
        skt_kcp_look(&st->kcp, &v);
        if (is_busy(&v, &look) != busy)
            continue;
        if (d->left > 0)
            write_stream(d, "stream", st->by_peer ? "peer" : "us", &v, &look);
        else
            left_out++;
    }
    return left_out;
}

/* Flows of a TUN stay when they are idle, for the next packet: only the others are of interest. */
static uint32_t write_flows(struct debug *d, const struct skt_session *s)
{
    uint32_t pos = 0, left_out = 0;
    const struct skt_stream_look look = {.state = "open"};
    for (const struct skt_kcp *k; (k = skt_session_flow_at(s, &pos)) != NULL;) {
        struct skt_kcp_view v;
        skt_kcp_look(k, &v);
        if (is_busy(&v, &look) && d->left > 0)
            write_stream(d, "flow", NULL, &v, &look);
        else
            left_out += is_busy(&v, &look);
    }
    return left_out;
}

void skt_script_write_debug(struct skt_script *app, FILE *out, const struct skt_endpoint *ep,
                            const struct skt_session *s, unsigned *left)
{
    const struct skt_path *p = skt_session_path(s);
    struct debug d = {.out = out, .now = skt_loop_now(app->loop), .left = *left};
    struct skt_switch_queue queue;
    fputs(",\"path\":{", out);
    write_name(out, "held", skt_hold_str((enum skt_hold)skt_turns_limit(p)));
    write_name(out, "phase", p->cc->phase(&p->cc_state));
    fprintf(out, "\"inflight_bytes\":%zu,\"memory_bytes\":%zu,\"timeouts\":%u}", p->inflight_bytes,
            p->account.used, skt_path_timeouts(p));
    if (app->tun && app->tun->sw && skt_switch_queue(app->tun->sw, ep, skt_session_cid(s), &queue))
        fprintf(out,
                ",\"tun_queue\":{\"bytes\":%zu,\"packets\":%" PRIu32 ",\"dropped\":%" PRIu64
                ",\"marked\":%" PRIu64 "}",
                queue.bytes, queue.packets, queue.dropped, queue.marked);
    fputs(",\"stream_list\":[", out);
    uint32_t left_out = write_streams(&d, s, true);
    left_out += write_flows(&d, s);
    left_out += write_streams(&d, s, false);
    fprintf(out, "],\"streams_left_out\":%" PRIu32, left_out);
    *left = d.left;
}
