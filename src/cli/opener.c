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
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each request is a number of this type (enum skt_opener_file). */
typedef uint16_t file_number;

typedef char path_text[2048]; /* PATH_MAX is a good guess on no system; nobody's path is so long */

enum { FILES_MAX = 4096 }; /* two for each entry of the longest lists, with room */

/* What the channel begins with; behind it `named` more path_texts. */
struct paths {
    path_text config, log; /* log empty: stderr */
    uint32_t named;        /* files that the configuration names */
};

/* What the child answers; with 0 a descriptor comes along. */
struct answer {
    int32_t error; /* errno of opening */
};

/* --- the child --- */

struct known {
    struct paths paths;
    path_text *named; /* paths.named of them */
};

static int open_file(const struct known *k, file_number file)
{
    const char *path = NULL;
    if (file == SKT_OPENER_LOG && k->paths.log[0])
        return skt_log_open_file(k->paths.log);
    if (file == SKT_OPENER_CONFIG)
        path = k->paths.config;
    if (file >= SKT_OPENER_NAMED && (uint32_t)file < SKT_OPENER_NAMED + k->paths.named)
        path = k->named[file - SKT_OPENER_NAMED];
    if (path)
        return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    errno = EINVAL;
    return -1;
}

/* What the parent begins with. */
static bool learn(int fd, struct known *k)
{
    if (!skt_child_read(fd, &k->paths, sizeof k->paths) || k->paths.named > FILES_MAX)
        return false;
    k->paths.config[sizeof(path_text) - 1] = k->paths.log[sizeof(path_text) - 1] = 0;
    k->named = calloc(k->paths.named + 1, sizeof *k->named);
    for (uint32_t i = 0; k->named && i < k->paths.named; i++) {
        if (!skt_child_read(fd, k->named[i], sizeof k->named[i]))
            return false;
        k->named[i][sizeof k->named[i] - 1] = 0;
    }
    return k->named != NULL;
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
    static struct known known;
    file_number file;
    skt_child_signals();
    skt_child_close_others(fd);
    bool knows = learn(fd, &known);
    while (knows && skt_child_read(fd, &file, sizeof file) && answer(fd, open_file(&known, file)))
        ;
    free(known.named);
}

/* --- the parent --- */

static bool give(int fd, const void *buf, size_t len)
{
    ssize_t n;
    do
        n = write(fd, buf, len); /* waits until the child has made room for it */
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)len;
}

static bool put_path(path_text to, const char *path)
{
    memset(to, 0, sizeof(path_text));
    if (strlen(path) >= sizeof(path_text))
        return false;
    memcpy(to, path, strlen(path) + 1);
    return true;
}

static bool copy_names(struct skt_config_strings *to, const struct skt_config_strings *from)
{
    to->items = calloc(from->count + 1, sizeof *to->items);
    for (size_t i = 0; to->items && i < from->count; i++, to->count++) {
        to->items[i] = strdup(from->items[i]);
        if (!to->items[i])
            return false;
    }
    return to->items != NULL;
}

static bool teach(const struct skt_opener *o, const struct paths *paths)
{
    static path_text path;
    bool good = give(o->fd, paths, sizeof *paths);
    for (size_t i = 0; good && i < o->named.count; i++)
        good = put_path(path, o->named.items[i]) && give(o->fd, path, sizeof path);
    return good;
}

int skt_opener_start(struct skt_opener *o, const char *config, const char *log,
                     const struct skt_config_strings *named)
{
    static struct paths paths;
    int ends[2];
    *o = (struct skt_opener){0, -1, {NULL, 0}};
    if (!put_path(paths.config, config) || !put_path(paths.log, log ? log : "") || named->count > FILES_MAX)
        return SKT_ERR_FULL;
    paths.named = (uint32_t)named->count;
    if (!copy_names(&o->named, named)) {
        skt_opener_finish(o);
        return SKT_ERR_NOMEM;
    }
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
    if (pid > 0 && teach(o, &paths))
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

static int ask(struct skt_opener *o, file_number request)
{
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

int skt_opener_open(struct skt_opener *o, enum skt_opener_file file)
{
    return ask(o, (file_number)file);
}

int skt_opener_open_named(struct skt_opener *o, const char *path)
{
    for (size_t i = 0; o->pid > 0 && i < o->named.count; i++) {
        if (strcmp(o->named.items[i], path) == 0)
            return ask(o, (file_number)(SKT_OPENER_NAMED + i));
    }
    return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void skt_opener_finish(struct skt_opener *o)
{
    if (o->fd > 0)
        close(o->fd);
    if (o->pid > 0)
        while (waitpid(o->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    skt_config_strings_free(&o->named);
    *o = (struct skt_opener){0, -1, {NULL, 0}};
}
