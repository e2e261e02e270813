/* SPDX-License-Identifier: MIT */
/* A journal's file while others add to it: written anew where it has grown long, and the adding itself. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "netcfg/journal_internal.h"

#include "base/err.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    COMPACT_AT = 64 * 1024, /* bytes of the file before what was undone is dropped from it */
    HAND_OVER_TRIES = 4,    /* a journal is not written anew so often within some ms */
};

/* --- a file that does not grow for ever --- */

/* A locked file beside ours with what stands; -1. */
static int write_fresh(const struct skt_journal *j, const char *path)
{
    char why[SKT_STATEFILE_WHY_MAX];
    int fd = skt_statefile_open(path, SKT_STATEFILE_FRESH | SKT_STATEFILE_APPEND, why);
    if (fd < 0)
        return -1;
    bool ok = flock(fd, LOCK_EX | LOCK_NB) == 0; /* before it has the name that others wait for */
    for (size_t i = 0; ok && i < j->count; i++)
        ok = skt_journal_write_line(fd, '+', j->lines[i]) > 0;
    if (ok)
        return fd;
    close(fd);
    (void)unlink(path);
    return -1;
}

/* What others have added to the old file while the new one was written. Who adds later than this finds that
 * the name has gone to another file (see skt_journal_hand_over). */
static void take_late(struct skt_journal *j, int old, off_t from)
{
    struct skt_journal late = {.fd = old};
    off_t end;
    if (skt_journal_read(&late, from, &end) == SKT_OK)
        for (size_t i = 0; i < late.count; i++)
            if (skt_journal_push(j, late.lines[i]) == SKT_OK)
                (void)skt_journal_append(j, '+', late.lines[i]);
    skt_journal_forget(&late);
}

static void compact(struct skt_journal *j)
{
    char path[4096], why[SKT_STATEFILE_WHY_MAX];
    off_t end;
    if ((size_t)snprintf(path, sizeof path, "%s.new", j->path) >= sizeof path ||
        skt_journal_reload_to(j, &end) != SKT_OK)
        return;
    int fd = write_fresh(j, path);
    if (fd < 0)
        return;
    if (skt_statefile_take_name(fd, path, j->path, why) != SKT_OK) {
        close(fd);
        return;
    }
    int old = j->fd;
    j->fd = fd;
    take_late(j, old, end);
    close(old);
}

void skt_journal_bound(struct skt_journal *j)
{
    struct stat st;
    if (fstat(j->fd, &st) || st.st_size < (j->compact_at ? j->compact_at : COMPACT_AT))
        return;
    compact(j);
    if (fstat(j->fd, &st) == 0)
        j->compact_at = st.st_size < COMPACT_AT / 2             ? COMPACT_AT
                        : st.st_size < SKT_JOURNAL_FILE_MAX / 2 ? 2 * st.st_size
                                                                : SKT_JOURNAL_FILE_MAX;
}

/* --- between instances --- */

/* Adds to a journal that somebody else has locked; appending needs no lock. */
static bool add_to_locked(const char *path, const char *marker, const char *line, bool *again)
{
    char why[SKT_STATEFILE_WHY_MAX];
    int fd = skt_statefile_open(path, SKT_STATEFILE_APPEND, why);
    if (fd < 0)
        return false;
    struct skt_journal other = {.fd = fd};
    bool in_use = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    bool done = in_use && skt_journal_reload(&other) == SKT_OK && skt_journal_has(&other, marker) &&
                skt_journal_append(&other, '+', line) == SKT_OK;
    *again = !skt_statefile_is(fd, path); /* written anew meanwhile */
    skt_journal_release(&other);
    return done;
}

static bool add_to_other(const char *path, const char *marker, const char *line)
{
    bool done = false, again = true;
    for (int tries = 0; again && tries < HAND_OVER_TRIES; tries++) {
        again = false;
        done = add_to_locked(path, marker, line, &again);
    }
    return done && !again;
}

bool skt_journal_hand_over(const struct skt_journal *j, const char *marker, const char *line)
{
    char path[4096];
    const char *slash = strrchr(j->path, '/');
    const char *name = slash ? slash + 1 : j->path, *kind = strrchr(name, '.');
    int folder_len = (int)(name - j->path);
    snprintf(path, sizeof path, "%.*s.", folder_len, j->path);
    DIR *dir = opendir(path);
    bool done = false;
    for (struct dirent *e; !done && dir && (e = readdir(dir)) != NULL;) {
        const char *other = strrchr(e->d_name, '.');
        if (e->d_name[0] == '.' || strcmp(e->d_name, name) == 0 ||
            strcmp(kind ? kind : "", other ? other : "") != 0)
            continue;
        snprintf(path, sizeof path, "%.*s%s", folder_len, j->path, e->d_name);
        done = add_to_other(path, marker, line);
    }
    if (dir)
        closedir(dir);
    return done;
}
