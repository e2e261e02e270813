/* SPDX-License-Identifier: MIT */
/* A TCP connection that is being made: the name is looked up, then its addresses are tried one after the
 * other, each for its share of the time that is left, so that a dead one leaves some for the others. */
#ifndef SKT_IO_DIAL_H
#define SKT_IO_DIAL_H

#include "base/addr.h"
#include "io/loop.h"
#include "io/resolve.h"
#include "io/tcp_conn.h"

#include <stddef.h>
#include <stdint.h>

/* What has failed. Of several addresses' failures the one is kept that says most: the last of these. */
enum skt_dial_what {
    SKT_DIAL_NO_NAME,     /* the name was not found, or not in time */
    SKT_DIAL_UNREACHABLE, /* no way there, or not allowed to go it; whatever is none of the others */
    SKT_DIAL_TIMEOUT,     /* no answer */
    SKT_DIAL_REFUSED,     /* the host has nobody at that port */
    SKT_DIAL_NO_ROOM,     /* this process or system is out of descriptors or memory */
};

struct skt_dial_failure {
    enum skt_dial_what what; /* which kind of failure */
    struct skt_addr at;      /* at which address; family 0: at none in particular */
    char why[96];            /* in words; "": nothing has failed */
};

/* Told once how it went, from the loop, never from inside skt_dial_begin. conn is connected and the callee's
 * from now on; or it is NULL, and the dial's `failure` says why. The dial is over: it may be freed or begun
 * anew here. */
typedef void (*skt_dial_fn)(void *user, struct skt_tcp_conn *conn);

/* The owner's memory; all zero before it is begun. Others than dial.c read `failure` only. */
struct skt_dial {
    struct skt_loop *loop;                        /* NULL: not under way */
    skt_dial_fn fn;                               /* told how it went */
    void *user;                                   /* handed to fn */
    struct skt_resolve *resolve;                  /* the look-up of the name; NULL once answered */
    struct skt_addr addrs[SKT_RESOLVE_ADDRS_MAX]; /* the name's addresses */
    size_t n;                                     /* of addrs */
    size_t next;                                  /* which of addrs is tried next */
    skt_us until;                                 /* the end of all attempts together; SKT_NEVER */
    struct skt_tcp_conn
        *conn; /* what is being made, the attempts one after the other; NULL once it is over */
    struct skt_loop_timer timer;     /* the end of the look-up, then of each attempt */
    struct skt_dial_failure failure; /* what has failed so far */
};

/* Begins to connect to a host (numeric or a name; not kept) within limit us, all in all; SKT_NEVER: as long
 * as the system tries, and 10 s for each address but the last. SKT_ERR_ARG (the host is empty or too long),
 * SKT_ERR_NOMEM, SKT_ERR_IO: nothing was begun. No memory is needed afterwards. */
int skt_dial_begin(struct skt_dial *d, struct skt_loop *loop, const char *host, uint16_t port, skt_us limit,
                   skt_dial_fn fn, void *user);

/* Ends it, in whatever state: fn is not called any more. Does nothing where it is over or never began. */
void skt_dial_cancel(struct skt_dial *d);

#endif
