/* SPDX-License-Identifier: MIT */
/* The inside of the acceptor, for acceptor*.c only. */
#ifndef SKT_PROTO_ACCEPTOR_INTERNAL_H
#define SKT_PROTO_ACCEPTOR_INTERNAL_H

#include "proto/acceptor/acceptor.h"
#include "proto/session/internal.h"

/* What the sender of a message 1 has shown. */
enum skt_half_kind {
    SKT_HALF_OPEN,   /* the psk only; there was room enough */
    SKT_HALF_COOKIE, /* the psk, and that it can be reached where it says it is */
    SKT_HALF_PROVEN, /* the psk, and that it has a session here */
};

/* A handshake that waits for its ticket. */
struct skt_half {
    struct skt_slot slot; /* first member */
    struct skt_list link; /* in acceptor->halves */
    enum skt_half_kind kind;
    uint64_t group;         /* whose share it is of: a source network's or a session's; 0: of no one's */
    unsigned share;         /* half-sessions of this group */
    bool refused;           /* its ticket was refused */
    struct skt_keypair *kp; /* of its message 2; NULL once a session has it */
    struct skt_addr from;   /* where its client has shown to be */
    struct skt_initiation params;         /* of message 1 */
    uint32_t features;                    /* bits of enum skt_feature that both ends have */
    skt_us until;                         /* then it goes */
    struct skt_addr challenge_to;         /* another address that ATTACH came from; family 0: none */
    uint8_t challenge[SKT_CHALLENGE_LEN]; /* what is to come back from challenge_to */
    skt_us challenge_next;                /* no other challenge is sent before this */
    uint8_t ticket[SKT_TICKET_LEN];       /* that ATTACH has brought or proved; zeros: it was not proved */
    uint8_t extensions[SKT_ATTACH_EXTENSIONS_MAX]; /* of ATTACH */
};

/* acceptor/halves.c */

/* The network that an address is of: an IPv4 /24, an IPv6 /48; never 0. */
uint64_t skt_half_network(const struct skt_addr *from);

/* Have so many slots been taken that a message 1 must show more than the psk? */
bool skt_halves_under_load(const struct skt_acceptor *a);

/* A new one, for which another may have to go; *id leads to it. NULL: no memory. */
struct skt_half *skt_half_new(struct skt_acceptor *a, skt_us now, const struct skt_addr *from,
                              enum skt_half_kind kind, const struct skt_initiation *m, uint32_t *id);
void skt_half_free(struct skt_acceptor *a, struct skt_half *half);

/* A client has got in: its other half-sessions are of no use. */
void skt_halves_forget_client(struct skt_acceptor *a, const struct skt_addr *from);

#endif
