/* SPDX-License-Identifier: MIT */
/* The two configurations of a tunnel, made at once: one key, the server's own key and its public half, one
 * ticket. */
#ifndef SKT_TOOLS_PAIR_H
#define SKT_TOOLS_PAIR_H

#include "crypto/crypto.h"
#include "proto/wire.h"
#include "tools/place.h"

struct skt_pair {
    struct skt_place server; /* UDP, as the client reaches it */
    struct skt_place target; /* TCP mode: where the server connects to */
    struct skt_place listen; /* TCP mode: where programs connect to the client */
    bool tun;                /* TUN mode; no target and listen then */
    const char *folder;      /* where server.lua and client.lua are written to */
};

/* A new ticket: 32 hexadecimal digits, 128 random bits. 0, or SKT_ERR_CRYPTO. */
int skt_ticket_make(const struct skt_crypto *crypto, char ticket[SKT_TICKET_LEN + 1]);

/* Makes the secrets and writes both files, for their owner alone; what is there already is not touched. An
 * exit status; says on stdout what to do next, and on stderr what went wrong. */
int skt_pair_write(const struct skt_crypto *crypto, const struct skt_pair *pair);

#endif
