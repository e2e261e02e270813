/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "netcfg/journal_internal.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_STEP_MS = 20, /* between looks whether it is free */
};

/* --- lines --- */

static long find_line(const struct skt_journal *j, const char *line)
{
    for (size_t i = j->count; i-- > 0;)
        if (strcmp(j->lines[i], line) == 0)
            return (long)i;
    return -1;
}

int skt_journal_push(struct skt_journal *j, const char *line)
{
    if (j->count >= SKT_JOURNAL_LINES_MAX)
        return SKT_ERR_FULL;
    char **grown = realloc(j->lines, (j->count + 1) * sizeof *grown);
    if (!grown)
        return SKT_ERR_NOMEM;
    j->lines = grown;
    char *copy = strdup(line);
    if (!copy)
        return SKT_ERR_NOMEM;
    j->lines[j->count++] = copy;
    return SKT_OK;
}

static void drop(struct skt_journal *j, size_t i)
{
    free(j->lines[i]);
    memmove(j->lines + i, j->lines + i + 1, (j->count - i - 1) * sizeof *j->lines);
    j->count--;
}

int skt_journal_write_line(int fd, char sign, const char *line)
{
    char text[SKT_JOURNAL_LINE_MAX + 3];
    int len = snprintf(text, sizeof text, "%c%s\n", sign, line);
    return skt_statefile_write(fd, text, (size_t)len) ? len : SKT_ERR_IO;
}

/* Whole or not at all: what a full disk took of a line is cut off again, unless somebody has added to it
 * meanwhile (see skt_journal_hand_over). */
int skt_journal_append(struct skt_journal *j, char sign, const char *line)
{
    struct stat st;
    if (fstat(j->fd, &st))
        return SKT_ERR_IO;
    if (skt_journal_write_line(j->fd, sign, line) > 0 && fsync(j->fd) == 0)
        return SKT_OK;
    int error = errno;
    off_t end = lseek(j->fd, 0, SEEK_CUR); /* of what we have written (O_APPEND) */
    off_t before = st.st_size, len = (off_t)strlen(line) + 2;
    if (fstat(j->fd, &st) == 0 && end == st.st_size && end > before && end - before <= len)
        (void)!ftruncate(j->fd, before);
    errno = error;
    return SKT_ERR_IO;
}

int skt_journal_add(struct skt_journal *j, const char *fmt, ...)
{
    char line[SKT_JOURNAL_LINE_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof line || strchr(line, '\n'))
        return SKT_ERR_ARG;
    int err = skt_journal_push(j, line);
    if (err)
        return err;
    err = skt_journal_append(j, '+', line);
    if (err)
        drop(j, j->count - 1);
    else
        skt_journal_bound(j);
    return err;
}

bool skt_journal_remove(struct skt_journal *j, const char *line)
{
    long i = find_line(j, line);
    if (i < 0)
        return false;
    /* Should this fail, the next start undoes it once more, which does no harm. */
    (void)skt_journal_append(j, '-', line);
    drop(j, (size_t)i);
    skt_journal_bound(j);
    return true;
}

bool skt_journal_has(const struct skt_journal *j, const char *line)
{
    return find_line(j, line) >= 0;
}

long skt_journal_find(const struct skt_journal *j, const char *start)
{
    for (size_t i = j->count; i-- > 0;)
        if (strncmp(j->lines[i], start, strlen(start)) == 0)
            return (long)i;
    return -1;
}

/* --- the file --- */

/* One attempt: a descriptor, SKT_ERR_FULL, or an error as of skt_statefile_open. The one who had it before
 * may have removed it while we waited. */
static int open_locked(const char *path, char why[SKT_STATEFILE_WHY_MAX])
{
    int fd = skt_statefile_open(path, SKT_STATEFILE_CREATE | SKT_STATEFILE_APPEND, why);
    if (fd < 0)
        return fd == SKT_ERR_IO && errno == EEXIST ? SKT_ERR_FULL
                                                   : fd; /* made by another one at the same moment */
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && skt_statefile_is(fd, path))
        return fd;
    close(fd);
    return SKT_ERR_FULL;
}

/* Takes over what the file holds from offset `from` on; *end: behind the last whole line. */
int skt_journal_read(struct skt_journal *j, off_t from, off_t *end)
{
    struct stat st;
    errno = 0;
    if (fstat(j->fd, &st) || st.st_size - from > SKT_JOURNAL_FILE_MAX) {
        errno = errno ? errno : EFBIG;
        return SKT_ERR_IO;
    }
    size_t len = st.st_size > from ? (size_t)(st.st_size - from) : 0;
    char *text = malloc(len + 1);
    if (!text)
        return SKT_ERR_NOMEM;
    ssize_t got = pread(j->fd, text, len, from);
    int err = got < 0 ? SKT_ERR_IO : SKT_OK;
    char *line = text, *stop = text + (got > 0 ? got : 0);
    for (char *lf; !err && (lf = memchr(line, '\n', (size_t)(stop - line))) != NULL; line = lf + 1) {
        *lf = '\0';
        /* What a power cut left may have zeros in it. */
        bool whole = strlen(line) == (size_t)(lf - line) && lf - line <= SKT_JOURNAL_LINE_MAX;
        long i = whole && *line == '-' ? find_line(j, line + 1) : -1;
        if (whole && *line == '+')
            err = skt_journal_push(j, line + 1);
        else if (i >= 0)
            drop(j, (size_t)i);
    }
    *end = from + (off_t)(line - text);
    free(text);
    return err;
}

static int read_all(struct skt_journal *j)
{
    off_t end;
    int err = skt_journal_read(j, 0, &end);
    struct stat st;
    /* Half a line is no line; nor may it become the start of the next one. */
    if (!err && j->path && fstat(j->fd, &st) == 0 && end < st.st_size && ftruncate(j->fd, end))
        err = SKT_ERR_IO;
    return err;
}

void skt_journal_forget(struct skt_journal *j)
{
    while (j->count > 0)
        drop(j, j->count - 1);
    free(j->lines);
    j->lines = NULL;
}

void skt_journal_release(struct skt_journal *j)
{
    skt_journal_forget(j);
    close(j->fd);
    free(j->path);
    *j = (struct skt_journal){.fd = -1};
}

int skt_journal_reload_to(struct skt_journal *j, off_t *end)
{
    struct skt_journal fresh = {.fd = j->fd};
    int err = skt_journal_read(&fresh, 0, end);
    if (err) {
        skt_journal_forget(&fresh);
        return err;
    }
    skt_journal_forget(j);
    j->lines = fresh.lines;
    j->count = fresh.count;
    return SKT_OK;
}

int skt_journal_reload(struct skt_journal *j)
{
    off_t end;
    return skt_journal_reload_to(j, &end);
}

int skt_journal_open(struct skt_journal *j, const char *path, double wait_s, char why[SKT_STATEFILE_WHY_MAX])
{
    *j = (struct skt_journal){.fd = -1};
    int steps = (int)(wait_s * 1000 / LOCK_STEP_MS);
    int fd;
    while ((fd = open_locked(path, why)) == SKT_ERR_FULL && steps-- > 0)
        nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_MS * 1000000L}, NULL);
    if (fd < 0)
        return fd;
    j->fd = fd;
    j->path = strdup(path);
    errno = 0;
    int err = j->path ? read_all(j) : SKT_ERR_NOMEM;
    if (err == SKT_ERR_FULL) {
        errno = EFBIG;
        err = SKT_ERR_IO;
    }
    if (err) {
        snprintf(why, SKT_STATEFILE_WHY_MAX, "%.255s: %s", path,
                 err == SKT_ERR_IO ? strerror(errno) : skt_err_str(err));
        skt_journal_release(j); /* the file stays */
    }
    return err;
}

void skt_journal_close(struct skt_journal *j)
{
    if (j->fd < 0)
        return;
    if (j->count == 0)
        (void)unlink(j->path); /* before the lock goes: see open_locked */
    skt_journal_release(j);
}
