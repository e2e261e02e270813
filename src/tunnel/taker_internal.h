/* SPDX-License-Identifier: MIT */
/* The inside of the taker, for taker*.c only. */
#ifndef SKT_TUNNEL_TAKER_INTERNAL_H
#define SKT_TUNNEL_TAKER_INTERNAL_H

#include "base/list.h"
#include "io/listener.h"
#include "tunnel/taker.h"
#include "tunnel/taker_pairs.h"

/* What becomes of a connection, in this order; each state has a list, whose entries all wait equally long. */
enum skt_taker_state {
    SKT_TAKER_ASKING,   /* the server connects; the SYN is kept */
    SKT_TAKER_KNOCKING, /* the SYN is on its way to our listener */
    SKT_TAKER_SHAKING,  /* the listener has answered; the application has not yet */
    SKT_TAKER_OPEN,     /* a relay has it */
    SKT_TAKER_GONE,     /* the relay has ended; the system may still send and repeat what it had */
    SKT_TAKER_STATES,
};

struct skt_taker_conn {
    struct skt_taker_pair pair;    /* its addresses */
    struct skt_stream_owner owner; /* the stream's, until a relay has it */
    struct skt_taker *t;           /* whose it is */
    struct skt_list link;          /* in t->conns[state] */
    enum skt_taker_state state;
    skt_us due;              /* of its state; SKT_NEVER: none */
    skt_us active;           /* a packet of it went by last */
    struct skt_endpoint *ep; /* whose session has the stream */
    uint32_t cid;            /* of that session */
    struct skt_stream *st;   /* NULL: it is over, or a relay has it */
    struct skt_relay *relay; /* NULL: none */
    uint8_t *syn;            /* with complete checksums, until the listener has answered; then NULL */
    size_t syn_len;          /* bytes of syn */
    bool app_ended;          /* the application has said that it has no more data */
};

/* Destinations that go in packets for a while, since the server said so. */
struct skt_taker_denied {
    struct skt_addr to; /* family 0: none */
    skt_us until;       /* when it is asked for again */
};

/* So many are remembered, each in its place by a hash: who has more of them asks sooner again. */
enum { SKT_TAKER_DENIED = 512 };

struct skt_taker_listener {
    struct skt_listener listener; /* at the TUN's address of a family */
    struct skt_taker *t;          /* whose it is */
};

struct skt_taker {
    struct skt_taker_conf conf;              /* as handed in */
    struct skt_taker_pairs pairs;            /* of all connections */
    struct skt_taker_listener listeners[2];  /* IPv4, IPv6; not open: none */
    struct skt_list conns[SKT_TAKER_STATES]; /* struct skt_taker_conn: by their states, the oldest first */
    size_t counts[SKT_TAKER_STATES];         /* of these lists */
    struct skt_loop_timer timer;             /* the first connection that is due */
    struct skt_taker_denied denied[SKT_TAKER_DENIED]; /* by their hash */
    uint32_t off_cid;                                 /* a session that has no streams for us, */
    skt_us off_until;                                 /* until then */
    skt_us rests_until;           /* our listener was not reached: connections go in packets */
    struct skt_taker_stats stats; /* but for `open` */
};

/* --- taker_conn.c: a connection's life --- */

/* A new connection's SYN. True: it was taken. */
bool skt_taker_conn_begin(struct skt_taker *t, const struct skt_tun_packet *p, const struct skt_ippkt *ip);

/* The connection is forgotten, whatever it has. */
void skt_taker_conn_free(struct skt_taker_conn *c);

/* It goes on to this state; its time begins anew. */
void skt_taker_conn_enter(struct skt_taker_conn *c, enum skt_taker_state state);

/* The listener has a socket for it, which it takes over. */
void skt_taker_conn_accepted(struct skt_taker_conn *c, int fd);

/* The application has given up before it was connected. */
void skt_taker_conn_given_up(struct skt_taker_conn *c);

/* Its state has lasted too long. */
void skt_taker_conn_overdue(struct skt_taker_conn *c);

/* Does the session that it asks still carry the TUN's packets? */
bool skt_taker_conn_is_current(const struct skt_taker_conn *c);

/* --- taker_deny.c: what goes in packets --- */

/* The session for this destination; false: it goes in packets. */
bool skt_taker_may_ask(struct skt_taker *t, const struct skt_addr *to, struct skt_endpoint **ep,
                       uint32_t *cid);

/* The server's answer, for the connections to come; and the listener's, which there was none of. */
void skt_taker_note_refusal(struct skt_taker_conn *c, int reason);
void skt_taker_note_unreached(struct skt_taker_conn *c);

#endif
