/* SPDX-License-Identifier: MIT */
/* What all sessions of one endpoint share. */
#ifndef SKT_PROTO_SESSION_CONTEXT_H
#define SKT_PROTO_SESSION_CONTEXT_H

#include "base/idmap.h"
#include "proto/kcp/kcp.h"
#include "proto/keys/handshake.h"
#include "proto/parity/gf256.h"
#include "proto/primitives.h"
#include "proto/tuning.h"
#include "proto/wire.h"

/* What an id in a packet's header leads to. First member of every such object. */
enum skt_slot_kind { SKT_SLOT_SESSION, SKT_SLOT_HALF };
struct skt_slot {
    enum skt_slot_kind kind;
};

/* Counters of packets that were dropped; one set per endpoint. */
struct skt_drops {
    uint64_t auth;      /* did not open, or under keys that are too old */
    uint64_t replay;    /* had come before */
    uint64_t malformed; /* too short, or not as the protocol has it */
    uint64_t overload;  /* given up for want of room or time */
    uint64_t unknown;   /* for an id, or from an address, that there is not */
};

/* What all sessions of one endpoint share; owned by the endpoint, outlives them. */
struct skt_context {
    const struct skt_crypto *crypto;
    struct skt_pool
        *pool; /* each session opens an account in it, and holds nothing that is not charged there */
    struct skt_identity identity;
    struct skt_mask *mask_out; /* of what is sent */
    struct skt_mask *mask_in;  /* of what comes in */
    struct skt_idmap ids;      /* id in a packet's header -> struct skt_slot */
    struct skt_drops drops;
    const struct skt_cc *cc;
    struct skt_trace trace;  /* told when a session begins (skt_session_set_trace) */
    int64_t clock_offset_ms; /* client: what to add to wall_ms to get the server's clock; learned */
    bool clock_known;        /* client: a message 2 has told the server's clock */
    bool ticket_proven;      /* client: the server has taken a proof of the ticket; it is not sent any more */
    uint64_t wall_ms;        /* ms since 1970, refreshed by the owner before every verb */
    uint64_t boot_ms;        /* server: since the machine's start; before skt_acceptor_initiation */
    uint16_t cost_aes_ns;    /* of sealing 1200 bytes here with AES-256-GCM; at most UINT16_MAX */
    uint16_t cost_chacha_ns; /* the same with ChaCha20-Poly1305 */
    struct skt_tuning tuning; /* ciphers: never 0 here */
    uint8_t mode;             /* enum skt_wire_mode */
    struct skt_kcp_limits limits;
    const struct skt_gf256 *gf256;                 /* NULL: skt_gf256_portable */
    uint32_t features;                             /* bits of enum skt_feature that we offer */
    uint8_t extensions[SKT_ATTACH_EXTENSIONS_MAX]; /* client: of ATTACH */
    uint8_t extensions_len;                        /* bytes of `extensions` */
};

#endif
