/* SPDX-License-Identifier: MIT */
/* Files that a privileged process keeps over a restart (journal, stamps, socket), beside a path that the
 * configuration names, in a folder where others may have planted something. Nothing of others is opened,
 * followed, truncated or believed: a file is taken only where it is a regular one with one name, ours or
 * root's, that nobody else may write, and where nobody else can exchange it: each folder on the way is ours
 * or root's, and not to be written by others unless it is sticky (as /tmp). */
#ifndef SKT_IO_STATEFILE_H
#define SKT_IO_STATEFILE_H

#include <stdbool.h>
#include <stddef.h>

enum { SKT_STATEFILE_WHY_MAX = 512 }; /* room that a text needs at most */

enum {
    SKT_STATEFILE_CREATE = 1, /* make it (0600), and the last folder (0755), where there is none */
    SKT_STATEFILE_APPEND = 2, /* O_APPEND */
    SKT_STATEFILE_FRESH = 4,  /* a new, empty one: what has the name is removed, never opened */
};

/* Opens a file for reading and writing, close-on-exec. how: a set of SKT_STATEFILE_*. The descriptor, or
 * SKT_ERR_AUTH: refused, as it or a folder on the way is somebody else's; SKT_ERR_IO with errno. why: one
 * line that names the path and what is wrong, for both; its memory is the caller's. */
int skt_statefile_open(const char *path, unsigned how, char why[SKT_STATEFILE_WHY_MAX]);

/* May a file of this name be made or trusted there? The folders alone, as above; SKT_OK, SKT_ERR_AUTH or
 * SKT_ERR_IO as above. For what is no file (a socket). */
int skt_statefile_check_folder(const char *path, char why[SKT_STATEFILE_WHY_MAX]);

/* Has the open file still this name? One who had it before may have removed or replaced it. */
bool skt_statefile_is(int fd, const char *path);

/* All of it, over short writes and signals. False with errno: less was written (ENOSPC, say), and what was
 * is still there. */
bool skt_statefile_write(int fd, const void *data, size_t len);

/* Gives the file at `fresh`, which is open as fd, the name `path`, for good: flushed before, and its folder
 * after. SKT_ERR_IO with errno and why: `fresh` was removed. */
int skt_statefile_take_name(int fd, const char *fresh, const char *path, char why[SKT_STATEFILE_WHY_MAX]);

/* Replaces a file's content so that a reader, a crash or a full disk finds the old or the new one, whole: a
 * new file beside it ("PATH.new"), flushed, takes its name. mode: of the new file. As skt_statefile_open. */
int skt_statefile_replace(const char *path, const void *data, size_t len, unsigned mode,
                          char why[SKT_STATEFILE_WHY_MAX]);

#endif
