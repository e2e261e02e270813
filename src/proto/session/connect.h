/* SPDX-License-Identifier: MIT */
/* The client's side of getting and keeping keys: for a first cid, for new keys, and after a silence. Every
 * attempt is a fresh message 1 to the next address; several may be open, so that an answer that takes longer
 * than the retry still counts. The keys of an answered one wait in `pending` until the server has accepted
 * the ticket. The files call one way: connect.c the others, attach.c answers.c and attempts.c, answers.c
 * attempts.c. */
#ifndef SKT_PROTO_SESSION_CONNECT_H
#define SKT_PROTO_SESSION_CONNECT_H

#include "proto/frame.h"
#include "proto/session/session.h"

/* One message 1 that may still be answered. */
struct skt_attempt {
    struct skt_handshake hs; /* that the answer completes */
    struct skt_addr to;      /* where it went */
    skt_us sent;             /* when it went */
    bool with_cookie;        /* it brought a cookie */
    uint32_t id;             /* in ctx->ids; 0: free */
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
    size_t candidate_count;            /* of client->candidates */
    size_t candidate_next;             /* whose turn it is, modulo candidate_count */
    uint16_t port_lo;                  /* the server's first port */
    uint16_t port_hi;                  /* its last one; each try takes one in between */
    struct skt_attempt *attempts;      /* SKT_INITIATIONS_MAX of them while any is open, else NULL */
    unsigned attempt_next;             /* slot for the next one: the oldest is given up */
    unsigned tries;                    /* message 1s since the need arose */
    skt_us at;                         /* the next message 1 is due; SKT_NEVER: no need */
    skt_us silent_at;                  /* the next SKT_EVENT_SILENT */
    struct skt_keypair *pending;       /* keys that wait for ACCEPT */
    struct skt_addr pending_to;        /* where their message 1 went */
    uint16_t pending_mtu;              /* of their message 2: the longest datagram that the server takes */
    uint16_t pending_keepalive_s;      /* of their message 2 */
    uint32_t pending_features;         /* of their message 2: enum skt_feature */
    skt_us rtt;                        /* from message 1 to the answer that gave the pending keys */
    uint8_t echo[SKT_CHALLENGE_LEN];   /* what a challenge under the pending keys wants to have back */
    bool has_echo;                     /* there was such a challenge */
    unsigned attach_tries;             /* ATTACHs sent under the pending keys */
    skt_us attach_at;                  /* the next ATTACH is due */
    skt_us attach_until;               /* then the pair is given up */
    uint8_t notes;                     /* a set of enum skt_session_note */
    int refusal;                       /* enum skt_attach, or -enum skt_hs_status */
};

/* session/connect.c: when there is a need */
int skt_connect_init(struct skt_connect *c, bool client); /* SKT_ERR_NOMEM */
void skt_connect_dispose(struct skt_session *s);
void skt_connect_need(struct skt_session *s, skt_us now); /* begins handshakes unless under way */
bool skt_connect_under_way(const struct skt_session *s);
size_t skt_connect_send(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap,
                        struct skt_send_info *info);
skt_us skt_connect_expiry(const struct skt_session *s);
void skt_connect_expire(struct skt_session *s, skt_us now);

/* session/attempts.c: message 1, and what is under way */
struct skt_attempt *skt_connect_attempt_of(struct skt_session *s, uint32_t id); /* NULL: none of ours */
bool skt_connect_has_cookie(const struct skt_connect *c, skt_us now, const struct skt_addr *to);
void skt_connect_drop_attempts(struct skt_session *s);
void skt_connect_drop_pending(struct skt_session *s);
void skt_connect_cancel(struct skt_session *s); /* no need any more */
size_t skt_connect_send_initiation(struct skt_session *s, skt_us now, uint8_t *buf, size_t cap,
                                   struct skt_addr *to); /* its bytes; 0: it could not be made */

/* session/answers.c: message 2, cookies, refusals */
int skt_connect_on_cookie(struct skt_session *s, skt_us now, const struct skt_addr *from,
                          const uint8_t *datagram, size_t len, uint32_t id);
int skt_connect_on_response(struct skt_session *s, skt_us now, const struct skt_addr *from,
                            const uint8_t *datagram, size_t len, uint32_t id);
/* The server said no: what was under way ends, and is tried again later. */
void skt_connect_refused(struct skt_session *s, skt_us now, int result, const char *text, size_t text_len);

/* session/attach.c: the ticket under new keys, and the answer */
size_t skt_connect_write_attach(struct skt_session *s, uint8_t *buf);
void skt_connect_on_challenge(struct skt_session *s, skt_us now, const uint8_t token[SKT_CHALLENGE_LEN]);
void skt_connect_on_accept(struct skt_session *s, skt_us now, const struct skt_frame_accept *accept);

#endif
