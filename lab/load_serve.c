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

static bool send_all(int fd, const void *data, size_t len, int flags)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = send(fd, (const uint8_t *)data + done, len - done, flags);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static void echo(int fd)
{
    uint8_t buf[65536];
    ssize_t n;
    while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
        if (!send_all(fd, buf, (size_t)n, 0))
            return;
}

static void answer(int fd, const struct load_hello *hello)
{
    uint8_t request[65536];
    if (hello->request < sizeof(uint32_t) || hello->request > sizeof request ||
        hello->answer < sizeof(uint32_t))
        return;
    while (recv(fd, request, hello->request, MSG_WAITALL) == (ssize_t)hello->request) {
        size_t left = hello->answer - sizeof(uint32_t);
        bool sent = send_all(fd, request, sizeof(uint32_t), left ? MSG_MORE : 0);
        for (size_t n; sent && left; left -= n) {
            n = left < LOAD_CHUNK ? left : LOAD_CHUNK;
            sent = send_all(fd, load_data(), n, 0);
        }
        if (!sent)
            return;
    }
}

static void source(int fd, unsigned seconds)
{
    int64_t end = load_now_us() + seconds * INT64_C(1000000);
    while (load_now_us() < end)
        if (send(fd, load_data(), LOAD_CHUNK, 0) <= 0)
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
        else if (hello.kind == LOAD_ANSWER)
            answer(fd, &hello);
        else if (hello.kind == LOAD_SINK)
            load_sink(fd, &hello);
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
    load_data(); /* filled before there are threads */
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
