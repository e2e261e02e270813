/* SPDX-License-Identifier: MIT */
/* The replay caches of a process: one for each psk, whichever entries and ports serve it, so that a message 1
 * to one of them is a replay at all the others. */
#ifndef SKT_TUNNEL_STAMPS_H
#define SKT_TUNNEL_STAMPS_H

#include "base/list.h"
#include "proto/keys/cookies.h"
#include "proto/keys/stampcache.h"
#include "tunnel/shared.h"
#include "tunnel/stampfile.h"

struct skt_stamps {
    struct skt_list link;        /* in shared->stamps */
    unsigned users;              /* endpoints that serve this psk; the last one frees it */
    uint8_t name[SKT_HASH_LEN];  /* of the psk: HMAC-SHA-256(psk, "skcptun stamps") */
    struct skt_stampcache cache; /* which message 1 was answered already */
    struct skt_cookies cookies;  /* for clients that have to come twice */
    struct skt_stampfile *file;  /* NULL: kept nowhere */
};

/* The cache of a psk, made with the first user. folder: where it is kept over a restart, in a file that is
 * named by 8 bytes of `name`; NULL: nowhere. Who can read the file's name can guess at a weak password as
 * well as who has recorded a message 1, and no better. SKT_ERR_NOMEM, SKT_ERR_CRYPTO. */
int skt_stamps_get(struct skt_stamps **out, struct skt_shared *shared, const uint8_t psk[SKT_KEY_LEN],
                   const char *folder, uint64_t wall_ms);

/* One user less; the last one closes the file. NULL is allowed. */
void skt_stamps_put(struct skt_stamps *stamps);

#endif
