/* SPDX-License-Identifier: MIT */
#include "proto/keys/keys.h"

#include "base/wipe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- one pair --- */

struct skt_keypair *skt_keypair_new(const struct skt_crypto *crypto, const struct skt_handshake_keys *keys,
                                    enum skt_cipher cipher, bool is_initiator, uint32_t local_id,
                                    uint32_t remote_id, skt_us now)
{
    struct skt_keypair *kp = calloc(1, sizeof *kp);
    if (!kp)
        return NULL;
    kp->local_id = local_id;
    kp->remote_id = remote_id;
    kp->cipher = cipher;
    kp->is_initiator = is_initiator;
    kp->created = now;
    memcpy(kp->hash, keys->hash, sizeof kp->hash);
    memcpy(kp->resume, keys->resume, sizeof kp->resume);
    kp->seal = crypto->aead_new(cipher, is_initiator ? keys->client_to_server : keys->server_to_client, 1);
    kp->open = crypto->aead_new(cipher, is_initiator ? keys->server_to_client : keys->client_to_server, 0);
    if (!kp->seal || !kp->open || skt_replay_init(&kp->replay, SKT_REPLAY_WINDOW) != 0) {
        skt_keypair_free(crypto, kp);
        return NULL;
    }
    return kp;
}

void skt_keypair_free(const struct skt_crypto *crypto, struct skt_keypair *kp)
{
    if (!kp)
        return;
    if (kp->seal)
        crypto->aead_free(kp->seal);
    if (kp->open)
        crypto->aead_free(kp->open);
    skt_replay_dispose(&kp->replay);
    skt_wipe(kp, sizeof *kp);
    free(kp);
}

/* May packets still be sealed under it? */
static bool is_usable(const struct skt_keypair *kp, skt_us now)
{
    return now < skt_us_add(kp->created, SKT_REJECT_AFTER) && kp->sent < SKT_REJECT_AFTER_PACKETS;
}

/* --- rotation --- */

void skt_keys_init(struct skt_keys *keys)
{
    memset(keys, 0, sizeof *keys);
}

static void drop(struct skt_keys *keys, struct skt_keypair **slot)
{
    struct skt_keypair *kp = *slot;
    if (!kp)
        return;
    *slot = NULL;
    kp->next_dropped = keys->dropped;
    keys->dropped = kp;
}

/* kp becomes current; what was current, previous. */
static void promote(struct skt_keys *keys, struct skt_keypair *kp)
{
    drop(keys, &keys->previous);
    keys->previous = keys->current;
    keys->current = kp;
    if (keys->previous)
        keys->previous_until = skt_us_add(keys->previous->created, SKT_REJECT_AFTER);
}

void skt_keys_install(struct skt_keys *keys, struct skt_keypair *kp)
{
    assert(kp != keys->previous && kp != keys->current && kp != keys->next);
    drop(keys, &keys->next);
    if (kp->is_initiator) {
        promote(keys, kp);
    } else {
        drop(keys, &keys->previous);
        keys->next = kp;
    }
}

bool skt_keys_confirm(struct skt_keys *keys, const struct skt_keypair *kp, skt_us now)
{
    if (kp == keys->next && kp) {
        struct skt_keypair *next = keys->next;
        keys->next = NULL;
        promote(keys, next);
        if (keys->previous)
            keys->previous_until = skt_us_min(keys->previous_until, skt_us_add(now, SKT_PREVIOUS_LINGER));
        return true;
    }
    if (kp == keys->current && kp && kp->is_initiator && keys->previous)
        keys->previous_until = skt_us_min(keys->previous_until, skt_us_add(now, SKT_PREVIOUS_LINGER));
    return false;
}

struct skt_keypair *skt_keys_sending(const struct skt_keys *keys, skt_us now)
{
    return keys->current && is_usable(keys->current, now) ? keys->current : NULL;
}

bool skt_keys_needs_rekey(const struct skt_keys *keys, skt_us now)
{
    const struct skt_keypair *kp = keys->current;
    if (!kp)
        return !keys->next;
    if (!kp->is_initiator)
        return false;
    return now >= skt_us_add(kp->created, SKT_REKEY_AFTER) || kp->sent >= SKT_REKEY_AFTER_PACKETS ||
           kp->replay.top >= SKT_REKEY_AFTER_PACKETS;
}

skt_us skt_keys_rekey_at(const struct skt_keys *keys)
{
    if (!keys->current || !keys->current->is_initiator)
        return SKT_NEVER;
    return skt_us_add(keys->current->created, SKT_REKEY_AFTER);
}

skt_us skt_keys_expiry(const struct skt_keys *keys)
{
    skt_us at = SKT_NEVER;
    if (keys->previous)
        at = keys->previous_until;
    if (keys->next)
        at = skt_us_min(at, skt_us_add(keys->next->created, SKT_REJECT_AFTER));
    if (keys->current)
        at = skt_us_min(at, skt_us_add(keys->current->created, SKT_REJECT_AFTER));
    return at;
}

void skt_keys_expire(struct skt_keys *keys, skt_us now)
{
    if (keys->previous && now >= keys->previous_until)
        drop(keys, &keys->previous);
    if (keys->next && now >= skt_us_add(keys->next->created, SKT_REJECT_AFTER))
        drop(keys, &keys->next);
    if (keys->current && now >= skt_us_add(keys->current->created, SKT_REJECT_AFTER))
        drop(keys, &keys->current);
}

void skt_keys_drop_all(struct skt_keys *keys)
{
    drop(keys, &keys->previous);
    drop(keys, &keys->current);
    drop(keys, &keys->next);
}

struct skt_keypair *skt_keys_take_dropped(struct skt_keys *keys)
{
    struct skt_keypair *kp = keys->dropped;
    if (kp) {
        keys->dropped = kp->next_dropped;
        kp->next_dropped = NULL;
    }
    return kp;
}
