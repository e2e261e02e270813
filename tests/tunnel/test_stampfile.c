/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/log.h"
#include "tunnel/stampfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW  UINT64_C(1800000000000)
#define HOUR UINT64_C(3600000)

/* A folder on a file system that outlives a reboot, as far as the machine has one. */
static char dir[] = "skt-stamps-XXXXXX";
static char path[128];

static void key_of(uint32_t n, uint8_t key[SKT_STAMP_KEY_LEN])
{
    memset(key, 0xa5, SKT_STAMP_KEY_LEN);
    memcpy(key, &n, sizeof n);
}

static int insert(struct skt_stampcache *c, struct skt_stampfile *f, uint32_t n, uint64_t stamp_ms)
{
    struct skt_stamp stamp;
    key_of(n, stamp.key);
    stamp.stamp_s = (uint32_t)(stamp_ms / 1000);
    int err = skt_stampcache_insert(c, stamp.key, stamp_ms, NOW);
    if (!err)
        skt_stampfile_append(f, &stamp);
    return err;
}

static void mark_unclean(void)
{
    FILE *raw = fopen(path, "r+");
    assert_non_null(raw);
    fseek(raw, 8 + 37, SEEK_SET);
    fputc(0, raw);
    fclose(raw);
}

static void test_remembers_over_a_kill(void **state)
{
    (void)state;
    struct skt_stampcache c;
    struct skt_stampfile *f;
    skt_stampcache_init(&c, 0, 0);
    skt_stampfile_open(&f, path, &c, NOW);
    assert_non_null(f);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(insert(&c, f, i, NOW - i * 1000), SKT_OK);
    skt_stampcache_dispose(&c);
    skt_stampfile_close(f);
    mark_unclean(); /* as a killed process leaves it */

    skt_stampcache_init(&c, 0, 0);
    skt_stampfile_open(&f, path, &c, NOW);
    assert_non_null(f);
    assert_int_equal(c.count, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(insert(&c, f, i, NOW - i * 1000), SKT_ERR_REPLAY);
    assert_int_equal(insert(&c, f, 5000, NOW - HOUR), SKT_OK); /* a clock an hour slow */
    skt_stampcache_dispose(&c);
    skt_stampfile_close(f);
}

static void test_expired_ones_go(void **state)
{
    (void)state;
    struct skt_stampcache c;
    struct skt_stampfile *f;
    skt_stampcache_init(&c, 0, 0);
    skt_stampfile_open(&f, path, &c, NOW + 24 * HOUR);
    assert_non_null(f);
    assert_int_equal(c.count, 0);
    skt_stampcache_dispose(&c);
    skt_stampfile_close(f);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 100);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_without_a_file_old_stamps_are_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {NULL, "/proc/nowhere/stamps"};
    for (int i = 0; i < 2; i++) {
        struct skt_stampcache c;
        struct skt_stampfile *f;
        skt_stampcache_init(&c, 0, 0);
        skt_stampfile_open(&f, paths[i], &c, NOW);
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
        memset(junk, 'x', sizeof junk);
        overwrite(junk, len);
        struct skt_stampcache c;
        struct skt_stampfile *f;
        skt_stampcache_init(&c, 0, 0);
        skt_stampfile_open(&f, path, &c, NOW);
        assert_non_null(f);
        assert_int_equal(insert(&c, f, 1, NOW - 1000), SKT_ERR_REPLAY);
        skt_stampfile_close(f);
        skt_stampcache_dispose(&c);
        /* and the floor stays, although the file is sound again */
        skt_stampcache_init(&c, 0, 0);
        skt_stampfile_open(&f, path, &c, NOW + 1000);
        assert_int_equal(insert(&c, f, 2, NOW - 1000), SKT_ERR_REPLAY);
        skt_stampfile_close(f);
        skt_stampcache_dispose(&c);
    }
}

/* Another boot, and the last run did not end cleanly: what was not yet on the disk is gone. */
static void test_crash_of_the_machine_refuses_older_stamps(void **state)
{
    (void)state;
    struct skt_stampcache c;
    struct skt_stampfile *f;
    unlink(path);
    skt_stampcache_init(&c, 0, 0);
    skt_stampfile_open(&f, path, &c, NOW);
    assert_int_equal(insert(&c, f, 1, NOW), SKT_OK);
    skt_stampfile_close(f);
    skt_stampcache_dispose(&c);
    FILE *raw = fopen(path, "r+");
    assert_non_null(raw);
    fseek(raw, 8, SEEK_SET);
    fwrite("another boot", 1, 12, raw);
    fclose(raw);
    mark_unclean();
    skt_stampcache_init(&c, 0, 0);
    skt_stampfile_open(&f, path, &c, NOW);
    assert_int_equal(c.count, 1);
    assert_true(c.floor_ms > 0);
    skt_stampfile_close(f);
    skt_stampcache_dispose(&c);
}

static int setup(void **state)
{
    (void)state;
    skt_log_set_level(SKT_LOG_ERROR);
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/deep/stamps", dir);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remembers_over_a_kill),
        cmocka_unit_test(test_expired_ones_go),
        cmocka_unit_test(test_without_a_file_old_stamps_are_refused),
        cmocka_unit_test(test_damaged_file_refuses_old_stamps),
        cmocka_unit_test(test_crash_of_the_machine_refuses_older_stamps),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
