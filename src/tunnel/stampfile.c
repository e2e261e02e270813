/* SPDX-License-Identifier: MIT */
#include "tunnel/stampfile.h"

#include "base/log.h"
#include "io/statefile.h"
#include "tunnel/stampfile_claim.h"
#include "tunnel/stampfile_format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { REWRITE_AFTER = 65536 }; /* appended records, a MB, at least before what is old is dropped */

struct skt_stampfile {
    int fd;                       /* locked, at its end */
    char *path;                   /* of the file */
    struct skt_stampcache *cache; /* whose stamps are kept; the owner's */
    bool lost;                    /* a record could not be written, and it was logged */
    bool unsure;                  /* skt_stampfile_set_unsure */
    off_t len;                    /* bytes of the file that are whole */
    uint32_t appended;            /* records since the file was written anew */
};

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

/* Writes the file anew with what the cache holds, beside the old one, which it then replaces. */
static bool rewrite(struct skt_stampfile *f, char why[SKT_STATEFILE_WHY_MAX])
{
    char tmp[SKT_STAMPFILE_PATH_MAX + 4];
    snprintf(tmp, sizeof tmp, "%s.new", f->path);
    int fd = skt_statefile_open(tmp, SKT_STATEFILE_FRESH | SKT_STATEFILE_CREATE, why);
    if (fd < 0)
        return false;
    bool ok = flock(fd, LOCK_EX | LOCK_NB) == 0 &&
              skt_stampfile_write_header(fd, f->cache, f->unsure ? SKT_STAMPFILE_LOST : 0) &&
              skt_stampfile_write_records(fd, f->cache) && rename(tmp, f->path) == 0;
    if (!ok) {
        snprintf(why, SKT_STATEFILE_WHY_MAX, "%.255s: %s", f->path, strerror(errno));
        close(fd);
        unlink(tmp);
        return false;
    }
    if (f->fd >= 0)
        close(f->fd);
    f->fd = fd;
    f->len = SKT_STAMPFILE_HEADER_LEN + (off_t)f->cache->count * SKT_STAMPFILE_RECORD_LEN;
    f->appended = 0;
    f->lost = false;
    return true;
}

void skt_stampfile_open(struct skt_stampfile **out, const char *base, struct skt_stampcache *cache,
                        const struct skt_stamp_clock *now)
{
    char why[SKT_STATEFILE_WHY_MAX] = "no place is set";
    char path[SKT_STAMPFILE_PATH_MAX];
    struct skt_stampfile_claim claim = {.own = -1};
    *out = NULL;
    struct skt_stampfile *f = calloc(1, sizeof *f);
    bool claimed = f && base && strlen(base) < SKT_STAMPFILE_PATH_MAX - 16;
    bool ok = claimed && skt_stampfile_claim(&claim, base, cache, now, path, why);
    if (ok) {
        f->fd = -1;
        f->cache = cache;
        f->path = strdup(path);
        (void)skt_stampcache_expire(cache, now);
        ok = f->path && rewrite(f, why);
    }
    if (claimed)
        skt_stampfile_release(&claim, base, ok);
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
    (void)skt_stampfile_write_header(f->fd, f->cache, SKT_STAMPFILE_LOST);
    if (!f->lost)
        skt_warn("can't append to %s (%s): after a restart handshakes stamped before it are refused", f->path,
                 strerror(error));
    f->lost = true;
}

void skt_stampfile_append(struct skt_stampfile *f, const struct skt_stamp *stamp)
{
    if (!f)
        return;
    uint8_t record[SKT_STAMPFILE_RECORD_LEN];
    skt_stampfile_encode(stamp, record);
    if (write(f->fd, record, sizeof record) == (ssize_t)sizeof record)
        f->len += SKT_STAMPFILE_RECORD_LEN;
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
    (void)skt_stampfile_write_header(f->fd, f->cache, on || f->lost ? SKT_STAMPFILE_LOST : 0);
}

void skt_stampfile_close(struct skt_stampfile *f)
{
    if (!f)
        return;
    (void)fsync(f->fd);
    (void)skt_stampfile_write_header(f->fd, f->cache,
                                     f->lost || f->unsure ? SKT_STAMPFILE_LOST : SKT_STAMPFILE_CLEAN);
    close(f->fd);
    free(f->path);
    free(f);
}
