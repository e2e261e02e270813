/* SPDX-License-Identifier: MIT */
/* The flows of a session: KCP conversations in message mode that carry the packets of a TUN, one for each
 * inner flow, so that a loss in one does not hold up another. */
#include "base/err.h"
#include "proto/kcp/turns.h"
#include "proto/session/internal.h"

#include <stdlib.h>

enum {
    /* Datagrams that may wait beyond what the pacer can let go at once: with less the path would run dry
     * between two refills, and take its own rate for all there is. */
    ROOM_DATAGRAMS = 2,
    /* However fast the path is, or believed to be: refills come before each run of datagrams, so twice what
     * one takes is enough. The rest stays where it can be dropped. */
    ROOM_MAX = 2 * 65536,
    PACKET_MAX = 65536, /* and a little: the last packet that is written may go beyond the room */
};

struct skt_flow {
    struct skt_kcp kcp;
    struct skt_session *session;
    unsigned news;        /* a set of enum skt_flow_event */
    struct skt_list link; /* in session->flows.news while there are any */
};

enum { FLOW_LEN = sizeof(struct skt_flow) + SKT_CONVERSATION_EXTRA };

void skt_flows_init(struct skt_session *s)
{
    skt_idmap_init(&s->flows.map);
    skt_list_init(&s->flows.news);
}

void skt_flows_dispose(struct skt_session *s)
{
    uint32_t pos = 0;
    struct skt_flow *f;
    while ((f = skt_idmap_next(&s->flows.map, &pos)) != NULL) {
        skt_list_remove(&f->link);
        skt_kcp_dispose(&f->kcp);
        skt_account_free(&s->path.account, f, FLOW_LEN);
    }
    skt_idmap_dispose(&s->flows.map);
}

void skt_flows_restart(struct skt_session *s)
{
    skt_flows_dispose(s);
    skt_flows_init(s);
}

static struct skt_flow *flow_of(const struct skt_session *s, unsigned flow)
{
    return skt_idmap_get(&s->flows.map, SKT_CONV_FLOW_FIRST + flow);
}

static int new_flow(struct skt_session *s, uint32_t conv, struct skt_flow **out)
{
    struct skt_flow *f = skt_account_alloc(&s->path.account, FLOW_LEN, false);
    if (!f)
        return SKT_ERR_NOMEM;
    f->session = s;
    skt_list_init(&f->link);
    int err = skt_kcp_init(&f->kcp, conv, false, &s->path, &s->ctx->limits);
    if (err) {
        skt_account_free(&s->path.account, f, FLOW_LEN);
        return err;
    }
    err = skt_idmap_put(&s->flows.map, conv, f);
    if (err) {
        skt_kcp_dispose(&f->kcp);
        skt_account_free(&s->path.account, f, FLOW_LEN);
        return err;
    }
    *out = f;
    return SKT_OK;
}

struct skt_kcp *skt_flows_find(const struct skt_session *s, uint32_t conv)
{
    struct skt_flow *f = skt_idmap_get(&s->flows.map, conv);
    return f ? &f->kcp : NULL;
}

struct skt_kcp *skt_flows_conversation(struct skt_session *s, const struct skt_kcp_header *h)
{
    struct skt_flow *f;
    bool valid = s->ctx->mode == SKT_MODE_TUN && h->conv - SKT_CONV_FLOW_FIRST < SKT_FLOWS_MAX;
    if (!valid || h->cmd != SKT_KCP_CMD_PUSH || new_flow(s, h->conv, &f) != SKT_OK)
        return NULL;
    return &f->kcp;
}

/* --- news --- */

void skt_flows_take_news(struct skt_kcp *k, unsigned events)
{
    struct skt_flow *f = SKT_CONTAINER(k, struct skt_flow, kcp);
    unsigned news = (events & SKT_KCP_READABLE ? (unsigned)SKT_FLOW_READABLE : 0u) |
                    (events & SKT_KCP_WRITABLE ? (unsigned)SKT_FLOW_WRITABLE : 0u) |
                    (events & SKT_KCP_DRAINED ? (unsigned)SKT_FLOW_DRAINED : 0u);
    if (news && !f->news)
        skt_list_append(&f->session->flows.news, &f->link);
    f->news |= news;
}

const struct skt_kcp *skt_session_flow_at(const struct skt_session *s, uint32_t *pos)
{
    const struct skt_flow *f = skt_idmap_next(&s->flows.map, pos);
    return f ? &f->kcp : NULL;
}

int skt_session_next_flow(struct skt_session *s, unsigned *events)
{
    if (skt_list_empty(&s->flows.news))
        return -1;
    struct skt_flow *f = SKT_CONTAINER(s->flows.news.next, struct skt_flow, link);
    skt_list_remove(&f->link);
    *events = f->news;
    f->news = 0;
    return (int)(f->kcp.snd.conv - SKT_CONV_FLOW_FIRST);
}

/* --- packets --- */

/* What may wait in the path: as much as the pacer may let go at once, and a little. */
static size_t target_len(const struct skt_session *s, size_t most)
{
    size_t burst = (size_t)skt_pacer_burst(&s->path.pacer) + ROOM_DATAGRAMS * (size_t)s->mtu.current;
    return burst < most ? burst : most;
}

size_t skt_session_flow_room(const struct skt_session *s)
{
    size_t target = target_len(s, ROOM_MAX), waiting = skt_turns_waiting(&s->path, target);
    return waiting < target ? target - waiting : 0;
}

int skt_session_write_packet(struct skt_session *s, unsigned flow, const void *buf, size_t len,
                             unsigned hints)
{
    if (flow >= SKT_FLOWS_MAX || len == 0 || len > SKT_MESSAGE_MAX)
        return SKT_ERR_ARG;
    if ((s->state != SKT_SESSION_UP && s->state != SKT_SESSION_SUSPECT) || s->ctx->mode != SKT_MODE_TUN)
        return SKT_ERR_CLOSED;
    struct skt_flow *f = flow_of(s, flow);
    if (!f) {
        int err = new_flow(s, SKT_CONV_FLOW_FIRST + flow, &f);
        if (err)
            return err;
    }
    /* A flow whose window is closed holds no more than the path would; the rest can still be dropped. */
    f->kcp.limits.snd_unsent_max = target_len(s, ROOM_MAX + PACKET_MAX);
    f->kcp.snd.bulk = hints & SKT_PACKET_BULK;
    f->kcp.snd.once = hints & SKT_PACKET_ONCE;
    return skt_kcp_write(&f->kcp, buf, len);
}

long skt_session_read_packet(struct skt_session *s, unsigned flow, void *buf, size_t cap)
{
    struct skt_flow *f = flow_of(s, flow);
    if (!f)
        return SKT_ERR_AGAIN;
    long len = skt_kcp_message_len(&f->kcp);
    if (len < 0 || (size_t)len <= cap)
        return len < 0 ? len : skt_kcp_read_message(&f->kcp, buf, cap);
    skt_kcp_drop_message(&f->kcp);
    return SKT_ERR_TRUNCATED;
}

/* Has everything that was written to the flow arrived? */
static bool flow_drained(const struct skt_session *s, unsigned flow)
{
    const struct skt_flow *f = flow_of(s, flow);
    return !f || skt_kcp_drained(&f->kcp);
}

/* --- from the managed queue --- */

/* Thin flows may still come in where others have to wait. */
static size_t thin_room_of(const struct skt_session *s)
{
    size_t target = target_len(s, ROOM_MAX), waiting = skt_turns_waiting_thin(&s->path, target);
    return waiting < target ? target - waiting : 0;
}

static unsigned hints_of(const struct skt_aqm_packet *p)
{
    return (p->bulk ? (unsigned)SKT_PACKET_BULK : 0u) | (p->once ? (unsigned)SKT_PACKET_ONCE : 0u);
}

static void tell_queue(const struct skt_session *s, skt_us now, const struct skt_aqm *q)
{
    const struct skt_trace_queue told = {q->bytes, q->packets, q->stats.dropped + q->stats.overflow,
                                         q->stats.marked};
    skt_trace_tell(&s->path.trace, queue, now, &told);
}

unsigned skt_session_fill(struct skt_session *s, skt_us now, struct skt_aqm *q,
                          void (*mark)(struct skt_aqm_packet *packet))
{
    size_t room = skt_aqm_ready(q) ? skt_session_flow_room(s) : 0,
           thin_room = skt_aqm_ready(q) ? thin_room_of(s) : 0;
    unsigned dropped = 0;
    struct skt_aqm_packet *p;
    skt_aqm_set_rtt(q, s->path.rtt.min);
    skt_aqm_set_rate(q, skt_path_pacing_rate(&s->path));
    while ((room > 0 || (thin_room > 0 && skt_aqm_next_is_thin(q, now))) &&
           (p = skt_aqm_pull(q, now)) != NULL) {
        if (p->marked)
            mark(p);
        int err = skt_session_write_packet(s, p->flow, p->data, p->len, hints_of(p));
        if (err == SKT_ERR_AGAIN) {
            skt_aqm_hold(q, p);
            continue;
        }
        if (err) {
            dropped++;
            skt_session_tell_queue(s, now, q, p->flow, SKT_FLOW_DRAINED);
        }
        room -= p->len < room ? p->len : room;
        thin_room -= p->len < thin_room ? p->len : thin_room;
        skt_aqm_packet_free(p);
    }
    if (s->path.trace.on)
        tell_queue(s, now, q);
    return dropped;
}

void skt_session_tell_queue(const struct skt_session *s, skt_us now, struct skt_aqm *q, unsigned flow,
                            unsigned events)
{
    if (events & SKT_FLOW_WRITABLE)
        skt_aqm_release(q, now, flow);
    if ((events & SKT_FLOW_DRAINED) && flow_drained(s, flow))
        skt_aqm_arrived(q, now, flow);
}

uint32_t skt_session_features(const struct skt_session *s)
{
    return s->features;
}

uint32_t skt_session_peer_features(const struct skt_session *s)
{
    return s->peer_features;
}
