/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "tunnel/stampfile.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define NOW  UINT64_C(1800000000000)
#define HOUR UINT64_C(3600000)

/* A folder on a file system that outlives a reboot, as far as the machine has one. */
static char dir[] = "skt-stamps-XXXXXX";
static char base[128], path[160];

static const struct skt_stamp_clock now = {NOW, 5000 * 1000};

static void key_of(uint32_t n, uint8_t key[SKT_STAMP_KEY_LEN])
{
    memset(key, 0xa5, SKT_STAMP_KEY_LEN);
    memcpy(key, &n, sizeof n);
}

static int insert(struct skt_stampcache *c, struct skt_stampfile *f, uint32_t n, uint64_t stamp_ms)
{
    uint8_t key[SKT_STAMP_KEY_LEN];
    struct skt_stamp stamp;
    key_of(n, key);
    int err = skt_stampcache_insert(c, key, 1, stamp_ms, &now, &stamp);
    if (!err)
        skt_stampfile_append(f, &stamp);
    return err;
}

/* One run of a server. */
struct run {
    struct skt_stampcache c;
    struct skt_stampfile *f;
};

static void start_at(struct run *r, const struct skt_stamp_clock *clock)
{
    skt_stampcache_init(&r->c, 0);
    skt_stampfile_open(&r->f, base, &r->c, clock);
}

static void start(struct run *r)
{
    start_at(r, &now);
    assert_non_null(r->f);
}

static void stop(struct run *r)
{
    skt_stampfile_close(r->f);
    skt_stampcache_dispose(&r->c);
}

static void poke(long at, const void *data, size_t len)
{
    FILE *raw = fopen(path, "r+");
    assert_non_null(raw);
    fseek(raw, at, SEEK_SET);
    assert_int_equal(fwrite(data, 1, len, raw), len);
    fclose(raw);
}

static void mark_unclean(void)
{
    poke(8 + 37, "", 1);
}

static void test_remembers_over_a_kill(void **state)
{
    (void)state;
    struct run r;
    start(&r);
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(insert(&r.c, r.f, i, NOW - i * 1000), SKT_OK);
    stop(&r);
    mark_unclean(); /* as a killed process leaves it */
    start(&r);
    assert_int_equal(r.c.count, 3000);
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(insert(&r.c, r.f, i, NOW - i * 1000), SKT_ERR_REPLAY);
    assert_int_equal(insert(&r.c, r.f, 5000, NOW - HOUR), SKT_OK); /* a clock an hour slow */
    stop(&r);
}

static void test_expired_ones_go(void **state)
{
    (void)state;
    struct run r;
    struct skt_stamp_clock later = {NOW + 60 * HOUR, now.boot_ms + 60 * HOUR};
    start_at(&r, &later);
    assert_int_equal(r.c.count, 0);
    assert_int_equal(r.c.refused.count, 1);
    stop(&r);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    check_that(st.st_size, <, 200);
    assert_int_equal(st.st_mode & 0777, 0600);
    /* and what is forgotten stays refused, whatever the clock says */
    start(&r);
    assert_int_equal(insert(&r.c, r.f, 1, NOW - 1000), SKT_ERR_REPLAY);
    stop(&r);
}

static void test_without_a_file_old_stamps_are_refused(void **state)
{
    (void)state;
    static const char *const bases[] = {NULL, "/proc/nowhere/stamps"};
    for (int i = 0; i < 2; i++) {
        struct skt_stampcache c;
        struct skt_stampfile *f;
        skt_stampcache_init(&c, 0);
        skt_stampfile_open(&f, bases[i], &c, &now);
        assert_null(f);
        assert_int_equal(insert(&c, f, 1, NOW - 1000), SKT_ERR_REPLAY);
        assert_int_equal(insert(&c, f, 2, NOW + 1000), SKT_OK);
        skt_stampfile_close(f);
        skt_stampcache_dispose(&c);
    }
}

static void overwrite(const void *data, size_t len)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

static void test_damaged_file_refuses_old_stamps(void **state)
{
    (void)state;
    for (size_t len = 1; len < 60; len += 7) {
        char junk[60];
        struct run r;
        memset(junk, 'x', sizeof junk);
        overwrite(junk, len);
        start(&r);
        assert_int_equal(insert(&r.c, r.f, 1, NOW - 1000), SKT_ERR_REPLAY);
        stop(&r);
        /* and they stay so, although the file is sound again */
        struct skt_stamp_clock later = {NOW + 1000, now.boot_ms + 1000};
        start_at(&r, &later);
        assert_int_equal(insert(&r.c, r.f, 2, NOW - 1001), SKT_ERR_REPLAY);
        stop(&r);
    }
}

/* Another boot, and the last run did not end cleanly: what was not yet on the disk is gone. */
static void test_crash_of_the_machine_refuses_older_stamps(void **state)
{
    (void)state;
    struct run r;
    unlink(path);
    start(&r);
    assert_int_equal(insert(&r.c, r.f, 1, NOW), SKT_OK);
    stop(&r);
    poke(8, "another boot", 12);
    mark_unclean();
    start(&r);
    assert_int_equal(r.c.count, 1);
    assert_true(r.c.has_start);
    assert_int_equal(r.c.start_boot_ms, 0);
    stop(&r);
    /* a clean end of another boot is as good as one of this */
    unlink(path);
    start(&r);
    assert_int_equal(insert(&r.c, r.f, 1, NOW), SKT_OK);
    stop(&r);
    poke(8, "another boot", 12);
    start(&r);
    assert_false(r.c.has_start);
    stop(&r);
}

/* Half a record, as a full disk left it, moved all that were appended behind it. */
static void test_half_a_record_spoils_nothing(void **state)
{
    (void)state;
    struct run r;
    struct rlimit limit, old;
    unlink(path);
    start(&r);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(insert(&r.c, r.f, i, NOW), SKT_OK);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = (rlim_t)st.st_size + 7; /* the next write is a short one */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(insert(&r.c, r.f, 10, NOW), SKT_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    for (uint32_t i = 11; i < 20; i++)
        assert_int_equal(insert(&r.c, r.f, i, NOW), SKT_OK);
    stop(&r);
    start(&r);
    assert_int_equal(r.c.count, 19); /* all but the one */
    for (uint32_t i = 0; i < 20; i++)
        if (i != 10)
            assert_int_equal(insert(&r.c, r.f, i, NOW), SKT_ERR_REPLAY);
    assert_int_equal(insert(&r.c, r.f, 10, NOW - 1), SKT_ERR_REPLAY); /* which is refused with its time */
    stop(&r);
    /* and what a kill has left at the end */
    assert_int_equal(truncate(path, st.st_size - 5), 0);
    start(&r);
    assert_int_equal(r.c.count, 9);
    stop(&r);
    unlink(path);
}

/* Two processes with one psk: each has a file, each reads both, and neither makes the other forget. */
static void test_two_at_once(void **state)
{
    (void)state;
    struct run a, b;
    start(&a);
    start(&b);
    assert_int_equal(insert(&a.c, a.f, 1, NOW), SKT_OK);
    assert_int_equal(insert(&b.c, b.f, 2, NOW), SKT_OK);
    assert_false(a.c.has_start);
    assert_false(b.c.has_start);
    stop(&a);
    start(&a);
    assert_int_equal(insert(&a.c, a.f, 1, NOW), SKT_ERR_REPLAY);
    assert_int_equal(insert(&a.c, a.f, 2, NOW), SKT_ERR_REPLAY);
    stop(&b);
    stop(&a);
    start(&b); /* takes a's file; its own is merged into it */
    assert_int_equal(b.c.count, 2);
    char other[160];
    snprintf(other, sizeof other, "%s-1.stamps", base);
    assert_int_not_equal(access(other, F_OK), 0);
    stop(&b);
    unlink(path);
}

/* A link that another user has planted is not followed, and not believed. */
/* A full cache at the start: as much work as there are records, whatever their order. First as they came,
 * then as a file holds them that was written anew, in the order of their places, which took minutes once. */
static void test_a_million_at_the_start(void **state)
{
    (void)state;
    enum { N = SKT_STAMPCACHE_MAX };
    struct run r;
    start(&r);
    stop(&r);
    FILE *raw = fopen(path, "a");
    assert_non_null(raw);
    for (uint32_t i = 0; i < N; i++) {
        uint8_t record[SKT_STAMP_KEY_LEN + 6] = {0};
        skt_put_u32(record, i * UINT32_C(2654435761)); /* spread, as a hash is */
        skt_put_u32(record + 4, i);
        skt_put_u16(record + SKT_STAMP_KEY_LEN, (uint16_t)(i % SKT_STAMP_NETS));
        skt_put_u32(record + SKT_STAMP_KEY_LEN + 2, (uint32_t)(NOW / 1000 - i % 7000));
        assert_int_equal(fwrite(record, sizeof record, 1, raw), 1);
    }
    assert_int_equal(fclose(raw), 0);
    for (int round = 0; round < 2; round++) {
        clock_t begin = clock();
        start(&r);
        print_message("a million stamps: %.2f s of CPU time\n", (double)(clock() - begin) / CLOCKS_PER_SEC);
        assert_int_equal(r.c.count, N);
        assert_in_range(r.c.probes, N, 20 * (uint64_t)N);
        stop(&r);
    }
    start(&r); /* and who comes now gets in: the oldest make room */
    assert_int_equal(insert(&r.c, r.f, 1, NOW), SKT_OK);
    stop(&r);
    assert_int_equal(unlink(path), 0);
}

static void test_planted_links_are_left_alone(void **state)
{
    (void)state;
    char victim[160];
    struct run r;
    snprintf(victim, sizeof victim, "%s/victim", dir);
    FILE *f = fopen(victim, "w");
    fputs("precious", f);
    fclose(f);
    unlink(path);
    assert_int_equal(symlink("../victim", path), 0);
    start_at(&r, &now);
    assert_int_equal(insert(&r.c, r.f, 1, NOW - 1), SKT_ERR_REPLAY);
    stop(&r);
    struct stat st;
    assert_int_equal(stat(victim, &st), 0);
    assert_int_equal(st.st_size, 8);
    char other[160];
    snprintf(other, sizeof other, "%s-1.stamps", base);
    unlink(other);
    unlink(path);
    unlink(victim);
}

static int setup(void **state)
{
    (void)state;
    skt_log_set_level(SKT_LOG_ERROR);
    if (!mkdtemp(dir))
        return -1;
    snprintf(base, sizeof base, "%s/deep/psk", dir);
    snprintf(path, sizeof path, "%s.stamps", base);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char folder[128];
    unlink(path);
    snprintf(folder, sizeof folder, "%s/deep", dir);
    return rmdir(folder) || rmdir(dir);
}

CHECK_GROUP(stampfile)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remembers_over_a_kill),
        cmocka_unit_test(test_expired_ones_go),
        cmocka_unit_test(test_without_a_file_old_stamps_are_refused),
        cmocka_unit_test(test_damaged_file_refuses_old_stamps),
        cmocka_unit_test(test_crash_of_the_machine_refuses_older_stamps),
        cmocka_unit_test(test_half_a_record_spoils_nothing),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_a_million_at_the_start),
        cmocka_unit_test(test_planted_links_are_left_alone),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
