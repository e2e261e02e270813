/* SPDX-License-Identifier: MIT */
#include "tunnel/stampfile.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"

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

/* File: magic 8 | boot id 37 | clean u8 | padding 2 | floor u64 (ms), then records: key 12 | stamp u32.
 * Little-endian. */
enum {
    BOOT_ID_LEN = 37,
    CLEAN_AT = 8 + BOOT_ID_LEN,
    FLOOR_AT = 48,
    HEADER_LEN = 56,
    RECORD_LEN = SKT_STAMP_KEY_LEN + 4,
    REWRITE_AFTER = 65536, /* appended records after which the expired ones are dropped */
};
static const char magic[8] = "SKTSTMP1";

struct skt_stampfile {
    int fd;
    char *path;
    struct skt_stampcache *cache;
    bool failed;       /* and it was logged */
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

/* When the system was started, by today's clock. */
static uint64_t boot_ms(uint64_t now_ms)
{
#ifdef CLOCK_BOOTTIME
    const clockid_t clock = CLOCK_BOOTTIME;
#else
    const clockid_t clock = CLOCK_MONOTONIC;
#endif
    struct timespec ts;
    if (clock_gettime(clock, &ts) != 0)
        return now_ms;
    uint64_t up_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
    return up_ms < now_ms ? now_ms - up_ms : now_ms;
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

static bool write_all(int fd, const void *buf, size_t len)
{
    return write(fd, buf, len) == (ssize_t)len;
}

static bool write_header(int fd, const struct skt_stampcache *cache, bool clean)
{
    uint8_t header[HEADER_LEN] = {0};
    memcpy(header, magic, sizeof magic);
    read_boot_id((char *)header + sizeof magic);
    header[CLEAN_AT] = clean;
    skt_put_u64(header + FLOOR_AT, cache->floor_ms);
    return pwrite(fd, header, sizeof header, 0) == (ssize_t)sizeof header && lseek(fd, 0, SEEK_END) >= 0;
}

static void encode(const struct skt_stamp *stamp, uint8_t out[RECORD_LEN])
{
    memcpy(out, stamp->key, SKT_STAMP_KEY_LEN);
    skt_put_u32(out + SKT_STAMP_KEY_LEN, stamp->stamp_s);
}

static int restore_records(int fd, struct skt_stampcache *cache)
{
    uint8_t buf[RECORD_LEN * 256];
    ssize_t n;
    lseek(fd, HEADER_LEN, SEEK_SET);
    while ((n = read(fd, buf, sizeof buf)) >= RECORD_LEN) {
        for (ssize_t at = 0; at + RECORD_LEN <= n; at += RECORD_LEN) {
            struct skt_stamp stamp;
            memcpy(stamp.key, buf + at, SKT_STAMP_KEY_LEN);
            stamp.stamp_s = skt_get_u32(buf + at + SKT_STAMP_KEY_LEN);
            int err = stamp.stamp_s ? skt_stampcache_restore(cache, &stamp) : SKT_OK;
            if (err)
                return err;
        }
    }
    return SKT_OK;
}

/* Takes over what the file holds; the floor that follows from how far it can be trusted. */
static uint64_t restore(int fd, struct skt_stampcache *cache, uint64_t now_ms)
{
    uint8_t header[HEADER_LEN];
    char boot_id[BOOT_ID_LEN];
    ssize_t n = pread(fd, header, sizeof header, 0);
    if (n == 0) /* new: the first start ever, unless a reboot has emptied the file system */
        return is_volatile(fd) ? boot_ms(now_ms) : 0;
    if (n != (ssize_t)sizeof header || memcmp(header, magic, sizeof magic) != 0)
        return now_ms;
    if (restore_records(fd, cache) != SKT_OK)
        return now_ms;
    skt_stampcache_raise_floor(cache, skt_get_u64(header + FLOOR_AT));
    read_boot_id(boot_id);
    bool same_boot = boot_id[0] && memcmp(header + sizeof magic, boot_id, BOOT_ID_LEN) == 0;
    return same_boot || header[CLEAN_AT] == 1 ? 0 : boot_ms(now_ms);
}

/* Writes the file anew with what the cache holds, beside the old one, which it then replaces. */
static bool rewrite(struct skt_stampfile *f)
{
    char tmp[512];
    if ((size_t)snprintf(tmp, sizeof tmp, "%s.new", f->path) >= sizeof tmp)
        return false;
    int fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = flock(fd, LOCK_EX | LOCK_NB) == 0 && write_header(fd, f->cache, false);
    uint32_t pos = 0;
    const struct skt_stamp *stamp;
    while (ok && (stamp = skt_stampcache_next(f->cache, &pos)) != NULL) {
        uint8_t record[RECORD_LEN];
        encode(stamp, record);
        ok = write_all(fd, record, sizeof record);
    }
    if (!ok || rename(tmp, f->path) != 0) {
        close(fd);
        unlink(tmp);
        return false;
    }
    if (f->fd >= 0)
        close(f->fd);
    f->fd = fd;
    f->appended = 0;
    return true;
}

static void make_folder_of(const char *path)
{
    char folder[512];
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path || (size_t)(slash - path) >= sizeof folder)
        return;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    (void)mkdir(folder, 0700); /* one that is there already, or can't be made, shows in open() */
}

static int open_locked(const char *path)
{
    make_folder_of(path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) { /* another process serves the same entry */
        close(fd);
        return -1;
    }
    return fd;
}

void skt_stampfile_open(struct skt_stampfile **out, const char *path, struct skt_stampcache *cache,
                        uint64_t now_ms)
{
    *out = NULL;
    struct skt_stampfile *f = NULL;
    int fd = path ? open_locked(path) : -1;
    if (fd >= 0)
        f = (struct skt_stampfile *)calloc(1, sizeof *f);
    if (f)
        f->path = strdup(path);
    if (!f || !f->path) {
        skt_warn("can't keep the handshake replay cache in %s (%s): handshakes stamped before this start are "
                 "refused",
                 path ? path : "a file", path ? strerror(errno) : "none is set");
        skt_stampcache_raise_floor(cache, now_ms);
        if (fd >= 0)
            close(fd);
        free(f);
        return;
    }
    f->fd = -1;
    f->cache = cache;
    skt_stampcache_raise_floor(cache, restore(fd, cache, now_ms));
    (void)skt_stampcache_expire(cache, now_ms);
    if (!rewrite(f)) {
        skt_warn("can't write %s (%s): handshakes stamped before this start are refused", path,
                 strerror(errno));
        skt_stampcache_raise_floor(cache, now_ms);
        close(fd);
        free(f->path);
        free(f);
        return;
    }
    close(fd);
    *out = f;
}

void skt_stampfile_append(struct skt_stampfile *f, const struct skt_stamp *stamp)
{
    if (!f)
        return;
    uint8_t record[RECORD_LEN];
    encode(stamp, record);
    if (!write_all(f->fd, record, sizeof record) && !f->failed) {
        f->failed = true;
        skt_warn("can't append to %s: %s", f->path, strerror(errno));
    }
    if (++f->appended >= REWRITE_AFTER)
        (void)rewrite(f); /* without the right to the folder any more the file just grows */
}

void skt_stampfile_close(struct skt_stampfile *f)
{
    if (!f)
        return;
    (void)fsync(f->fd);
    (void)write_header(f->fd, f->cache, true);
    close(f->fd);
    free(f->path);
    free(f);
}
