/* SPDX-License-Identifier: MIT */
/* The file that a trace goes to: its bound, a disk that is full, what it does not overwrite. */
#include "base/err.h"
#include "base/log.h"
#include "proto/session/session.h"
#include "tunnel/trace_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

static struct skt_loop *loop;
static char folder[64], path[96], why[SKT_STATEFILE_WHY_MAX];

static int set_up(void **state)
{
    (void)state;
    skt_log_set_level(SKT_LOG_ERROR);
    strcpy(folder, "/tmp/skt-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/a.sqlog", folder);
    return skt_loop_new(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    skt_loop_free(loop);
    unlink(path);
    return rmdir(folder);
}

static int open_it(struct skt_trace_file **f, uint64_t max)
{
    const struct skt_trace_file_conf conf = {path, max, "test", "client"};
    return skt_trace_file_open(f, loop, &conf, why);
}

static size_t size_of(void)
{
    struct stat st;
    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

/* Tells it of n datagrams. */
static void tell(const struct skt_trace_file *f, unsigned n)
{
    struct skt_trace trace = skt_trace_file_trace(f);
    void *user = trace.on->begin(trace.user, 1, true);
    for (unsigned i = 0; user && i < n; i++)
        trace.on->sent(user, i, 1472, SKT_TRACE_DATA);
    if (user)
        trace.on->end(user, n);
}

static void test_ends_at_its_bound_with_whole_records(void **state)
{
    (void)state;
    struct skt_trace_file *f;
    char end;
    assert_int_equal(open_it(&f, 200000), SKT_OK);
    tell(f, 10000);
    assert_false(skt_trace_file_is(f, path, 200000));
    assert_true(size_of() > 199000 && size_of() <= 200000);
    tell(f, 10); /* nobody minds */
    skt_trace_file_close(f);
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, &end, 1, (off_t)size_of() - 1), 1);
    assert_int_equal(end, '\n');
    close(fd);
    assert_int_equal(open_it(&f, 200000), SKT_OK); /* anew */
    assert_true(skt_trace_file_is(f, path, 200000));
    assert_false(skt_trace_file_is(f, path, 300000));
    skt_trace_file_close(f);
    assert_true(size_of() < 1000);
}

static void test_a_full_disk_ends_it(void **state)
{
    (void)state;
    struct skt_trace_file *f;
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 100000;
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(open_it(&f, 1 << 20), SKT_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    tell(f, 5000);
    assert_false(skt_trace_file_is(f, path, 1 << 20));
    tell(f, 5000);
    skt_trace_file_close(f);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, before);
    assert_true(size_of() <= 100000);
}

static void test_only_a_trace_is_begun_anew(void **state)
{
    (void)state;
    struct skt_trace_file *f;
    char text[16] = "";
    int fd = open(path, O_CREAT | O_RDWR, 0600);
    assert_int_equal(write(fd, "notes", 5), 5);
    assert_int_equal(open_it(&f, 1000), SKT_ERR_AUTH);
    assert_non_null(strstr(why, "is no trace"));
    assert_int_equal(pread(fd, text, sizeof text, 0), 5);
    assert_int_equal(ftruncate(fd, 0), 0);
    close(fd);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(open_it(&f, 1000), SKT_OK); /* an empty one */
    skt_trace_file_close(f);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

CHECK_GROUP(trace_file)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ends_at_its_bound_with_whole_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_a_trace_is_begun_anew, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
