/* SPDX-License-Identifier: MIT */
/* Between resolve.c, which belongs to the loop, and resolver_thread.c, what the threads do. */
#ifndef SKT_IO_RESOLVE_INTERNAL_H
#define SKT_IO_RESOLVE_INTERNAL_H

#include "base/list.h"
#include "io/resolve.h"

#include <pthread.h>
#include <stdbool.h>

enum {
    SKT_RESOLVE_CONF_MAX =
        128, /* bytes of the name server file's path, the end included; it is /etc/resolv.conf */
    SKT_RESOLVE_NAME_MAX = 253, /* bytes of a name in DNS (RFC 1035, 2.3.4) */
    SKT_RESOLVE_ERROR_MAX = 96, /* bytes of gai_strerror's texts, which are shorter */
};

enum skt_resolve_stage { SKT_RESOLVE_WAITING, SKT_RESOLVE_RUNNING, SKT_RESOLVE_DONE };

/* One look-up. While it is SKT_RESOLVE_RUNNING its thread writes `addrs`, `n` and `error`; the lock guards
 * `stage`, `link` and `cancelled`; all else belongs to the loop. */
struct skt_resolve {
    struct skt_list link;                         /* in waiting or done */
    struct skt_resolver *resolver;                /* whose it is */
    enum skt_resolve_stage stage;                 /* how far it is */
    bool cancelled;                               /* nobody waits for it: the thread frees it */
    skt_resolve_fn fn;                            /* gets the answer */
    void *user;                                   /* handed to fn */
    uint16_t port;                                /* of the answer's addresses */
    size_t n;                                     /* of addrs */
    struct skt_addr addrs[SKT_RESOLVE_ADDRS_MAX]; /* what was found */
    char error[SKT_RESOLVE_ERROR_MAX];            /* why nothing was */
    struct skt_ask *ask;                          /* the same question to name servers, or NULL */
    bool failed;                                  /* the thread has found nothing; the name servers may */
    char name[SKT_RESOLVE_NAME_MAX + 1];          /* what is looked up */
};

/* One per loop, and kept by its threads until the last of them has ended. */
struct skt_resolver {
    pthread_mutex_t lock;         /* guards loop, waiting, done and threads */
    struct skt_loop *loop;        /* NULL: the loop has ended, and answers with it */
    ev_async wake;                /* a thread has put something into done */
    struct skt_loop_task deliver; /* the loop has: numeric addresses */
    struct skt_list waiting;      /* look-ups for which no thread is free yet, in order */
    struct skt_list done;         /* look-ups to be answered */
    unsigned threads;             /* that run */
    bool around;                  /* name servers are asked, too */
    char around_if[16]; /* they are asked past this interface's routes; "": by whatever route there is */
    char resolv_conf[SKT_RESOLVE_CONF_MAX]; /* where they are named; "": the system's file */
    skt_resolve_servers_fn tell;            /* is told of them before they are asked; NULL: nobody */
    void *tell_user;                        /* handed to tell */
};

/* Puts a look-up into the queue, with a thread to serve it; SKT_ERR_IO where there is none at all. */
int skt_resolver_enqueue(struct skt_resolver *resolver, struct skt_resolve *r);

/* Once the loop and the last thread have ended. */
void skt_resolver_free(struct skt_resolver *resolver);

#endif
