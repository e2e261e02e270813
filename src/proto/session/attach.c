/* SPDX-License-Identifier: MIT */
/* The client's ATTACH under new keys, and what the server says to it. */
#include "base/err.h"
#include "base/wipe.h"
#include "proto/keys/proof.h"
#include "proto/session/internal.h"

#include <string.h>

static bool proves(const struct skt_session *s)
{
    return s->connect.pending_features & s->ctx->features & SKT_FEATURE_TICKET_PROOF;
}

/* The ticket, or what proves it. */
static int take_ticket(const struct skt_session *s, uint8_t out[SKT_TICKET_LEN])
{
    const struct skt_connect *c = &s->connect;
    const struct skt_crypto *crypto = s->ctx->crypto;
    if (!proves(s)) {
        memcpy(out, s->ticket, SKT_TICKET_LEN);
        return SKT_OK;
    }
    int err = skt_proof_ticket_id(crypto, s->ticket, out);
    return err ? err : skt_proof_ticket(crypto, s->ticket, c->pending->hash, out + SKT_TICKET_ID_LEN);
}

/* The session's extensions, and the answer to a challenge; their bytes. */
static size_t take_extensions(const struct skt_session *s, uint8_t *out, size_t cap)
{
    const struct skt_connect *c = &s->connect;
    struct skt_writer w = skt_writer_of(out, cap);
    skt_write_bytes(&w, s->ctx->extensions, s->ctx->extensions_len);
    if (c->has_echo) {
        skt_write_u8(&w, SKT_EXTENSION_ECHO);
        skt_write_u8(&w, sizeof c->echo);
        skt_write_bytes(&w, c->echo, sizeof c->echo);
    }
    return skt_writer_len(&w);
}

/* The server asks whether we are where our ATTACH came from: it goes again, with the answer. */
void skt_connect_on_challenge(struct skt_session *s, skt_us now, const uint8_t token[SKT_CHALLENGE_LEN])
{
    struct skt_connect *c = &s->connect;
    if (!c->pending || s->opened_by != c->pending)
        return;
    memcpy(c->echo, token, sizeof c->echo);
    c->has_echo = true;
    c->attach_at = now;
}

size_t skt_connect_write_attach(struct skt_session *s, uint8_t *buf)
{
    struct skt_connect *c = &s->connect;
    struct skt_writer w = skt_writer_of(buf + SKT_HEADER_LEN, SKT_MTU_LEAST - SKT_PACKET_OVERHEAD);
    uint8_t ticket[SKT_TICKET_LEN], proof[SKT_PROOF_LEN] = {0};
    uint8_t extensions[SKT_ATTACH_EXTENSIONS_MAX + 2 + SKT_CHALLENGE_LEN];
    if (take_ticket(s, ticket) != SKT_OK)
        return 0;
    if (s->cid && skt_proof_resume(s->ctx->crypto, s->resume, c->pending->hash, proof) != SKT_OK)
        return 0;
    const struct skt_frame attach = {
        .type = SKT_FRAME_ATTACH,
        .attach = {ticket, s->cid, proof, extensions, take_extensions(s, extensions, sizeof extensions)}};
    skt_frame_write(&w, &attach);
    skt_wipe(ticket, sizeof ticket);
    skt_frame_pad(&w, skt_session_random(s, (uint32_t)w.left + 1));
    c->notes |= (uint8_t)(proves(s) ? SKT_NOTE_ATTACH | SKT_NOTE_PROOF : SKT_NOTE_ATTACH);
    int len = skt_packet_seal(s->ctx->crypto, c->pending->mask, c->pending, buf, skt_writer_len(&w));
    return len > 0 ? (size_t)len : 0;
}

/* The server knows nothing of us: whatever was open is lost. */
static void begin_anew(struct skt_session *s, skt_us now, uint32_t cid)
{
    if (s->cid) {
        s->old_cid = s->cid;
        s->events |= SKT_EVENT_LOST;
        skt_path_reset(&s->path, now);
        skt_parity_restart(s);
        skt_pieces_dispose(s);
        if (skt_streams_restart(s, now) != SKT_OK) {
            skt_session_mark_closed(s, SKT_CLOSE_LOST); /* nothing is under way any more */
            return;
        }
    }
    s->cid = cid;
    s->created = now;
    s->events |= SKT_EVENT_UP;
}

/* Is it an answer to what waits, that makes sense? */
static bool answers_pending(const struct skt_session *s, const struct skt_frame_accept *accept)
{
    const struct skt_connect *c = &s->connect;
    if (!c->pending || s->opened_by != c->pending)
        return false;
    if (accept->result == SKT_ATTACH_NEW)
        return accept->cid != 0 && accept->cid <= SKT_CID_MAX;
    return accept->result != SKT_ATTACH_CONTINUED || (accept->cid != 0 && accept->cid == s->cid);
}

/* The pair is the session's, with all that its message 2 said. */
static void install_pending(struct skt_session *s)
{
    struct skt_connect *c = &s->connect;
    uint16_t own_s = s->ctx->tuning.keepalive_s;
    s->ctx->ticket_proven |= proves(s);
    s->peer = c->pending_to;
    s->liveness.keepalive =
        SKT_US_PER_SEC * (c->pending_keepalive_s < own_s ? c->pending_keepalive_s : own_s);
    skt_session_set_features(s, c->pending_features);
    skt_session_set_mtu(s);
    memcpy(s->resume, c->pending->resume, sizeof s->resume);
    skt_keys_install(&s->keys, c->pending);
    c->pending = NULL;
    c->attach_at = c->attach_until = SKT_NEVER;
    skt_session_drop_keys(s);
}

void skt_connect_on_accept(struct skt_session *s, skt_us now, const struct skt_frame_accept *accept)
{
    struct skt_connect *c = &s->connect;
    bool is_new = accept->result == SKT_ATTACH_NEW;
    if (!answers_pending(s, accept))
        return;
    if (!is_new && accept->result != SKT_ATTACH_CONTINUED) {
        skt_connect_refused(s, now, accept->result, (const char *)accept->text, accept->text_len);
        return;
    }
    bool moved = !skt_addr_equal(&s->peer, &c->pending_to);
    bool suspect = s->state == SKT_SESSION_SUSPECT;
    install_pending(s);
    s->state = SKT_SESSION_UP;
    (void)skt_session_heard(s, now);
    skt_connect_cancel(s);
    c->notes |= is_new ? SKT_NOTE_NEW : SKT_NOTE_CONTINUED;
    skt_session_tell_keys(s, now, is_new ? SKT_TRACE_KEYS_NEW : SKT_TRACE_KEYS_CONTINUED);
    if (moved)
        skt_trace_tell(&s->path.trace, path, now, &s->peer);
    if (is_new) {
        begin_anew(s, now, accept->cid);
    } else if (suspect || moved) {
        skt_path_reset(&s->path, now);
        s->events |= SKT_EVENT_CONTINUED;
    }
    if (is_new || suspect || moved)
        skt_session_search_mtu(s, now, c->pending_mtu);
    skt_session_tell_state(s);
    s->due.set |= SKT_DUE_PING; /* shows the server that its ACCEPT has come */
    s->liveness.ping_at = now;
}
