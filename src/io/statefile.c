/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/statefile.h"

#include "base/err.h"
#include "base/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(char why[SKT_STATEFILE_WHY_MAX], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(char why[SKT_STATEFILE_WHY_MAX], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, SKT_STATEFILE_WHY_MAX, fmt, args);
    va_end(args);
    return SKT_ERR_AUTH;
}

static int fail(char why[SKT_STATEFILE_WHY_MAX], const char *path)
{
    int error = errno;
    snprintf(why, SKT_STATEFILE_WHY_MAX, "%.255s: %s", path, strerror(error));
    errno = error;
    return SKT_ERR_IO;
}

/* --- whose is it? --- */

/* One name on the way. The folder that holds it was judged before; so nobody can exchange it meanwhile. A
 * link that is ours or root's leads where we or root wanted. */
static int judge_step(const char *path, char why[SKT_STATEFILE_WHY_MAX])
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return fail(why, path);
    if (!skt_owner_is_trusted(st.st_uid))
        return refuse(why, "%.255s belongs to another user (%lu), who could exchange what is in it", path,
                      (unsigned long)st.st_uid);
    if (S_ISLNK(st.st_mode) && stat(path, &st) != 0)
        return fail(why, path);
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return fail(why, path);
    }
    if (!skt_owner_is_trusted(st.st_uid))
        return refuse(why, "%.255s leads to a folder of another user (%lu)", path, (unsigned long)st.st_uid);
    if (skt_owner_others_write(&st) && !(st.st_mode & S_ISVTX))
        return refuse(why,
                      "%.255s may be written by others, who could plant or exchange files in it "
                      "(chmod go-w, or another folder)",
                      path);
    return SKT_OK;
}

/* The folders of an absolute path, from the root on. */
static int judge_folders(const char *path, char why[SKT_STATEFILE_WHY_MAX])
{
    char part[PATH_MAX];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t len = slash == path ? 1 : (size_t)(slash - path);
        if (len >= sizeof part) {
            errno = ENAMETOOLONG;
            return fail(why, path);
        }
        memcpy(part, path, len);
        part[len] = '\0';
        int err = judge_step(part, why);
        if (err)
            return err;
    }
    return SKT_OK;
}

int skt_statefile_check_folder(const char *path, char why[SKT_STATEFILE_WHY_MAX])
{
    char whole[PATH_MAX];
    if (path[0] == '/')
        return judge_folders(path, why);
    if (!getcwd(whole, sizeof whole))
        return fail(why, path);
    size_t len = strlen(whole);
    if ((size_t)snprintf(whole + len, sizeof whole - len, "/%s", path) >= sizeof whole - len) {
        errno = ENAMETOOLONG;
        return fail(why, path);
    }
    return judge_folders(whole, why);
}

static int judge_file(int fd, const char *path, char why[SKT_STATEFILE_WHY_MAX])
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail(why, path);
    if (!S_ISREG(st.st_mode))
        return refuse(why, "%.255s is no regular file", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return refuse(why, "%.255s belongs to another user (%lu)", path, (unsigned long)st.st_uid);
    if (skt_owner_others_write(&st))
        return refuse(why, "%.255s may be written by others", path);
    if (st.st_nlink > 1)
        return refuse(why, "%.255s has another name, too (a hard link)", path);
    return SKT_OK;
}

/* --- opening --- */

/* The folder of the file, one level, as /run/skcptun, where what is above it can be trusted. One that can't
 * be made shows in what follows. */
static void make_folder(const char *path, char why[SKT_STATEFILE_WHY_MAX])
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path || (size_t)(slash - path) >= sizeof folder)
        return;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    if (skt_statefile_check_folder(folder, why) == SKT_OK)
        (void)mkdir(folder, 0755);
}

int skt_statefile_open(const char *path, unsigned how, char why[SKT_STATEFILE_WHY_MAX])
{
    bool fresh = (how & SKT_STATEFILE_FRESH) != 0;
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK; /* a FIFO must not make us wait */
    if (how & SKT_STATEFILE_APPEND)
        flags |= O_APPEND;
    if (how & SKT_STATEFILE_CREATE)
        make_folder(path, why);
    int err = skt_statefile_check_folder(path, why);
    if (err)
        return err;
    if (fresh && unlink(path) != 0 && errno != ENOENT)
        return fail(why, path);
    /* An existing file is opened without O_CREAT: Linux refuses that for files of others in /tmp
     * (fs.protected_regular) with less to say than we have. */
    int fd = fresh ? -1 : open(path, flags);
    if (fd < 0 && (fresh || (errno == ENOENT && (how & SKT_STATEFILE_CREATE))))
        fd = open(path, flags | O_CREAT | O_EXCL, 0600);
    if (fd < 0 && (errno == ELOOP || errno == EMLINK))
        return refuse(why, "%.255s is a symbolic link", path);
    if (fd < 0)
        return fail(why, path);
    err = judge_file(fd, path, why);
    if (err) {
        int error = errno;
        close(fd);
        errno = error;
        return err;
    }
    return fd;
}

bool skt_statefile_is(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* --- writing --- */

bool skt_statefile_write(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : ENOSPC;
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* So that the new name outlasts a power cut; no failure of ours where a file system can't. */
static void flush_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof folder)
        return;
    memcpy(folder, path, len);
    folder[len] = '\0';
    int fd = open(slash ? len ? folder : "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

int skt_statefile_take_name(int fd, const char *fresh, const char *path, char why[SKT_STATEFILE_WHY_MAX])
{
    int err = SKT_OK;
    if (fsync(fd) != 0)
        err = fail(why, fresh);
    if (!err && rename(fresh, path) != 0)
        err = fail(why, path);
    int error = errno;
    if (err)
        (void)unlink(fresh);
    else
        flush_folder(path);
    errno = error;
    return err;
}

int skt_statefile_replace(const char *path, const void *data, size_t len, unsigned mode,
                          char why[SKT_STATEFILE_WHY_MAX])
{
    char fresh[PATH_MAX];
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh) {
        errno = ENAMETOOLONG;
        return fail(why, path);
    }
    int fd = skt_statefile_open(fresh, SKT_STATEFILE_FRESH, why);
    if (fd < 0)
        return fd;
    int err = SKT_OK;
    if (fchmod(fd, (mode_t)mode) != 0 || !skt_statefile_write(fd, data, len)) {
        err = fail(why, fresh);
        (void)unlink(fresh);
    }
    if (!err)
        err = skt_statefile_take_name(fd, fresh, path, why);
    int error = errno;
    close(fd);
    errno = error;
    return err;
}
