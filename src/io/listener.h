/* SPDX-License-Identifier: MIT */
/* A socket that listens, TCP or UNIX, in a loop: hands on each connection, and where the process or the
 * machine is out of descriptors or memory says so and waits a while, instead of being told again and again
 * that there is one. */
#ifndef SKT_IO_LISTENER_H
#define SKT_IO_LISTENER_H

#include "io/loop.h"

#include <stdbool.h>

struct skt_listener {
    struct skt_loop *loop;       /* that watches it */
    struct skt_loop_io io;       /* its fd is -1 once closed */
    struct skt_loop_timer retry; /* goes on accepting */
    bool wanted;                 /* connections are, by skt_listener_watch */
    bool reserves;               /* keeps a descriptor for when there is no other one */
    int reserve;                 /* that descriptor; -1: it is in use */
    const char *what;            /* connections of this kind wait, for the log */
    /* Takes a connection over: non-blocking, closed on exec. May close the listener. */
    void (*on_connection)(struct skt_listener *l, int fd);
};

/* Takes fd, which listens already, over. what: "TCP connections", say; outlives the listener. Nothing is
 * accepted before skt_listener_watch. */
void skt_listener_init(struct skt_listener *l, struct skt_loop *loop, int fd, const char *what,
                       void (*on_connection)(struct skt_listener *l, int fd));

/* Keeps a descriptor, so that one connection at a time is served even where there are no more. */
void skt_listener_keep_reserve(struct skt_listener *l);

/* Accepts from now on, or lets connections wait. */
void skt_listener_watch(struct skt_listener *l, bool on);

/* Closes the socket; harmless when it is closed already, and on a zeroed struct. */
void skt_listener_close(struct skt_listener *l);

/* Is it open? */
static inline bool skt_listener_is_open(const struct skt_listener *l)
{
    return l->loop && l->io.w.fd >= 0;
}

#endif
