/* SPDX-License-Identifier: MIT */
/* Where the log's lines go, without ever waiting there: a pipe that nobody reads, a stopped terminal and a
 * full disk cost lines, not service. stderr's open file is shared with others, who must not find it
 * non-blocking; so a pipe or terminal is opened anew, a socket is sent to with MSG_DONTWAIT, and where
 * neither can be, poll is asked before each write. */
#include "base/err.h"
#include "base/log_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* SIGPIPE is ignored by the whole process */
#endif

enum sink_kind {
    SINK_CLOSED, /* the first line opens it */
    SINK_PLAIN,  /* never waits: a file, or non-blocking */
    SINK_SOCKET, /* sent to, with a flag */
    SINK_POLLED, /* waits: poll is asked before */
    SINK_NONE,   /* there is no stderr; its number may be something else's one day */
};

static struct {
    enum sink_kind kind; /* how it is written to */
    int fd;              /* where lines go */
    bool journal;        /* stderr is the service manager's journal */
    bool cut;            /* the last line was written in part */
    uint64_t lost;       /* lines since the last one that was written */
    char *path;          /* the file's, NULL: stderr */
} sink = {.fd = STDERR_FILENO};

static void close_sink(void)
{
    if (sink.kind != SINK_CLOSED && sink.fd != STDERR_FILENO)
        close(sink.fd);
    sink.kind = SINK_CLOSED;
    sink.fd = STDERR_FILENO;
    sink.journal = false;
}

/* systemd.exec(5): device and inode of the journal's socket, if that is what a process's output goes to. */
static bool is_journal(const struct stat *st)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char *end;
    if (!stream)
        return false;
    unsigned long long dev = strtoull(stream, &end, 10);
    return *end == ':' && dev == (unsigned long long)st->st_dev &&
           strtoull(end + 1, NULL, 10) == (unsigned long long)st->st_ino;
}

/* Only Linux opens a new description there; elsewhere it is the same one again (fdescfs), which O_NONBLOCK
 * would change for all who share it. */
static int open_stderr_anew(void)
{
#ifdef __linux__
    return open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
#else
    return -1;
#endif
}

static void open_stderr(void)
{
    struct stat st;
    sink.fd = STDERR_FILENO;
    if (fstat(STDERR_FILENO, &st) != 0) {
        sink.kind = SINK_NONE;
        return;
    }
    if (S_ISREG(st.st_mode)) {
        sink.kind = SINK_PLAIN;
        return;
    }
    sink.journal = is_journal(&st);
    if (S_ISSOCK(st.st_mode)) {
        sink.kind = SINK_SOCKET;
        return;
    }
    int fd = open_stderr_anew();
    sink.kind = fd >= 0 ? SINK_PLAIN : SINK_POLLED;
    if (fd >= 0)
        sink.fd = fd;
}

static void open_sink(void)
{
    int fd = sink.path ? skt_log_open_file(sink.path) : -1;
    if (fd < 0) {
        open_stderr();
        return;
    }
    sink.kind = SINK_PLAIN;
    sink.fd = fd;
}

/* path and fd are the log's; fd -1: stderr. */
static void change_sink(char *path, int fd)
{
    close_sink();
    free(sink.path);
    sink.path = path;
    sink.cut = false;
    if (fd >= 0) {
        sink.kind = SINK_PLAIN;
        sink.fd = fd;
    } else {
        open_stderr();
    }
}

int skt_log_open(const char *path)
{
    char *copy = path ? strdup(path) : NULL;
    int fd = path && copy ? skt_log_open_file(path) : -1;
    if (path && fd < 0) {
        int saved = errno;
        bool no_memory = !copy;
        free(copy);
        errno = saved;
        return no_memory ? SKT_ERR_NOMEM : SKT_ERR_IO;
    }
    change_sink(copy, fd);
    return SKT_OK;
}

int skt_log_use(const char *path, int fd)
{
    char *copy = strdup(path);
    if (!copy)
        return SKT_ERR_NOMEM;
    change_sink(copy, fd);
    return SKT_OK;
}

void skt_log_after_fork(void)
{
    close_sink();
}

bool skt_log_sink_is_journal(void)
{
    if (sink.kind == SINK_CLOSED)
        open_sink();
    return sink.journal;
}

/* All of it, a part, or -1. */
static ssize_t write_some(const char *p, size_t len)
{
    struct pollfd ready = {.fd = sink.fd, .events = POLLOUT};
    switch (sink.kind) {
    case SINK_NONE:
        return -1;
    case SINK_SOCKET:
        return send(sink.fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    case SINK_POLLED:
        /* A pipe that is writable has room for PIPE_BUF bytes, unless another process is quicker. */
        if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
            return -1;
#if defined(PIPE_BUF) && PIPE_BUF < 1024
        len = len < PIPE_BUF ? len : PIPE_BUF;
#endif
        return write(sink.fd, p, len);
    default:
        return write(sink.fd, p, len);
    }
}

static bool write_all(const char *p, size_t len)
{
    size_t done = 0;
    ssize_t n;
    while (done < len && (n = write_some(p + done, len - done)) > 0)
        done += (size_t)n;
    if (done > 0)
        sink.cut = done < len;
    return done == len;
}

/* What was lost is told where it is missing. */
static bool catch_up(void)
{
    char line[160];
    if (sink.cut && !write_all("\n", 1))
        return false;
    if (sink.lost == 0)
        return true;
    size_t n = skt_log_prefix(line, sizeof line, SKT_LOG_WARN);
    n += (size_t)snprintf(line + n, sizeof line - n,
                          "%llu line%s lost: the log could not be written without waiting\n",
                          (unsigned long long)sink.lost, sink.lost == 1 ? "" : "s");
    if (!write_all(line, n))
        return false;
    sink.lost = 0;
    return true;
}

void skt_log_sink_write(const char *line, size_t len)
{
    if (sink.kind == SINK_CLOSED)
        open_sink();
    if (!catch_up() || !write_all(line, len))
        sink.lost++;
}
