/* SPDX-License-Identifier: MIT */
/* An endpoint: one entry of the configuration at work. A server's listens on its UDP ports and accepts
 * sessions; a client's holds sessions to one server. It moves datagrams between sockets and sessions, and
 * tells its handler what happens. Any function may be called from inside any handler: what would pull the
 * ground from under the caller is put off to the end of the loop turn. */
#ifndef SKT_TUNNEL_ENDPOINT_H
#define SKT_TUNNEL_ENDPOINT_H

#include "io/loop.h"
#include "proto/acceptor/acceptor.h"
#include "proto/session/session.h"
#include "tunnel/owner.h"
#include "tunnel/shared.h"
#include "tunnel/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_endpoint;

enum { SKT_PSKS_MAX = 9 }; /* of an entry: its own secret, and 8 of `keys` */

/* One entry, checked and with defaults filled in. Copied by skt_endpoint_new; secrets are wiped when it ends.
 */
struct skt_endpoint_conf {
    struct skt_shared *shared;               /* outlives the endpoint */
    bool server;                             /* accepts sessions; else it asks for them */
    const char *address;                     /* IPv4, IPv6 or a name; copied */
    uint16_t port_lo;                        /* the first port */
    uint16_t port_hi;                        /* the last one; equal to port_lo for a single port */
    uint8_t psks[SKT_PSKS_MAX][SKT_KEY_LEN]; /* the pre-shared keys; one may stand there twice */
    size_t psk_count;                        /* of `psks`; a client uses the first one */
    bool has_static;                  /* server: has a key pair; client: pins the server's public key */
    uint8_t static_priv[SKT_KEY_LEN]; /* server, with has_static: its private key */
    uint8_t static_pub[SKT_KEY_LEN];  /* with has_static: the server's public key */
    struct skt_tuning tuning;         /* what the entry sets besides */
    uint8_t mode;                     /* enum skt_wire_mode */
    bool probing;                     /* client: there are several servers to choose from */
    const char *state_folder; /* server: where the stamp cache is kept over a restart; NULL: nowhere */
    uint32_t features;        /* bits of enum skt_feature */
    /* client: the extensions of ATTACH (wire.h), at most SKT_ATTACH_EXTENSIONS_MAX bytes; copied */
    const uint8_t *extensions;
    size_t extensions_len; /* of `extensions` */
};

/* What the endpoint tells; every member may be NULL. `user` is the pointer given to skt_endpoint_new. */
struct skt_endpoint_handler {
    /* What speaks here now: SKT_FEATURE_BUILT_IN, SKT_FEATURE_MESSAGES. Asked before handshakes. */
    uint32_t (*speaks)(void *user);
    /* Server: the ticket with this id (skt_proof_ticket_id), or NULL; valid until the call ends. Asked
     * where skt_endpoint_take_proofs is on. Its cost must not tell how many tickets there are. */
    const uint8_t *(*find_ticket)(void *user, struct skt_endpoint *ep, const uint8_t id[SKT_TICKET_ID_LEN]);
    /* Server: is the ticket good? 0: yes. Without this: yes. */
    int (*check_ticket)(void *user, struct skt_endpoint *ep, const uint8_t ticket[SKT_TICKET_LEN]);
    /* Server: what ATTACH asks for with a good ticket. 0: yes; else text (SKT_REASON_MAX + 1 bytes) says why
     * not. continued: the session that goes on, or NULL: on_accept follows at once. Without this: yes. */
    int (*check_attach)(void *user, struct skt_endpoint *ep, const struct skt_attach_request *req,
                        char *text);
    /* Server: the name of a ticket's holder for the log, or NULL. */
    const char *(*name_of)(void *user, const uint8_t ticket[SKT_TICKET_LEN]);
    /* Server: a new session. */
    void (*on_accept)(void *user, struct skt_endpoint *ep, uint32_t cid);
    /* Client: a cid was given. */
    void (*on_cid)(void *user, struct skt_endpoint *ep, uint32_t cid);
    /* A message has come; msg is valid until the call ends. */
    void (*on_message)(void *user, struct skt_endpoint *ep, uint32_t cid, const uint8_t *msg, size_t len);
    /* The session ends; it can still be asked about, its streams are already reset. Once per cid. */
    void (*on_close)(void *user, struct skt_endpoint *ep, uint32_t cid);
    /* The peer opened a stream: hand it to a relay (skt_relay_connect) or reset it, now or
     * later; until stream->user is set its news (a reset) comes here again, with st->reset. Without this:
     * reset. */
    void (*on_stream)(void *user, struct skt_endpoint *ep, uint32_t cid, struct skt_stream *st);
    /* Messages can be sent again after SKT_ERR_AGAIN. */
    void (*on_room)(void *user, struct skt_endpoint *ep, uint32_t cid);
    /* Client: where the server may be, before anything is sent there. */
    void (*on_addresses)(void *user, struct skt_endpoint *ep, const struct skt_addr *addrs, size_t n);
};

/* Opens the sockets of a server (SKT_ERR_IO with errno where an address is taken), or prepares a client. */
int skt_endpoint_new(struct skt_endpoint **out, struct skt_loop *loop, const struct skt_endpoint_conf *conf,
                     const struct skt_endpoint_handler *handler, void *user);

/* Closes every session (peers are told), then the sockets. on_close is called for each. */
void skt_endpoint_free(struct skt_endpoint *ep);

/* Sends a message: SKT_OK, SKT_ERR_NOTFOUND (no such cid), SKT_ERR_AGAIN, SKT_ERR_ARG (length). */
int skt_endpoint_send(struct skt_endpoint *ep, uint32_t cid, const void *buf, size_t len);

/* Holds back on_message of a session, or lets it go on at the end of the turn. What arrives meanwhile stays
 * in the conversation, whose window then stops the peer. Harmless for an unknown cid. */
void skt_endpoint_hold(struct skt_endpoint *ep, uint32_t cid, bool hold);

/* Closes a session: SKT_ERR_NOTFOUND. */
int skt_endpoint_close(struct skt_endpoint *ep, uint32_t cid, int reason);

/* The session of a cid, or NULL; valid until the loop turn ends. With its help the stream calls of session.h
 * are used; skt_endpoint_touch must follow a change made there. */
struct skt_session *skt_endpoint_session(const struct skt_endpoint *ep, uint32_t cid);

/* The session that on_close is telling of under this cid, NULL outside of that. Where the server has lost it
 * the session has its next cid already. */
struct skt_session *skt_endpoint_ending(const struct skt_endpoint *ep, uint32_t cid);

/* The session has something to send or was changed: it is driven at the end of the loop turn. Cheap,
 * idempotent. */
void skt_endpoint_touch(struct skt_endpoint *ep, struct skt_session *s);

struct skt_shared *skt_endpoint_shared(const struct skt_endpoint *ep);

/* Gives a session's flows to an owner, NULL: to none. The owner lets go, at the latest, in on_close. */
void skt_endpoint_set_packets(struct skt_endpoint *ep, struct skt_session *s, struct skt_packet_owner *owner);

/* Server: from the next handshake on tickets are proved instead of sent (handler find_ticket), or not. */
void skt_endpoint_take_proofs(struct skt_endpoint *ep, bool on);

/* Other pre-shared keys, from conf's psks, psk_count and state_folder. A server ends the sessions that came
 * by a key that is gone; a client's sessions make their next handshake at once, by the new one, and go on.
 * SKT_ERR_ARG (none), SKT_ERR_NOMEM, SKT_ERR_CRYPTO: nothing is as the caller wants it, but all goes on. */
int skt_endpoint_set_keys(struct skt_endpoint *ep, const struct skt_endpoint_conf *conf);

/* The pre-shared key that a session's newest keys came by; NULL: it has none yet. */
const uint8_t *skt_endpoint_psk_of(const struct skt_endpoint *ep, const struct skt_session *s);

/* Client: the addresses as last told to on_addresses; at most SKT_CANDIDATES_MAX. */
size_t skt_endpoint_addresses(const struct skt_endpoint *ep, const struct skt_addr **addrs);

/* Who is told what happens in the sessions, those that are there and those to come. */
void skt_endpoint_set_trace(struct skt_endpoint *ep, const struct skt_trace *trace);

/* Where a session is counted from now on, all that it has counted so far included; NULL: those sessions that
 * are made. The tally outlives the endpoint. */
void skt_endpoint_set_tally(struct skt_endpoint *ep, struct skt_session *s, struct skt_tally *tally);

/* Where a session is counted; NULL: nowhere. */
struct skt_tally *skt_endpoint_tally(const struct skt_session *s);

/* Walks the sessions; *pos = 0 at first, NULL at the end. No changes between the calls. */
struct skt_session *skt_endpoint_next(const struct skt_endpoint *ep, uint32_t *pos);

const struct skt_drops *skt_endpoint_drops(const struct skt_endpoint *ep);
bool skt_endpoint_is_server(const struct skt_endpoint *ep);

#endif
