/* SPDX-License-Identifier: MIT */
/* Both outer ends of a proxy, in threads: a target that echoes, and a client that checks the echo. */
#ifndef SKT_TESTS_LUA_ECHO_H
#define SKT_TESTS_LUA_ECHO_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Echoes each connection until its end, then ends it. */
struct echo_target {
    int listen_fd;
    uint16_t port;
    pthread_t thread;
};

/* Sends `size` bytes and its end, and reads the echo to its end. */
struct echo_client {
    uint16_t port;
    size_t size, received;
    bool same;
    bool whole; /* no half-close, which scripts of the original's kind know nothing of */
    int error;  /* errno of what failed */
    atomic_bool done;
    pthread_t thread;
};

/* A socket whose reads give up after a while, and loopback's address with the port. */
int echo_socket(uint16_t port, struct sockaddr_in *addr);

void echo_start_target(struct echo_target *t);
void echo_stop_target(struct echo_target *t);

/* `done` is set at its end. */
void echo_start_client(struct echo_client *c, uint16_t port, size_t size, bool whole);

#endif
