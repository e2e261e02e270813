/* SPDX-License-Identifier: MIT */
#include "tunnel/trace_file.h"

#include "base/err.h"
#include "base/log.h"
#include "qlog/qlog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_TIME SKT_US_PER_SEC /* whoever watches the file sees no more than this too late */

enum { BUFFER_LEN = 65536 }; /* about 700 records: one system call for so many */

static const char trace_begin[] = "\x1e{\"file_schema\"";

struct skt_trace_file {
    struct skt_loop *loop;       /* whose time the records have */
    struct skt_loop_timer flush; /* writes what waits; set while something does */
    struct skt_qlog *qlog;       /* makes the records */
    char *path;                  /* of the file */
    int fd;                      /* of the file; -1: the trace has ended */
    uint64_t max;                /* bytes that the file may have */
    uint64_t taken;              /* bytes of the records so far, those in `buffer` included */
    size_t len;                  /* bytes in `buffer` */
    char buffer[BUFFER_LEN];     /* records that wait to be written */
};

static void stop(struct skt_trace_file *f)
{
    close(f->fd);
    f->fd = -1;
    f->len = 0;
    skt_loop_timer_stop(f->loop, &f->flush);
}

static bool flush(struct skt_trace_file *f)
{
    size_t len = f->len;
    f->len = 0;
    skt_loop_timer_stop(f->loop, &f->flush);
    if (f->fd < 0 || len == 0 || skt_statefile_write(f->fd, f->buffer, len))
        return f->fd >= 0;
    skt_warn("trace_file: %s: %s: the trace ends here", f->path, strerror(errno));
    stop(f);
    return false;
}

static void on_flush(struct skt_loop_timer *t, skt_us now)
{
    (void)now;
    (void)flush(SKT_CONTAINER(t, struct skt_trace_file, flush));
}

static bool take(void *user, const char *record, size_t len)
{
    struct skt_trace_file *f = user;
    if (f->fd < 0)
        return false;
    if (f->taken + len > f->max) {
        if (flush(f))
            stop(f);
        skt_info(
            "trace_file: %s has its %llu MiB (trace_file_max): the trace ends here; SIGHUP begins it anew",
            f->path, (unsigned long long)(f->max >> 20));
        return false;
    }
    if (len > sizeof f->buffer - f->len && !flush(f))
        return false;
    if (f->len == 0) /* without memory for it, the buffer is written when it is full */
        skt_loop_timer_set(f->loop, &f->flush, skt_loop_now(f->loop) + FLUSH_TIME);
    memcpy(f->buffer + f->len, record, len);
    f->len += len;
    f->taken += len;
    return true;
}

/* What is there is emptied only where it is a trace: a name that was mistyped costs nothing. */
static int take_over(int fd, const char *path, char why[SKT_STATEFILE_WHY_MAX])
{
    char head[sizeof trace_begin - 1];
    ssize_t n = pread(fd, head, sizeof head, 0);
    if (n > 0 && ((size_t)n < sizeof head || memcmp(head, trace_begin, sizeof head) != 0)) {
        snprintf(why, SKT_STATEFILE_WHY_MAX, "%.255s is there and is no trace: it is not overwritten", path);
        return SKT_ERR_AUTH;
    }
    if (n < 0 || fchmod(fd, 0600) != 0 || ftruncate(fd, 0) != 0) {
        int error = errno;
        snprintf(why, SKT_STATEFILE_WHY_MAX, "%.255s: %s", path, strerror(error));
        errno = error;
        return SKT_ERR_IO;
    }
    return SKT_OK;
}

static int open_file(const char *path, char why[SKT_STATEFILE_WHY_MAX])
{
    int fd = skt_statefile_open(path, SKT_STATEFILE_CREATE | SKT_STATEFILE_APPEND, why);
    int err = fd >= 0 ? take_over(fd, path, why) : fd;
    if (!err || fd < 0)
        return err ? err : fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return err;
}

int skt_trace_file_open(struct skt_trace_file **out, struct skt_loop *loop,
                        const struct skt_trace_file_conf *conf, char why[SKT_STATEFILE_WHY_MAX])
{
    int fd = open_file(conf->path, why);
    if (fd < 0)
        return fd;
    struct skt_trace_file *f = malloc(sizeof *f);
    if (!f) {
        close(fd);
        return SKT_ERR_NOMEM;
    }
    f->loop = loop;
    f->path = strdup(conf->path);
    f->fd = fd;
    f->max = conf->max;
    f->taken = f->len = 0;
    f->qlog = NULL;
    skt_loop_timer_init(&f->flush, on_flush);
    const struct skt_qlog_conf text = {
        take, f, skt_loop_now(loop), skt_loop_wall_ms(loop), conf->title, conf->vantage};
    if (!f->path || skt_qlog_new(&f->qlog, &text) != SKT_OK) {
        skt_trace_file_close(f);
        return SKT_ERR_NOMEM;
    }
    *out = f;
    return SKT_OK;
}

void skt_trace_file_close(struct skt_trace_file *f)
{
    if (!f)
        return;
    if (flush(f))
        stop(f);
    skt_qlog_free(f->qlog);
    free(f->path);
    free(f);
}

struct skt_trace skt_trace_file_trace(const struct skt_trace_file *f)
{
    return f ? skt_qlog_trace(f->qlog) : (struct skt_trace){NULL, NULL};
}

bool skt_trace_file_is(const struct skt_trace_file *f, const char *path, uint64_t max)
{
    return f && f->fd >= 0 && f->max == max && strcmp(f->path, path) == 0;
}
