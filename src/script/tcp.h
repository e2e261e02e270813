/* SPDX-License-Identifier: MIT */
/* TCP as scripts see it: listeners, connectors, and connections whose bytes the script carries or that it
 * gives to a relay. */
#ifndef SKT_SCRIPT_TCP_H
#define SKT_SCRIPT_TCP_H

#include "io/listener.h"
#include "io/resolve.h"
#include "script/state.h"

enum {
    SKT_TCP_MARK = 256 * 1024,           /* a queue above it holds back who feeds it */
    SKT_TCP_QUEUE_MAX = 8 * 1024 * 1024, /* "would block" above it, for who can't be held back */
    SKT_TCP_HELD_MAX = 32 * 1024 * 1024, /* for who can: all that a session had when it ended fits */
    SKT_TCP_LINGER_S = 30,               /* a closed connection may take this long to send what is queued */
};

/* An etcp server (a listener) or an etcp client (a connector). */
struct skt_script_etcp {
    struct skt_script_object base;
    struct skt_list link;
    struct skt_list tcps; /* struct skt_script_tcp */
    bool server;
    unsigned holds;               /* messages of its connections that wait for a session: none is accepted */
    struct skt_listener listener; /* a server's */
};

enum skt_script_tcp_phase {
    SKT_TCP_RESOLVING,
    SKT_TCP_CONNECTING,
    SKT_TCP_UP,
    SKT_TCP_LINGERING, /* the script has no part in it any more */
    SKT_TCP_GONE,
};

struct skt_script_chunk {
    struct skt_script_chunk *next;
    size_t len, done;
    uint8_t bytes[];
};

struct skt_script_tcp {
    struct skt_script *app;
    struct skt_list link; /* in the etcp's list, app->lingering or app->graveyard */
    struct skt_script_etcp *etcp;
    uint32_t number; /* the fd that scripts see */
    int fd;
    enum skt_script_tcp_phase phase;
    bool closing; /* on_tcp_close is running or has run */
    bool blocked; /* a send was refused: on_tcp_room follows */
    bool ended;   /* while it lingers: its peer's end was read */
    skt_us linger_until;
    unsigned holds; /* what its on_tcp_recv has filled: no more is read meanwhile */
    struct skt_loop_io io;
    struct skt_loop_timer timer; /* connect, idle limit (tcp_keepalive) or linger */
    skt_us active;               /* a byte moved last */
    struct skt_resolve *resolve;
    struct skt_addr *addrs; /* those left to try while it connects */
    size_t addr_count;
    skt_us connect_by;
    struct skt_script_chunk *first, **last; /* to be written */
    size_t queued_len;
};

/* Members of the app that are about TCP. */
void skt_script_tcp_init_app(struct skt_script *app);
void skt_script_tcp_dispose_app(struct skt_script *app);

/* The next read makes a buffer of the configuration's size anew. Not while on_tcp_recv is being called. */
void skt_script_tcp_free_buffer(struct skt_script *app);

/* An open connection by the number that the script knows, of this etcp (NULL: of any), or NULL. */
struct skt_script_tcp *skt_script_tcp_find(struct skt_script *app, const struct skt_script_etcp *etcp,
                                           uint32_t number);

/* A connected socket becomes a connection (the descriptor is owned from now on; reset on failure). NULL: no
 * memory. */
struct skt_script_tcp *skt_script_tcp_adopt(struct skt_script_etcp *etcp, int fd);

/* Begins to connect, without blocking; *out is a connection at once. */
int skt_script_tcp_dial(struct skt_script_etcp *etcp, const char *host, uint16_t port,
                        struct skt_script_tcp **out);

/* Queues bytes, whole or not at all: SKT_ERR_AGAIN, SKT_ERR_NOMEM. */
int skt_script_tcp_send(struct skt_script_tcp *c, const uint8_t *buf, size_t len);

/* Ends it, on_tcp_close first unless silent; what is queued is still sent. */
void skt_script_tcp_close(struct skt_script_tcp *c, bool silent);

/* Ends it at once with a reset; on_tcp_close is not called. */
void skt_script_tcp_abort(struct skt_script_tcp *c);

/* Takes the socket out of it and ends it for the script. */
int skt_script_tcp_release(struct skt_script_tcp *c);

/* hold.c: is something being delivered whose source can be made to wait? */
bool skt_script_hold_has_source(const struct skt_script *app);
/* Makes it wait until skt_script_hold_end; NULL: there is none, or no memory. `c` is what is full, NULL: a
 * session.
 */
struct skt_script_hold *skt_script_hold_begin(struct skt_script *app, struct skt_script_tcp *c);
void skt_script_hold_end(struct skt_script *app, struct skt_script_hold *h);
/* The connection's queue has grown, during a delivery perhaps; is short again, or gone; a session has ended
 * that waits (cid 0: all of the endpoint's). */
void skt_script_hold_add(struct skt_script_tcp *c);
void skt_script_hold_release(struct skt_script_tcp *c);
void skt_script_hold_forget(struct skt_script_skcp *k, uint32_t cid);
void skt_script_hold_forget_listener(const struct skt_script_etcp *e);

/* api_etcp.c: accepts, or stops to, as the listener is held or not. */
void skt_script_etcp_watch(struct skt_script_etcp *e);

/* tcp_dial.c: what the loop and the timer of a connection that is being made come to. */
void skt_script_tcp_on_connect_ready(struct skt_script_tcp *c);
void skt_script_tcp_on_connect_timeout(struct skt_script_tcp *c);

/* The parts of a connection's life that its making needs, too. A descriptor of -1: none yet. NULL: no memory.
 */
struct skt_script_tcp *skt_script_tcp_new(struct skt_script_etcp *etcp, int fd,
                                          enum skt_script_tcp_phase phase);
void skt_script_tcp_attach(struct skt_script_tcp *c, int fd);
void skt_script_tcp_up(struct skt_script_tcp *c); /* it is connected: its limits begin */
void skt_script_tcp_flush(struct skt_script_tcp *c);
void skt_script_tcp_fail(struct skt_script_tcp *c);

/* Watches for what is wanted now. */
void skt_script_tcp_watch(struct skt_script_tcp *c);
void skt_script_tcp_watch_all(struct skt_script *app);

/* Tells the script of a new connection. */
void skt_script_tcp_announce(struct skt_script_tcp *c);

#endif
