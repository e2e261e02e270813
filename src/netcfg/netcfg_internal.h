/* SPDX-License-Identifier: MIT */
/* The main process's side of netcfg/netcfg.h, for netcfg*.c only: the helper as it is seen from here. */
#ifndef SKT_NETCFG_NETCFG_INTERNAL_H
#define SKT_NETCFG_NETCFG_INTERNAL_H

#include "netcfg/netcfg.h"
#include "netcfg/request.h"

#include <sys/types.h>

/* A request that was sent and not answered. */
struct skt_netcfg_pending {
    struct skt_netcfg_pending *next; /* sent after it, or NULL */
    skt_netcfg_done done;            /* gets the answer, or NULL */
    void *user;                      /* handed on to `done` */
};

struct skt_netcfg {
    struct skt_loop *loop; /* from which answers are handed on */
    struct skt_loop_io io; /* the helper's end */
    pid_t pid;             /* of the helper */
    bool lost;             /* the helper has ended by itself */
    bool *freed;           /* while answers are handed on: set where nc goes meanwhile; else NULL */
    struct skt_netcfg_pending *first, **last; /* what waits, in order, and where the next one is put */
    size_t waiting;                           /* requests that were not answered */
    char buf[SKT_NETCFG_TEXT_MAX + 16]; /* an answer that has not come whole: its code, its text, the end */
    size_t len;                         /* bytes in `buf` */
    bool opened;                        /* `orderly` is in use */
    struct skt_netcfg_pending orderly;  /* of `open`, for which there must be room at the end */
};

/* Forgets a request that nc no longer holds. */
void skt_netcfg_drop(struct skt_netcfg *nc, struct skt_netcfg_pending *p);

/* The handler of nc->io: takes answers. */
void skt_netcfg_on_ready(struct skt_loop_io *io, unsigned ready);

/* Tells the helper what it may do, up to "begin"; ends with the first that can't be said (SKT_ERR_ARG: it is
 * no line; SKT_ERR_IO). */
int skt_netcfg_tell_options(int fd, const struct skt_netcfg_options *options);

#endif
