/* SPDX-License-Identifier: MIT */
/* A session's life, and what its other files share. */
#include "base/err.h"
#include "base/wipe.h"
#include "proto/kcp/turns.h"
#include "proto/session/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    ETHERNET_V6_MTU = 1452, /* UDP payload of 1500 bytes of IPv6 */
    RX_WINDOW = 4096,       /* packets that the loss on the way in is measured over */
    SESSION_LEN = sizeof(struct skt_session) + SKT_SESSION_EXTRA,
};

/* KCP bytes that fit a datagram, and a datagram of their parity. */
static size_t payload_limit_of(size_t mtu, bool parity)
{
    return mtu - SKT_PACKET_OVERHEAD - SKT_FRAME_KCP_LEN - (parity ? SKT_PARITY_RESERVE : 0);
}

size_t skt_session_packet_limit(size_t mtu)
{
    return payload_limit_of(mtu, true) - SKT_KCP_HEADER_LEN - SKT_FLOW_HEADER_MIN;
}

/* xorshift64*: lengths of padding need no more. */
uint32_t skt_session_random(struct skt_session *s, uint32_t below)
{
    s->rng ^= s->rng >> 12;
    s->rng ^= s->rng << 25;
    s->rng ^= s->rng >> 27;
    return (uint32_t)((s->rng * UINT64_C(2685821657736338717)) >> 33) % below;
}

int skt_context_new_id(struct skt_context *ctx, struct skt_slot *slot, uint32_t *id)
{
    for (;;) {
        uint32_t candidate;
        int err = ctx->crypto->random(&candidate, sizeof candidate);
        if (err)
            return err;
        if (candidate == SKT_ID_NONE || skt_idmap_get(&ctx->ids, candidate))
            continue;
        err = skt_idmap_put(&ctx->ids, candidate, slot);
        if (!err)
            *id = candidate;
        return err;
    }
}

int skt_session_new(struct skt_session **out, struct skt_context *ctx, bool client, skt_us now)
{
    struct skt_session *s = calloc(1, sizeof *s);
    if (!s)
        return SKT_ERR_NOMEM;
    s->slot.kind = SKT_SLOT_SESSION;
    s->ctx = ctx;
    s->client = client;
    s->state = SKT_SESSION_IDLE;
    s->created = s->liveness.heard = now;
    s->liveness.unanswered = s->liveness.ping_at = SKT_NEVER;
    s->liveness.keepalive = ctx->tuning.keepalive_s * SKT_US_PER_SEC;
    skt_keys_init(&s->keys);
    skt_mtu_init(&s->mtu);
    skt_path_init(&s->path, ctx->pool, ctx->cc, payload_limit_of(s->mtu.current, false), now);
    skt_path_set_tuning(&s->path, now, &ctx->tuning);
    bool charged = skt_account_charge(&s->path.account, SESSION_LEN);
    int err = charged ? skt_connect_init(&s->connect, client) : SKT_ERR_NOMEM;
    if (!err)
        err = ctx->crypto->random(&s->rng, sizeof s->rng);
    s->rng |= 1; /* the generator's state must not be 0 */
    if (!err)
        err = skt_streams_init(s);
    if (err) {
        if (charged)
            skt_account_release(&s->path.account, SESSION_LEN);
        skt_connect_dispose(s);
        skt_path_dispose(&s->path);
        free(s);
        return err;
    }
    skt_session_set_trace(s, now, &ctx->trace);
    *out = s;
    return SKT_OK;
}

int skt_session_new_client(struct skt_session **out, struct skt_context *ctx, skt_us now)
{
    return skt_session_new(out, ctx, true, now);
}

void skt_session_drop_keys(struct skt_session *s)
{
    struct skt_keypair *kp;
    while ((kp = skt_keys_take_dropped(&s->keys)) != NULL) {
        skt_idmap_remove(&s->ctx->ids, kp->local_id);
        skt_keypair_free(s->ctx->crypto, kp);
    }
}

void skt_session_free(struct skt_session *s)
{
    if (!s)
        return;
    skt_connect_dispose(s);
    skt_streams_dispose(s);
    skt_parity_dispose(s);
    skt_pieces_dispose(s);
    skt_keys_drop_all(&s->keys);
    skt_session_drop_keys(s);
    skt_account_free(&s->path.account, s->messages.buf, s->messages.buf_len);
    skt_account_release(&s->path.account, SESSION_LEN);
    skt_path_dispose(&s->path);
    free(s->stash);
    skt_trace_tell(&s->path.trace, end, s->path.now);
    skt_wipe(s->ticket, sizeof s->ticket);
    skt_wipe(s->resume, sizeof s->resume);
    skt_wipe(s->resume_confirmed, sizeof s->resume_confirmed);
    free(s);
}

/* The end of a session, whoever wished it: nothing is received any more, streams are reset as their owners
 * are told (skt_session_next_stream). */
void skt_session_end(struct skt_session *s, int reason)
{
    if (s->state == SKT_SESSION_CLOSED)
        return;
    s->state = SKT_SESSION_CLOSED;
    s->close_reason = (uint8_t)reason;
    skt_session_tell_state(s);
    s->events |= SKT_EVENT_CLOSED;
    skt_connect_cancel(s);
}

void skt_session_close(struct skt_session *s, skt_us now, int reason)
{
    if (s->state == SKT_SESSION_CLOSED)
        return;
    skt_session_end(s, reason);
    if (skt_keys_sending(&s->keys, now))
        s->due.set = SKT_DUE_CLOSE;
}

void skt_session_set_trace(struct skt_session *s, skt_us now, const struct skt_trace *trace)
{
    struct skt_trace *t = &s->path.trace;
    skt_trace_tell(t, end, now);
    *t = (struct skt_trace){0};
    void *user = trace && trace->on ? trace->on->begin(trace->user, now, s->client) : NULL;
    if (!user)
        return;
    *t = (struct skt_trace){trace->on, user};
    skt_session_tell_state(s);
    if (s->peer.family)
        t->on->path(user, now, &s->peer);
    t->on->mtu(user, now, s->mtu.current);
}

void skt_session_set_mtu(struct skt_session *s)
{
    skt_trace_tell(&s->path.trace, mtu, s->path.now, s->mtu.current);
    skt_parity_update(s);
    skt_path_set_payload_limit(&s->path, payload_limit_of(s->mtu.current, s->path.redundancy.parity));
}

void skt_session_search_mtu(struct skt_session *s, skt_us now, size_t peer_mtu)
{
    size_t cap = peer_mtu < s->ctx->tuning.mtu_max ? peer_mtu : s->ctx->tuning.mtu_max;
    if (s->peer.family == 6 && cap > ETHERNET_V6_MTU)
        cap = ETHERNET_V6_MTU;
    skt_mtu_init(&s->mtu);
    skt_mtu_start(&s->mtu, cap, now);
    skt_session_set_mtu(s);
}

void skt_session_note_arrival(struct skt_session *s, uint32_t advance)
{
    s->liveness.rx_sent += advance < RX_WINDOW ? advance : RX_WINDOW;
    s->liveness.rx_arrived++;
    if (s->liveness.rx_sent > RX_WINDOW) { /* older packets count half */
        s->liveness.rx_sent /= 2;
        s->liveness.rx_arrived /= 2;
    }
}

void skt_session_set_features(struct skt_session *s, uint32_t peers)
{
    s->features = s->ctx->features & peers;
    s->peer_features = peers;
    skt_turns_set_ack_frames(&s->path, s->features & SKT_FEATURE_ACK_RANGES);
}

void skt_session_heard(struct skt_session *s, skt_us now)
{
    s->liveness.heard = now;
    s->liveness.asks = 0;
    s->liveness.unanswered = SKT_NEVER;
    if (s->state == SKT_SESSION_SUSPECT) {
        s->state = SKT_SESSION_UP;
        skt_session_tell_state(s);
        skt_connect_cancel(s);
    }
}

/* When silence after a packet that asks for an answer becomes suspicious. */
skt_us skt_session_suspect_at(const struct skt_session *s)
{
    return skt_us_add(s->liveness.unanswered, skt_us_max(SKT_SUSPECT_MIN, 3 * s->path.rtt.srtt));
}

unsigned skt_session_take_events(struct skt_session *s)
{
    unsigned events = s->events;
    s->events = 0;
    return events;
}

void skt_session_set_user(struct skt_session *s, void *user)
{
    s->user = user;
}

void *skt_session_user(const struct skt_session *s)
{
    return s->user;
}

void skt_session_set_probing(struct skt_session *s, bool on)
{
    s->probing = on;
}
