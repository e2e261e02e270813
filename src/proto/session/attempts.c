/* SPDX-License-Identifier: MIT */
/* What is under way: message 1s that may still be answered, and keys that wait for ACCEPT. */
#include "base/err.h"
#include "proto/session/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    OWN_CLOCK_TRIES = 4
}; /* unanswered attempts after which the clock learned from the server is doubted */

void skt_connect_drop_attempts(struct skt_session *s)
{
    struct skt_connect *c = &s->connect;
    if (!c->attempts)
        return;
    for (unsigned i = 0; i < SKT_INITIATIONS_MAX; i++) {
        if (c->attempts[i].id)
            skt_idmap_remove(&s->ctx->ids, c->attempts[i].id);
        skt_handshake_dispose(&c->attempts[i].hs);
    }
    free(c->attempts);
    c->attempts = NULL;
}

void skt_connect_drop_pending(struct skt_session *s)
{
    struct skt_connect *c = &s->connect;
    if (c->pending) {
        if (s->opened_by == c->pending)
            s->opened_by = NULL; /* nothing more of the packet that led here counts */
        skt_idmap_remove(&s->ctx->ids, c->pending->local_id);
        skt_keypair_free(s->ctx->crypto, c->pending);
    }
    c->pending = NULL;
    c->attach_at = c->attach_until = SKT_NEVER;
}

/* What has been answered goes on: the server may have moved to those keys already. */
void skt_connect_cancel(struct skt_session *s)
{
    skt_connect_drop_attempts(s);
    s->connect.at = s->connect.silent_at = SKT_NEVER;
    if (s->state == SKT_SESSION_CLOSED)
        skt_connect_drop_pending(s);
}

struct skt_attempt *skt_connect_attempt_of(struct skt_session *s, uint32_t id)
{
    for (unsigned i = 0; id != 0 && s->connect.attempts && i < SKT_INITIATIONS_MAX; i++)
        if (s->connect.attempts[i].id == id)
            return &s->connect.attempts[i];
    return NULL;
}

static struct skt_attempt *next_attempt(struct skt_session *s)
{
    struct skt_connect *c = &s->connect;
    if (!c->attempts)
        c->attempts = calloc(SKT_INITIATIONS_MAX, sizeof *c->attempts);
    if (!c->attempts)
        return NULL;
    struct skt_attempt *a = &c->attempts[c->attempt_next++ % SKT_INITIATIONS_MAX];
    if (a->id)
        skt_idmap_remove(&s->ctx->ids, a->id);
    a->id = 0;
    a->to = c->client->candidates[c->candidate_next++ % c->candidate_count];
    a->to.port = (uint16_t)(c->port_lo + skt_session_random(s, (uint32_t)(c->port_hi - c->port_lo) + 1));
    return skt_context_new_id(s->ctx, &s->slot, &a->id) == SKT_OK ? a : NULL;
}

bool skt_connect_has_cookie(const struct skt_connect *c, skt_us now, const struct skt_addr *to)
{
    return now < c->client->cookie_until && skt_addr_same_ip(&c->client->cookie_of, to);
}

/* By the server's clock once it is known; but if that leads nowhere every other attempt tries our own again.
 */
static uint64_t stamp_now(const struct skt_session *s)
{
    const struct skt_context *ctx = s->ctx;
    bool doubted = s->connect.tries > OWN_CLOCK_TRIES && s->connect.tries % 2 == 0;
    return ctx->wall_ms + (ctx->clock_known && !doubted ? (uint64_t)ctx->clock_offset_ms : 0);
}

size_t skt_connect_send_initiation(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap,
                                   struct skt_addr *to)
{
    struct skt_attempt *a = next_attempt(s);
    if (!a)
        return 0;
    const struct skt_context *ctx = s->ctx;
    struct skt_initiation m = {
        .version = SKT_WIRE_VERSION,
        .mode = ctx->mode,
        .ciphers = ctx->tuning.ciphers,
        .sender = a->id,
        .stamp_ms = stamp_now(s),
        .features = ctx->features,
        .cost_aes_ns = ctx->cost_aes_ns,
        .cost_chacha_ns = ctx->cost_chacha_ns,
        .mtu = ctx->tuning.mtu_max,
        .keepalive_s = ctx->tuning.keepalive_s,
        .cid = s->cid,
    };
    a->sent = now;
    a->with_cookie = skt_connect_has_cookie(&s->connect, now, &a->to);
    if (a->with_cookie)
        memcpy(m.cookie, s->connect.client->cookie, sizeof m.cookie);
    size_t pad = skt_session_random(s, SKT_HANDSHAKE_PAD_MAX + 1);
    int len = skt_handshake_create_initiation(&a->hs, ctx->crypto, &ctx->identity, &m,
                                              s->cid ? s->resume : NULL, pad, buf, cap);
    if (len < 0 || skt_packet_mask_handshake(ctx->crypto, ctx->mask_out, buf, (size_t)len) != SKT_OK)
        return 0;
    *to = a->to;
    s->connect.notes |= SKT_NOTE_INITIATION;
    skt_session_tell_keys(s, now, SKT_TRACE_KEYS_ASKED);
    return (size_t)len;
}
