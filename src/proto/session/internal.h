/* SPDX-License-Identifier: MIT */
/* The inside of a session: the parts that it is made of, each with a header of its own, for session/ and
 * acceptor/ only. */
#ifndef SKT_PROTO_SESSION_INTERNAL_H
#define SKT_PROTO_SESSION_INTERNAL_H

#include "proto/frame.h"
#include "proto/keys/packet.h"
#include "proto/path/mtu.h"
#include "proto/session/connect.h"
#include "proto/session/flows.h"
#include "proto/session/parity.h"
#include "proto/session/pieces.h"
#include "proto/session/resets.h"
#include "proto/session/roaming.h"
#include "proto/session/session.h"
#include "proto/session/size.h"
#include "proto/session/state.h"
#include "proto/session/streams.h"

enum {
    SKT_PING_PAD_MAX = 160, /* bytes behind control frames, whose packets have no fixed length by them */
    /* What is charged for besides the structs, as near as malloc lets one say: for a session up to three
     * keypairs with their ciphers and replay windows, a packet put aside, what its owner keeps of it; for a
     * conversation its places in a map and in a heap. */
    SKT_SESSION_EXTRA = 3072,
    SKT_CONVERSATION_EXTRA = 64,
    /* What a stream is charged for. */
    SKT_STREAM_LEN = sizeof(struct skt_stream) + SKT_CONVERSATION_EXTRA,
    SKT_PINGS_MAX = 32, /* unanswered ones that are remembered: 8 s of them before a round trip is known */
};

/* Frames that wait to be sent, a set. */
enum skt_due {
    SKT_DUE_PING = 2,      /* asks whether the peer is there, and how far */
    SKT_DUE_PONG = 4,      /* answers a PING: due.pong_stamp */
    SKT_DUE_PROBED = 8,    /* a datagram of due.probed_size has come */
    SKT_DUE_RESPONSE = 16, /* answers a CHALLENGE: roaming.response */
    SKT_DUE_CLOSE = 32,    /* the session is over: close_reason */
    SKT_DUE_REPORT = 64,   /* what did not come (skt_parity_report) */
};

/* Whether the peer is there and how far away (session/timers.c, session/receive.c). */
struct skt_liveness {
    skt_us heard;                  /* the last authentic packet came */
    skt_us unanswered;             /* the first packet sent since that asks for an answer; SKT_NEVER: none */
    skt_us ping_at;                /* the next PING for keepalive */
    skt_us keepalive;              /* idle time between PINGs; silence of so much more ends the session */
    skt_us ask_rtt_at;             /* no PING for want of a round trip before this */
    uint32_t pings[SKT_PINGS_MAX]; /* stamps of the PINGs last sent, a ring */
    uint32_t pings_open;           /* which of `pings` are unanswered, a bit each */
    unsigned ping_count;           /* PINGs sent */
    skt_us rtts[SKT_RTT_HISTORY];  /* round trips last measured, a ring */
    unsigned rtt_count;            /* round trips measured */
    uint32_t rx_sent;              /* packets that the peer has sent lately */
    uint32_t rx_arrived;           /* those of them that came */
    unsigned asks;   /* server: PINGs sent to see whether it is still there, since it was heard */
    skt_us asked_at; /* server: when the last of them went */
};

/* Messages of scripts (session/session.c). */
struct skt_messages {
    struct skt_kcp kcp; /* their conversation */
    uint8_t *buf;       /* the message last read */
    size_t buf_len;     /* bytes of `buf` */
};

/* Frames to be sent (session/send.c). */
struct skt_due_frames {
    unsigned set;         /* of enum skt_due */
    bool accept;          /* server: ACCEPT */
    uint32_t pong_stamp;  /* with SKT_DUE_PONG */
    uint16_t probed_size; /* with SKT_DUE_PROBED */
    uint16_t probe_size;  /* of a PROBE to be sent; 0: none */
};

struct skt_session {
    struct skt_slot slot; /* first member */
    struct skt_context *ctx;
    enum skt_session_state state;
    bool client;                    /* this end is the client */
    bool probing;                   /* client: asks for a round trip every second */
    bool leaving;                   /* server: has made room for another one (acceptor/room.c) */
    uint8_t close_reason;           /* enum skt_close */
    uint8_t attach_result;          /* server: what ACCEPT says when it is asked again */
    uint32_t cid;                   /* 0: none yet */
    uint32_t old_cid;               /* client: with SKT_EVENT_LOST */
    uint8_t ticket[SKT_TICKET_LEN]; /* the client's */
    uint8_t resume[SKT_KEY_LEN];    /* resume secret of the newest accepted handshake */
    uint8_t
        resume_confirmed[SKT_KEY_LEN]; /* server: that of the newest one that the client surely knows of */
    uint32_t features;                 /* bits of enum skt_feature that both ends have */
    uint32_t peer_features;            /* bits of enum skt_feature that the peer has */
    unsigned events;                   /* news, a set of enum skt_session_event */
    void *user;                        /* the owner's */
    skt_us created;                    /* when it began; client: when the server last began it anew */

    struct skt_keys keys;          /* that packets are sealed and opened with */
    struct skt_keypair *opened_by; /* during receive: of the packet being read; NULL once that has ended it */
    struct skt_addr peer;          /* where packets go; family 0: not known yet */
    struct skt_path path;          /* what its conversations share */
    struct skt_mtu mtu;            /* the search for the datagram size */
    struct skt_connect connect;    /* client: handshakes under way */
    struct skt_roaming roaming;    /* a change of the client's address */
    struct skt_liveness liveness;  /* is the peer there? */
    struct skt_streams streams;    /* connections */
    struct skt_resets resets;      /* ends of streams that the peer is still to be told */
    struct skt_kcp control;        /* carries RESETs of streams, in order */
    bool control_waits;            /* there are control messages for which there was no time yet */
    struct skt_messages messages;  /* of scripts */
    struct skt_flows flows;        /* packets of a TUN */
    struct skt_due_frames due;     /* frames to be sent */
    struct skt_parity parity;      /* sums of packets, both ways */
    struct skt_pieces pieces;      /* bodies that come in pieces */

    struct skt_session_stats stats; /* counters since it began */
    uint64_t rng;                   /* for lengths of padding, not for secrets */
    uint8_t *stash;                 /* a sealed oversize packet that did not fit into a run, or NULL */
    size_t stash_len;               /* bytes of `stash` */
};

static inline void skt_session_tell_state(const struct skt_session *s)
{
    skt_trace_tell(&s->path.trace, state, s->path.now, (int)s->state, s->cid, s->close_reason);
}

static inline void skt_session_tell_keys(const struct skt_session *s, skt_us now, enum skt_trace_keys what)
{
    skt_trace_tell(&s->path.trace, keys, now, what, skt_session_cipher_name(s));
}

static inline const struct skt_gf256 *skt_parity_field(const struct skt_session *s)
{
    return s->ctx->gf256 ? s->ctx->gf256 : &skt_gf256_portable;
}

/* session.c */

/* Of a client or a server, charged to an account of its own. SKT_ERR_NOMEM, SKT_ERR_CRYPTO. */
int skt_session_new(struct skt_session **out, struct skt_context *ctx, bool client, skt_us now);

/* The session is over, for a reason of enum skt_close, and so are its handshakes. */
void skt_session_end(struct skt_session *s, int reason);

#endif
