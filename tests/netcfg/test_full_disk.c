/* SPDX-License-Identifier: MIT */
/* A disk without room: a tiny file system in a mount namespace of the test's own, filled to the last byte. */
#ifdef __linux__
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "netcfg/journal.h"
#include "netcfg/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

static char disk[80], filler[96];
static bool has_disk;

static void mount_disk(void)
{
    snprintf(disk, sizeof disk, "%s/disk", stage_dir);
    snprintf(filler, sizeof filler, "%s/filler", disk);
    has_disk = mkdir(disk, 0700) == 0 && unshare(CLONE_NEWNS) == 0 &&
               mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("tiny", disk, "tmpfs", 0, "size=32k,mode=700") == 0;
}

static void disk_needed(void)
{
    stage_needed();
    if (!has_disk)
        skip();
}

/* Takes all room; and gives it back. */
static void fill(void)
{
    static const char page[PAGE];
    int fd = open(filler, O_WRONLY | O_CREAT | O_APPEND, 0600);
    check_that(fd, >=, 0);
    while (write(fd, page, sizeof page) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void make_room(void)
{
    assert_int_equal(unlink(filler), 0);
}

/* Lines up to where the next one crosses into a block that is not there. */
static void half_a_line_is_cut_off_again(void **state)
{
    (void)state;
    disk_needed();
    struct skt_journal j;
    struct stat st;
    char path[96], why[SKT_STATEFILE_WHY_MAX], line[64];
    snprintf(path, sizeof path, "%s/journal", disk);
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    assert_int_equal(skt_journal_add(&j, "first"), SKT_OK);
    fill();
    int n = 0;
    while (skt_journal_add(&j, "line %04d of some length", n) == SKT_OK)
        n++;
    assert_int_equal(errno, ENOSPC);
    assert_true(n > 100 && n < SKT_JOURNAL_LINES_MAX);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 7 + n * 26); /* whole lines; a part of the last would have had room */
    check_that(st.st_size, <, PAGE);
    assert_int_equal(j.count, (size_t)n + 1);
    make_room();
    assert_int_equal(skt_journal_add(&j, "after"), SKT_OK);
    skt_journal_close(&j);
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    assert_int_equal(j.count, (size_t)n + 2);
    snprintf(line, sizeof line, "line %04d of some length", n - 1);
    assert_true(skt_journal_has(&j, "first") && skt_journal_has(&j, line) && skt_journal_has(&j, "after"));
    while (j.count > 0)
        skt_journal_remove(&j, j.lines[j.count - 1]);
    skt_journal_close(&j);
}

/* What a power cut leaves: zeros, garbage, half a line. What came before is believed, and what is added then
 * is found. */
static void a_torn_end_is_dropped(void **state)
{
    (void)state;
    disk_needed();
    static const struct {
        const char *bytes;
        size_t len;
    } ends[] = {{"+half a li", 10}, {"\0\0\0\0", 4},      {"+half\0\0\0\0", 9},
                {"\0\0\n\0", 4},    {"garbage\n+ha", 11}, {"+", 1}};
    char path[96], why[SKT_STATEFILE_WHY_MAX];
    snprintf(path, sizeof path, "%s/journal", disk);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct skt_journal j;
        assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
        assert_int_equal(skt_journal_add(&j, "one"), SKT_OK);
        assert_int_equal(write(j.fd, ends[i].bytes, ends[i].len), (ssize_t)ends[i].len);
        skt_journal_close(&j);
        assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
        assert_int_equal(j.count, 1);
        assert_int_equal(skt_journal_add(&j, "two"), SKT_OK);
        skt_journal_close(&j);
        assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
        assert_int_equal(j.count, 2);
        assert_true(skt_journal_has(&j, "one") && skt_journal_has(&j, "two"));
        assert_true(skt_journal_remove(&j, "one") && skt_journal_remove(&j, "two"));
        skt_journal_close(&j);
    }
}

static struct skt_netcfg *start_on_disk(const char *journal, const char *resolv)
{
    char err[SKT_NETCFG_TEXT_MAX] = "";
    struct skt_netcfg *nc = NULL;
    struct skt_netcfg_options options = {.journal = journal, .resolv_conf = resolv};
    if (skt_netcfg_new(&nc, stage_loop, &options, err, sizeof err))
        fail_msg("%s", err);
    OK(skt_netcfg_interface, nc, "sktt");
    return nc;
}

static int ask_dns(struct skt_netcfg *nc)
{
    struct answers a = {0};
    struct skt_addr server = host("10.9.0.53");
    assert_int_equal(skt_netcfg_dns(nc, &server, 1, on_answer, &a), SKT_OK);
    wait_for(&a, 1);
    return a.failed;
}

static const char original[] = "search example.org\nnameserver 192.168.77.1\n";

static void name_servers_are_kept_on_a_full_disk(void **state)
{
    (void)state;
    disk_needed();
    char resolv[96];
    snprintf(resolv, sizeof resolv, "%s/resolv.conf", disk);
    write_text(resolv, original);
    struct skt_netcfg *nc = start_on_disk(stage_journal, resolv);
    fill();
    assert_int_equal(ask_dns(nc), 1);
    assert_true(file_is(resolv, original));
    make_room();
    assert_int_equal(ask_dns(nc), 0);
    assert_true(!file_is(resolv, original));
    fill(); /* and nothing is lost at the end either */
    skt_netcfg_free(nc);
    make_room();
    nc = start_on_disk(stage_journal, resolv);
    skt_netcfg_free(nc);
    assert_true(file_is(resolv, original));
}

static void a_link_stays_a_link(void **state)
{
    (void)state;
    disk_needed();
    struct stat st;
    char resolv[96], target[96];
    snprintf(resolv, sizeof resolv, "%s/resolv.conf", stage_dir);
    snprintf(target, sizeof target, "%s/target", disk);
    unlink(resolv);
    write_text(target, original);
    assert_int_equal(chmod(target, 0640), 0);
    assert_int_equal(symlink("disk/target", resolv), 0);
    struct skt_netcfg *nc = start_on_disk(stage_journal, resolv);
    assert_int_equal(ask_dns(nc), 0);
    assert_true(lstat(resolv, &st) == 0 && S_ISLNK(st.st_mode));
    assert_true(!file_is(target, original));
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    skt_netcfg_free(nc);
    assert_true(lstat(resolv, &st) == 0 && S_ISLNK(st.st_mode));
    assert_true(file_is(target, original));
    assert_int_equal(unlink(resolv), 0);
}

/* As in a container: the file itself is a mount point, which nothing can take the name of. */
static void a_mount_point_is_written_over(void **state)
{
    (void)state;
    disk_needed();
    char source[96], resolv[96];
    snprintf(source, sizeof source, "%s/source", disk);
    snprintf(resolv, sizeof resolv, "%s/mounted", stage_dir);
    write_text(source, original);
    write_text(resolv, "");
    assert_int_equal(mount(source, resolv, NULL, MS_BIND, NULL), 0);
    struct skt_netcfg *nc = start_on_disk(stage_journal, resolv);
    assert_int_equal(ask_dns(nc), 0);
    assert_true(!file_is(resolv, original));
    skt_netcfg_free(nc);
    assert_true(file_is(resolv, original));
    assert_int_equal(umount(resolv), 0);
}

CHECK_GROUP(full_disk)
{
    stage_enter();
    mount_disk();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(half_a_line_is_cut_off_again, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(a_torn_end_is_dropped, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(name_servers_are_kept_on_a_full_disk, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(a_link_stays_a_link, stage_begin, stage_end),
        cmocka_unit_test_setup_teardown(a_mount_point_is_written_over, stage_begin, stage_end),
    };
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    if (has_disk)
        (void)umount(disk);
    return stage_leave(result);
}

#else

CHECK_GROUP(full_disk)
{
    return 0;
}

#endif
