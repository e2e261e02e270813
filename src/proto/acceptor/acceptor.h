/* SPDX-License-Identifier: MIT */
/* The server's door: message 1 to accepted session. What comes in leaves no trace but a stamp and a
 * half-session until the client's first transport packet has opened and its ticket is found good; under load
 * (a quarter of the half-sessions in use) a message 1 that brings neither a cookie nor a proof of a session
 * gets a cookie and leaves less. */
#ifndef SKT_PROTO_ACCEPTOR_ACCEPTOR_H
#define SKT_PROTO_ACCEPTOR_ACCEPTOR_H

#include "proto/keys/cookies.h"
#include "proto/keys/ratelimit.h"
#include "proto/keys/stampcache.h"
#include "proto/session/session.h"

struct skt_half; /* a handshake that waits for its ticket */

struct skt_acceptor {
    struct skt_context *ctx; /* of its sessions */
    struct skt_stampcache
        *stamps;                  /* shared by the entries of a process that know the same psk; the owner's */
    struct skt_cookies *cookies;  /* shared as `stamps` is; the owner's */
    struct skt_list halves;       /* oldest first */
    unsigned half_count;          /* of `halves` */
    unsigned pools[2];            /* half-sessions without and with a return proof */
    struct skt_ratelimit sources; /* under load: who asks how often */
    struct skt_ratelimit_slot mismatches; /* answers that versions, modes or ciphers do not fit */
    uint64_t cookies_given;               /* cookie replies */
    uint32_t next_cid;                    /* the cid given last */
    struct skt_idmap sessions;            /* cid -> struct skt_session */
    uint32_t sessions_max;                /* skcp_max_conn_cnt */
    uint32_t leaving;                     /* sessions that have made room and are not freed yet */
    skt_us shares_next;                   /* who has most is not counted before this */
    bool stamp_new;              /* the last skt_acceptor_initiation has added last_stamp to stamps */
    struct skt_stamp last_stamp; /* to be made durable before the reply is sent */
    uint8_t mismatch; /* what the last skt_acceptor_initiation has refused in words: enum skt_hs_status */
    uint8_t mismatch_version; /* with `mismatch`: the client's protocol version */
    uint8_t mismatch_mode;    /* with `mismatch`: the client's mode, enum skt_wire_mode */
    /* The ticket of an id (SKT_TICKET_ID_LEN bytes), or NULL; its cost must not tell how many there are. NULL
     * where ctx->features has no SKT_FEATURE_TICKET_PROOF. */
    const uint8_t *(*find_ticket)(void *user, const uint8_t *id);
    void *find_user; /* for find_ticket */
};

/* A ticket at the door; valid until the half-session is admitted, refused or expires. */
struct skt_attach_request {
    struct skt_half *half;         /* that it came to */
    const uint8_t *ticket;         /* SKT_TICKET_LEN bytes */
    bool known;                    /* false: it was to be proved, and was not. Refuse it */
    const uint8_t *extensions;     /* of ATTACH: enum skt_attach_extension */
    size_t extensions_len;         /* bytes of `extensions` */
    struct skt_session *continued; /* the session it proved to have had, or NULL */
    uint32_t features;             /* the client's (enum skt_feature) */
};

void skt_acceptor_init(struct skt_acceptor *a, struct skt_context *ctx, struct skt_stampcache *stamps,
                       struct skt_cookies *cookies, uint32_t first_cid, uint32_t sessions_max);

/* Frees half-sessions; the sessions are the owner's to free before (skt_acceptor_forget). */
void skt_acceptor_dispose(struct skt_acceptor *a);

/* Takes a message 1, wholly unmasked. Writes message 2 or a cookie reply to reply and returns its length,
 * never more than SKT_UNPROVEN_FACTOR times len; or 0 or negative: nothing is answered (counted in
 * ctx->drops). */
long skt_acceptor_initiation(struct skt_acceptor *a, skt_us now, const struct skt_addr *from,
                             const uint8_t *datagram, size_t len, uint8_t *reply, size_t cap);

/* Takes a transport packet for a half-session: SKT_OK and *req filled when it brought a ticket, to be
 * answered by admit or refuse at once; SKT_ERR_AGAIN: it came from another address than message 1, to which
 * skt_acceptor_challenge is to be sent; else why it was dropped. */
int skt_acceptor_attach(struct skt_acceptor *a, skt_us now, struct skt_half *half,
                        const struct skt_addr *from, uint8_t *datagram, size_t len,
                        struct skt_attach_request *req);

/* Writes what the client must send back from its new address; the datagram's length. */
long skt_acceptor_challenge(struct skt_acceptor *a, struct skt_half *half, uint8_t *reply, size_t cap);

/* The value of an extension that has exactly this length, or NULL. */
const uint8_t *skt_attach_extension(const struct skt_attach_request *req, int type, size_t len);

/* As many sessions as there may be: which one goes for a newcomer with this ticket, to be closed before
 * admit. First those that have ceased to answer, of the same ticket, then of any, the longest unheard first;
 * then the longest unheard of the ticket that has most, where that is two more than the newcomer's has. NULL:
 * there is room, or nobody has to go. Then skt_acceptor_ask tells who is silent. */
struct skt_session *skt_acceptor_make_room(struct skt_acceptor *a, skt_us now,
                                           const uint8_t ticket[SKT_TICKET_LEN]);

/* Asks up to max sessions of the ticket that were not heard for a second whether they are still there: how
 * many, in out, have something to send now. Asked twice and silent, they make room. */
unsigned skt_acceptor_ask(struct skt_acceptor *a, skt_us now, const uint8_t ticket[SKT_TICKET_LEN],
                          struct skt_session **out, unsigned max);

/* The ticket is good: a new session (*is_new) or the one continued. The half-session is gone. SKT_ERR_FULL,
 * SKT_ERR_NOMEM: refused (in words) instead. */
int skt_acceptor_admit(struct skt_acceptor *a, skt_us now, const struct skt_attach_request *req,
                       struct skt_session **out, bool *is_new);

/* The ticket is not good: writes the refusal to reply (datagram's length); result is an enum skt_attach, text
 * may be empty. The half-session stays for repeated questions until it expires. */
long skt_acceptor_refuse(struct skt_acceptor *a, const struct skt_attach_request *req, int result,
                         const char *text, uint8_t *reply, size_t cap);

/* Takes a session off the books, before skt_session_free. */
void skt_acceptor_forget(struct skt_acceptor *a, struct skt_session *s);

/* Half-sessions that are too old go. */
skt_us skt_acceptor_expiry(const struct skt_acceptor *a);
void skt_acceptor_expire(struct skt_acceptor *a, skt_us now);

#endif
