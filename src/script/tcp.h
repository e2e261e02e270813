/* SPDX-License-Identifier: MIT */
/* TCP connections as scripts see them: the script carries their bytes, or gives them to a relay. Here is what
 * one is, and its life; its queue, its reading, its end and its beginning are in tcp_*.h. */
#ifndef SKT_SCRIPT_TCP_H
#define SKT_SCRIPT_TCP_H

#include "base/idmap.h"
#include "base/list.h"
#include "io/dial.h"
#include "io/tcp_conn.h"
#include "script/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skt_script_etcp;

enum skt_script_tcp_phase {
    SKT_TCP_CONNECTING, /* the name is looked up, or addresses are tried: there is no socket yet */
    SKT_TCP_UP,         /* bytes go both ways */
    SKT_TCP_LINGERING,  /* the script has no part in it any more; what it has sent is on its way */
    SKT_TCP_GONE,       /* ended; the memory stays until the end of the turn */
};

struct skt_script_chunk {
    struct skt_script_chunk *next; /* the next one to be written, or NULL */
    size_t len;                    /* of bytes */
    size_t done;                   /* bytes that are written already */
    uint8_t bytes[];               /* as the script has sent them */
};

/* What is yet to be written. */
struct skt_script_chunks {
    struct skt_script_chunk *first; /* NULL: nothing */
    struct skt_script_chunk **last; /* where the next one is to be hung */
    size_t len;                     /* bytes in all */
};

struct skt_script_tcp {
    struct skt_script *app;          /* whose it is */
    struct skt_list link;            /* in the etcp's list, tcps->lingering or tcps->graveyard */
    struct skt_script_etcp *etcp;    /* the listener or connector that it came by */
    uint32_t number;                 /* the fd that scripts see */
    enum skt_script_tcp_phase phase; /* how far it is in its life */
    struct skt_tcp_conn *conn;   /* NULL while it connects, and once it has been given away or has ended */
    struct skt_dial *dial;       /* while it connects, else NULL */
    struct skt_loop_timer timer; /* the idle limit (tcp_keepalive), or the end's next look */
    struct skt_script_feeder feeder; /* of its on_tcp_recv: while it is held no more is read */
    struct skt_script_chunks queue;  /* to be written */
    skt_us active;                   /* a byte moved last */
    skt_us linger_until;             /* a lingering one is reset then */
    bool closing;                    /* on_tcp_close is running or has run */
    bool blocked;                    /* a send was refused: on_tcp_room follows */
    bool ended;                      /* while it lingers: its peer's end was read */
};

/* All of an app. */
struct skt_script_tcps {
    struct skt_idmap
        by_number; /* number shown to scripts -> struct skt_script_tcp, of those that scripts know */
    struct skt_list lingering; /* struct skt_script_tcp: closed for the script, still sending */
    struct skt_list graveyard; /* struct skt_script_tcp: to be freed at the end of the turn */
    struct skt_loop_task bury; /* frees those in the graveyard */
    uint8_t *read_buf;         /* tcp_read_buf_size bytes that all are read into, or NULL */
    bool wants_recv;           /* skt.cb.on_tcp_recv is set */
};

void skt_script_tcps_init(struct skt_script *app);

/* All connections must have ended. */
void skt_script_tcps_dispose(struct skt_script *app);

/* The next read makes a buffer of the configuration's size anew. Not while on_tcp_recv is being called. */
void skt_script_tcp_free_buffer(struct skt_script *app);

/* One without a connection yet, known to the script under its number. NULL: no memory. */
struct skt_script_tcp *skt_script_tcp_new(struct skt_script *app, struct skt_script_etcp *etcp);

/* An open connection by the number that the script knows, of this etcp (NULL: of any), or NULL. */
struct skt_script_tcp *skt_script_tcp_find(struct skt_script *app, const struct skt_script_etcp *etcp,
                                           uint32_t number);

/* The way out is over, or given up. */
void skt_script_tcp_drop_dial(struct skt_script_tcp *c);

/* Forgets what is yet to be written. */
void skt_script_tcp_drop_queue(struct skt_script_tcp *c);

/* The script knows it no more: its number is nobody's, and nobody needs to hold it back. */
void skt_script_tcp_forget(struct skt_script_tcp *c);

/* Ends it at once with a reset; on_tcp_close is not called. */
void skt_script_tcp_abort(struct skt_script_tcp *c);

/* Ends it for the script and hands out the connection; NULL where there is none yet. */
struct skt_tcp_conn *skt_script_tcp_release(struct skt_script_tcp *c);

/* Watches for what is wanted now. */
void skt_script_tcp_watch(struct skt_script_tcp *c);
void skt_script_tcp_watch_all(struct skt_script *app);

/* The look-up of a name and all attempts to connect together may take this long (tcp_recv_timeout). */
skt_us skt_script_tcp_connect_limit(const struct skt_script *app);

/* No byte in either direction for this long ends a connection (tcp_keepalive); SKT_NEVER. */
skt_us skt_script_tcp_idle_limit(const struct skt_script *app);

#endif
