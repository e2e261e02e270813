/* SPDX-License-Identifier: MIT */
/* A log that can't be written costs lines and never waits. Each test would stand still for ever (and meet the
 * alarm) were it otherwise. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_openpt */
#endif
#include "base/check.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 3000, READ_MAX = 1 << 20 };

static int own_stderr;
static char text[READ_MAX];

/* Puts fd in the place of stderr. */
static void become_stderr(int fd)
{
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
    assert_int_equal(skt_log_open(NULL), 0);
}

static int restore(void **state)
{
    (void)state;
    alarm(0);
    dup2(own_stderr, STDERR_FILENO);
    unsetenv("JOURNAL_STREAM");
    return skt_log_open(NULL);
}

static int setup(void **state)
{
    (void)state;
    skt_info("what the last test has lost is told here"); /* or it would be in this one */
    alarm(60);
    return 0;
}

static void drain(int fd)
{
    size_t n = 0;
    ssize_t got;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (n < sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = 0;
}

static void log_many(void)
{
    for (int i = 0; i < MANY; i++)
        skt_info("line %d of many that nobody reads, each as long as such lines are", i);
}

/* Every line that is there is whole, and those that are not are counted. */
static void check_lines(void)
{
    unsigned whole = 0, lost = 0;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *said = strstr(line, " lost: ");
        if (said)
            lost += (unsigned)strtoul(strstr(line, " warn  ") + 7, NULL, 10);
        else if (strstr(line, "as such lines are") || strstr(line, "again"))
            whole++;
    }
    assert_int_equal(whole + lost, MANY + 1);
    check_that(lost, >, 0);
}

static void goes_on(int reader)
{
    log_many();
    size_t n = 0;
    drain(reader);
    n = strlen(text);
    skt_info("again");
    char first[READ_MAX / 4];
    memcpy(first, text, n + 1);
    drain(reader);
    memmove(text + n, text, strlen(text) + 1);
    memcpy(text, first, n);
    check_lines();
}

static void a_pipe_that_nobody_reads(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int shared = dup(ends[1]); /* as a parent has it */
    become_stderr(ends[1]);
    goes_on(ends[0]);
    assert_int_equal(fcntl(shared, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
    close(shared);
    close(ends[0]);
}

static void a_pipe_that_cannot_be_opened_anew(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)ends[0]; /* no new descriptor */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    close(ends[1]);
    assert_int_equal(skt_log_open(NULL), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    goes_on(ends[0]);
    close(ends[0]);
}

static void a_socket_that_nobody_reads(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    become_stderr(ends[1]);
    goes_on(ends[0]);
    close(ends[0]);
}

static void a_terminal_that_was_stopped(void **state)
{
    (void)state;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master))
        skip();
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (slave < 0)
        skip();
    become_stderr(slave);
    log_many(); /* a terminal's buffer is a few kB; nobody reads it */
    drain(master);
    skt_info("again");
    drain(master);
    assert_non_null(strstr(text, " lost: "));
    assert_non_null(strstr(text, "again"));
    close(master);
}

static void a_reader_that_has_gone(void **state)
{
    (void)state;
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    become_stderr(ends[1]);
    close(ends[0]);
    log_many();
}

static void no_stderr_at_all(void **state)
{
    (void)state;
    int ends[2];
    close(STDERR_FILENO);
    assert_int_equal(skt_log_open(NULL), 0);
    assert_int_equal(pipe(ends), 0); /* one of them has its number now */
    skt_info("into somebody's socket");
    drain(ends[0]);
    assert_string_equal(text, "");
    dup2(own_stderr, STDERR_FILENO);
    close(ends[0] == STDERR_FILENO ? ends[1] : ends[0]);
    if (ends[0] != STDERR_FILENO && ends[1] != STDERR_FILENO)
        close(ends[1]);
}

/* A limit of a file's size is the full disk that needs no rights to make. */
static void a_full_disk(void **state)
{
    (void)state;
    char path[] = "skt-test-log-full-XXXXXX";
    int fd = mkstemp(path);
    check_that(fd, >=, 0);
    struct rlimit before, full;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = before;
    full.rlim_cur = 50000;
    assert_int_equal(skt_log_open(path), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    log_many();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    skt_info("again"); /* room was made */
    drain(fd);
    close(fd);
    unlink(path);
    assert_non_null(strstr(text, " lost: "));
    check_lines();
}

static void a_journal_gets_priorities(void **state)
{
    (void)state;
    int ends[2];
    struct stat st;
    char stream[64];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fstat(ends[1], &st), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    become_stderr(ends[1]);
    skt_error("one");
    skt_warn("two");
    skt_info("three");
    drain(ends[0]);
    assert_string_equal(text, "<3>one\n<4>two\n<6>three\n");
    setenv("JOURNAL_STREAM", "1:1", 1); /* stderr was redirected: not the journal's any more */
    assert_int_equal(skt_log_open(NULL), 0);
    skt_info("four");
    drain(ends[0]);
    assert_non_null(strstr(text, " info  four\n"));
    close(ends[0]);
}

static void a_file_is_opened_anew(void **state)
{
    (void)state;
    char path[] = "skt-test-log-anew-XXXXXX", old[64];
    close(mkstemp(path));
    snprintf(old, sizeof old, "%s.1", path);
    assert_int_equal(skt_log_open(path), 0);
    skt_info("before");
    assert_int_equal(rename(path, old), 0);
    skt_info("between");
    skt_log_after_fork(); /* as a child does */
    skt_info("after");
    int fd = open(path, O_RDONLY);
    drain(fd);
    close(fd);
    assert_null(strstr(text, "between"));
    assert_non_null(strstr(text, "after"));
    unlink(path);
    unlink(old);
}

CHECK_GROUP(log_sink)
{
    own_stderr = dup(STDERR_FILENO);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pipe_that_nobody_reads, setup, restore),
        cmocka_unit_test_setup_teardown(a_pipe_that_cannot_be_opened_anew, setup, restore),
        cmocka_unit_test_setup_teardown(a_socket_that_nobody_reads, setup, restore),
        cmocka_unit_test_setup_teardown(a_terminal_that_was_stopped, setup, restore),
        cmocka_unit_test_setup_teardown(a_reader_that_has_gone, setup, restore),
        cmocka_unit_test_setup_teardown(no_stderr_at_all, setup, restore),
        cmocka_unit_test_setup_teardown(a_full_disk, setup, restore),
        cmocka_unit_test_setup_teardown(a_journal_gets_priorities, setup, restore),
        cmocka_unit_test_setup_teardown(a_file_is_opened_anew, setup, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
