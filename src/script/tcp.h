/* SPDX-License-Identifier: MIT */
/* TCP connections as scripts see them: the script carries their bytes, or gives them to a relay. */
#ifndef SKT_SCRIPT_TCP_H
#define SKT_SCRIPT_TCP_H

#include "io/dial.h"
#include "io/tcp_conn.h"
#include "script/api_etcp.h"
#include "script/state.h"

enum {
    SKT_TCP_MARK = 256 * 1024,           /* a queue above it holds back who feeds it */
    SKT_TCP_QUEUE_MAX = 8 * 1024 * 1024, /* "would block" above it, for who can't be held back */
    SKT_TCP_HELD_MAX = 32 * 1024 * 1024, /* for who can: all that a session had when it ended fits */
    SKT_TCP_LINGER_S = 30,               /* a closed connection may take this long to send what is queued */
};

enum skt_script_tcp_phase {
    SKT_TCP_CONNECTING, /* the name is looked up, or addresses are tried: there is no socket yet */
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
    uint32_t number;           /* the fd that scripts see */
    struct skt_tcp_conn *conn; /* NULL while it connects, and once it has been given away or has ended */
    enum skt_script_tcp_phase phase;
    bool closing; /* on_tcp_close is running or has run */
    bool blocked; /* a send was refused: on_tcp_room follows */
    bool ended;   /* while it lingers: its peer's end was read */
    skt_us linger_until;
    unsigned holds;                         /* what its on_tcp_recv has filled: no more is read meanwhile */
    struct skt_loop_timer timer;            /* idle limit (tcp_keepalive) or linger */
    skt_us active;                          /* a byte moved last */
    struct skt_dial *dial;                  /* while it connects, else NULL */
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

/* A connection that was accepted becomes the script's (reset on failure). NULL: no memory. */
struct skt_script_tcp *skt_script_tcp_adopt(struct skt_script_etcp *etcp, struct skt_tcp_conn *conn);

/* Begins to connect, without blocking; *out is a connection at once. */
int skt_script_tcp_dial(struct skt_script_etcp *etcp, const char *host, uint16_t port,
                        struct skt_script_tcp **out);

/* Queues bytes, whole or not at all: SKT_ERR_AGAIN, SKT_ERR_NOMEM. */
int skt_script_tcp_send(struct skt_script_tcp *c, const uint8_t *buf, size_t len);

/* Ends it, on_tcp_close first unless silent; what is queued is still sent. */
void skt_script_tcp_close(struct skt_script_tcp *c, bool silent);

/* Ends it at once with a reset; on_tcp_close is not called. */
void skt_script_tcp_abort(struct skt_script_tcp *c);

/* Ends it for the script and hands out the connection. */
struct skt_tcp_conn *skt_script_tcp_release(struct skt_script_tcp *c);

/* The look-up of a name and all attempts to connect together may take this long (tcp_recv_timeout). */
skt_us skt_script_tcp_connect_limit(const struct skt_script *app);

/* No byte in either direction for this long ends a connection (tcp_keepalive); SKT_NEVER. */
skt_us skt_script_tcp_idle_limit(const struct skt_script *app);

/* Watches for what is wanted now. */
void skt_script_tcp_watch(struct skt_script_tcp *c);
void skt_script_tcp_watch_all(struct skt_script *app);

/* Tells the script of a new connection. */
void skt_script_tcp_announce(struct skt_script_tcp *c);

#endif
