/* SPDX-License-Identifier: MIT */
/* The file at a log's path. The process may be root, and the folder, or one on the way to it, one that others
 * write, who could plant a link to a file that only root may change. So the way is gone step by step, each
 * from the folder before it, and where others write no link is followed; elsewhere links are as good as
 * whoever made them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH */
#endif
#include "base/log.h"
#include "base/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#if defined O_PATH
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
#elif defined O_SEARCH
#define FOLDER_FLAGS (O_SEARCH | O_DIRECTORY | O_CLOEXEC)
#else
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

/* FIFOs and terminals must not make us wait. */
#define FILE_FLAGS (O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* No system says this of a file that is only opened. */
#define REFUSED EMLINK

/* A folder on the way, or the last one. */
struct place {
    int fd;           /* the folder */
    bool shared;      /* others may write there */
    const char *name; /* what is left of the path */
};

static int refuse(int fd)
{
    close(fd);
    errno = REFUSED;
    return -1;
}

static bool is_link(const struct place *p, const char *name)
{
    struct stat st;
    return fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/* Into a folder; the one before is closed. Another fd, or -1 with errno. */
static int enter(struct place *p, const char *name)
{
    struct stat st;
    int fd = openat(p->fd, name, FOLDER_FLAGS | (p->shared ? O_NOFOLLOW : 0));
    int error = fd < 0 && p->shared && is_link(p, name) ? REFUSED : errno;
    if (p->fd != AT_FDCWD)
        close(p->fd);
    p->fd = fd;
    if (fd >= 0 && fstat(fd, &st) == 0) {
        p->shared = !skt_owner_is_trusted(st.st_uid) || skt_owner_others_write(&st);
        return fd;
    }
    error = fd < 0 ? error : errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

/* The folder that holds the file, name being the file's; -1 with errno. */
static int find_folder(struct place *p, const char *path)
{
    char part[NAME_MAX + 1];
    *p = (struct place){.fd = AT_FDCWD, .name = path};
    int fd = enter(p, *path == '/' ? "/" : ".");
    for (const char *slash; fd >= 0 && (slash = strchr(p->name, '/')) != NULL; p->name = slash + 1) {
        size_t len = (size_t)(slash - p->name);
        if (len == 0)
            continue;
        if (len >= sizeof part) {
            close(fd);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, p->name, len);
        part[len] = '\0';
        fd = enter(p, part);
    }
    return fd;
}

int skt_log_open_file(const char *path)
{
    struct place p;
    struct stat st;
    if (find_folder(&p, path) < 0)
        return -1;
    int fd = openat(p.fd, p.name, FILE_FLAGS | (p.shared ? O_NOFOLLOW : 0), 0666);
    int error = fd < 0 && p.shared && is_link(&p, p.name) ? REFUSED : errno;
    close(p.fd);
    if (fd >= 0 && p.shared && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink > 1)
        return refuse(fd);
    errno = error;
    return fd;
}

int skt_log_check_file(const char *path)
{
    struct place p;
    if (find_folder(&p, path) < 0)
        return errno;
    int error = p.shared && is_link(&p, p.name) ? REFUSED : 0;
    close(p.fd);
    return error;
}

const char *skt_log_file_error(int error)
{
    return error == REFUSED ? "a link in a folder that others may write, not followed (chmod go-w the "
                              "folder, or another path)"
                            : strerror(error);
}
