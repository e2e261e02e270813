/* SPDX-License-Identifier: MIT */
#include "tunnel/stampfile.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "io/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

/* File: magic 8 | boot id 37 | flags u8 | number of ranges u8 | 1 byte | start u64 (ms since that boot) |
 * ranges 8 * (from u32, to u32), then records: key 10 | net u16 | stamp u32. Little-endian. */
enum {
    BOOT_ID_LEN = 37,
    FLAGS_AT = 8 + BOOT_ID_LEN,
    RANGES_AT = 56,
    HEADER_LEN = RANGES_AT + SKT_STAMP_RANGES * 8,
    RECORD_LEN = SKT_STAMP_KEY_LEN + 2 + 4,
    REWRITE_AFTER = 65536, /* appended records at least before what is old is dropped */
    FILES_MAX = 8,         /* processes with the same psk */
    PATH_LEN = 512,
    BUFFER_LEN = RECORD_LEN * 1024,
};

enum { CLEAN = 1, LOST = 2 /* what was answered is not all in it */, HAS_START = 4 };

static const char magic[8] = "SKTSTMP2";

struct skt_stampfile {
    int fd;
    char *path;
    struct skt_stampcache *cache;
    bool lost;         /* a record could not be written, and it was logged */
    bool unsure;       /* skt_stampfile_set_unsure */
    off_t len;         /* of what is whole */
    uint32_t appended; /* records since the file was written anew */
};

static void read_boot_id(char id[BOOT_ID_LEN])
{
    memset(id, 0, BOOT_ID_LEN);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (read(fd, id, BOOT_ID_LEN - 1) < 0)
        memset(id, 0, BOOT_ID_LEN);
    close(fd);
}

struct skt_stamp_clock skt_stampfile_clock(uint64_t wall_ms)
{
#ifdef CLOCK_BOOTTIME
    const clockid_t clock = CLOCK_BOOTTIME;
#else
    const clockid_t clock = CLOCK_MONOTONIC;
#endif
    struct timespec ts = {0};
    (void)clock_gettime(clock, &ts);
    return (struct skt_stamp_clock){wall_ms, (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000};
}

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

/* --- reading --- */

static void decode(const uint8_t *p, struct skt_stamp *stamp)
{
    memcpy(stamp->key, p, SKT_STAMP_KEY_LEN);
    stamp->net = skt_get_u16(p + SKT_STAMP_KEY_LEN);
    stamp->stamp_s = skt_get_u32(p + SKT_STAMP_KEY_LEN + 2);
}

/* The records that are whole: half a one at the end is what a full disk or a kill has left. */
static int restore_records(int fd, struct skt_stampcache *cache)
{
    struct stat st;
    uint8_t buf[BUFFER_LEN];
    if (fstat(fd, &st) != 0 || st.st_size < HEADER_LEN)
        return SKT_ERR_IO;
    uint64_t left = (uint64_t)(st.st_size - HEADER_LEN) / RECORD_LEN;
    int err = left > UINT32_MAX ? SKT_ERR_FULL : skt_stampcache_reserve(cache, (uint32_t)left);
    for (off_t at = HEADER_LEN; !err && left > 0;) {
        size_t want = left < BUFFER_LEN / RECORD_LEN ? (size_t)left * RECORD_LEN : BUFFER_LEN;
        ssize_t n = pread(fd, buf, want, at);
        if (n != (ssize_t)want)
            return SKT_ERR_IO;
        for (size_t i = 0; !err && i < want; i += RECORD_LEN) {
            struct skt_stamp stamp;
            decode(buf + i, &stamp);
            err = skt_stampcache_restore(cache, &stamp);
        }
        at += n;
        left -= want / RECORD_LEN;
    }
    return err;
}

/* Takes over what a file holds, and how far it can be trusted. */
static void restore(int fd, struct skt_stampcache *cache, const struct skt_stamp_clock *now)
{
    uint8_t h[HEADER_LEN];
    char boot_id[BOOT_ID_LEN];
    if (pread(fd, h, sizeof h, 0) != (ssize_t)sizeof h || memcmp(h, magic, sizeof magic) != 0 ||
        restore_records(fd, cache) != SKT_OK) {
        skt_stampcache_set_start(cache, now->boot_ms);
        return;
    }
    for (unsigned i = 0; i < h[FLAGS_AT + 1] && i < SKT_STAMP_RANGES; i++) {
        const uint8_t *p = h + RANGES_AT + i * 8;
        skt_stampcache_refuse(cache, (struct skt_stamp_range){skt_get_u32(p), skt_get_u32(p + 4)});
    }
    read_boot_id(boot_id);
    bool same_boot = boot_id[0] && memcmp(h + sizeof magic, boot_id, BOOT_ID_LEN) == 0;
    if (h[FLAGS_AT] & LOST)
        skt_stampcache_set_start(cache, now->boot_ms);
    else if (!same_boot && (!(h[FLAGS_AT] & CLEAN) || (h[FLAGS_AT] & HAS_START)))
        skt_stampcache_set_start(cache, 0); /* what was before this boot */
    else if (h[FLAGS_AT] & HAS_START)
        skt_stampcache_set_start(cache, skt_get_u64(h + FLAGS_AT + 3));
}

/* --- writing --- */

static bool write_header(int fd, const struct skt_stampcache *cache, uint8_t flags)
{
    uint8_t h[HEADER_LEN] = {0};
    memcpy(h, magic, sizeof magic);
    read_boot_id((char *)h + sizeof magic);
    h[FLAGS_AT] = cache->has_start ? flags | HAS_START : flags;
    h[FLAGS_AT + 1] = (uint8_t)cache->range_count;
    skt_put_u64(h + FLAGS_AT + 3, cache->start_boot_ms);
    for (unsigned i = 0; i < cache->range_count; i++) {
        skt_put_u32(h + RANGES_AT + i * 8, cache->ranges[i].from_s);
        skt_put_u32(h + RANGES_AT + i * 8 + 4, cache->ranges[i].to_s);
    }
    return pwrite(fd, h, sizeof h, 0) == (ssize_t)sizeof h && lseek(fd, 0, SEEK_END) >= 0;
}

static void encode(const struct skt_stamp *stamp, uint8_t out[RECORD_LEN])
{
    memcpy(out, stamp->key, SKT_STAMP_KEY_LEN);
    skt_put_u16(out + SKT_STAMP_KEY_LEN, stamp->net);
    skt_put_u32(out + SKT_STAMP_KEY_LEN + 2, stamp->stamp_s);
}

static bool write_records(int fd, const struct skt_stampcache *cache)
{
    uint8_t buf[BUFFER_LEN];
    size_t n = 0;
    uint32_t pos = 0;
    for (const struct skt_stamp *stamp; (stamp = skt_stampcache_next(cache, &pos)) != NULL;) {
        encode(stamp, buf + n);
        n += RECORD_LEN;
        if (n == sizeof buf && !skt_statefile_write(fd, buf, n))
            return false;
        n %= sizeof buf;
    }
    return n == 0 || skt_statefile_write(fd, buf, n);
}

/* Writes the file anew with what the cache holds, beside the old one, which it then replaces. */
static bool rewrite(struct skt_stampfile *f, char why[SKT_STATEFILE_WHY_MAX])
{
    char tmp[PATH_LEN + 4];
    snprintf(tmp, sizeof tmp, "%s.new", f->path);
    int fd = skt_statefile_open(tmp, SKT_STATEFILE_FRESH | SKT_STATEFILE_CREATE, why);
    if (fd < 0)
        return false;
    bool ok = flock(fd, LOCK_EX | LOCK_NB) == 0 && write_header(fd, f->cache, f->unsure ? LOST : 0) &&
              write_records(fd, f->cache) && rename(tmp, f->path) == 0;
    if (!ok) {
        snprintf(why, SKT_STATEFILE_WHY_MAX, "%.255s: %s", f->path, strerror(errno));
        close(fd);
        unlink(tmp);
        return false;
    }
    if (f->fd >= 0)
        close(f->fd);
    f->fd = fd;
    f->len = HEADER_LEN + (off_t)f->cache->count * RECORD_LEN;
    f->appended = 0;
    f->lost = false;
    return true;
}

/* --- which file --- */

static void path_of(char out[PATH_LEN], const char *base, int n)
{
    if (n == 0)
        snprintf(out, PATH_LEN, "%s.stamps", base);
    else
        snprintf(out, PATH_LEN, "%s-%d.stamps", base, n);
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

/* The files of all processes with this psk, those that nobody has any more locked by us. */
struct files {
    int fds[FILES_MAX]; /* locked; -1: not there, or another process's */
    int own;            /* the one that is ours from now on, or -1 */
};

static void release(struct files *files, const char *base, bool remove_others)
{
    char path[PATH_LEN];
    for (int i = 0; i < FILES_MAX; i++) {
        path_of(path, base, i);
        if (files->fds[i] >= 0 && i != files->own && remove_others)
            (void)unlink(path); /* ours holds all of it */
        if (files->fds[i] >= 0)
            close(files->fds[i]);
    }
}

/* Reads one of the files. Was there one? */
static bool read_file(struct files *files, int i, const char *path, struct skt_stampcache *cache,
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
    files->fds[i] = open_locked(path, 0, why);
    if (files->fds[i] >= 0 && files->own < 0)
        files->own = i;
    fd = files->fds[i] >= 0 ? files->fds[i] : skt_statefile_open(path, 0, why);
    if (fd >= 0)
        restore(fd, cache, now);
    if (fd >= 0 && fd != files->fds[i])
        close(fd);
    return true;
}

/* Reads every process's file, and takes the first free one: its path, and true, or why not. */
static bool take_one(struct files *files, const char *base, struct skt_stampcache *cache,
                     const struct skt_stamp_clock *now, char path[PATH_LEN], char why[SKT_STATEFILE_WHY_MAX])
{
    int found = 0;
    for (int i = 0; i < FILES_MAX; i++) {
        path_of(path, base, i);
        found += read_file(files, i, path, cache, now);
    }
    for (int i = 0; files->own < 0 && i < FILES_MAX; i++) {
        path_of(path, base, i);
        files->fds[i] = open_locked(path, SKT_STATEFILE_CREATE, why);
        if (files->fds[i] >= 0)
            files->own = i;
    }
    if (files->own < 0)
        return false;
    path_of(path, base, files->own);
    /* The first start ever, unless a reboot has emptied the file system. */
    if (found == 0 && is_volatile(files->fds[files->own]))
        skt_stampcache_set_start(cache, 0);
    return true;
}

void skt_stampfile_open(struct skt_stampfile **out, const char *base, struct skt_stampcache *cache,
                        const struct skt_stamp_clock *now)
{
    char why[SKT_STATEFILE_WHY_MAX] = "no place is set";
    char path[PATH_LEN];
    struct files files = {.own = -1};
    *out = NULL;
    for (int i = 0; i < FILES_MAX; i++)
        files.fds[i] = -1;
    struct skt_stampfile *f = calloc(1, sizeof *f);
    bool ok = f && base && strlen(base) < PATH_LEN - 16 && take_one(&files, base, cache, now, path, why);
    if (ok) {
        f->fd = -1;
        f->cache = cache;
        f->path = strdup(path);
        (void)skt_stampcache_expire(cache, now);
        ok = f->path && rewrite(f, why);
    }
    if (base)
        release(&files, base, ok);
    if (!ok) {
        skt_warn(
            "can't keep the handshake replay cache (%s): handshakes stamped before this start are refused",
            why);
        skt_stampcache_set_start(cache, now->boot_ms);
        if (f)
            free(f->path);
        free(f);
        return;
    }
    *out = f;
}

/* Nothing may stand behind half a record; and the next start must know that some are missing. */
static void on_lost(struct skt_stampfile *f)
{
    int error = errno;
    (void)!ftruncate(f->fd, f->len);
    (void)write_header(f->fd, f->cache, LOST);
    if (!f->lost)
        skt_warn("can't append to %s (%s): after a restart handshakes stamped before it are refused", f->path,
                 strerror(error));
    f->lost = true;
}

void skt_stampfile_append(struct skt_stampfile *f, const struct skt_stamp *stamp)
{
    if (!f)
        return;
    uint8_t record[RECORD_LEN];
    encode(stamp, record);
    if (write(f->fd, record, sizeof record) == (ssize_t)sizeof record)
        f->len += RECORD_LEN;
    else
        on_lost(f);
    if (++f->appended >= REWRITE_AFTER && f->appended >= f->cache->count) {
        char why[SKT_STATEFILE_WHY_MAX];
        if (!rewrite(f, why)) /* without the right to the folder any more the file just grows */
            f->appended = 0;
    }
}

void skt_stampfile_set_unsure(struct skt_stampfile *f, bool on)
{
    if (!f || f->unsure == on)
        return;
    f->unsure = on;
    (void)write_header(f->fd, f->cache, on || f->lost ? LOST : 0);
}

void skt_stampfile_close(struct skt_stampfile *f)
{
    if (!f)
        return;
    (void)fsync(f->fd);
    (void)write_header(f->fd, f->cache, f->lost || f->unsure ? LOST : CLEAN);
    close(f->fd);
    free(f->path);
    free(f);
}
