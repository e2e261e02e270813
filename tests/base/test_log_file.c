/* SPDX-License-Identifier: MIT */
/* Where the log's file is opened, and where a link that may be somebody else's would lead elsewhere. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/check.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of ours, one in it that all may write, and a file that nobody is to change. */
static char dir[64], shared[80], victim[80], path[256];

static int begin(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/skt-log-file-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(shared, sizeof shared, "%s/shared", dir);
    snprintf(victim, sizeof victim, "%s/victim", dir);
    int fd = open(victim, O_WRONLY | O_CREAT, 0600);
    return fd < 0 || close(fd) || mkdir(shared, 0700) || chmod(shared, 0777);
}

static int end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static const char *in(const char *folder, const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void takes(const char *name)
{
    int fd = skt_log_open_file(name);
    check_that(fd, >=, 0);
    assert_int_equal(write(fd, "a line\n", 7), 7);
    close(fd);
    assert_int_equal(skt_log_check_file(name), 0);
}

static void refuses(const char *name)
{
    errno = 0;
    assert_int_equal(skt_log_open_file(name), -1);
    assert_non_null(strstr(skt_log_file_error(errno), "a link in a folder that others may write"));
}

static void refuses_and_says_so_before(const char *name)
{
    refuses(name);
    assert_int_equal(skt_log_check_file(name), EMLINK);
}

static bool victim_is_whole(void)
{
    struct stat st;
    return stat(victim, &st) == 0 && st.st_size == 0;
}

static void files_are_made_and_found_again(void **state)
{
    (void)state;
    takes(in(dir, "log"));
    takes(in(dir, "log"));
    takes(in(dir, "shared/../shared//./log"));
    takes(in(shared, "log"));
    takes("/dev/null");
    char here[] = "skt-log-file.tmp";
    takes(here);
    assert_int_equal(unlink(here), 0);
    assert_int_equal(skt_log_open_file(in(dir, "none/log")), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(skt_log_open_file(in(victim, "log")), -1);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(skt_log_open_file(dir), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(skt_log_open_file(""), -1);
    assert_int_equal(errno, ENOENT);
}

/* The administrator's own: /var/log may be a link to a bigger disk. */
static void links_in_folders_of_ours_lead_on(void **state)
{
    (void)state;
    char link[96];
    snprintf(link, sizeof link, "%s/way", dir);
    assert_int_equal(mkdir(in(dir, "far"), 0755) | symlink("far", link), 0);
    takes(in(dir, "way/log"));
    assert_int_equal(access(in(dir, "far/log"), F_OK), 0);
    assert_int_equal(symlink("far/log", in(dir, "log")), 0);
    takes(in(dir, "log"));
}

static void links_in_folders_of_others_do_not(void **state)
{
    (void)state;
    assert_int_equal(symlink(victim, in(shared, "log")), 0);
    refuses_and_says_so_before(in(shared, "log"));
    assert_int_equal(chmod(shared, 01777), 0); /* as /tmp */
    refuses_and_says_so_before(in(shared, "log"));
    assert_int_equal(chmod(shared, 0775) | chown(shared, geteuid(), geteuid() ? getegid() : 12345), 0);
    if (geteuid() == 0)
        refuses_and_says_so_before(in(shared, "log"));
    assert_int_equal(chmod(shared, 0755), 0); /* others may not any more */
    assert_true(victim_is_whole());
    takes(in(shared, "log"));
}

static void nor_on_the_way(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in(dir, "secret"), 0700), 0);
    assert_int_equal(symlink("../secret", in(shared, "sub")), 0);
    refuses_and_says_so_before(in(shared, "sub/log"));
    assert_int_not_equal(access(in(dir, "secret/log"), F_OK), 0);
    assert_int_equal(mkdir(in(shared, "real"), 0755), 0);
    takes(in(shared, "real/log"));
}

/* What links to nothing would make a file where only we may. */
static void nothing_is_made_through_a_link(void **state)
{
    (void)state;
    assert_int_equal(symlink("../made", in(shared, "log")), 0);
    refuses_and_says_so_before(in(shared, "log"));
    assert_int_not_equal(access(in(dir, "made"), F_OK), 0);
}

static void hard_links_are_links_too(void **state)
{
    (void)state;
    char other[96];
    snprintf(other, sizeof other, "%s/log", shared);
    assert_int_equal(link(victim, other), 0);
    refuses(other);
    assert_true(victim_is_whole());
    assert_int_equal(link(victim, in(dir, "log")), 0); /* our own doing */
    takes(in(dir, "log"));
}

/* Root's log in a user's folder. */
static void a_folder_of_somebody_else(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(shared, 0755) | chown(shared, 12345, 12345), 0);
    takes(in(shared, "log"));
    assert_int_equal(symlink(victim, in(shared, "planted")), 0);
    refuses_and_says_so_before(in(shared, "planted"));
    assert_true(victim_is_whole());
}

CHECK_GROUP(log_file)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_made_and_found_again, begin, end),
        cmocka_unit_test_setup_teardown(links_in_folders_of_ours_lead_on, begin, end),
        cmocka_unit_test_setup_teardown(links_in_folders_of_others_do_not, begin, end),
        cmocka_unit_test_setup_teardown(nor_on_the_way, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_made_through_a_link, begin, end),
        cmocka_unit_test_setup_teardown(hard_links_are_links_too, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_of_somebody_else, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
