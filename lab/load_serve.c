/* SPDX-License-Identifier: MIT */
/* A thread for each connection: there are few, and a bulk one must not hold an echo up. */
#define _GNU_SOURCE
#include "load.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SOURCE_CHUNK = 128 << 10 };

static uint8_t source_data[SOURCE_CHUNK];

/* xorshift64 (Marsaglia 2003): nothing that a tunnel could compress. */
static void fill_source(void)
{
    uint64_t x = UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < sizeof source_data; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        source_data[i] = (uint8_t)(x >> 32);
    }
}

static void echo(int fd)
{
    uint8_t buf[65536];
    ssize_t n;
    while ((n = recv(fd, buf, sizeof buf, 0)) > 0) {
        for (ssize_t done = 0, m; done < n; done += m) {
            m = send(fd, buf + done, (size_t)(n - done), 0);
            if (m <= 0)
                return;
        }
    }
}

static void source(int fd, unsigned seconds)
{
    int64_t end = load_now_us() + seconds * INT64_C(1000000);
    while (load_now_us() < end)
        if (send(fd, source_data, sizeof source_data, 0) <= 0)
            return;
    shutdown(fd, SHUT_WR);
    uint8_t scrap[64];
    while (recv(fd, scrap, sizeof scrap, 0) > 0)
        ;
}

static void *converse(void *arg)
{
    int fd = (int)(intptr_t)arg, one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct load_hello hello;
    if (recv(fd, &hello, sizeof hello, MSG_WAITALL) == (ssize_t)sizeof hello) {
        if (hello.kind == LOAD_ECHO)
            echo(fd);
        else if (hello.kind == LOAD_SOURCE)
            source(fd, hello.seconds);
    }
    close(fd);
    return NULL;
}

static void *echo_udp(void *arg)
{
    int fd = (int)(intptr_t)arg;
    uint8_t buf[2048];
    for (;;) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &len);
        if (n > 0)
            (void)!sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len);
    }
    return NULL;
}

static int bound(const struct load_options *o, int type)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
    int fd = load_socket(o, type), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&in, sizeof in) < 0) {
        perror("skt-load: bind");
        exit(1);
    }
    return fd;
}

static bool run_thread(void *(*f)(void *), int fd)
{
    pthread_t t;
    if (pthread_create(&t, NULL, f, (void *)(intptr_t)fd) != 0)
        return false;
    pthread_detach(t);
    return true;
}

int load_serve(const struct load_options *o)
{
    fill_source();
    int udp = bound(o, SOCK_DGRAM), tcp = bound(o, SOCK_STREAM);
    if (listen(tcp, 512) < 0 || !run_thread(echo_udp, udp)) {
        perror("skt-load: serve");
        return 1;
    }
    for (;;) {
        int fd = accept4(tcp, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && !run_thread(converse, fd))
            close(fd);
    }
}
