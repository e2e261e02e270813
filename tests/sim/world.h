/* SPDX-License-Identifier: MIT */
/* A client's session and a server (acceptor and sessions) joined by two simulated links, with applications
 * that carry known bytes: what endpoints do around sessions, without sockets. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "proto/acceptor/acceptor.h"
#include "sim/link.h"
#include "sim/rival.h"
#include "sim/trace.h"

enum { SIM_STREAMS_MAX = 12000, SIM_SESSIONS_MAX = 16 };

struct sim_world;

/* One end of a stream and the application on it: sends `to_send` bytes, then its end; reads everything. */
struct sim_app {
    struct skt_stream *st; /* NULL once released or reset */
    uint64_t to_send, sent, received;
    bool finished, at_end, reset, wrong;
    int reset_reason;
    bool hold;  /* does not read */
    bool open;  /* there may be more to send: not ended yet */
    bool blank; /* carries no known bytes, which costs less */
    /* Not 0: sends answer_len bytes for every request_len that came in, as long as the stream lasts. */
    uint64_t request_len, answer_len;
};

struct sim_client {
    struct skt_context ctx;
    struct skt_session *session;
    struct skt_addr addr; /* where its packets come from */
    struct sim_app apps[SIM_STREAMS_MAX];
    int app_count;
    unsigned ups, losts, continued, silents, refusals;
    int refusal;
    char refusal_text[SKT_REASON_MAX + 1];
    uint32_t last_cid;
    bool closed;
};

struct sim_server {
    struct skt_context ctx;
    struct skt_pool pool;
    struct skt_acceptor acceptor;
    struct skt_stampcache stamps;
    struct skt_cookies cookies;
    bool no_tickets; /* find_ticket finds none */
    struct skt_addr addr;
    bool running;
    uint8_t ticket[SKT_TICKET_LEN]; /* the good one, */
    bool any_ticket;                /* unless all are */
    /* Called while a ticket is looked at, as a script is; NULL: nothing is. */
    void (*on_ticket)(struct sim_world *w, const struct skt_attach_request *req);
    unsigned accepted, closed, tickets_seen;
    struct sim_app apps[SIM_STREAMS_MAX];
    int app_count;
    uint64_t reply_len;               /* bytes that each of its streams sends */
    uint64_t request_len, answer_len; /* of its streams' applications */
    /* A stream has come: what its application does may be changed. NULL: nobody wants to. */
    void (*on_app)(struct sim_app *app);
    uint64_t replies; /* message 2s and refusals sent */
    int reset_with;   /* enum skt_reset: every stream is reset instead; -1: served */
    unsigned continued;
};

/* Links that several worlds share: datagrams are handed out here, and come back by sim_world_deliver. */
struct sim_wire {
    void *user;
    void (*send)(void *user, bool up, const uint8_t *data, size_t len);
};

struct sim_world_config {
    struct sim_link_config up, down; /* client to server, back */
    uint64_t seed;
    uint16_t keepalive_s;            /* 0: 60 */
    const struct skt_cc *cc;         /* NULL: turbo */
    size_t max_memory;               /* of the server's pool, bytes; 0: no limit */
    enum sim_rival_kind rival;       /* a TCP sender beside the client, on its link */
    struct skt_kcp_limits limits;    /* all 0: 4096 segments, 256 KiB */
    const struct skt_crypto *crypto; /* NULL: skt_crypto_null */
    const struct sim_wire *wire;     /* other links than the world's own; NULL: those */
    struct skt_trace trace;          /* told of both ends' sessions; nobody: the switch of sim/trace.h, */
    bool untraced;                   /* unless this is set: another world has its file */
};

struct sim_world {
    struct skt_pool pool; /* the client's */
    struct sim_link up, down;
    struct sim_wire wire;    /* send NULL: the world's own links */
    struct sim_rival *rival; /* NULL: none */
    struct sim_client client;
    struct sim_server server;
    struct sim_trace *trace; /* NULL: none */
    struct sim_rng rng;
    skt_us now;
    uint64_t wall_ms;
    uint64_t turns; /* times that a session was driven */
    uint64_t up_bytes, down_bytes;
    uint64_t stray_bytes;                   /* of these, sent where the client is not */
    uint8_t last_initiation[SKT_MTU_START]; /* the last message 1 as it went over the wire */
    size_t last_initiation_len;
    uint8_t last_reply[SKT_MTU_START]; /* the last message 2, cookie reply or refusal as it was sent */
    size_t last_reply_len;
    size_t lens[64]; /* lengths of the last datagrams of the client */
    unsigned len_count;
    /* Called before each run of datagrams, as an endpoint's packet owner is; NULL: nothing is. */
    void (*pump)(void *user, struct skt_session *s, bool client);
    void *pump_user;
};

struct sim_world *sim_world_new(const struct sim_world_config *c);
void sim_world_free(struct sim_world *w);

/* Begins to connect with the good ticket, or a bad one. */
void sim_world_connect(struct sim_world *w, bool good_ticket);

/* Opens a stream of the client's that sends len bytes; its number, or -1. */
int sim_world_open(struct sim_world *w, const char *name, uint64_t len);

/* More bytes for a stream of the client's that was opened with `open` set after it. */
void sim_world_send(struct sim_world *w, int app, uint64_t len);

/* Runs until `until`, or until done(w) where that is given. True: done. */
bool sim_world_run(struct sim_world *w, skt_us until, bool (*done)(const struct sim_world *w));

/* The parts of sim_world_run, for who drives several worlds over links of their own: a datagram has arrived
 * at the server (up) or the client, what is due at w->now is done and all that may be sent is; when the next
 * is. */
void sim_world_deliver(struct sim_world *w, bool up, uint8_t *data, size_t len);
void sim_world_turn(struct sim_world *w, bool client);
skt_us sim_world_expiry(const struct sim_world *w, bool client);

/* The server forgets everything (killed and started again), stamps included unless kept. */
void sim_world_restart_server(struct sim_world *w, bool keep_stamps);
void sim_world_stop_server(struct sim_world *w);

/* Gives the server a datagram as if it came from `from`. Returns the replies it caused. */
uint64_t sim_world_inject(struct sim_world *w, const struct skt_addr *from, const uint8_t *data, size_t len);

/* The server's session, when it has exactly one; else NULL. */
struct skt_session *sim_world_session(const struct sim_world *w);

/* Conditions. */
bool sim_is_up(const struct sim_world *w);
bool sim_all_done(const struct sim_world *w); /* every stream ended on both sides, byte for byte right */

#endif
