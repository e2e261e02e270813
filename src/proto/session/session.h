/* SPDX-License-Identifier: MIT */
/* A session: what a cid names. It holds the keys, the path, the streams, and (on the client) the handshakes
 * that begin, renew and continue it. It does no I/O: receive, send, expiry and expire are its verbs, and what
 * happens is fetched as events afterwards. */
#ifndef SKT_PROTO_SESSION_SESSION_H
#define SKT_PROTO_SESSION_SESSION_H

#include "base/addr.h"
#include "base/heap.h"
#include "proto/keys/handshake.h"
#include "proto/keys/keys.h"
#include "proto/keys/replay.h"
#include "proto/path/path.h"
#include "proto/session/context.h"
#include "proto/session/flow.h"
#include "proto/session/stream.h"
#include "proto/wire.h"

enum {
    SKT_CANDIDATES_MAX = 8, /* addresses of a server's name */
    SKT_INITIATIONS_MAX =
        16, /* handshakes under way at once: 20 s of them, for round trips of 8 s and more */
    SKT_RTT_HISTORY = 10,
    SKT_SEND_BUFFER_MIN = 2048,
};

enum skt_session_state {
    SKT_SESSION_IDLE,       /* client: not asked to connect yet */
    SKT_SESSION_CONNECTING, /* client: no cid yet */
    SKT_SESSION_UP,
    SKT_SESSION_SUSPECT, /* client: sent and heard nothing; still everything open */
    SKT_SESSION_CLOSED,
};

/* "idle", "connecting", ... */
const char *skt_session_state_str(enum skt_session_state state);

/* News of a session, a set; fetched with skt_session_take_events. */
enum skt_session_event {
    SKT_EVENT_UP = 1, /* client: a cid was given (on_skcp_recv_cid); after LOST where there was one before */
    SKT_EVENT_LOST = 2, /* client: the server does not know the session: its streams were reset; old_cid */
    SKT_EVENT_CONTINUED = 4, /* client: back after a silence or a change of address, nothing lost */
    SKT_EVENT_CLOSED = 8,    /* the session has ended (close_reason); free it */
    SKT_EVENT_REFUSED = 16,  /* client: the server said no in words (refusal, refusal_text) */
    SKT_EVENT_SILENT =
        32, /* client: no answer at all to handshakes for 5.75 s; again at 11 s, then every 30 s */
    SKT_EVENT_RESOLVE = 64,       /* client: look the server's name up again (skt_session_set_candidates) */
    SKT_EVENT_MESSAGE = 128,      /* a message can be read (skt_session_read_message) */
    SKT_EVENT_MESSAGE_ROOM = 256, /* messages can be sent again after SKT_ERR_AGAIN */
};

/* Where and how a run of datagrams goes. */
struct skt_send_info {
    struct skt_addr to;
    size_t segment_len; /* all datagrams have this length but the last, which may be shorter */
    bool fragment;      /* may be fragmented on the way (DF off) */
};

struct skt_session_stats {
    uint64_t bytes_tx, bytes_rx;     /* UDP payload */
    uint64_t payload_tx, payload_rx; /* stream and message bytes (KCP data, first transmissions) */
    uint64_t packets_tx, packets_rx;
};

struct skt_session; /* session/internal.h */

/* --- life --- */

/* A client's session: connects once it has candidates and skt_session_connect was called. SKT_ERR_NOMEM. */
int skt_session_new_client(struct skt_session **out, struct skt_context *ctx, skt_us now);

/* Ends it here without a word to the peer, resets streams silently (their owners must have let go), frees. */
void skt_session_free(struct skt_session *s);

/* Who is told from now on what happens in the session (trace.h); NULL, or nobody in it: nobody. A new session
 * tells ctx->trace. */
void skt_session_set_trace(struct skt_session *s, skt_us now, const struct skt_trace *trace);

/* Client: where the server may be; each handshake takes the next address and a port of the range. */
void skt_session_set_candidates(struct skt_session *s, const struct skt_addr *addrs, size_t n,
                                uint16_t port_lo, uint16_t port_hi);

/* Client: asks for a cid with this ticket. Starts nothing (SKT_OK) while one is under way with it or the
 * session is up; what is under way with another one begins again. */
int skt_session_connect(struct skt_session *s, skt_us now, const uint8_t ticket[SKT_TICKET_LEN]);

/* Client: ask for a round trip every second even when idle (there are several servers to choose from). */
void skt_session_set_probing(struct skt_session *s, bool on);

/* Client: the context has another psk, by which the next handshake is made, at once. What is up goes on. */
void skt_session_rekey(struct skt_session *s, skt_us now);

/* The mask of the newest keys (skt_keypair.mask), which tells the psk that they came by; NULL: no keys. */
const struct skt_mask *skt_session_mask(const struct skt_session *s);

/* Is anything sent or awaited under keys with this mask? */
bool skt_session_uses(const struct skt_session *s, const struct skt_mask *mask);

/* Tells the peer and closes; SKT_EVENT_CLOSED follows (once), streams are reset. */
void skt_session_close(struct skt_session *s, skt_us now, int reason);

/* --- the four verbs --- */

/* Takes a datagram whose header was unmasked and led to this session; the buffer is decrypted in place.
 * 0, or why it was dropped (counted in ctx->drops; nothing changed then). */
int skt_session_receive(struct skt_session *s, skt_us now, const struct skt_addr *from, uint8_t *datagram,
                        size_t len);

/* Fills buf (at least SKT_SEND_BUFFER_MIN bytes) with datagrams for one destination; returns the bytes, 0
 * when there is nothing to send now. Call until 0 after every receive, expire, or change by the application.
 */
size_t skt_session_send(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap,
                        struct skt_send_info *info);

/* When expire wants to be called next. */
skt_us skt_session_expiry(const struct skt_session *s, skt_us now);

/* Does what is due. Then call skt_session_send. */
void skt_session_expire(struct skt_session *s, skt_us now);

/* The system refused to send a datagram of len bytes to the peer: too long for its interface. */
void skt_session_on_too_long(struct skt_session *s, skt_us now, size_t len);

/* --- news --- */

unsigned skt_session_take_events(struct skt_session *s);

/* Walk the streams, and the conversations of flows: *pos = 0 at first, NULL at the end. No changes between
 * the calls. */
struct skt_stream *skt_session_stream_at(const struct skt_session *s, uint32_t *pos);
const struct skt_kcp *skt_session_flow_at(const struct skt_session *s, uint32_t *pos);

/* The next stream with news, which it clears, or NULL. Once the session has ended that is each of its
 * streams, reset. */
struct skt_stream *skt_session_next_stream(struct skt_session *s, unsigned *events);

/* --- streams --- */

/* Opens a stream to a named target (name may be empty: the default one). The session must be up or suspect
 * (SKT_ERR_CLOSED). SKT_ERR_ARG (name too long), SKT_ERR_NOMEM. */
int skt_session_open_stream(struct skt_session *s, skt_us now, int kind, const char *name,
                            struct skt_stream **out);

/* The same to an address (SKT_STREAM_TCP_TO), by the rules of the target of that name. With
 * SKT_FEATURE_ADDRESSES in force; else SKT_ERR_NOTFOUND. */
int skt_session_open_stream_to(struct skt_session *s, skt_us now, const struct skt_addr *to, const char *name,
                               struct skt_stream **out);

/* Ends a stream at once in both directions, tells the peer, frees it. */
void skt_session_reset_stream(struct skt_session *s, struct skt_stream *st, int reason);

/* The same for the peer, but behind everything that was written here, which is still delivered; what the peer
 * has sent does not count any more. True: the stream is there until SKT_KCP_DRAINED or SKT_STREAM_RESET, to
 * be released then. False: nothing is under way, or there was no memory: it is gone. */
bool skt_session_leave_stream(struct skt_session *s, struct skt_stream *st, int reason);

/* Frees a stream whose work is done: reset by the peer, or ended in both directions and drained. Earlier, it
 * is reset instead. */
void skt_session_release_stream(struct skt_session *s, struct skt_stream *st);

/* --- messages (skt.api.skcp_send) --- */

/* Queues a message of 1..SKT_MESSAGE_MAX bytes whole or not at all: SKT_ERR_AGAIN, _ARG, _CLOSED, _NOMEM. */
int skt_session_send_message(struct skt_session *s, const void *buf, size_t len);

/* Has the peer acknowledged every message that was sent? */
bool skt_session_messages_drained(const struct skt_session *s);

/* Takes the next message: *msg is valid until the next call on the session. Its length or SKT_ERR_AGAIN,
 * _NOMEM. */
long skt_session_read_message(struct skt_session *s, const uint8_t **msg);

/* Bits of enum skt_feature that both ends have. */
uint32_t skt_session_features(const struct skt_session *s);

/* Those that the peer has. */
uint32_t skt_session_peer_features(const struct skt_session *s);

/* --- what the log tells --- */

/* What a client's handshakes have done, a set. */
enum skt_session_note {
    SKT_NOTE_INITIATION = 1, /* a message 1 was made */
    SKT_NOTE_RESPONSE = 2,   /* a message 2 was good */
    SKT_NOTE_ATTACH = 4,     /* a ticket was sent, or with PROOF: proved */
    SKT_NOTE_NEW = 8,        /* accepted: a new session, */
    SKT_NOTE_CONTINUED = 16, /* or new keys for the one there is */
    SKT_NOTE_PROOF = 32,
};

/* The notes since the last call, which it clears. */
unsigned skt_session_take_notes(struct skt_session *s);

/* --- what the status shows --- */

uint32_t skt_session_cid(const struct skt_session *s);     /* 0: none yet */
uint32_t skt_session_old_cid(const struct skt_session *s); /* with SKT_EVENT_LOST */
enum skt_session_state skt_session_state(const struct skt_session *s);
const struct skt_addr *skt_session_peer(const struct skt_session *s);
const struct skt_path *skt_session_path(const struct skt_session *s);
const struct skt_session_stats *skt_session_stats(const struct skt_session *s);
const uint8_t *skt_session_ticket(const struct skt_session *s); /* the client's, on both ends */
skt_us skt_session_created(const struct skt_session *s);
skt_us skt_session_mean_rtt(const struct skt_session *s); /* of the last SKT_RTT_HISTORY; 0: none */
double skt_session_loss_rx(const struct skt_session *s);  /* share of the peer's packets lost lately, 0..1 */
uint64_t skt_session_parity_sent(const struct skt_session *s); /* packets of parity */
uint64_t
skt_session_parity_recovered(const struct skt_session *s); /* the peer's packets that parity gave back */
size_t skt_session_mtu(const struct skt_session *s);       /* datagram size in use */

/* The longest packet of a flow (SKT_FLOW_PLAIN) that goes in one datagram of `mtu` bytes. */
size_t skt_session_packet_limit(size_t mtu);

/* The same for the datagram size that the search on this path has ended with; 0: none has yet, or one is
 * under way. */
size_t skt_session_packet_mtu(const struct skt_session *s);

/* What the session holds; its owner charges there what it holds on its behalf, and releases it before
 * skt_session_free. */
struct skt_account *skt_session_account(struct skt_session *s);

uint32_t skt_session_stream_count(const struct skt_session *s);
int skt_session_close_reason(const struct skt_session *s);
int skt_session_refusal(const struct skt_session *s, const char **text); /* what SKT_EVENT_REFUSED is about */
const char *skt_session_cipher_name(const struct skt_session *s);

/* The owner's pointer and its deadline in the owner's heap. */
void skt_session_set_user(struct skt_session *s, void *user);
void *skt_session_user(const struct skt_session *s);

#endif
