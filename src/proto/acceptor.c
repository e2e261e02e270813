/* SPDX-License-Identifier: MIT */
#include "proto/acceptor.h"

#include "base/err.h"
#include "base/wipe.h"
#include "proto/session_internal.h"

#include <stdlib.h>
#include <string.h>

struct skt_half {
    struct skt_slot slot; /* first member */
    struct skt_list link; /* in acceptor->halves */
    struct skt_keypair *kp;
    struct skt_addr from;
    struct skt_initiation params;
    skt_us until;
    uint8_t ticket[SKT_TICKET_LEN];
    uint8_t extensions[SKT_ATTACH_EXTENSIONS_MAX];
};

void skt_acceptor_init(struct skt_acceptor *a, struct skt_context *ctx, struct skt_stampcache *stamps,
                       uint32_t first_cid, uint32_t sessions_max)
{
    memset(a, 0, sizeof *a);
    a->ctx = ctx;
    a->stamps = stamps;
    a->next_cid = first_cid & SKT_CID_MAX;
    a->sessions_max = sessions_max;
    skt_list_init(&a->halves);
    skt_idmap_init(&a->sessions);
}

static void free_half(struct skt_acceptor *a, struct skt_half *half)
{
    skt_list_remove(&half->link);
    a->half_count--;
    if (half->kp) {
        skt_idmap_remove(&a->ctx->ids, half->kp->local_id);
        skt_keypair_free(a->ctx->crypto, half->kp);
    }
    skt_wipe(half, sizeof *half);
    free(half);
}

void skt_acceptor_dispose(struct skt_acceptor *a)
{
    while (!skt_list_empty(&a->halves))
        free_half(a, SKT_CONTAINER(a->halves.next, struct skt_half, link));
    skt_idmap_dispose(&a->sessions);
}

skt_us skt_acceptor_expiry(const struct skt_acceptor *a)
{
    return skt_list_empty(&a->halves) ? SKT_NEVER
                                      : SKT_CONTAINER(a->halves.next, struct skt_half, link)->until;
}

void skt_acceptor_expire(struct skt_acceptor *a, skt_us now)
{
    while (now >= skt_acceptor_expiry(a))
        free_half(a, SKT_CONTAINER(a->halves.next, struct skt_half, link));
}

/* --- message 1 --- */

static int status_for(const struct skt_context *ctx, const struct skt_initiation *m, int consumed,
                      enum skt_cipher *cipher)
{
    *cipher = SKT_CIPHER_NONE;
    if (consumed == SKT_ERR_VERSION)
        return SKT_HS_VERSION;
    if (m->mode != ctx->mode)
        return SKT_HS_MODE;
    *cipher = skt_handshake_choose_cipher(m, ctx->ciphers, ctx->cost_aes_ns, ctx->cost_chacha_ns);
    return *cipher == SKT_CIPHER_NONE ? SKT_HS_CIPHER : SKT_HS_OK;
}

/* Is it fresh? What is remembered can't be answered again. */
static int take_stamp(struct skt_acceptor *a, const struct skt_handshake *hs, uint16_t net, uint64_t stamp_ms)
{
    const struct skt_stamp_clock now = {a->ctx->wall_ms, a->ctx->boot_ms};
    uint8_t key[SKT_STAMP_KEY_LEN];
    int err = skt_handshake_stamp_key(hs, a->ctx->crypto, key);
    if (!err)
        err = skt_stampcache_insert(a->stamps, key, net, stamp_ms, &now, &a->last_stamp);
    a->stamp_new = err == SKT_OK;
    return err;
}

/* The network that a datagram came from: an IPv4 /24, an IPv6 /48. The hash need not hide anything: who picks
 * networks that share a value shares their part. */
static uint16_t net_of(const struct skt_addr *from)
{
    uint32_t h = from->family;
    for (int i = 0; i < (from->family == 6 ? 6 : 3); i++)
        h = (h ^ from->ip[i]) * UINT32_C(16777619);
    return (uint16_t)((h ^ h >> 16) % SKT_STAMP_NETS);
}

static struct skt_half *new_half(struct skt_acceptor *a, skt_us now, const struct skt_addr *from,
                                 const struct skt_initiation *m, uint32_t *id)
{
    struct skt_half *half = (struct skt_half *)calloc(1, sizeof *half);
    if (!half)
        return NULL;
    half->slot.kind = SKT_SLOT_HALF;
    if (skt_context_new_id(a->ctx, &half->slot, id) != SKT_OK) {
        free(half);
        return NULL;
    }
    half->from = *from;
    half->params = *m;
    half->until = now + SKT_HALF_SESSION_TIME;
    skt_list_append(&a->halves, &half->link);
    a->half_count++;
    return half;
}

/* Writes message 2 and makes the half-session that it promises (none for a refusal). */
static long answer(struct skt_acceptor *a, skt_us now, const struct skt_addr *from, struct skt_handshake *hs,
                   const struct skt_initiation *m, int consumed, uint8_t *reply, size_t cap)
{
    struct skt_context *ctx = a->ctx;
    struct skt_handshake_keys keys = {0};
    struct skt_half *half = NULL;
    enum skt_cipher cipher;
    struct skt_response r = {.version = SKT_WIRE_VERSION,
                             .mode = ctx->mode,
                             .clock_ms = ctx->wall_ms,
                             .features = ctx->features,
                             .mtu = ctx->mtu_max,
                             .keepalive_s = ctx->keepalive_s};
    r.status = (uint8_t)status_for(ctx, m, consumed, &cipher);
    r.cipher = (uint8_t)cipher;
    if (r.status == SKT_HS_OK) {
        half = new_half(a, now, from, m, &r.sender);
        if (!half)
            return SKT_ERR_NOMEM;
    }
    uint16_t pad;
    long len = ctx->crypto->random(&pad, sizeof pad);
    if (len == SKT_OK)
        len = skt_handshake_create_response(hs, ctx->crypto, &r, pad % (SKT_HANDSHAKE_PAD_MAX + 1), reply,
                                            cap, &keys);
    if (len > 0 && half) {
        half->kp = skt_keypair_new(ctx->crypto, &keys, cipher, false, r.sender, m->sender, now);
        if (!half->kp)
            len = SKT_ERR_NOMEM;
    }
    if (len > 0 && skt_packet_mask_handshake(ctx->crypto, ctx->mask_out, reply, (size_t)len) != SKT_OK)
        len = SKT_ERR_CRYPTO;
    if (len < 0 && half) {
        if (!half->kp)
            skt_idmap_remove(&ctx->ids, r.sender);
        free_half(a, half);
    }
    skt_wipe(&keys, sizeof keys);
    return len;
}

long skt_acceptor_initiation(struct skt_acceptor *a, skt_us now, const struct skt_addr *from,
                             const uint8_t *datagram, size_t len, uint8_t *reply, size_t cap)
{
    struct skt_context *ctx = a->ctx;
    a->stamp_new = false;
    if (a->half_count >= SKT_HALF_SESSIONS_MAX) {
        ctx->drops.overload++;
        return SKT_ERR_FULL;
    }
    struct skt_handshake hs = {0};
    struct skt_initiation m;
    int err = skt_handshake_consume_initiation(&hs, ctx->crypto, &ctx->identity, datagram, len, &m);
    if (err != SKT_OK && err != SKT_ERR_VERSION) {
        if (err == SKT_ERR_AUTH)
            ctx->drops.auth++;
        else
            ctx->drops.malformed++;
        skt_handshake_dispose(&hs);
        return err;
    }
    long n = take_stamp(a, &hs, net_of(from), m.stamp_ms);
    if (n == SKT_ERR_REPLAY)
        ctx->drops.replay++;
    else if (n != SKT_OK)
        ctx->drops.overload++;
    else
        n = answer(a, now, from, &hs, &m, err, reply, cap);
    skt_handshake_dispose(&hs);
    return n;
}

/* --- the ticket --- */

static bool proves(const struct skt_acceptor *a, const struct skt_half *half, const uint8_t *resume,
                   const uint8_t *proof)
{
    uint8_t expected[SKT_PROOF_LEN];
    return skt_handshake_proof(a->ctx->crypto, resume, half->kp->hash, expected) == SKT_OK &&
           skt_equal_ct(expected, proof, sizeof expected);
}

/* The session that an ATTACH proves to have had: it knows the resume secret of its last handshake, or, where
 * the ACCEPT of that one was lost, of the one before. */
static struct skt_session *proven(const struct skt_acceptor *a, const struct skt_half *half, uint32_t cid,
                                  const uint8_t *proof)
{
    struct skt_session *s = (struct skt_session *)skt_idmap_get(&a->sessions, cid);
    if (!s || s->state == SKT_SESSION_CLOSED || !skt_equal_ct(s->ticket, half->ticket, SKT_TICKET_LEN))
        return NULL; /* with another ticket it would keep what belongs to the old one */
    return proves(a, half, s->resume, proof) || proves(a, half, s->resume_confirmed, proof) ? s : NULL;
}

int skt_acceptor_attach(struct skt_acceptor *a, skt_us now, struct skt_half *half,
                        const struct skt_addr *from, uint8_t *datagram, size_t len,
                        struct skt_attach_request *req)
{
    uint8_t *plain;
    size_t plain_len;
    int err = skt_packet_open(a->ctx->crypto, half->kp, datagram, len, now, &plain, &plain_len);
    if (err) {
        if (err == SKT_ERR_REPLAY)
            a->ctx->drops.replay++;
        else
            a->ctx->drops.auth++;
        return err;
    }
    struct skt_reader r = skt_reader_of(plain, plain_len);
    int type = skt_read_u8(&r);
    struct skt_reader body = {.bad = true};
    size_t body_len = skt_read_u8(&r);
    const uint8_t *p = skt_read_bytes(&r, body_len);
    if (p)
        body = skt_reader_of(p, body_len);
    const uint8_t *ticket = skt_read_bytes(&body, SKT_TICKET_LEN);
    uint32_t cid = skt_read_u32(&body);
    const uint8_t *proof = skt_read_bytes(&body, SKT_PROOF_LEN);
    if (type != SKT_FRAME_ATTACH || body.bad) {
        a->ctx->drops.malformed++;
        return SKT_ERR_MALFORMED;
    }
    memcpy(half->ticket, ticket, SKT_TICKET_LEN);
    half->from = *from;
    req->half = half;
    req->ticket = half->ticket;
    req->extensions = half->extensions;
    req->extensions_len = body.left < sizeof half->extensions ? body.left : sizeof half->extensions;
    memcpy(half->extensions, body.p, req->extensions_len);
    req->continued = cid ? proven(a, half, cid, proof) : NULL;
    return SKT_OK;
}

const uint8_t *skt_attach_extension(const struct skt_attach_request *req, int type, size_t len)
{
    struct skt_reader r = skt_reader_of(req->extensions, req->extensions_len);
    while (r.left > 0 && !r.bad) {
        int got = skt_read_u8(&r);
        size_t got_len = skt_read_u8(&r);
        const uint8_t *value = skt_read_bytes(&r, got_len);
        if (value && got == type && got_len == len)
            return value;
    }
    return NULL;
}

static uint32_t new_cid(struct skt_acceptor *a)
{
    do {
        a->next_cid = a->next_cid % SKT_CID_MAX + 1;
    } while (skt_idmap_get(&a->sessions, a->next_cid));
    return a->next_cid;
}

static int new_session(struct skt_acceptor *a, skt_us now, struct skt_session **out)
{
    if (a->sessions.count >= a->sessions_max)
        return SKT_ERR_FULL;
    struct skt_session *s;
    int err = skt_session_new(&s, a->ctx, false, now);
    if (err)
        return err;
    s->cid = new_cid(a);
    err = skt_idmap_put(&a->sessions, s->cid, s);
    if (err) {
        skt_session_free(s);
        return err;
    }
    *out = s;
    return SKT_OK;
}

int skt_acceptor_admit(struct skt_acceptor *a, skt_us now, const struct skt_attach_request *req,
                       struct skt_session **out, bool *is_new)
{
    struct skt_half *half = req->half;
    struct skt_session *s = req->continued;
    if (s && s->state == SKT_SESSION_CLOSED)
        s = NULL; /* closed by who looked at the ticket */
    *is_new = !s;
    if (!s) {
        int err = new_session(a, now, &s);
        if (err)
            return err;
    }
    int err = skt_session_adopt(s, now, half->kp, &half->from, &half->params, *is_new);
    if (err) {
        if (*is_new) {
            skt_acceptor_forget(a, s);
            skt_session_free(s);
        }
        return err;
    }
    memcpy(s->ticket, half->ticket, SKT_TICKET_LEN);
    half->kp = NULL;
    free_half(a, half);
    *out = s;
    return SKT_OK;
}

long skt_acceptor_refuse(struct skt_acceptor *a, skt_us now, const struct skt_attach_request *req, int result,
                         const char *text, uint8_t *reply, size_t cap)
{
    (void)now;
    size_t text_len = strlen(text);
    if (text_len > SKT_REASON_MAX)
        text_len = SKT_REASON_MAX;
    if (cap < SKT_MTU_MIN)
        return SKT_ERR_ARG;
    struct skt_writer w = skt_writer_of(reply + SKT_HEADER_LEN, cap - SKT_PACKET_OVERHEAD);
    skt_write_u8(&w, SKT_FRAME_ACCEPT);
    skt_write_u8(&w, (uint8_t)(5 + text_len));
    skt_write_u8(&w, (uint8_t)result);
    skt_write_u32(&w, 0);
    skt_write_bytes(&w, text, text_len);
    uint16_t pad;
    int err = a->ctx->crypto->random(&pad, sizeof pad);
    if (err)
        return err;
    skt_write_padding(&w, pad % SKT_PING_PAD_MAX);
    return skt_packet_seal(a->ctx->crypto, a->ctx->mask_out, req->half->kp, reply, skt_writer_len(&w));
}

void skt_acceptor_forget(struct skt_acceptor *a, struct skt_session *s)
{
    skt_idmap_remove(&a->sessions, s->cid);
}

/* --- what a session takes over --- */

int skt_session_adopt(struct skt_session *s, skt_us now, struct skt_keypair *kp, const struct skt_addr *from,
                      const struct skt_initiation *params, bool is_new)
{
    skt_idmap_remove(&s->ctx->ids, kp->local_id);
    int err = skt_idmap_put(&s->ctx->ids, kp->local_id, &s->slot);
    if (err)
        return err;
    if (!s->keys.next)
        memcpy(s->resume_confirmed, s->resume, sizeof s->resume);
    memcpy(s->resume, kp->resume, sizeof s->resume);
    if (is_new)
        memcpy(s->resume_confirmed, s->resume, sizeof s->resume);
    skt_keys_install(&s->keys, kp);
    if (is_new)
        skt_keys_confirm(&s->keys, kp, now);
    skt_session_drop_keys(s);
    bool moved = !skt_addr_equal(&s->peer, from);
    s->peer = *from; /* it has answered message 2 from there */
    s->roam_to = (struct skt_addr){0};
    s->challenge_due = false;
    s->state = SKT_SESSION_UP;
    skt_session_set_features(s, params->features);
    skt_session_set_mtu(s);
    s->attach_result = is_new ? SKT_ATTACH_NEW : SKT_ATTACH_CONTINUED;
    s->accept_due = true;
    s->keepalive = SKT_US_PER_SEC *
                   (params->keepalive_s < s->ctx->keepalive_s ? params->keepalive_s : s->ctx->keepalive_s);
    skt_session_heard(s, now);
    skt_path_on_alive(&s->path, now);
    if (moved) {
        skt_path_reset(&s->path, now);
        skt_session_search_mtu(s, now, params->mtu);
    }
    return SKT_OK;
}
