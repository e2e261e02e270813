/* SPDX-License-Identifier: MIT */
#include "proto/session/state.h"

#include "base/err.h"
#include "proto/kcp/turns.h"
#include "proto/session/internal.h"

enum { RX_WINDOW = 4096 }; /* packets that the loss on the way in is measured over; older ones count half */

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

void skt_session_drop_keys(struct skt_session *s)
{
    struct skt_keypair *kp;
    while ((kp = skt_keys_take_dropped(&s->keys)) != NULL) {
        skt_idmap_remove(&s->ctx->ids, kp->local_id);
        skt_keypair_free(s->ctx->crypto, kp);
    }
}

void skt_session_mark_closed(struct skt_session *s, int reason)
{
    if (s->state == SKT_SESSION_CLOSED)
        return;
    s->state = SKT_SESSION_CLOSED;
    s->close_reason = (uint8_t)reason;
    skt_session_tell_state(s);
    s->events |= SKT_EVENT_CLOSED;
}

void skt_session_note_arrival(struct skt_session *s, uint32_t advance)
{
    s->liveness.rx_sent += advance < RX_WINDOW ? advance : RX_WINDOW;
    s->liveness.rx_arrived++;
    if (s->liveness.rx_sent > RX_WINDOW) {
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

bool skt_session_heard(struct skt_session *s, skt_us now)
{
    s->liveness.heard = now;
    s->liveness.asks = 0;
    s->liveness.unanswered = SKT_NEVER;
    if (s->state != SKT_SESSION_SUSPECT)
        return false;
    s->state = SKT_SESSION_UP;
    skt_session_tell_state(s);
    return true;
}

skt_us skt_session_suspect_at(const struct skt_session *s)
{
    return skt_us_add(s->liveness.unanswered, skt_us_max(SKT_SUSPECT_MIN, 3 * s->path.rtt.srtt));
}
