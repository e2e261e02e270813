/* SPDX-License-Identifier: MIT */
/* The inside of a session, for session*.c and acceptor.c only. */
#ifndef SKT_PROTO_SESSION_INTERNAL_H
#define SKT_PROTO_SESSION_INTERNAL_H

#include "proto/frame.h"
#include "proto/keys/packet.h"
#include "proto/parity/sender.h"
#include "proto/path/mtu.h"
#include "proto/session/session.h"

enum {
    SKT_STATELESS_ACKS_MAX = 32, /* for conversations that are over, in one receive batch */
    SKT_CONV_WINDOW = 32768,     /* conversations opened out of order */
    SKT_PING_PAD_MAX = 160,
    /* What is charged for besides the structs, as near as malloc lets one say: for a session up to three
     * keypairs with their ciphers and replay windows, a packet put aside, what its owner keeps of it; for a
     * conversation its places in a map and in a heap. */
    SKT_SESSION_EXTRA = 3072,
    SKT_CONVERSATION_EXTRA = 64,
    SKT_STREAM_LEN = sizeof(struct skt_stream) + SKT_CONVERSATION_EXTRA,
    SKT_PINGS_MAX = 32, /* unanswered ones that are remembered: 8 s of them before a round trip is known */
};

/* Frames that wait to be sent, a set. */
enum skt_due {
    SKT_DUE_PING = 2,
    SKT_DUE_PONG = 4,
    SKT_DUE_PROBED = 8,
    SKT_DUE_RESPONSE = 16,
    SKT_DUE_CLOSE = 32,
    SKT_DUE_REPORT = 64,
};

/* One message 1 that may still be answered. */
struct skt_attempt {
    struct skt_handshake hs;
    struct skt_addr to;
    skt_us sent;
    bool with_cookie;
    uint32_t id; /* in ctx->ids; 0: free */
};

/* What only a client's sessions have: a server has many, and no need of it. */
struct skt_connect_client {
    struct skt_addr candidates[SKT_CANDIDATES_MAX]; /* where the server may be */
    uint8_t cookie[SKT_COOKIE_LEN];                 /* of a server under load */
    struct skt_addr cookie_of;                      /* that server */
    skt_us cookie_until;                            /* the cookie is good until then */
    char refusal_text[SKT_REASON_MAX + 1];          /* with `refusal`: why */
};

/* The client's side of getting and keeping keys (session/connect.c). */
struct skt_connect {
    struct skt_connect_client *client; /* NULL on a server */
    size_t candidate_count, candidate_next;
    uint16_t port_lo, port_hi;
    struct skt_attempt *attempts; /* SKT_INITIATIONS_MAX of them while any is open, else NULL */
    unsigned attempt_next;        /* slot for the next one: the oldest is given up */
    unsigned tries;               /* message 1s since the need arose */
    skt_us at;                    /* the next message 1 is due; SKT_NEVER: no need */
    skt_us silent_at;             /* the next SKT_EVENT_SILENT */
    struct skt_keypair *pending;  /* keys that wait for ACCEPT */
    struct skt_addr pending_to;
    uint16_t pending_mtu, pending_keepalive_s;
    uint32_t pending_features;
    skt_us rtt;                      /* from message 1 to the answer that gave the pending keys */
    uint8_t echo[SKT_CHALLENGE_LEN]; /* of a challenge under the pending keys, */
    bool has_echo;
    unsigned attach_tries;
    skt_us attach_at;    /* the next ATTACH is due */
    skt_us attach_until; /* then the pair is given up */
    uint8_t notes;       /* a set of enum skt_session_note */
    int refusal;         /* enum skt_attach, or -enum skt_hs_status */
};

/* Buffers are kept this long without parity: a reader of web pages thinks longer than 10 s, and the first
 * group that comes without the ring cannot be mended. */
#define SKT_PARITY_LINGER (60 * SKT_US_PER_SEC)

/* Parity of what is sent (session/parity.c) and received (session/parity_receive.c). */
struct skt_parity {
    struct skt_parity_sender *out;          /* NULL: none was sent for long */
    struct skt_parity_ring *in;             /* NULL: none came for long */
    skt_us out_until, in_until;             /* then they go */
    unsigned group_len;                     /* packets worth parity that the open group is to have, */
    skt_us group_at;                        /* and when it began */
    uint32_t in_key;                        /* local id of the keypair whose numbers `in` follows */
    uint32_t number;                        /* of the packet being read; */
    unsigned work;                          /* segments that were read with it, and what recovering took */
    uint32_t without;                       /* packets that came since parity did */
    skt_us report_at;                       /* not before */
    struct skt_parity_losses losses, heard; /* counted while there is no `in`; the peer's report, */
    uint64_t heard_lost;                    /* and packets that it has reported lost in all */
    uint64_t sent, recovered;               /* packets */
};

/* A RESET that has not gone to the peer yet (session/resets.c). */
struct skt_owed_reset {
    uint32_t conv;
    uint32_t end; /* with has_end: the sn that it has its place behind */
    uint8_t reason;
    bool has_end;
};

enum {
    SKT_SPARE_RESETS = 4
}; /* so many fall due in a moment without memory; beyond them the peer's limits have to end it */

/* A client's new address, before it counts (session/receive.c). */
struct skt_roaming {
    struct skt_addr to;                   /* server: where packets come from that has not answered yet */
    uint8_t challenge[SKT_CHALLENGE_LEN]; /* server: what went there */
    skt_us challenge_next;                /* server: no challenge before this */
    bool challenge_due;                   /* server: a challenge is to be sent */
    uint8_t response[SKT_CHALLENGE_LEN];  /* client: the newest challenge, which is sent back */
    skt_us search_next; /* client: no search for the datagram size for a challenge's sake before this */
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

/* Streams (session/streams.c, session/conversations.c). */
struct skt_streams {
    struct skt_idmap map;     /* conv -> struct skt_stream */
    struct skt_replay opened; /* the peer's convs / 2 that were opened or refused */
    uint32_t next_conv;       /* of the next stream opened here */
    /* Each stream is in one of three lists, but for those whose owner was told of their reset. */
    struct skt_list news;     /* with news for their owners */
    struct skt_list quiet;    /* without */
    struct skt_list unopened; /* opened by the peer with a header that is not complete yet, oldest first */
    uint32_t peer_count;      /* streams that the peer opened: at most tuning.streams_max */
    struct skt_kcp_stateless
        stateless[SKT_STATELESS_ACKS_MAX]; /* to be acknowledged, though their streams are over */
    unsigned stateless_count;
    skt_us last_data; /* a KCP data segment was sent */
};

/* RESETs that wait until the control conversation has less to carry (session/resets.c). */
struct skt_resets {
    struct skt_owed_reset *owed; /* count of them, in the order they fell due */
    uint32_t count;
    uint32_t cap;                                  /* how many `owed` has room for */
    struct skt_owed_reset spare[SKT_SPARE_RESETS]; /* where there is no memory for one more */
    uint8_t spare_count;
};

/* Messages of scripts (session/session.c). */
struct skt_messages {
    struct skt_kcp kcp;
    uint8_t *buf;   /* the message last read */
    size_t buf_len; /* bytes of it */
};

/* Packets of a TUN (session/flows.c). */
struct skt_flows {
    struct skt_idmap map; /* conv -> struct skt_flow */
    struct skt_list news; /* flows with news */
};

/* Frames to be sent (session/send.c). */
struct skt_due_frames {
    unsigned set;         /* of enum skt_due */
    bool accept;          /* server: ACCEPT */
    uint32_t pong_stamp;  /* with SKT_DUE_PONG */
    uint16_t probed_size; /* with SKT_DUE_PROBED */
    uint16_t probe_size;  /* of a PROBE to be sent; 0: none */
};

/* Segments longer than the path's datagrams (session/pieces.c). */
struct skt_pieces {
    struct skt_pieces_out *out; /* the one being sent, or NULL */
    struct skt_pieces_in *in;   /* those being put together, or NULL */
    uint16_t number;            /* of the last one that was begun */
};

struct skt_session {
    struct skt_slot slot; /* first member */
    struct skt_context *ctx;
    enum skt_session_state state;
    bool client;           /* this end is the client */
    bool probing;          /* client: asks for a round trip every second */
    bool leaving;          /* server: has made room for another one (acceptor/room.c) */
    uint8_t close_reason;  /* enum skt_close */
    uint8_t attach_result; /* server: what ACCEPT says when it is asked again */
    uint32_t cid;          /* 0: none yet */
    uint32_t old_cid;      /* client: with SKT_EVENT_LOST */
    uint8_t ticket[SKT_TICKET_LEN];
    uint8_t resume[SKT_KEY_LEN];           /* of the newest accepted handshake */
    uint8_t resume_confirmed[SKT_KEY_LEN]; /* server: of the newest that the client surely knows of */
    uint32_t features;                     /* bits of enum skt_feature that both ends have */
    uint32_t peer_features;                /* those that the peer has */
    unsigned events;                       /* news, a set of enum skt_session_event */
    void *user;                            /* the owner's */
    skt_us created;

    struct skt_keys keys;
    struct skt_keypair *opened_by; /* during receive: of the packet being read; NULL once that has ended it */
    struct skt_addr peer;
    struct skt_path path;
    struct skt_mtu mtu;
    struct skt_connect connect; /* client */
    struct skt_roaming roaming;
    struct skt_liveness liveness;
    struct skt_streams streams;
    struct skt_resets resets;
    struct skt_kcp control; /* carries RESETs of streams, in order */
    bool control_waits;     /* there are control messages for which there was no time yet */
    struct skt_messages messages;
    struct skt_flows flows;
    struct skt_due_frames due;
    struct skt_parity parity;
    struct skt_pieces pieces;

    struct skt_session_stats stats;
    uint64_t rng;   /* for lengths of padding, not for secrets */
    uint8_t *stash; /* a sealed oversize packet that did not fit into a run, or NULL */
    size_t stash_len;
};

static inline void skt_session_tell_state(const struct skt_session *s)
{
    skt_trace_tell(&s->path.trace, state, s->path.now, (int)s->state, s->cid, s->close_reason);
}

static inline void skt_session_tell_keys(const struct skt_session *s, skt_us now, enum skt_trace_keys what)
{
    skt_trace_tell(&s->path.trace, keys, now, what, skt_session_cipher_name(s));
}

/* session.c */
int skt_session_new(struct skt_session **out, struct skt_context *ctx, bool client, skt_us now);
uint32_t skt_session_random(struct skt_session *s, uint32_t below);
int skt_context_new_id(struct skt_context *ctx, struct skt_slot *slot, uint32_t *id);
void skt_session_drop_keys(struct skt_session *s); /* frees what skt_keys has dropped */
void skt_session_end(struct skt_session *s, int reason);
void skt_session_set_mtu(struct skt_session *s);
void skt_session_search_mtu(struct skt_session *s, skt_us now, size_t peer_mtu); /* on a new path */
void skt_session_note_arrival(struct skt_session *s, uint32_t advance); /* of the highest packet number */
void skt_session_set_features(struct skt_session *s, uint32_t peers);   /* those that both ends have */
void skt_session_heard(struct skt_session *s, skt_us now);
skt_us skt_session_suspect_at(const struct skt_session *s);

/* session/connect.c: the client's handshakes */
int skt_connect_init(struct skt_connect *c, bool client); /* SKT_ERR_NOMEM */
void skt_connect_dispose(struct skt_session *s);
void skt_connect_need(struct skt_session *s, skt_us now); /* begins handshakes unless under way */
bool skt_connect_under_way(const struct skt_session *s);
void skt_connect_cancel(struct skt_session *s); /* no need any more */
int skt_connect_on_cookie(struct skt_session *s, skt_us now, const struct skt_addr *from,
                          const uint8_t *datagram, size_t len, uint32_t id);
int skt_connect_on_response(struct skt_session *s, skt_us now, const struct skt_addr *from,
                            const uint8_t *datagram, size_t len, uint32_t id);
size_t skt_connect_send(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap,
                        struct skt_send_info *info);
skt_us skt_connect_expiry(const struct skt_session *s);
void skt_connect_expire(struct skt_session *s, skt_us now);

/* The server said no: what was under way ends, and is tried again later. */
void skt_connect_refused(struct skt_session *s, skt_us now, int result, const char *text, size_t text_len);

/* session/attach.c: the ticket under new keys, and the answer */
size_t skt_connect_write_attach(struct skt_session *s, uint8_t *buf);
void skt_connect_on_challenge(struct skt_session *s, skt_us now, const uint8_t token[SKT_CHALLENGE_LEN]);
void skt_connect_on_accept(struct skt_session *s, skt_us now, const struct skt_frame_accept *accept);

/* session/parity.c */
void skt_parity_update(struct skt_session *s); /* after features or the payload limit have changed */
void skt_parity_dispose(struct skt_session *s);
void skt_parity_restart(struct skt_session *s); /* the peer is a new one */
/* Before a packet with these KCP bytes is sealed; worth: it may open a group. */
void skt_parity_cover(struct skt_session *s, skt_us now, const uint8_t *body, size_t len, bool worth);
bool skt_parity_due(struct skt_session *s, skt_us now);
size_t skt_parity_write(struct skt_session *s, skt_us now, uint8_t *plain); /* a PARITY frame, or 0 */
skt_us skt_parity_expiry(const struct skt_session *s, skt_us now);
void skt_parity_expire(struct skt_session *s, skt_us now);

static inline const struct skt_gf256 *skt_parity_field(const struct skt_session *s)
{
    return s->ctx->gf256 ? s->ctx->gf256 : &skt_gf256_portable;
}

/* session/parity_receive.c: a packet has come, */
void skt_parity_note(struct skt_session *s, skt_us now, const struct skt_keypair *kp, uint32_t number);
/* with these KCP bytes, */
void skt_parity_on_body(struct skt_session *s, skt_us now, const uint8_t *body, size_t len);
int skt_parity_on_frame(struct skt_session *s, skt_us now, const uint8_t *frame, size_t len);
/* and was read: recovers what it makes possible, as far as the packet may cost; the rest with the next one,
 * or with skt_parity_expire, which is due then. */
void skt_parity_recover(struct skt_session *s, skt_us now);
struct skt_frame_report skt_parity_report(const struct skt_session *s);
void skt_parity_on_report(struct skt_session *s, skt_us now, const struct skt_frame_report *report);

/* session/pieces.c */
void skt_pieces_dispose(struct skt_session *s); /* what is under way is lost */
/* Takes the KCP bytes of a packet that is too long; where there is no memory they are lost. */
void skt_pieces_begin(struct skt_session *s, const uint8_t *body, size_t len);
/* While there is pieces_out: the next PIECE frame; its length. */
size_t skt_pieces_write(struct skt_session *s, uint8_t *plain);
int skt_pieces_receive(struct skt_session *s, skt_us now, const struct skt_frame_piece *piece);

/* session/streams.c */
int skt_streams_init(struct skt_session *s);
void skt_streams_dispose(struct skt_session *s);
int skt_streams_restart(struct skt_session *s, skt_us now); /* the peer is a new one */
int skt_stream_new(struct skt_session *s, skt_us now, uint32_t conv, bool by_peer, struct skt_stream **out);
void skt_stream_add_news(struct skt_session *s, struct skt_stream *st, unsigned news);
void skt_stream_mark_reset(struct skt_session *s, struct skt_stream *st, int reason); /* by the peer */
/* The peer's stream of this number is not to be: it is told so, with a reason, or asked to repeat itself. */
void skt_streams_refuse(struct skt_session *s, uint32_t conv, int reason);
skt_us skt_streams_expiry(const struct skt_session *s); /* of headers that are not complete */
void skt_streams_expire(struct skt_session *s, skt_us now);
/* Of a stream that the peer opens, once it is there. */
/* The same behind what the peer sent before end_sn; the stream may be gone afterwards. */
void skt_stream_end_at(struct skt_session *s, struct skt_stream *st, int reason, uint32_t end_sn);
/* After more has come. False: the stream is gone. */
bool skt_stream_check_end(struct skt_session *s, struct skt_stream *st);
bool skt_stream_read_header(struct skt_session *s, struct skt_stream *st); /* false: the stream is gone */
void skt_stream_free(struct skt_session *s, struct skt_stream *st);        /* whatever is under way in it */
/* The conversation is over on this side; its segments are acknowledged without any state. */
void skt_streams_queue_stateless_ack(struct skt_session *s, const struct skt_kcp_header *h);

/* session/resets.c: telling the peer that a stream was reset */
/* false: no room. A stream that was there always finds some, while there is memory. */
bool skt_resets_add(struct skt_session *s, uint32_t conv, int reason, bool known);
bool skt_resets_add_end(struct skt_session *s, uint32_t conv, int reason, uint32_t end);
void skt_resets_flush(struct skt_session *s); /* as many as the control conversation takes now */
void skt_resets_dispose(struct skt_session *s);

/* session/conversations.c */
int skt_streams_receive(struct skt_session *s, skt_us now, const uint8_t *segments, size_t len);
int skt_streams_receive_acks(struct skt_session *s, skt_us now, const uint8_t *body, size_t len);
void skt_streams_absorb(struct skt_session *s, skt_us now); /* conversations' news -> streams' news */

/* session/flows.c */
void skt_flows_init(struct skt_session *s);
void skt_flows_dispose(struct skt_session *s);
void skt_flows_restart(struct skt_session *s); /* the peer is a new one */
/* The conversation that a flow has, or NULL. */
struct skt_kcp *skt_flows_find(const struct skt_session *s, uint32_t conv);
/* A new one for a segment that has none, where one is to be made; NULL: none, or no memory. */
struct skt_kcp *skt_flows_conversation(struct skt_session *s, const struct skt_kcp_header *h);
void skt_flows_take_news(struct skt_kcp *k, unsigned events); /* of one of its conversations */

#endif
