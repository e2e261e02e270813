/* SPDX-License-Identifier: MIT */
#include "script/echo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct timeval io_limit = {20, 0};

int echo_socket(uint16_t port, struct sockaddr_in *addr)
{
    *addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &io_limit, sizeof io_limit);
    return fd;
}

static void *serve(void *arg)
{
    const struct echo_target *t = arg;
    char buf[65536];
    for (int fd; (fd = accept(t->listen_fd, NULL, NULL)) >= 0; close(fd)) {
        for (ssize_t n; (n = recv(fd, buf, sizeof buf, 0)) > 0;) {
            if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
                break;
        }
    }
    return NULL;
}

void echo_start_target(struct echo_target *t)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    t->listen_fd = echo_socket(0, &addr);
    assert_int_equal(bind(t->listen_fd, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(t->listen_fd, 16), 0);
    assert_int_equal(getsockname(t->listen_fd, (struct sockaddr *)&addr, &len), 0);
    t->port = ntohs(addr.sin_port);
    assert_int_equal(pthread_create(&t->thread, NULL, serve, t), 0);
}

void echo_stop_target(struct echo_target *t)
{
    shutdown(t->listen_fd, SHUT_RDWR);
    pthread_join(t->thread, NULL);
    close(t->listen_fd);
}

static void *connect_and_echo(void *arg)
{
    struct echo_client *c = arg;
    struct sockaddr_in addr;
    char buf[16384], expected[16384];
    int fd = echo_socket(c->port, &addr);
    size_t sent = 0;
    c->same = true;
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
        c->error = errno;
    while (!c->error && (c->received < c->size || sent < c->size)) {
        size_t part = c->size - sent < sizeof buf ? c->size - sent : sizeof buf;
        memset(buf, (int)(sent / sizeof buf % 251), part);
        if (part > 0 && send(fd, buf, part, MSG_NOSIGNAL) != (ssize_t)part)
            c->error = errno;
        sent += part;
        if (!c->error && sent == c->size && !c->whole)
            shutdown(fd, SHUT_WR);
        while (!c->error && c->received < sent) {
            ssize_t n = recv(fd, expected, sizeof expected, 0);
            for (ssize_t i = 0; i < n; i++)
                c->same = c->same && expected[i] == (char)((c->received + (size_t)i) / sizeof buf % 251);
            if (n <= 0)
                c->error = n < 0 ? errno : EPIPE;
            else
                c->received += (size_t)n;
        }
    }
    if (!c->error && !c->whole) { /* the target's end is to arrive, too */
        ssize_t n = recv(fd, buf, sizeof buf, 0);
        c->error = n < 0 ? errno : 0;
        c->same = c->same && n <= 0;
    }
    close(fd);
    atomic_store(&c->done, true);
    return NULL;
}

void echo_start_client(struct echo_client *c, uint16_t port, size_t size, bool whole)
{
    memset(c, 0, sizeof *c);
    c->port = port;
    c->size = size;
    c->whole = whole;
    assert_int_equal(pthread_create(&c->thread, NULL, connect_and_echo, c), 0);
}
