/* SPDX-License-Identifier: MIT */
/* Transport keys of a session: one pair for each handshake, in rotation previous/current/next, after the
 * rules of WireGuard (the paper, 6; Linux receive.c and noise.c are the model). Only the client starts
 * handshakes. */
#ifndef SKT_PROTO_KEYS_KEYS_H
#define SKT_PROTO_KEYS_KEYS_H

#include "proto/keys/handshake.h"
#include "proto/keys/replay.h"
#include "proto/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct skt_keypair {
    uint32_t local_id;  /* receiver id of what comes in under this pair */
    uint32_t remote_id; /* receiver id of what goes out */
    uint32_t sent;      /* packets sealed; the next one's number is sent + 1 (0 is message 2's) */
    enum skt_cipher cipher;
    bool is_initiator;
    bool heard; /* has a packet been opened under it? (skt_packet_open sets it) */
    skt_us created;
    struct skt_aead *seal, *open;
    struct skt_replay replay;
    uint8_t hash[SKT_HASH_LEN];
    uint8_t resume[SKT_KEY_LEN];
    struct skt_mask *mask;            /* of what goes out under it; the caller's */
    void *owner;                      /* the caller's, e.g. the session */
    struct skt_keypair *next_dropped; /* list of skt_keys_take_dropped */
};

/* A keypair from a finished handshake; NULL without memory or when the cipher is unknown. `keys` stays the
 * caller's to wipe. */
struct skt_keypair *skt_keypair_new(const struct skt_crypto *crypto, const struct skt_handshake_keys *keys,
                                    enum skt_cipher cipher, bool is_initiator, uint32_t local_id,
                                    uint32_t remote_id, skt_us now);

/* Wipes and frees; NULL is allowed. */
void skt_keypair_free(const struct skt_crypto *crypto, struct skt_keypair *kp);

/* Keypairs that a function below takes out of use go to a list; the owner takes them with
 * skt_keys_take_dropped, removes their local_id from its tables, and frees them. */
struct skt_keys {
    struct skt_keypair *previous; /* for packets still in flight */
    struct skt_keypair *current;  /* what is sent is sealed with it */
    struct skt_keypair *next;     /* responder: not confirmed by a packet yet */
    skt_us previous_until;        /* when previous goes, at the latest */
    struct skt_keypair *dropped;
};

void skt_keys_init(struct skt_keys *keys);

/* Takes a new keypair over. Initiator: it becomes current at once, current becomes previous. Responder: it
 * becomes next until skt_keys_confirm; an unconfirmed next and the previous one are dropped. */
void skt_keys_install(struct skt_keys *keys, struct skt_keypair *kp);

/* A packet was opened under kp. Responder: if it is next, it becomes current, and current becomes previous;
 * true then. Initiator: the first packet under current shows that the responder has moved on: previous is
 * kept for SKT_PREVIOUS_LINGER more. Call it for every opened packet; it is cheap. */
bool skt_keys_confirm(struct skt_keys *keys, const struct skt_keypair *kp, skt_us now);

/* The keypair to send with, or NULL: none yet, or expired. */
struct skt_keypair *skt_keys_sending(const struct skt_keys *keys, skt_us now);

/* Is it time for a new handshake (SKT_REKEY_AFTER, SKT_REKEY_AFTER_PACKETS in either direction)? Always false
 * on the responder's side; true without any keys. */
bool skt_keys_needs_rekey(const struct skt_keys *keys, skt_us now);

/* Initiator: when skt_keys_needs_rekey turns true by age; else, and without keys, SKT_NEVER. */
skt_us skt_keys_rekey_at(const struct skt_keys *keys);

/* When skt_keys_expire has something to drop; SKT_NEVER without keys. */
skt_us skt_keys_expiry(const struct skt_keys *keys);

/* Drops what may not be used any more. */
void skt_keys_expire(struct skt_keys *keys, skt_us now);

/* Drops everything, as at the end of a session. */
void skt_keys_drop_all(struct skt_keys *keys);

/* The next dropped keypair, now the caller's, or NULL. */
struct skt_keypair *skt_keys_take_dropped(struct skt_keys *keys);

#endif
