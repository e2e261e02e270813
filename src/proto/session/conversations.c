/* SPDX-License-Identifier: MIT */
/* Which conversation a segment or an acknowledgement belongs to, what its news mean, and the two
 * conversations that every session has: stream control and messages. */
#include "base/err.h"
#include "proto/kcp/ack_frame.h"
#include "proto/session/internal.h"

#include <stdlib.h>

enum {
    CONTROL_MAX = 16, /* bytes of a control message; longer ones are a later version's */
    CONTROL_AT_ONCE =
        64, /* messages, each of which may open a stream; a packet can make a window of them readable */
};

/* --- receiving --- */

static bool is_peers_conv(const struct skt_session *s, uint32_t conv)
{
    return conv >= SKT_CONV_FIRST && (conv % 2 == 0) != s->client;
}

/* The conversation that is there under a number, or NULL. */
static struct skt_kcp *known_conversation(struct skt_session *s, uint32_t conv)
{
    if (conv == SKT_CONV_CONTROL)
        return &s->control;
    if (conv == SKT_CONV_MESSAGE)
        return &s->messages.kcp;
    if (conv >= SKT_CONV_FLOW_FIRST)
        return skt_flows_find(s, conv);
    struct skt_stream *st = skt_idmap_get(&s->streams.map, conv);
    return st ? &st->kcp : NULL;
}

int skt_streams_receive_acks(struct skt_session *s, skt_us now, const uint8_t *body, size_t len)
{
    struct skt_ack_frame f;
    int err = skt_ack_frame_parse(&f, body, len);
    if (err)
        return err;
    struct skt_kcp *k = known_conversation(s, f.conv);
    return k ? skt_kcp_receive_acks(k, now, &f) : SKT_OK;
}

/* A stream of a number that the peer has not used yet; NULL: it was refused, or the peer will repeat it. */
static struct skt_stream *open_by_peer(struct skt_session *s, skt_us now, uint32_t conv)
{
    struct skt_stream *st;
    uint32_t most = s->ctx->tuning.streams_max ? s->ctx->tuning.streams_max : SKT_STREAMS_DEFAULT;
    if (!skt_replay_ok(&s->streams.opened, conv / 2))
        return NULL;
    if (s->streams.peer_count >= most) {
        skt_streams_refuse(s, conv, SKT_RESET_LIMIT);
        return NULL;
    }
    if (skt_stream_new(s, now, conv, true, &st) != SKT_OK)
        return NULL;
    skt_replay_commit(&s->streams.opened, conv / 2);
    return st;
}

/* The conversation of a segment, opened if it is the peer's first of it; NULL: over, unknown, or no memory.
 */
static struct skt_kcp *conversation_of(struct skt_session *s, skt_us now, const struct skt_kcp_header *h)
{
    struct skt_kcp *known = known_conversation(s, h->conv);
    if (known)
        return known;
    if (h->conv >= SKT_CONV_FLOW_FIRST)
        return skt_flows_conversation(s, h);
    if (!is_peers_conv(s, h->conv) || !skt_replay_ok(&s->streams.opened, h->conv / 2)) {
        skt_streams_queue_stateless_ack(s, h);
        return NULL;
    }
    /* Nothing of a stream that begins can have arrived at the peer yet. */
    bool begins = h->cmd == SKT_KCP_CMD_PUSH && h->una == 0;
    struct skt_stream *st = begins ? open_by_peer(s, now, h->conv) : NULL;
    return st ? &st->kcp : NULL;
}

int skt_streams_receive(struct skt_session *s, skt_us now, const uint8_t *segments, size_t len)
{
    struct skt_reader r = skt_reader_of(segments, len);
    while (r.left > 0) {
        struct skt_kcp_header h;
        const uint8_t *data;
        int err = skt_kcp_parse(&r, &h, &data);
        if (err)
            return err;
        s->parity.work++;
        struct skt_kcp *k = conversation_of(s, now, &h);
        if (!k)
            continue;
        uint64_t payload = s->path.stats.payload_rx;
        err = skt_kcp_receive(k, now, &h, data);
        s->stats.payload_rx += s->path.stats.payload_rx - payload;
        if (err)
            return err;
    }
    return SKT_OK;
}

static void on_control(struct skt_session *s, skt_us now, const uint8_t *msg, size_t len)
{
    struct skt_reader r = skt_reader_of(msg, len);
    int kind = skt_read_u8(&r);
    uint32_t conv = skt_read_u32(&r);
    int reason = skt_read_u8(&r);
    if (r.bad || kind != SKT_CONTROL_RESET)
        return;
    bool has_end = r.left >= 4;
    uint32_t end_sn = has_end ? skt_read_u32(&r) : 0;
    struct skt_stream *st = skt_idmap_get(&s->streams.map, conv);
    if (!st && is_peers_conv(s, conv)) /* its first segment may still be on the way */
        st = has_end ? open_by_peer(s, now, conv) : NULL;
    if (st && has_end)
        skt_stream_end_at(s, st, reason, end_sn);
    else if (st)
        skt_stream_mark_reset(s, st, reason);
    else if (is_peers_conv(s, conv))
        (void)skt_replay_take(&s->streams.opened, conv / 2);
}

/* What is left waits for the next packet, or for skt_session_expire, which is due then. */
static void read_control(struct skt_session *s, skt_us now)
{
    uint8_t msg[CONTROL_MAX];
    long len;
    s->control_waits = false;
    for (unsigned n = 0; (len = skt_kcp_message_len(&s->control)) >= 0; n++) {
        if (n == CONTROL_AT_ONCE) {
            s->control_waits = true;
            return;
        }
        if ((size_t)len <= sizeof msg) {
            len = skt_kcp_read_message(&s->control, msg, sizeof msg);
            on_control(s, now, msg, (size_t)len);
            continue;
        }
        skt_kcp_drop_message(&s->control); /* of a later version */
    }
}

void skt_streams_absorb(struct skt_session *s, skt_us now)
{
    if (s->resets.count > 0 || s->resets.spare_count > 0)
        skt_resets_flush(s);
    if (s->control_waits)
        read_control(s, now);
    while (!skt_list_empty(&s->path.events)) {
        struct skt_kcp *k = SKT_CONTAINER(s->path.events.next, struct skt_kcp, event_node);
        unsigned events = skt_kcp_take_events(k);
        if (k == &s->control) {
            read_control(s, now);
        } else if (k == &s->messages.kcp) {
            if (events & SKT_KCP_READABLE)
                s->events |= SKT_EVENT_MESSAGE;
            if (events & SKT_KCP_WRITABLE)
                s->events |= SKT_EVENT_MESSAGE_ROOM;
        } else if (k->snd.conv >= SKT_CONV_FLOW_FIRST) {
            skt_flows_take_news(k, events);
        } else {
            struct skt_stream *st = SKT_CONTAINER(k, struct skt_stream, kcp);
            skt_stream_add_news(s, st, st->opened ? events : 0);
            if (st->opened || skt_stream_read_header(s, st))
                (void)skt_stream_check_end(s, st);
        }
    }
}

/* --- messages --- */

int skt_session_send_message(struct skt_session *s, const void *buf, size_t len)
{
    if (len == 0 || len > SKT_MESSAGE_MAX)
        return SKT_ERR_ARG;
    if (s->state != SKT_SESSION_UP && s->state != SKT_SESSION_SUSPECT)
        return SKT_ERR_CLOSED;
    return skt_kcp_write(&s->messages.kcp, buf, len);
}

bool skt_session_messages_drained(const struct skt_session *s)
{
    return skt_kcp_drained(&s->messages.kcp);
}

/* The length of the next message that is one: no peer of ours sends empty ones or longer ones than we do. */
static long next_message(struct skt_kcp *k)
{
    for (;;) {
        long len = skt_kcp_message_len(k);
        if (len < 0 || (len > 0 && len <= SKT_MESSAGE_MAX))
            return len;
        skt_kcp_drop_message(k);
    }
}

long skt_session_read_message(struct skt_session *s, const uint8_t **msg)
{
    long len = next_message(&s->messages.kcp);
    if (len < 0)
        return len;
    void *buf =
        skt_account_realloc(&s->path.account, s->messages.buf, s->messages.buf_len, (size_t)len + 1, true);
    if (!buf)
        return SKT_ERR_NOMEM;
    s->messages.buf = buf;
    s->messages.buf_len = (size_t)len + 1;
    *msg = s->messages.buf;
    return skt_kcp_read_message(&s->messages.kcp, buf, (size_t)len);
}
