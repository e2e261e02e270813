/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "netcfg/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_journal_keeps_what_stands(void **state)
{
    (void)state;
    struct skt_journal j, other;
    char dir[] = "/tmp/skt-journal-XXXXXX", folder[64], path[80];
    char why[SKT_STATEFILE_WHY_MAX];
    assert_non_null(mkdtemp(dir));
    snprintf(folder, sizeof folder, "%s/new", dir);
    snprintf(path, sizeof path, "%s/journal", folder);
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    assert_int_equal(skt_journal_open(&other, path, 0.1, why), SKT_ERR_FULL);
    assert_int_equal(skt_journal_add(&j, "route %d", 1), SKT_OK);
    assert_int_equal(skt_journal_add(&j, "route 2"), SKT_OK);
    assert_int_equal(skt_journal_add(&j, "dns x"), SKT_OK);
    assert_int_equal(skt_journal_add(&j, "two\nlines"), SKT_ERR_ARG);
    assert_true(skt_journal_remove(&j, "route 2"));
    assert_false(skt_journal_remove(&j, "route 2"));
    assert_int_equal(write(j.fd, "+half a li", 10), 10); /* and then the power failed */
    skt_journal_close(&j);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
        assert_int_equal(j.count, 2 + (size_t)round);
        assert_true(skt_journal_has(&j, "route 1") && skt_journal_has(&j, "dns x"));
        assert_int_equal(skt_journal_find(&j, "rou"), 0);
        assert_int_equal(skt_journal_find(&j, "sysctl"), -1);
        if (round == 0)
            assert_int_equal(skt_journal_add(&j, "nft t"), SKT_OK);
        skt_journal_close(&j);
    }
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    while (j.count > 0)
        skt_journal_remove(&j, j.lines[0]);
    skt_journal_close(&j);
    assert_int_not_equal(access(path, F_OK), 0);
    for (int i = 0; i < SKT_JOURNAL_LINES_MAX; i++) {
        if (i == 0)
            assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
        assert_int_equal(skt_journal_add(&j, "line %d", i), SKT_OK);
    }
    assert_int_equal(skt_journal_add(&j, "one more"), SKT_ERR_FULL);
    skt_journal_close(&j);
    assert_int_equal(unlink(path) | rmdir(folder) | rmdir(dir), 0);
}

/* A folder of the test's own, and two journals in it. */
static char dir[64], path[80], other_path[80], why[SKT_STATEFILE_WHY_MAX];

static int begin(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/skt-journal-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/a.journal", dir);
    snprintf(other_path, sizeof other_path, "%s/b.journal", dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    unlink(other_path);
    return rmdir(dir);
}

static long length(void)
{
    struct stat st;
    return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

/* Lines nearly as long as they may be. */
static void come_and_go(struct skt_journal *j, int times)
{
    char line[SKT_JOURNAL_LINE_MAX];
    memset(line, 'x', sizeof line - 2);
    line[sizeof line - 2] = '\0';
    for (int i = 0; i < times; i++) {
        assert_int_equal(skt_journal_add(j, "%s", line), SKT_OK);
        assert_true(skt_journal_remove(j, line));
    }
}

/* A route that somebody removes every second: the file grew by a line each time, and beyond 4 MB no start
 * could read it any more. */
static void what_was_undone_does_not_pile_up(void **state)
{
    (void)state;
    struct skt_journal j, other;
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    assert_int_equal(skt_journal_add(&j, "stays"), SKT_OK);
    for (int i = 0; i < 2; i++) {
        come_and_go(&j, 100);
        assert_in_range(length(), 7, 66 * 1024);
        assert_int_equal(skt_journal_open(&other, path, 0, why), SKT_ERR_FULL); /* still locked */
    }
    skt_journal_close(&j);
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    assert_int_equal(j.count, 1);
    assert_true(skt_journal_remove(&j, "stays"));
    skt_journal_close(&j);
    assert_int_equal(length(), -1);
}

/* What stands is written whole, however much it is. */
static void what_stands_may_be_long(void **state)
{
    (void)state;
    enum { LINES = 200 };
    struct skt_journal j;
    char filler[400];
    memset(filler, 'y', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    for (int i = 0; i < LINES; i++)
        assert_int_equal(skt_journal_add(&j, "%d %s", i, filler), SKT_OK);
    come_and_go(&j, 100);
    assert_int_equal(j.count, LINES);
    assert_in_range(length(), LINES * 400, 2 * LINES * 410);
    skt_journal_close(&j);
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    assert_int_equal(j.count, LINES);
    skt_journal_close(&j);
}

/* Where no other file can be made beside it, it is still a journal. */
static void it_grows_on_where_it_must(void **state)
{
    (void)state;
    struct skt_journal j;
    char fresh[96], in_the_way[128];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    snprintf(in_the_way, sizeof in_the_way, "%s/x", fresh);
    assert_int_equal(mkdir(fresh, 0700) | mkdir(in_the_way, 0700), 0);
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    assert_int_equal(skt_journal_add(&j, "stays"), SKT_OK);
    come_and_go(&j, 100);
    check_that(length(), >, 100 * 1000);
    assert_int_equal(rmdir(in_the_way) | rmdir(fresh), 0);
    come_and_go(&j, 100);
    check_that(length(), <, 100 * 1000);
    assert_true(skt_journal_has(&j, "stays"));
    skt_journal_close(&j);
}

/* Another instance hands lines over while the file is written anew again and again: what it was told has
 * arrived is there. */
static void nothing_handed_over_is_lost(void **state)
{
    (void)state;
    enum { LINES = 60 };
    struct skt_journal j;
    char line[32], byte;
    int told[2];
    assert_int_equal(pipe(told), 0);
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    assert_int_equal(skt_journal_add(&j, "marker"), SKT_OK);
    pid_t pid = fork();
    check_that(pid, >=, 0);
    if (pid == 0) {
        struct skt_journal other;
        close(j.fd);
        bool ok = skt_journal_open(&other, other_path, 0, why) == SKT_OK;
        for (int i = 0; ok && i < LINES; i++) {
            snprintf(line, sizeof line, "line %d", i);
            ok = skt_journal_hand_over(&other, "marker", line) && write(told[1], "", 1) == 1;
        }
        skt_journal_close(&other);
        _exit(ok ? 0 : 1);
    }
    close(told[1]);
    do { /* the file is due for another one each time */
        j.compact_at = 1;
        come_and_go(&j, 1);
    } while (read(told[0], &byte, 1) == 1);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(told[0]);
    skt_journal_close(&j);
    assert_int_equal(skt_journal_open(&j, path, 0, why), SKT_OK);
    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "line %d", i);
        assert_true(skt_journal_has(&j, line));
    }
    skt_journal_close(&j);
}

CHECK_GROUP(journal)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_journal_keeps_what_stands),
        cmocka_unit_test_setup_teardown(what_was_undone_does_not_pile_up, begin, end),
        cmocka_unit_test_setup_teardown(what_stands_may_be_long, begin, end),
        cmocka_unit_test_setup_teardown(it_grows_on_where_it_must, begin, end),
        cmocka_unit_test_setup_teardown(nothing_handed_over_is_lost, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
