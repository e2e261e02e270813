/* SPDX-License-Identifier: MIT */
/* Message 1: who is answered, and by what. */
#include "proto/acceptor/acceptor.h"

#include "base/err.h"
#include "base/wipe.h"
#include "proto/acceptor/internal.h"

#include <string.h>

/* A message 1 under way through the steps below. */
struct arrival {
    skt_us now;
    const struct skt_addr *from;
    size_t len; /* of the datagram */
    struct skt_handshake hs;
    struct skt_initiation m;
    bool other_version; /* of m, only the fields that every version has are set then */
    enum skt_half_kind kind;
    uint8_t key[SKT_STAMP_KEY_LEN];
    uint8_t *reply; /* out */
    size_t cap;
};

void skt_acceptor_init(struct skt_acceptor *a, struct skt_context *ctx, struct skt_stampcache *stamps,
                       struct skt_cookies *cookies, uint32_t first_cid, uint32_t sessions_max)
{
    memset(a, 0, sizeof *a);
    a->ctx = ctx;
    a->stamps = stamps;
    a->cookies = cookies;
    a->next_cid = first_cid & SKT_CID_MAX;
    a->sessions_max = sessions_max;
    skt_list_init(&a->halves);
    skt_idmap_init(&a->sessions);
}

void skt_acceptor_dispose(struct skt_acceptor *a)
{
    while (!skt_list_empty(&a->halves))
        skt_half_free(a, SKT_CONTAINER(a->halves.next, struct skt_half, link));
    skt_idmap_dispose(&a->sessions);
    skt_ratelimit_dispose(&a->sources);
}

static skt_us oldest_until(const struct skt_acceptor *a)
{
    return skt_list_empty(&a->halves) ? SKT_NEVER
                                      : SKT_CONTAINER(a->halves.next, struct skt_half, link)->until;
}

skt_us skt_acceptor_expiry(const struct skt_acceptor *a)
{
    return skt_us_min(oldest_until(a), skt_cookies_expiry(a->cookies));
}

/* What the filter of the cookies forgets can't be answered any more either. */
static void expire_cookies(struct skt_acceptor *a, skt_us now)
{
    struct skt_stamp_range forgotten;
    while (skt_cookies_expire(a->cookies, now, &forgotten))
        skt_stamp_ranges_add(&a->stamps->refused, forgotten);
}

void skt_acceptor_expire(struct skt_acceptor *a, skt_us now)
{
    while (now >= oldest_until(a))
        skt_half_free(a, SKT_CONTAINER(a->halves.next, struct skt_half, link));
    expire_cookies(a, now);
    if (skt_list_empty(&a->halves))
        skt_ratelimit_dispose(&a->sources);
}

static struct skt_stamp_clock clock_of(const struct skt_acceptor *a)
{
    return (struct skt_stamp_clock){a->ctx->wall_ms, a->ctx->boot_ms};
}

/* --- what its sender has shown --- */

static enum skt_half_kind kind_of(struct skt_acceptor *a, const struct arrival *in)
{
    const struct skt_crypto *crypto = a->ctx->crypto;
    const struct skt_session *s = skt_idmap_get(&a->sessions, in->m.cid);
    if (in->m.cid && s && s->state != SKT_SESSION_CLOSED &&
        (skt_handshake_proves_return(&in->hs, crypto, &in->m, s->resume) ||
         skt_handshake_proves_return(&in->hs, crypto, &in->m, s->resume_confirmed)))
        return SKT_HALF_PROVEN;
    if (skt_cookies_check(a->cookies, crypto, in->now, in->from, in->m.cookie))
        return SKT_HALF_COOKIE;
    return SKT_HALF_OPEN;
}

/* Who asks, for the rate: a session, or an IPv4 address, or an IPv6 /64. */
static uint64_t source_of(const struct arrival *in)
{
    uint64_t source = in->from->family;
    if (in->kind == SKT_HALF_PROVEN)
        return UINT64_C(1) << 63 | in->m.cid;
    for (int i = 0; i < (in->from->family == 6 ? 8 : 4); i++)
        source = source << 8 ^ in->from->ip[i] ^ source >> 56;
    return source;
}

/* Whose share of the stamps: a network's, or a session's. */
static uint16_t stamp_net_of(const struct arrival *in)
{
    uint64_t h = in->kind == SKT_HALF_PROVEN ? UINT64_C(1) << 63 | in->m.cid : skt_half_network(in->from);
    return (uint16_t)((h * UINT64_C(0x9e3779b97f4a7c15) >> 40) % SKT_STAMP_NETS);
}

/* The longest padding, up to max, with which an answer of len bytes without it stays within what an address
 * that has shown nothing may be sent. */
static uint16_t padding_for(const struct arrival *in, size_t len, size_t max)
{
    size_t room = in->len * SKT_UNPROVEN_FACTOR;
    room = room > len ? room - len : 0;
    return (uint16_t)(room < max ? room : max);
}

static int random_padding(const struct skt_acceptor *a, uint16_t max, uint16_t *pad)
{
    int err = a->ctx->crypto->random(pad, sizeof *pad);
    *pad = (uint16_t)(*pad % (max + 1));
    return err;
}

/* --- a cookie reply: no key exchange, no state but two bits --- */

static long give_cookie(struct skt_acceptor *a, const struct arrival *in)
{
    struct skt_context *ctx = a->ctx;
    uint8_t cookie[SKT_COOKIE_LEN];
    uint16_t pad;
    if (in->other_version || in->m.stamp_ms + SKT_COOKIE_PAST_MS < ctx->wall_ms ||
        in->m.stamp_ms > ctx->wall_ms + SKT_COOKIE_FUTURE_MS) {
        ctx->drops.overload++;
        return SKT_ERR_FULL;
    }
    int err = skt_cookies_make(a->cookies, ctx->crypto, in->now, in->from, cookie);
    if (!err)
        err = random_padding(
            a, padding_for(in, SKT_PACKET_OVERHEAD + SKT_COOKIE_REPLY_LEN, SKT_COOKIE_PAD_MAX), &pad);
    if (!err)
        err = skt_cookies_note(a->cookies, in->now, in->key, in->m.stamp_ms);
    if (err)
        return err;
    int len =
        skt_handshake_create_cookie(&in->hs, ctx->crypto, cookie, ctx->wall_ms, pad, in->reply, in->cap);
    if (len > 0)
        err = skt_packet_mask_run(ctx->crypto, ctx->mask_out, in->reply, (size_t)len, (size_t)len);
    if (len > 0)
        a->cookies_given++;
    return err ? err : len;
}

/* --- message 2 --- */

static int status_for(const struct skt_context *ctx, const struct arrival *in, enum skt_cipher *cipher)
{
    *cipher = SKT_CIPHER_NONE;
    if (in->other_version)
        return SKT_HS_VERSION;
    if (in->m.mode != ctx->mode)
        return SKT_HS_MODE;
    *cipher = skt_handshake_choose_cipher(&in->m, ctx->tuning.ciphers, ctx->cost_aes_ns, ctx->cost_chacha_ns);
    return *cipher == SKT_CIPHER_NONE ? SKT_HS_CIPHER : SKT_HS_OK;
}

static long write_response(struct skt_acceptor *a, struct arrival *in, const struct skt_response *r,
                           struct skt_handshake_keys *keys)
{
    struct skt_context *ctx = a->ctx;
    uint16_t pad;
    long len = random_padding(
        a, padding_for(in, SKT_HANDSHAKE_OVERHEAD + SKT_RESPONSE_LEN, SKT_HANDSHAKE_PAD_MAX), &pad);
    if (len == SKT_OK)
        len = skt_handshake_create_response(&in->hs, ctx->crypto, r, pad, in->reply, in->cap, keys);
    if (len > 0 && skt_packet_mask_handshake(ctx->crypto, ctx->mask_out, in->reply, (size_t)len) != SKT_OK)
        len = SKT_ERR_CRYPTO;
    return len;
}

/* Makes the half-session that message 2 promises. */
static long accept(struct skt_acceptor *a, struct arrival *in, struct skt_response *r)
{
    struct skt_context *ctx = a->ctx;
    struct skt_handshake_keys keys = {0};
    struct skt_half *half = skt_half_new(a, in->now, in->from, in->kind, &in->m, &r->sender);
    if (!half)
        return SKT_ERR_NOMEM;
    half->features = in->m.features & ctx->features;
    long len = write_response(a, in, r, &keys);
    if (len > 0) {
        half->kp = skt_keypair_new(ctx->crypto, &keys, (enum skt_cipher)r->cipher, false, r->sender,
                                   in->m.sender, in->now);
        if (half->kp)
            half->kp->mask = ctx->mask_out;
        else
            len = SKT_ERR_NOMEM;
    }
    if (len < 0) {
        if (!half->kp)
            skt_idmap_remove(&ctx->ids, r->sender);
        skt_half_free(a, half);
    }
    skt_wipe(&keys, sizeof keys);
    return len;
}

/* Remembers it, and answers. */
static long answer(struct skt_acceptor *a, struct arrival *in)
{
    struct skt_context *ctx = a->ctx;
    enum skt_cipher cipher;
    struct skt_response r = {.version = SKT_WIRE_VERSION,
                             .mode = ctx->mode,
                             .clock_ms = ctx->wall_ms,
                             .features = ctx->features,
                             .mtu = ctx->tuning.mtu_max,
                             .keepalive_s = ctx->tuning.keepalive_s};
    const struct skt_stamp_clock now = clock_of(a);
    r.status = (uint8_t)status_for(ctx, in, &cipher);
    r.cipher = (uint8_t)cipher;
    /* A mismatch takes no slot, so only this holds its rate. */
    if (r.status != SKT_HS_OK && !skt_ratelimit_take_one(&a->mismatches, in->now)) {
        ctx->drops.overload++;
        return SKT_ERR_FULL;
    }
    int err =
        skt_stampcache_insert(a->stamps, in->key, stamp_net_of(in), in->m.stamp_ms, &now, &a->last_stamp);
    if (err) {
        if (err == SKT_ERR_REPLAY)
            ctx->drops.replay++;
        else
            ctx->drops.overload++;
        return err;
    }
    a->stamp_new = true; /* what is remembered can't be answered again */
    if (r.status == SKT_HS_OK)
        return accept(a, in, &r);
    a->mismatch = r.status;
    a->mismatch_version = in->m.version;
    a->mismatch_mode = in->m.mode;
    return write_response(a, in, &r, NULL);
}

/* --- all of it --- */

/* Opens it; what was seen before is told by its ephemeral alone, at the cost of a hash. */
static int open_initiation(struct skt_acceptor *a, struct arrival *in, const uint8_t *datagram)
{
    struct skt_context *ctx = a->ctx;
    const struct skt_stamp_clock now = clock_of(a);
    int err = skt_handshake_stamp_key(ctx->crypto, datagram, in->len, in->key);
    if (!err && (skt_stampcache_has(a->stamps, in->key) || skt_cookies_seen(a->cookies, in->key)))
        err = SKT_ERR_REPLAY;
    if (!err)
        err =
            skt_handshake_consume_initiation(&in->hs, ctx->crypto, &ctx->identity, datagram, in->len, &in->m);
    in->other_version = err == SKT_ERR_VERSION;
    if (!err || in->other_version)
        err = skt_stampcache_check(a->stamps, in->key, in->m.stamp_ms, &now);
    if (err == SKT_ERR_REPLAY)
        ctx->drops.replay++;
    else if (err == SKT_ERR_AUTH)
        ctx->drops.auth++;
    else if (err)
        ctx->drops.malformed++;
    return err;
}

static long decide(struct skt_acceptor *a, struct arrival *in)
{
    in->kind = kind_of(a, in);
    if (!skt_halves_under_load(a))
        return answer(a, in);
    if (in->kind == SKT_HALF_OPEN)
        return give_cookie(a, in);
    if (skt_ratelimit_take(&a->sources, in->now, source_of(in)))
        return answer(a, in);
    a->ctx->drops.overload++;
    return SKT_ERR_FULL;
}

long skt_acceptor_initiation(struct skt_acceptor *a, skt_us now, const struct skt_addr *from,
                             const uint8_t *datagram, size_t len, uint8_t *reply, size_t cap)
{
    struct arrival in = {.now = now, .from = from, .len = len, .reply = reply, .cap = cap};
    a->stamp_new = false;
    a->mismatch = SKT_HS_OK;
    expire_cookies(a, now);
    long n = open_initiation(a, &in, datagram);
    if (n == SKT_OK)
        n = decide(a, &in);
    skt_handshake_dispose(&in.hs);
    return n;
}
