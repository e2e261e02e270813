/* SPDX-License-Identifier: MIT */
#include "tunnel/endpoint_keys.h"

#include "base/err.h"
#include "base/log.h"
#include "base/wipe.h"
#include "tunnel/endpoint_internal.h"

#include <stdlib.h>
#include <string.h>

#define EACH(key, ep)                                                                                        \
    for (struct skt_list *l_ = (ep)->keys.next;                                                              \
         l_ != &(ep)->keys && ((key) = SKT_CONTAINER(l_, struct skt_endpoint_key, link)); l_ = l_->next)

static void key_free(struct skt_endpoint *ep, struct skt_endpoint_key *key)
{
    skt_list_remove(&key->link);
    if (key->in)
        ep->ctx.crypto->mask_free(key->in);
    if (key->out)
        ep->ctx.crypto->mask_free(key->out);
    skt_stamps_put(key->stamps);
    skt_wipe(key, sizeof *key);
    free(key);
}

static int key_new(struct skt_endpoint *ep, const uint8_t psk[SKT_KEY_LEN], const char *folder)
{
    const struct skt_crypto *crypto = ep->ctx.crypto;
    uint8_t c2s[SKT_KEY_LEN], s2c[SKT_KEY_LEN];
    struct skt_endpoint_key *key = calloc(1, sizeof *key);
    if (!key)
        return SKT_ERR_NOMEM;
    memcpy(key->psk, psk, SKT_KEY_LEN);
    key->wanted = true;
    skt_list_init(&key->link);
    skt_list_append(&ep->keys, &key->link);
    int err = skt_packet_mask_keys(crypto, psk, c2s, s2c);
    if (!err) {
        key->in = crypto->mask_new(ep->server ? c2s : s2c);
        key->out = crypto->mask_new(ep->server ? s2c : c2s);
        err = key->in && key->out ? SKT_OK : SKT_ERR_NOMEM;
    }
    skt_wipe(c2s, sizeof c2s);
    skt_wipe(s2c, sizeof s2c);
    if (!err && ep->server)
        err = skt_stamps_get(&key->stamps, ep->shared, psk, folder, ep->ctx.wall_ms);
    if (err)
        key_free(ep, key);
    else if (ep->server)
        key->narrowed_told = key->stamps->cache.narrowed;
    return err;
}

static struct skt_endpoint_key *find(const struct skt_endpoint *ep, const uint8_t psk[SKT_KEY_LEN])
{
    struct skt_endpoint_key *key;
    EACH(key, ep)
    {
        if (skt_equal_ct(key->psk, psk, SKT_KEY_LEN))
            return key;
    }
    return NULL;
}

/* All that the configuration has, marked as wanted. */
static int want(struct skt_endpoint *ep, const struct skt_endpoint_conf *conf)
{
    struct skt_endpoint_key *key;
    EACH(key, ep) key->wanted = false;
    for (size_t i = 0; i < conf->psk_count; i++) {
        key = find(ep, conf->psks[i]);
        if (key)
            key->wanted = true;
        int err = key ? SKT_OK : key_new(ep, conf->psks[i], conf->state_folder);
        if (err)
            return err;
    }
    return SKT_OK;
}

void skt_endpoint_keys_select(struct skt_endpoint *ep, const struct skt_endpoint_key *key)
{
    memcpy(ep->ctx.identity.psk, key->psk, SKT_KEY_LEN);
    ep->ctx.mask_in = key->in;
    ep->ctx.mask_out = key->out;
    if (ep->server) {
        ep->serving.acceptor.stamps = &key->stamps->cache;
        ep->serving.acceptor.cookies = &key->stamps->cookies;
    }
}

int skt_endpoint_keys_init(struct skt_endpoint *ep, const struct skt_endpoint_conf *conf)
{
    int err = conf->psk_count > 0 ? want(ep, conf) : SKT_ERR_ARG;
    if (!err)
        skt_endpoint_keys_select(ep, find(ep, conf->psks[0]));
    return err;
}

void skt_endpoint_keys_dispose(struct skt_endpoint *ep)
{
    while (!skt_list_empty(&ep->keys))
        key_free(ep, SKT_CONTAINER(ep->keys.next, struct skt_endpoint_key, link));
}

/* --- others instead --- */

static bool is_used(const struct skt_endpoint *ep, const struct skt_endpoint_key *key)
{
    for (struct skt_list *l = ep->all.next; l != &ep->all; l = l->next) {
        if (skt_session_uses(SKT_CONTAINER(l, struct skt_link, link)->session, key->out))
            return true;
    }
    return false;
}

/* Those that were retired before, when nothing is sent or read by them any more. */
static void sweep(struct skt_endpoint *ep)
{
    for (struct skt_list *l = ep->keys.next, *next; l != &ep->keys; l = next) {
        struct skt_endpoint_key *key = SKT_CONTAINER(l, struct skt_endpoint_key, link);
        next = l->next;
        if (key->retired && !key->wanted && !is_used(ep, key))
            key_free(ep, key);
    }
}

/* A server's sessions end with the key that they came by; a client's get new keys by the new one. */
static void follow(struct skt_endpoint *ep, bool changed)
{
    skt_us now = skt_loop_now(ep->loop);
    for (struct skt_list *l = ep->all.next; l != &ep->all; l = l->next) {
        struct skt_session *s = SKT_CONTAINER(l, struct skt_link, link)->session;
        const struct skt_endpoint_key *key = skt_endpoint_key_of(ep, s);
        if (!ep->server && changed)
            skt_session_rekey(s, now);
        else if (ep->server && key && key->retired)
            (void)skt_endpoint_close(ep, skt_session_cid(s), SKT_CLOSE_REFUSED);
        skt_endpoint_touch(ep, s);
    }
    if (changed)
        ep->asking.ask_at = 0;
}

int skt_endpoint_set_keys(struct skt_endpoint *ep, const struct skt_endpoint_conf *conf)
{
    struct skt_endpoint_key *key;
    skt_endpoint_refresh(ep);
    int err = conf->psk_count > 0 ? want(ep, conf) : SKT_ERR_ARG;
    if (err)
        return err;
    bool changed = !skt_equal_ct(ep->ctx.identity.psk, conf->psks[0], SKT_KEY_LEN);
    sweep(ep);
    EACH(key, ep) key->retired = !key->wanted;
    skt_endpoint_keys_select(ep, find(ep, conf->psks[0]));
    follow(ep, changed && !ep->server);
    return SKT_OK;
}

const struct skt_endpoint_key *skt_endpoint_key_of(const struct skt_endpoint *ep, const struct skt_session *s)
{
    const struct skt_mask *mask = skt_session_mask(s);
    struct skt_endpoint_key *key;
    EACH(key, ep)
    {
        if (mask && key->out == mask)
            return key;
    }
    return NULL;
}

const uint8_t *skt_endpoint_psk_of(const struct skt_endpoint *ep, const struct skt_session *s)
{
    const struct skt_endpoint_key *key = skt_endpoint_key_of(ep, s);
    return key ? key->psk : NULL;
}

/* --- what comes in --- */

/* Under another key a header is random: with one session in 2^32 of them would seem to lead to it, and is
 * lost as if the link had lost it. */
static bool leads_somewhere(const struct skt_endpoint *ep, const struct skt_packet_in *in)
{
    if (in->err)
        return false;
    return (ep->server && in->header.kind == SKT_PACKET_INITIATION) ||
           skt_idmap_get(&ep->ctx.ids, in->header.receiver);
}

/* What is left of a batch while one key after the other is tried. */
struct left {
    size_t n, at[SKT_PACKET_BATCH];                  /* indices of the batch */
    uint8_t heads[SKT_PACKET_BATCH][SKT_MASKED_MAX]; /* as they came, by index of the batch */
};

static size_t head_len(const struct skt_udp_datagram *d)
{
    return d->len < SKT_MASKED_MAX ? d->len : SKT_MASKED_MAX;
}

static void try_key(struct skt_endpoint *ep, struct skt_endpoint_key *key, struct skt_udp_datagram *d,
                    struct left *left, struct skt_packet_in *in, struct skt_endpoint_key **by)
{
    struct skt_packet_in tried[SKT_PACKET_BATCH];
    size_t n = left->n;
    for (size_t i = 0; i < n; i++) {
        struct skt_udp_datagram *one = &d[left->at[i]];
        memcpy(one->data, left->heads[left->at[i]], head_len(one));
        tried[i] = (struct skt_packet_in){.datagram = one->data, .len = one->len};
    }
    skt_packet_unmask_all(ep->ctx.crypto, key->in, tried, n);
    left->n = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = left->at[i];
        in[at] = tried[i];
        by[at] = key;
        if (!leads_somewhere(ep, &tried[i]))
            left->at[left->n++] = at;
    }
}

void skt_endpoint_keys_unmask(struct skt_endpoint *ep, struct skt_udp_datagram *d, size_t n,
                              struct skt_packet_in in[SKT_PACKET_BATCH],
                              struct skt_endpoint_key *by[SKT_PACKET_BATCH])
{
    struct skt_endpoint_key *key = SKT_CONTAINER(ep->keys.next, struct skt_endpoint_key, link), *last = NULL;
    if (key->link.next == &ep->keys) { /* one, as nearly everywhere */
        for (size_t i = 0; i < n; i++) {
            in[i] = (struct skt_packet_in){.datagram = d[i].data, .len = d[i].len};
            by[i] = key;
        }
        skt_packet_unmask_all(ep->ctx.crypto, key->in, in, n);
        return;
    }
    struct left left = {.n = n};
    for (size_t i = 0; i < n; i++) {
        left.at[i] = i;
        memcpy(left.heads[i], d[i].data, head_len(&d[i]));
    }
    EACH(key, ep)
    {
        size_t before = left.n;
        if (before == 0)
            break;
        if (key->retired && ep->server)
            continue;
        try_key(ep, key, d, &left, in, by);
        if (left.n < before)
            last = key;
    }
    if (last) { /* is tried first next time */
        skt_list_remove(&last->link);
        skt_list_insert_after(&ep->keys, &last->link);
    }
}

/* --- time --- */

void skt_endpoint_keys_expire(struct skt_endpoint *ep, skt_us now)
{
    struct skt_endpoint_key *key;
    EACH(key, ep)
    {
        skt_endpoint_keys_select(ep, key);
        skt_acceptor_expire(&ep->serving.acceptor, now);
    }
}

skt_us skt_endpoint_keys_expiry(struct skt_endpoint *ep)
{
    struct skt_endpoint_key *key;
    skt_us at = SKT_NEVER;
    EACH(key, ep)
    {
        skt_endpoint_keys_select(ep, key);
        at = skt_us_min(at, skt_acceptor_expiry(&ep->serving.acceptor));
    }
    return at;
}
