/* SPDX-License-Identifier: MIT */
/* What another user of the machine can plant beside a state file: as root, with files given to another. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/check.h"
#include "base/err.h"
#include "io/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OTHER = 54321 }; /* a user who is not us */

static char dir[64], path[80], victim[80], why[SKT_STATEFILE_WHY_MAX];

static int begin(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/skt-state-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/state", dir);
    snprintf(victim, sizeof victim, "%s/victim", dir);
    FILE *f = fopen(victim, "w");
    assert_non_null(f);
    fputs("precious", f);
    fclose(f);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static bool victim_is_whole(void)
{
    char text[32] = "";
    FILE *f = fopen(victim, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    return n == 8 && strcmp(text, "precious") == 0;
}

static void expect_refused(const char *word)
{
    why[0] = '\0';
    assert_int_equal(skt_statefile_open(path, SKT_STATEFILE_CREATE, why), SKT_ERR_AUTH);
    if (!strstr(why, word))
        fail_msg("\"%s\" is not in \"%s\"", word, why);
    assert_int_equal(skt_statefile_open(path, 0, why), SKT_ERR_AUTH);
    assert_true(victim_is_whole());
}

static void needs_root(void)
{
    if (geteuid() != 0)
        skip();
}

static void its_own_file_is_made_and_found_again(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(skt_statefile_open(path, 0, why), SKT_ERR_IO);
    assert_int_equal(errno, ENOENT);
    int fd = skt_statefile_open(path, SKT_STATEFILE_CREATE, why);
    check_that(fd, >=, 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(skt_statefile_write(fd, "one", 3));
    assert_true(skt_statefile_is(fd, path));
    close(fd);
    fd = skt_statefile_open(path, SKT_STATEFILE_CREATE | SKT_STATEFILE_APPEND, why);
    assert_true(fd >= 0 && skt_statefile_write(fd, "two", 3));
    assert_int_equal(lseek(fd, 0, SEEK_END), 6);
    assert_int_equal(unlink(path), 0);
    assert_false(skt_statefile_is(fd, path));
    close(fd);
}

static void links_fifos_and_folders_are_refused(void **state)
{
    (void)state;
    assert_int_equal(symlink(victim, path), 0);
    expect_refused("symbolic link");
    unlink(path);
    assert_int_equal(symlink("nowhere", path), 0); /* must not make the target either */
    expect_refused("symbolic link");
    unlink(path);
    assert_int_equal(link(victim, path), 0);
    expect_refused("hard link");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused("regular");
    unlink(path);
}

static void files_of_others_are_refused(void **state)
{
    (void)state;
    int fd = skt_statefile_open(path, SKT_STATEFILE_CREATE, why);
    check_that(fd, >=, 0);
    close(fd);
    assert_int_equal(chmod(path, 0602), 0);
    expect_refused("written by others");
    assert_int_equal(chmod(path, 0600), 0);
    needs_root();
    assert_int_equal(chown(path, OTHER, OTHER), 0);
    expect_refused("another user");
    assert_int_equal(chown(path, 0, OTHER) | chmod(path, 0620), 0);
    expect_refused("written by others");
}

static void folders_of_others_are_refused(void **state)
{
    (void)state;
    int fd = skt_statefile_open(path, SKT_STATEFILE_CREATE, why);
    check_that(fd, >=, 0);
    close(fd);
    assert_int_equal(chmod(dir, 0777), 0);
    expect_refused("may be written by others");
    assert_int_equal(chmod(dir, 01777), 0); /* as /tmp */
    fd = skt_statefile_open(path, 0, why);
    check_that(fd, >=, 0);
    close(fd);
    needs_root();
    assert_int_equal(chmod(dir, 0755) | chown(dir, OTHER, OTHER), 0);
    expect_refused("another user");
}

/* A folder within one of somebody else's, and a link on the way that is somebody else's. */
static void the_way_there_counts(void **state)
{
    (void)state;
    needs_root();
    char inner[80], way[80];
    snprintf(inner, sizeof inner, "%s/in", dir);
    snprintf(way, sizeof way, "%s/way", dir);
    assert_int_equal(mkdir(inner, 0755) | symlink("in", way), 0);
    snprintf(path, sizeof path, "%s/way/state", dir);
    int fd = skt_statefile_open(path, SKT_STATEFILE_CREATE, why); /* root's own link: its wish */
    check_that(fd, >=, 0);
    close(fd);
    assert_int_equal(lchown(way, OTHER, OTHER), 0);
    expect_refused("another user");
    assert_int_equal(unlink(way), 0);
    assert_int_equal(chown(dir, OTHER, OTHER), 0);
    snprintf(path, sizeof path, "%s/in/state", dir);
    expect_refused("another user");
}

static void a_fresh_file_removes_what_had_its_name(void **state)
{
    (void)state;
    for (int planted = 0; planted < 3; planted++) {
        int made = planted == 0   ? symlink(victim, path)
                   : planted == 1 ? link(victim, path)
                                  : mkfifo(path, 0666);
        assert_int_equal(made, 0);
        int fd = skt_statefile_open(path, SKT_STATEFILE_FRESH, why);
        check_that(fd, >=, 0);
        assert_true(skt_statefile_write(fd, "x", 1));
        close(fd);
        assert_true(victim_is_whole());
        unlink(path);
    }
}

static void replacing_is_whole_or_not_at_all(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(skt_statefile_replace(victim, "precious", 8, 0644, why), SKT_OK);
    assert_true(victim_is_whole());
    assert_int_equal(stat(victim, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    char fresh[96];
    snprintf(fresh, sizeof fresh, "%s.new", victim);
    assert_int_equal(symlink(victim, fresh), 0); /* the temporary file, planted */
    assert_int_equal(skt_statefile_replace(victim, "precious", 8, 0644, why), SKT_OK);
    assert_true(victim_is_whole());
    assert_int_not_equal(access(fresh, F_OK), 0);
    assert_int_equal(mkdir(fresh, 0700), 0); /* can't be made: nothing is lost */
    assert_int_equal(skt_statefile_replace(victim, "other", 5, 0644, why), SKT_ERR_IO);
    assert_true(victim_is_whole());
}

CHECK_GROUP(statefile)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(its_own_file_is_made_and_found_again, begin, end),
        cmocka_unit_test_setup_teardown(links_fifos_and_folders_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(files_of_others_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(folders_of_others_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(the_way_there_counts, begin, end),
        cmocka_unit_test_setup_teardown(a_fresh_file_removes_what_had_its_name, begin, end),
        cmocka_unit_test_setup_teardown(replacing_is_whole_or_not_at_all, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
