/* SPDX-License-Identifier: MIT */
/* What the server answers to a message 1: keys, a cookie, or no. */
#include "base/err.h"
#include "base/wipe.h"
#include "proto/session/internal.h"

#include <string.h>

/* After a refusal: soon enough for somebody who has just put it right, and no burden to the server. */
#define REFUSED_RETRY (10 * SKT_US_PER_SEC)
#define FULL_RETRY    (3 * SKT_US_PER_SEC) /* the server asks silent sessions whether they are still there */

/* For the answer to ATTACH, beside two round trips: four tries, 0.25 to 2 s apart. */
#define ATTACH_TIME (4 * SKT_US_PER_SEC)

void skt_connect_refused(struct skt_session *s, skt_us now, int result, const char *text, size_t text_len)
{
    struct skt_connect *c = &s->connect;
    if (text_len > SKT_REASON_MAX)
        text_len = SKT_REASON_MAX;
    for (size_t i = 0; i < text_len; i++) /* it goes to the log: one line, nothing that steers a terminal */
        c->client->refusal_text[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    c->client->refusal_text[text_len] = '\0';
    c->refusal = result;
    skt_connect_drop_attempts(s);
    skt_connect_drop_pending(s);
    c->at = now + (result == SKT_ATTACH_FULL ? FULL_RETRY : REFUSED_RETRY);
    c->tries = 0;
    c->silent_at = SKT_NEVER;
    s->events |= SKT_EVENT_REFUSED;
    if (!s->cid)
        return;
    skt_session_mark_closed(s, SKT_CLOSE_REFUSED);
    skt_connect_cancel(s);
}

/* Who only knows the password and poses as the server would be told the ticket by it. */
static int wants_ticket(struct skt_session *s, skt_us now)
{
    static const char text[] =
        "it asks for the ticket itself, of which it took proofs before; it may be another "
        "server. Start this client again if that is right";
    if (s->cid == 0)
        skt_connect_refused(s, now, SKT_ATTACH_REFUSED, text, sizeof text - 1);
    return SKT_ERR_AUTH;
}

static int take_keys(struct skt_session *s, skt_us now, struct skt_attempt *a, const struct skt_response *m,
                     const struct skt_handshake_keys *keys)
{
    struct skt_connect *c = &s->connect;
    if (!(s->ctx->tuning.ciphers & SKT_CIPHER_BIT(m->cipher)))
        return SKT_ERR_MALFORMED;
    if (s->ctx->ticket_proven && !(m->features & SKT_FEATURE_TICKET_PROOF))
        return wants_ticket(s, now);
    struct skt_keypair *kp =
        skt_keypair_new(s->ctx->crypto, keys, (enum skt_cipher)m->cipher, true, a->id, m->sender, now);
    if (!kp)
        return SKT_ERR_NOMEM;
    kp->mask = s->ctx->mask_out;
    skt_connect_drop_pending(s);
    c->notes |= SKT_NOTE_RESPONSE;
    skt_session_tell_keys(s, now, SKT_TRACE_KEYS_ANSWERED);
    c->pending = kp;
    c->rtt = now - a->sent;
    c->has_echo = false;
    c->pending_to = a->to;
    c->pending_mtu = m->mtu;
    c->pending_keepalive_s = m->keepalive_s;
    c->pending_features = m->features;
    a->id = 0; /* the id is the pair's now */
    skt_connect_drop_attempts(s);
    c->at = c->silent_at = SKT_NEVER;
    c->attach_tries = 0;
    c->attach_at = now;
    c->attach_until = now + ATTACH_TIME + 2 * c->rtt;
    return SKT_OK;
}

static char *put(char *to, const char *text)
{
    size_t len = strlen(text);
    memcpy(to, text, len + 1);
    return to + len;
}

/* What it says is shorter than a reason may be. */
static const char *mode_refusal(char text[SKT_REASON_MAX], enum skt_wire_mode mode)
{
    if (mode != SKT_MODE_PROXY && mode != SKT_MODE_TUN && mode != SKT_MODE_CUSTOM)
        return "its mode is of another kind than ours; both ends need the same";
    char *end = put(text, "it runs ");
    end = put(end, skt_wire_mode_words(mode));
    (void)put(end, ", and we do not; both ends need the same kind");
    return text;
}

static void on_status(struct skt_session *s, skt_us now, const struct skt_response *m)
{
    static const char *const texts[] = {
        [SKT_HS_VERSION] = "it speaks another protocol version",
        [SKT_HS_CIPHER] = "no cipher in common",
    };
    char mode[SKT_REASON_MAX];
    const char *text = m->status < sizeof texts / sizeof texts[0] ? texts[m->status] : NULL;
    if (m->status == SKT_HS_MODE)
        text = mode_refusal(mode, (enum skt_wire_mode)m->mode);
    if (!text)
        text = "for a reason that this version does not know";
    skt_connect_refused(s, now, -(int)m->status, text, strlen(text));
}

int skt_connect_on_response(struct skt_session *s, skt_us now, const struct skt_addr *from,
                            const uint8_t *datagram, size_t len, uint32_t id)
{
    struct skt_attempt *a = skt_connect_attempt_of(s, id);
    if (!a || !skt_addr_equal(from, &a->to))
        return SKT_ERR_NOTFOUND;
    struct skt_response m;
    struct skt_handshake_keys keys;
    int err = skt_handshake_consume_response(&a->hs, s->ctx->crypto, datagram, len, &m, &keys);
    if (err == SKT_ERR_VERSION)
        m.status = SKT_HS_VERSION;
    if (err != SKT_OK && err != SKT_ERR_VERSION)
        return err;
    s->ctx->clock_offset_ms = (int64_t)(m.clock_ms - s->ctx->wall_ms);
    s->ctx->clock_known = true;
    if (m.status != SKT_HS_OK) {
        on_status(s, now, &m);
        return SKT_OK;
    }
    err = take_keys(s, now, a, &m, &keys);
    skt_wipe(&keys, sizeof keys);
    return err;
}

/* A server under load: the next message 1 shows that we are where we say we are, and goes at once. Where one
 * had a cookie already, it keeps to the schedule. */
int skt_connect_on_cookie(struct skt_session *s, skt_us now, const struct skt_addr *from,
                          const uint8_t *datagram, size_t len, uint32_t id)
{
    struct skt_connect *c = &s->connect;
    struct skt_attempt *a = skt_connect_attempt_of(s, id);
    uint8_t cookie[SKT_COOKIE_LEN];
    uint64_t clock_ms;
    if (!a || !skt_addr_equal(from, &a->to))
        return SKT_ERR_NOTFOUND;
    int err = skt_handshake_consume_cookie(&a->hs, s->ctx->crypto, datagram, len, cookie, &clock_ms);
    if (err)
        return err;
    bool first = !a->with_cookie && !skt_connect_has_cookie(c, now, from);
    memcpy(c->client->cookie, cookie, sizeof cookie);
    c->client->cookie_of = *from;
    c->client->cookie_until = now + SKT_COOKIE_TIME;
    s->ctx->clock_offset_ms = (int64_t)(clock_ms - s->ctx->wall_ms);
    s->ctx->clock_known = true;
    skt_idmap_remove(&s->ctx->ids, a->id);
    a->id = 0; /* no other answer comes to it */
    skt_handshake_dispose(&a->hs);
    c->silent_at = SKT_NEVER;
    if (first && c->at != SKT_NEVER)
        c->at = now;
    return SKT_OK;
}
