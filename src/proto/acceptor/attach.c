/* SPDX-License-Identifier: MIT */
/* The ticket: from a half-session to a session. */
#include "base/err.h"
#include "base/wipe.h"
#include "proto/acceptor/internal.h"
#include "proto/keys/proof.h"

#include <string.h>

/* Between challenges to one half-session, as to a session's new address (session/roaming.c). */
#define CHALLENGE_INTERVAL (100 * SKT_US_PER_MS)

enum { CHALLENGE_PAD_MAX = 64 }; /* so that it is never longer than the ATTACH that provoked it */

static bool proves(const struct skt_acceptor *a, const struct skt_half *half, const uint8_t *resume,
                   const uint8_t *proof)
{
    uint8_t expected[SKT_PROOF_LEN];
    return skt_proof_resume(a->ctx->crypto, resume, half->kp->hash, expected) == SKT_OK &&
           skt_equal_ct(expected, proof, sizeof expected);
}

/* The session that an ATTACH proves to have had: it knows the resume secret of its last handshake, or, where
 * the ACCEPT of that one was lost, of the one before. */
static struct skt_session *proven(const struct skt_acceptor *a, const struct skt_half *half, uint32_t cid,
                                  const uint8_t *proof)
{
    struct skt_session *s = skt_idmap_get(&a->sessions, cid);
    if (!s || s->state == SKT_SESSION_CLOSED || !skt_equal_ct(s->ticket, half->ticket, SKT_TICKET_LEN))
        return NULL; /* with another ticket it would keep what belongs to the old one */
    return proves(a, half, s->resume, proof) || proves(a, half, s->resume_confirmed, proof) ? s : NULL;
}

/* The ticket that ATTACH proves to have; false: none that is known. */
static bool take_ticket(const struct skt_acceptor *a, struct skt_half *half, const uint8_t *field)
{
    static const uint8_t nobody[SKT_TICKET_LEN];
    if (!(half->features & SKT_FEATURE_TICKET_PROOF)) {
        memcpy(half->ticket, field, SKT_TICKET_LEN);
        return true;
    }
    uint8_t expected[SKT_TICKET_PROOF_LEN];
    const uint8_t *ticket = a->find_ticket ? a->find_ticket(a->find_user, field) : NULL;
    int err = skt_proof_ticket(a->ctx->crypto, ticket ? ticket : nobody, half->kp->hash, expected);
    bool good = !err && skt_equal_ct(expected, field + SKT_TICKET_ID_LEN, sizeof expected) && ticket;
    memcpy(half->ticket, good ? ticket : nobody, SKT_TICKET_LEN);
    return good;
}

/* Opens a packet that must begin with ATTACH. */
static int open_attach(struct skt_acceptor *a, skt_us now, struct skt_half *half, uint8_t *datagram,
                       size_t len, struct skt_frame_attach *attach)
{
    uint8_t *plain;
    size_t plain_len;
    int err = skt_packet_open(a->ctx->crypto, half->kp, datagram, len, now, &plain, &plain_len);
    if (err == SKT_ERR_REPLAY)
        a->ctx->drops.replay++;
    else if (err)
        a->ctx->drops.auth++;
    if (err)
        return err;
    struct skt_reader r = skt_reader_of(plain, plain_len);
    struct skt_frame f;
    if (skt_frame_read(&r, &f) != SKT_OK || f.type != SKT_FRAME_ATTACH || !f.good) {
        a->ctx->drops.malformed++;
        return SKT_ERR_MALFORMED;
    }
    *attach = f.attach;
    return SKT_OK;
}

/* Has its client shown to be where it comes from? Message 1 came from half->from, and message 2 was read, to
 * have keys; another address must send back what went there. SKT_ERR_AGAIN: a challenge is due; SKT_ERR_FULL:
 * one was sent just now. */
static int check_place(struct skt_acceptor *a, skt_us now, struct skt_half *half, const struct skt_addr *from,
                       const struct skt_attach_request *req)
{
    if (skt_addr_equal(from, &half->from))
        return SKT_OK;
    const uint8_t *echo = skt_attach_extension(req, SKT_EXTENSION_ECHO, SKT_CHALLENGE_LEN);
    bool asked = skt_addr_equal(from, &half->challenge_to);
    if (asked && echo && skt_equal_ct(echo, half->challenge, SKT_CHALLENGE_LEN)) {
        half->from = *from;
        return SKT_OK;
    }
    if (now < half->challenge_next) {
        a->ctx->drops.overload++;
        return SKT_ERR_FULL;
    }
    if (!asked && a->ctx->crypto->random(half->challenge, sizeof half->challenge) != SKT_OK)
        return SKT_ERR_CRYPTO;
    half->challenge_to = *from;
    half->challenge_next = now + CHALLENGE_INTERVAL;
    return SKT_ERR_AGAIN;
}

int skt_acceptor_attach(struct skt_acceptor *a, skt_us now, struct skt_half *half,
                        const struct skt_addr *from, uint8_t *datagram, size_t len,
                        struct skt_attach_request *req)
{
    struct skt_frame_attach attach;
    int err = open_attach(a, now, half, datagram, len, &attach);
    if (err)
        return err;
    *req = (struct skt_attach_request){.half = half, .features = half->params.features};
    req->extensions = half->extensions;
    req->extensions_len =
        attach.extensions_len < sizeof half->extensions ? attach.extensions_len : sizeof half->extensions;
    memcpy(half->extensions, attach.extensions, req->extensions_len);
    err = check_place(a, now, half, from, req);
    if (err)
        return err;
    req->known = take_ticket(a, half, attach.ticket);
    req->ticket = half->ticket;
    req->continued = attach.cid ? proven(a, half, attach.cid, attach.proof) : NULL;
    return SKT_OK;
}

long skt_acceptor_challenge(struct skt_acceptor *a, struct skt_half *half, uint8_t *reply, size_t cap)
{
    if (cap < SKT_MTU_MIN)
        return SKT_ERR_ARG;
    struct skt_writer w = skt_writer_of(reply + SKT_HEADER_LEN, cap - SKT_PACKET_OVERHEAD);
    uint8_t pad;
    int err = a->ctx->crypto->random(&pad, sizeof pad);
    if (err)
        return err;
    skt_frame_write(&w, &(struct skt_frame){.type = SKT_FRAME_CHALLENGE, .token = half->challenge});
    skt_frame_pad(&w, pad % CHALLENGE_PAD_MAX);
    return skt_packet_seal(a->ctx->crypto, half->kp->mask, half->kp, reply, skt_writer_len(&w));
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
    if (a->sessions.count >= a->sessions_max + a->leaving)
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

/* The session's newest pair is kp, which a packet has opened; takes it over. */
static void install(struct skt_session *s, skt_us now, struct skt_keypair *kp, bool is_new)
{
    if (!s->keys.next)
        memcpy(s->resume_confirmed, s->resume, sizeof s->resume);
    memcpy(s->resume, kp->resume, sizeof s->resume);
    if (is_new)
        memcpy(s->resume_confirmed, s->resume, sizeof s->resume);
    skt_keys_install(&s->keys, kp);
    if (is_new)
        skt_keys_confirm(&s->keys, kp, now);
    skt_session_drop_keys(s);
}

/* A session begins (is_new) or continues under a pair that a packet has opened; takes kp over. */
static int adopt(struct skt_session *s, skt_us now, struct skt_keypair *kp, const struct skt_addr *from,
                 const struct skt_initiation *params, bool is_new)
{
    uint16_t own_s = s->ctx->tuning.keepalive_s;
    skt_idmap_remove(&s->ctx->ids, kp->local_id);
    int err = skt_idmap_put(&s->ctx->ids, kp->local_id, &s->slot);
    if (err)
        return err;
    install(s, now, kp, is_new);
    bool moved = !skt_addr_equal(&s->peer, from);
    s->peer = *from; /* where it has answered message 2, or a challenge */
    s->roaming.to = (struct skt_addr){0};
    s->roaming.challenge_due = false;
    s->state = SKT_SESSION_UP;
    skt_session_set_features(s, params->features);
    skt_session_set_mtu(s);
    s->attach_result = is_new ? SKT_ATTACH_NEW : SKT_ATTACH_CONTINUED;
    s->due.accept = true;
    s->liveness.keepalive = SKT_US_PER_SEC * (params->keepalive_s < own_s ? params->keepalive_s : own_s);
    (void)skt_session_heard(s, now);
    skt_path_on_alive(&s->path, now);
    skt_session_tell_state(s);
    skt_session_tell_keys(s, now, is_new ? SKT_TRACE_KEYS_NEW : SKT_TRACE_KEYS_CONTINUED);
    if (moved) {
        skt_trace_tell(&s->path.trace, path, now, from);
        skt_path_reset(&s->path, now);
        skt_session_search_mtu(s, now, params->mtu);
    }
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
    int err = adopt(s, now, half->kp, &half->from, &half->params, *is_new);
    if (err) {
        if (*is_new) {
            skt_acceptor_forget(a, s);
            skt_session_free(s);
        }
        return err;
    }
    memcpy(s->ticket, half->ticket, SKT_TICKET_LEN);
    half->kp = NULL;
    struct skt_addr from = half->from;
    skt_half_free(a, half);
    skt_halves_forget_client(a, &from);
    *out = s;
    return SKT_OK;
}

long skt_acceptor_refuse(struct skt_acceptor *a, const struct skt_attach_request *req, int result,
                         const char *text, uint8_t *reply, size_t cap)
{
    size_t text_len = strlen(text);
    if (text_len > SKT_REASON_MAX)
        text_len = SKT_REASON_MAX;
    if (cap < SKT_MTU_MIN)
        return SKT_ERR_ARG;
    struct skt_writer w = skt_writer_of(reply + SKT_HEADER_LEN, cap - SKT_PACKET_OVERHEAD);
    const struct skt_frame refusal = {.type = SKT_FRAME_ACCEPT,
                                      .accept = {(uint8_t)result, 0, (const uint8_t *)text, text_len}};
    skt_frame_write(&w, &refusal);
    uint16_t pad;
    int err = a->ctx->crypto->random(&pad, sizeof pad);
    if (err)
        return err;
    req->half->refused = true;
    skt_frame_pad(&w, pad % SKT_PING_PAD_MAX);
    return skt_packet_seal(a->ctx->crypto, req->half->kp->mask, req->half->kp, reply, skt_writer_len(&w));
}

void skt_acceptor_forget(struct skt_acceptor *a, struct skt_session *s)
{
    skt_idmap_remove(&a->sessions, s->cid);
    a->leaving -= s->leaving;
}
