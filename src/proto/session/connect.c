/* SPDX-License-Identifier: MIT */
/* The client's handshakes: for a first cid, for new keys, and after a silence. Every attempt is a fresh
 * message 1 to the next address; several may be open, so that an answer that takes longer than the retry
 * still counts. The keys of an answered one wait in `pending` until the server has accepted the ticket. */
#include "base/err.h"
#include "base/wipe.h"
#include "proto/session/internal.h"

#include <stdlib.h>
#include <string.h>

#define REFUSED_RETRY   (10 * SKT_US_PER_SEC)
#define SILENT_AGAIN    (5250 * SKT_US_PER_MS) /* at 11 s: a round trip of 8 s would have been seen by then */
#define SILENT_INTERVAL (30 * SKT_US_PER_SEC)
#define ATTACH_WAIT_MAX (2 * SKT_US_PER_SEC)
#define FULL_RETRY      (3 * SKT_US_PER_SEC) /* the server asks silent sessions whether they are still there */
#define ATTACH_TIME     (4 * SKT_US_PER_SEC) /* and two round trips */

enum {
    SILENT_TRIES = 5,    /* 5.75 s: it is said that there is no answer yet */
    OWN_CLOCK_TRIES = 4, /* unanswered attempts after which the clock learned from the server is doubted */
};

/* The wait after the n-th try: 0.25, 0.5, 1, then 2 s. */
static skt_us retry_wait(unsigned n)
{
    return n >= 4 ? 2 * SKT_US_PER_SEC : 250 * SKT_US_PER_MS << (n - 1);
}

int skt_connect_init(struct skt_connect *c, bool client)
{
    c->at = c->attach_at = c->attach_until = c->silent_at = SKT_NEVER;
    c->client = client ? calloc(1, sizeof *c->client) : NULL;
    return client && !c->client ? SKT_ERR_NOMEM : SKT_OK;
}

static void drop_attempts(struct skt_session *s)
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

static void drop_pending(struct skt_session *s)
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

void skt_connect_dispose(struct skt_session *s)
{
    drop_attempts(s);
    drop_pending(s);
    free(s->connect.client);
    s->connect.client = NULL;
}

bool skt_connect_under_way(const struct skt_session *s)
{
    return s->connect.at != SKT_NEVER || s->connect.pending;
}

void skt_connect_need(struct skt_session *s, skt_us now)
{
    struct skt_connect *c = &s->connect;
    if (skt_connect_under_way(s))
        return;
    c->tries = 0;
    c->at = now;
    c->silent_at = SKT_NEVER;
}

/* What has been answered goes on: the server may have moved to those keys already. */
void skt_connect_cancel(struct skt_session *s)
{
    drop_attempts(s);
    s->connect.at = s->connect.silent_at = SKT_NEVER;
    if (s->state == SKT_SESSION_CLOSED)
        drop_pending(s);
}

void skt_session_set_candidates(struct skt_session *s, const struct skt_addr *addrs, size_t n,
                                uint16_t port_lo, uint16_t port_hi)
{
    struct skt_connect *c = &s->connect;
    if (n > SKT_CANDIDATES_MAX)
        n = SKT_CANDIDATES_MAX;
    if (c->candidate_count == 0 && c->at != SKT_NEVER) { /* the first try waits for them */
        c->at = 0;
        c->tries = 0;
    }
    bool same = n == c->candidate_count;
    for (size_t i = 0; same && i < n; i++)
        same = skt_addr_equal(&c->client->candidates[i], &addrs[i]);
    if (!same) /* else each goes on to have its turn */
        c->candidate_next = 0;
    memcpy(c->client->candidates, addrs, n * sizeof *addrs);
    c->candidate_count = n;
    c->port_lo = port_lo;
    c->port_hi = port_hi;
}

int skt_session_connect(struct skt_session *s, skt_us now, const uint8_t ticket[SKT_TICKET_LEN])
{
    if (s->state == SKT_SESSION_CLOSED)
        return SKT_ERR_CLOSED;
    bool connecting = s->state == SKT_SESSION_CONNECTING;
    if (s->state != SKT_SESSION_IDLE && !(connecting && memcmp(s->ticket, ticket, SKT_TICKET_LEN) != 0))
        return SKT_OK;
    if (connecting) { /* whatever the server thinks of the other ticket: not this one's answer */
        skt_connect_dispose(s);
        s->connect.at = s->connect.silent_at = SKT_NEVER;
    }
    memcpy(s->ticket, ticket, SKT_TICKET_LEN);
    s->state = SKT_SESSION_CONNECTING;
    skt_session_tell_state(s);
    skt_connect_need(s, now);
    return SKT_OK;
}

unsigned skt_session_take_notes(struct skt_session *s)
{
    unsigned notes = s->connect.notes;
    s->connect.notes = 0;
    return notes;
}

/* --- message 1 --- */

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

static bool has_cookie_for(const struct skt_connect *c, skt_us now, const struct skt_addr *to)
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

static size_t send_initiation(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap,
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
    a->with_cookie = has_cookie_for(&s->connect, now, &a->to);
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

/* --- message 2 --- */

void skt_connect_refused(struct skt_session *s, skt_us now, int result, const char *text, size_t text_len)
{
    struct skt_connect *c = &s->connect;
    if (text_len > SKT_REASON_MAX)
        text_len = SKT_REASON_MAX;
    for (size_t i = 0; i < text_len; i++) /* it goes to the log: one line, nothing that steers a terminal */
        c->client->refusal_text[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    c->client->refusal_text[text_len] = '\0';
    c->refusal = result;
    drop_attempts(s);
    drop_pending(s);
    c->at = now + (result == SKT_ATTACH_FULL ? FULL_RETRY : REFUSED_RETRY);
    c->tries = 0;
    c->silent_at = SKT_NEVER;
    s->events |= SKT_EVENT_REFUSED;
    if (s->cid)
        skt_session_end(s, SKT_CLOSE_REFUSED);
}

static struct skt_attempt *attempt_of(struct skt_session *s, uint32_t id)
{
    for (unsigned i = 0; id != 0 && s->connect.attempts && i < SKT_INITIATIONS_MAX; i++)
        if (s->connect.attempts[i].id == id)
            return &s->connect.attempts[i];
    return NULL;
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
    drop_pending(s);
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
    drop_attempts(s);
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
    struct skt_attempt *a = attempt_of(s, id);
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
    struct skt_attempt *a = attempt_of(s, id);
    uint8_t cookie[SKT_COOKIE_LEN];
    uint64_t clock_ms;
    if (!a || !skt_addr_equal(from, &a->to))
        return SKT_ERR_NOTFOUND;
    int err = skt_handshake_consume_cookie(&a->hs, s->ctx->crypto, datagram, len, cookie, &clock_ms);
    if (err)
        return err;
    bool first = !a->with_cookie && !has_cookie_for(c, now, from);
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

/* --- verbs --- */

skt_us skt_connect_expiry(const struct skt_session *s)
{
    const struct skt_connect *c = &s->connect;
    return skt_us_min(skt_us_min(c->at, c->silent_at), skt_us_min(c->attach_at, c->attach_until));
}

void skt_connect_expire(struct skt_session *s, skt_us now)
{
    struct skt_connect *c = &s->connect;
    if (now >= c->attach_until) { /* message 2 came, but no word about the ticket */
        drop_pending(s);
        c->at = now;
        c->tries = 0;
    }
    if (now >= c->silent_at) {
        s->events |= SKT_EVENT_SILENT;
        c->silent_at = now + (c->tries <= SILENT_TRIES ? SILENT_AGAIN : SILENT_INTERVAL);
    }
}

size_t skt_connect_send(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap,
                        struct skt_send_info *info)
{
    struct skt_connect *c = &s->connect;
    size_t len = 0;
    if (c->pending && now >= c->attach_at) {
        len = skt_connect_write_attach(s, buf);
        info->to = c->pending_to;
        c->attach_at =
            now + skt_us_max(retry_wait(++c->attach_tries), skt_us_min(c->rtt / 4, ATTACH_WAIT_MAX));
    } else if (now >= c->at) {
        c->tries++;
        c->at = now + retry_wait(c->tries);
        if (c->tries == SILENT_TRIES)
            c->silent_at = c->at;
        if (c->tries > 1 || c->candidate_count == 0)
            s->events |=
                SKT_EVENT_RESOLVE; /* as long as there is no answer; the owner knows how often is enough */
        if (c->candidate_count > 0)
            len = send_initiation(s, now, buf, cap, &info->to);
    }
    s->stats.bytes_tx += len;
    if (len)
        skt_trace_tell(&s->path.trace, sent, now, len, SKT_TRACE_HANDSHAKE);
    return len;
}
