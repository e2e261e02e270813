/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cli/opener.h"

#include "base/err.h"
#include "base/log.h"
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the channel begins with; then a byte (enum skt_opener_file) for each request. */
struct paths {
    char config[2048], log[2048]; /* log empty: stderr */
};

/* What the child answers; with 0 a descriptor comes along. */
struct answer {
    int32_t error; /* errno of opening */
};

/* --- the child --- */

static int open_file(const char *config, const char *log, enum skt_opener_file file)
{
    if (file == SKT_OPENER_CONFIG)
        return open(config, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file == SKT_OPENER_LOG && *log)
        return skt_log_open_file(log);
    errno = EINVAL;
    return -1;
}

static bool answer(int fd, int opened)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct answer a = {opened < 0 ? errno : 0};
    struct iovec iov = {&a, sizeof a};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (opened >= 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof opened);
        memcpy(CMSG_DATA(c), &opened, sizeof opened);
    }
    ssize_t n;
    do
        n = sendmsg(fd, &m, 0);
    while (n < 0 && errno == EINTR);
    if (opened >= 0)
        close(opened);
    return n == (ssize_t)sizeof a;
}

void skt_opener_run(int fd)
{
    static struct paths paths;
    uint8_t file;
    skt_child_signals();
    skt_child_close_others(fd);
    if (!skt_child_read(fd, &paths, sizeof paths))
        return;
    paths.config[sizeof paths.config - 1] = paths.log[sizeof paths.log - 1] = 0;
    while (skt_child_read(fd, &file, sizeof file) &&
           answer(fd, open_file(paths.config, paths.log, (enum skt_opener_file)file)))
        ;
}

/* --- the parent --- */

static bool give(int fd, const void *buf, size_t len)
{
    ssize_t n;
    do
        n = write(fd, buf, len); /* far less than the channel holds */
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)len;
}

int skt_opener_start(struct skt_opener *o, const char *config, const char *log)
{
    static struct paths paths;
    int ends[2];
    *o = (struct skt_opener){0, -1};
    if (strlen(config) >= sizeof paths.config || (log && strlen(log) >= sizeof paths.log))
        return SKT_ERR_FULL;
    memcpy(paths.config, config, strlen(config) + 1);
    memcpy(paths.log, log ? log : "", log ? strlen(log) + 1 : 1);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return SKT_ERR_IO;
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        skt_child_become(SKT_OPENER_ROLE, ends[0]);
        skt_opener_run(ends[0]);
        _exit(0);
    }
    close(ends[0]);
    o->pid = pid > 0 ? pid : 0;
    o->fd = ends[1];
    if (pid > 0 && give(o->fd, &paths, sizeof paths))
        return SKT_OK;
    int saved = errno;
    skt_opener_finish(o);
    errno = saved;
    return SKT_ERR_IO;
}

/* The descriptor that came with an answer, or -1. There is room for one. */
static int taken_fd(struct msghdr *m)
{
    const struct cmsghdr *c = CMSG_FIRSTHDR(m);
    int fd = -1;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

int skt_opener_open(struct skt_opener *o, enum skt_opener_file file)
{
    uint8_t request = (uint8_t)file;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct answer a = {ECHILD};
    struct iovec iov = {&a, sizeof a};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    errno = ECHILD;
    if (o->pid <= 0 || !give(o->fd, &request, sizeof request))
        return -1;
    ssize_t n;
    do
        n = recvmsg(o->fd, &m, 0);
    while (n < 0 && errno == EINTR);
    int fd = n == (ssize_t)sizeof a ? taken_fd(&m) : -1;
    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    else
        errno = n == (ssize_t)sizeof a && a.error ? a.error : ECHILD;
    return fd;
}

void skt_opener_finish(struct skt_opener *o)
{
    if (o->fd > 0)
        close(o->fd);
    if (o->pid > 0)
        while (waitpid(o->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    *o = (struct skt_opener){0, -1};
}
