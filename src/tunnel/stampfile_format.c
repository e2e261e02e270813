/* SPDX-License-Identifier: MIT */
#include "tunnel/stampfile_format.h"

#include "base/bytes.h"
#include "base/err.h"
#include "io/statefile.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* File: magic 8 | boot id 37 | flags u8 | number of ranges u8 | 1 byte | start u64 (ms since that boot) |
 * ranges 8 * (from u32, to u32), then records: key 10 | net u16 | stamp u32. Little-endian. */
enum {
    BOOT_ID_LEN = 37, /* of /proc/sys/kernel/random/boot_id: 36 characters and a zero */
    FLAGS_AT = 8 + BOOT_ID_LEN,
    START_AT = FLAGS_AT + 3,
    RANGES_AT = START_AT + 8,
    BUFFER_LEN = SKT_STAMPFILE_RECORD_LEN * 1024, /* 16 KiB: one system call for so many */
};

/* The ranges end the header. */
_Static_assert(RANGES_AT + SKT_STAMP_RANGES * 8 == SKT_STAMPFILE_HEADER_LEN, "length of the header");

enum { HAS_START = 4 }; /* a flag in the file: `start` holds */

static const char magic[8] = "SKTSTMP2";

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
    if (fstat(fd, &st) != 0 || st.st_size < SKT_STAMPFILE_HEADER_LEN)
        return SKT_ERR_IO;
    uint64_t left = (uint64_t)(st.st_size - SKT_STAMPFILE_HEADER_LEN) / SKT_STAMPFILE_RECORD_LEN;
    int err = left > UINT32_MAX ? SKT_ERR_FULL : skt_stampcache_reserve(cache, (uint32_t)left);
    for (off_t at = SKT_STAMPFILE_HEADER_LEN; !err && left > 0;) {
        size_t want = left < BUFFER_LEN / SKT_STAMPFILE_RECORD_LEN ? (size_t)left * SKT_STAMPFILE_RECORD_LEN
                                                                   : BUFFER_LEN;
        ssize_t n = pread(fd, buf, want, at);
        if (n != (ssize_t)want)
            return SKT_ERR_IO;
        for (size_t i = 0; !err && i < want; i += SKT_STAMPFILE_RECORD_LEN) {
            struct skt_stamp stamp;
            decode(buf + i, &stamp);
            err = skt_stampcache_restore(cache, &stamp);
        }
        at += n;
        left -= want / SKT_STAMPFILE_RECORD_LEN;
    }
    return err;
}

/* Takes over what a file holds, and how far it can be trusted. */
void skt_stampfile_restore(int fd, struct skt_stampcache *cache, const struct skt_stamp_clock *now)
{
    uint8_t h[SKT_STAMPFILE_HEADER_LEN];
    char boot_id[BOOT_ID_LEN];
    if (pread(fd, h, sizeof h, 0) != (ssize_t)sizeof h || memcmp(h, magic, sizeof magic) != 0 ||
        restore_records(fd, cache) != SKT_OK) {
        skt_stampcache_set_start(cache, now->boot_ms);
        return;
    }
    for (unsigned i = 0; i < h[FLAGS_AT + 1] && i < SKT_STAMP_RANGES; i++) {
        const uint8_t *p = h + RANGES_AT + i * 8;
        skt_stamp_ranges_add(&cache->refused, (struct skt_stamp_range){skt_get_u32(p), skt_get_u32(p + 4)});
    }
    read_boot_id(boot_id);
    bool same_boot = boot_id[0] && memcmp(h + sizeof magic, boot_id, BOOT_ID_LEN) == 0;
    if (h[FLAGS_AT] & SKT_STAMPFILE_LOST)
        skt_stampcache_set_start(cache, now->boot_ms);
    else if (!same_boot && (!(h[FLAGS_AT] & SKT_STAMPFILE_CLEAN) || (h[FLAGS_AT] & HAS_START)))
        skt_stampcache_set_start(cache, 0); /* what was before this boot */
    else if (h[FLAGS_AT] & HAS_START)
        skt_stampcache_set_start(cache, skt_get_u64(h + START_AT));
}

/* --- writing --- */

bool skt_stampfile_write_header(int fd, const struct skt_stampcache *cache, uint8_t flags)
{
    uint8_t h[SKT_STAMPFILE_HEADER_LEN] = {0};
    memcpy(h, magic, sizeof magic);
    read_boot_id((char *)h + sizeof magic);
    h[FLAGS_AT] = cache->has_start ? flags | HAS_START : flags;
    h[FLAGS_AT + 1] = (uint8_t)cache->refused.count;
    skt_put_u64(h + START_AT, cache->start_boot_ms);
    for (unsigned i = 0; i < cache->refused.count; i++) {
        skt_put_u32(h + RANGES_AT + i * 8, cache->refused.list[i].from_s);
        skt_put_u32(h + RANGES_AT + i * 8 + 4, cache->refused.list[i].to_s);
    }
    return pwrite(fd, h, sizeof h, 0) == (ssize_t)sizeof h && lseek(fd, 0, SEEK_END) >= 0;
}

void skt_stampfile_encode(const struct skt_stamp *stamp, uint8_t out[SKT_STAMPFILE_RECORD_LEN])
{
    memcpy(out, stamp->key, SKT_STAMP_KEY_LEN);
    skt_put_u16(out + SKT_STAMP_KEY_LEN, stamp->net);
    skt_put_u32(out + SKT_STAMP_KEY_LEN + 2, stamp->stamp_s);
}

bool skt_stampfile_write_records(int fd, const struct skt_stampcache *cache)
{
    uint8_t buf[BUFFER_LEN];
    size_t n = 0;
    uint32_t pos = 0;
    for (const struct skt_stamp *stamp; (stamp = skt_stampcache_next(cache, &pos)) != NULL;) {
        skt_stampfile_encode(stamp, buf + n);
        n += SKT_STAMPFILE_RECORD_LEN;
        if (n == sizeof buf && !skt_statefile_write(fd, buf, n))
            return false;
        n %= sizeof buf;
    }
    return n == 0 || skt_statefile_write(fd, buf, n);
}
