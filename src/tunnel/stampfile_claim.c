/* SPDX-License-Identifier: MIT */
#include "tunnel/stampfile_claim.h"

#include "base/log.h"
#include "tunnel/stampfile_format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

/* Does the file system forget everything at a reboot? */
static bool is_volatile(int fd)
{
#ifdef __linux__
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return true;
    const unsigned long type = (unsigned long)fs.f_type;
    return type == 0x01021994UL /* tmpfs */ || type == 0x858458f6UL /* ramfs */;
#else
    (void)fd;
    return false;
#endif
}

static void path_of(char out[SKT_STAMPFILE_PATH_MAX], const char *base, int n)
{
    if (n == 0)
        snprintf(out, SKT_STAMPFILE_PATH_MAX, "%s.stamps", base);
    else
        snprintf(out, SKT_STAMPFILE_PATH_MAX, "%s-%d.stamps", base, n);
}

/* The file, locked; -1: there is none, another process has it, or why says what is wrong. */
static int open_locked(const char *path, unsigned how, char why[SKT_STATEFILE_WHY_MAX])
{
    for (int tries = 0; tries < 3; tries++) {
        int fd = skt_statefile_open(path, how, why);
        if (fd < 0)
            return -1;
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (locked && skt_statefile_is(fd, path))
            return fd;
        close(fd); /* in use; or replaced between our open and the lock */
        if (!locked)
            break;
    }
    snprintf(why, SKT_STATEFILE_WHY_MAX, "%.255s is in use", path);
    return -1;
}

void skt_stampfile_release(struct skt_stampfile_claim *c, const char *base, bool remove_others)
{
    char path[SKT_STAMPFILE_PATH_MAX];
    for (int i = 0; i < SKT_STAMPFILE_CLAIMS_MAX; i++) {
        path_of(path, base, i);
        if (c->fds[i] >= 0 && i != c->own && remove_others)
            (void)unlink(path); /* ours holds all of it */
        if (c->fds[i] >= 0)
            close(c->fds[i]);
    }
}

/* Reads one of the files. Was there one? */
static bool read_file(struct skt_stampfile_claim *c, int i, const char *path, struct skt_stampcache *cache,
                      const struct skt_stamp_clock *now)
{
    char why[SKT_STATEFILE_WHY_MAX];
    int fd = skt_statefile_open(path, 0, why);
    if (fd < 0 && errno == ENOENT)
        return false;
    if (fd < 0) {
        skt_warn("the handshake replay cache is not read: %s", why);
        skt_stampcache_set_start(cache, now->boot_ms);
        return true;
    }
    close(fd);
    c->fds[i] = open_locked(path, 0, why);
    if (c->fds[i] >= 0 && c->own < 0)
        c->own = i;
    fd = c->fds[i] >= 0 ? c->fds[i] : skt_statefile_open(path, 0, why);
    if (fd >= 0)
        skt_stampfile_restore(fd, cache, now);
    if (fd >= 0 && fd != c->fds[i])
        close(fd);
    return true;
}

bool skt_stampfile_claim(struct skt_stampfile_claim *c, const char *base, struct skt_stampcache *cache,
                         const struct skt_stamp_clock *now, char path[SKT_STAMPFILE_PATH_MAX],
                         char why[SKT_STATEFILE_WHY_MAX])
{
    int found = 0;
    c->own = -1;
    for (int i = 0; i < SKT_STAMPFILE_CLAIMS_MAX; i++)
        c->fds[i] = -1;
    for (int i = 0; i < SKT_STAMPFILE_CLAIMS_MAX; i++) {
        path_of(path, base, i);
        found += read_file(c, i, path, cache, now);
    }
    for (int i = 0; c->own < 0 && i < SKT_STAMPFILE_CLAIMS_MAX; i++) {
        path_of(path, base, i);
        c->fds[i] = open_locked(path, SKT_STATEFILE_CREATE, why);
        if (c->fds[i] >= 0)
            c->own = i;
    }
    if (c->own < 0)
        return false;
    path_of(path, base, c->own);
    /* The first start ever, unless a reboot has emptied the file system. */
    if (found == 0 && is_volatile(c->fds[c->own]))
        skt_stampcache_set_start(cache, 0);
    return true;
}
