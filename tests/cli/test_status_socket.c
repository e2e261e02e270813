/* SPDX-License-Identifier: MIT */
#include "base/check.h"
#include "base/err.h"
#include "cli/status_fetch.h"
#include "cli/status_path.h"
#include "cli/status_socket.h"
#include "io/run_for.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct skt_loop *loop;
static char folder[64], path[96], why[SKT_STATEFILE_WHY_MAX];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/skt-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/a.sock", folder);
    return skt_loop_new(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    skt_loop_free(loop);
    unlink(path);
    return rmdir(folder);
}

static void write_number(void *user, FILE *out, const char *question)
{
    fprintf(out, strcmp(question, SKT_STATUS_DEBUG) == 0 ? "{\"debug\":%d}\n" : "{\"n\":%d}\n",
            ++*(int *)user);
}

/* Larger than a socket's buffers. */
enum { LARGE = 1024 * 1024 };
static void write_large(void *user, FILE *out, const char *question)
{
    (void)user;
    (void)question;
    for (int i = 0; i < LARGE; i++)
        fputc(' ', out);
}

static int connect_to_it(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    strcpy(addr.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    return fd;
}

/* Asks in another process, since the loop runs in this one; its exit status tells. */
static int ask_elsewhere(const char *question, const char *expected)
{
    pid_t pid = fork();
    if (pid == 0) {
        char *text;
        size_t len;
        int err = skt_status_ask(path, question, 60000, &text, &len);
        _exit(err < 0 ? 1 : strcmp(text, expected) == 0 ? 0 : 2);
    }
    int status = -1;
    for (int i = 0; i < 6000 && waitpid(pid, &status, WNOHANG) == 0; i++)
        run_for(loop, 10 * SKT_US_PER_MS);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int fetch_elsewhere(const char *expected)
{
    return ask_elsewhere(SKT_STATUS_PLAIN, expected);
}

static void answers_what_is_asked(void **state)
{
    (void)state;
    struct skt_status_socket *s;
    char got[64];
    int n = 0;
    assert_int_equal(skt_status_socket_new(&s, loop, path, why), SKT_OK);
    skt_status_socket_serve(s, write_number, &n);
    assert_int_equal(ask_elsewhere(SKT_STATUS_DEBUG, "{\"debug\":1}\n"), 0);
    assert_int_equal(ask_elsewhere("what?", "{\"n\":2}\n"), 0);
    int fd = connect_to_it(); /* it says nothing */
    run_for(loop, 300 * SKT_US_PER_MS);
    assert_int_equal(read(fd, got, sizeof got), 8);
    assert_memory_equal(got, "{\"n\":3}\n", 8);
    close(fd);
    fd = connect_to_it();
    shutdown(fd, SHUT_WR);
    run_for(loop, 20 * SKT_US_PER_MS);
    assert_int_equal(read(fd, got, sizeof got), 8);
    close(fd);
    skt_status_socket_free(s);
}

static void answers_with_a_document(void **state)
{
    (void)state;
    struct skt_status_socket *s;
    struct stat st;
    int n = 0;
    assert_int_equal(skt_status_socket_new(&s, loop, path, why), SKT_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    skt_status_socket_serve(s, write_number, &n);
    assert_int_equal(fetch_elsewhere("{\"n\":1}\n"), 0);
    assert_int_equal(fetch_elsewhere("{\"n\":2}\n"), 0);
    skt_status_socket_free(s);
    assert_int_equal(access(path, F_OK), -1);
}

static void replaces_a_dead_ones_socket_only(void **state)
{
    (void)state;
    struct skt_status_socket *s, *second;
    pid_t pid = fork();
    if (pid == 0) {
        (void)skt_status_socket_new(&s, loop, path, why);
        _exit(0); /* leaves the file */
    }
    waitpid(pid, NULL, 0);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(skt_status_socket_new(&s, loop, path, why), SKT_OK);
    assert_int_equal(skt_status_socket_new(&second, loop, path, why), SKT_ERR_FULL);
    assert_int_equal(access(path, F_OK), 0);
    skt_status_socket_free(s);

    /* What is no socket is not ours to remove. */
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_int_equal(skt_status_socket_new(&s, loop, path, why), SKT_ERR_IO);
    assert_int_equal(access(path, F_OK), 0);
}

static void removes_its_own_file_only(void **state)
{
    (void)state;
    struct skt_status_socket *s, *other;
    assert_int_equal(skt_status_socket_new(&s, loop, path, why), SKT_OK);
    struct skt_status_file file = *skt_status_socket_file(s);
    char aside[128];
    snprintf(aside, sizeof aside, "%s.old", path);
    assert_int_equal(rename(path, aside), 0); /* keeps the inode in use */
    assert_int_equal(skt_status_socket_new(&other, loop, path, why), SKT_OK);
    skt_status_file_remove(&file);
    assert_int_equal(access(path, F_OK), 0);
    skt_status_socket_free(s);
    assert_int_equal(access(path, F_OK), 0);
    skt_status_socket_free(other);
    assert_int_equal(access(path, F_OK), -1);
    unlink(aside);
}

/* Readers who take nothing hold up neither the loop nor others; the oldest are dropped. */
static void slow_readers_make_room(void **state)
{
    (void)state;
    struct skt_status_socket *s;
    int fds[12];
    assert_int_equal(skt_status_socket_new(&s, loop, path, why), SKT_OK);
    skt_status_socket_serve(s, write_large, NULL);
    for (int i = 0; i < 12; i++) {
        fds[i] = connect_to_it();
        assert_int_equal(write(fds[i], SKT_STATUS_PLAIN, 6), 6);
        struct pollfd answer = {.fd = fds[i], .events = POLLIN};
        for (int turns = 0; turns < 500 && poll(&answer, 1, 0) == 0; turns++)
            run_for(loop, 20 * SKT_US_PER_MS);
    }
    int n = 0;
    skt_status_socket_serve(s, write_number, &n);
    assert_int_equal(fetch_elsewhere("{\"n\":1}\n"), 0);
    /* The first one's answer was cut off. */
    static char buf[65536];
    size_t got = 0;
    for (ssize_t more; (more = read(fds[0], buf, sizeof buf)) > 0;)
        got += (size_t)more;
    check_that(got, <, LARGE);
    for (int i = 0; i < 12; i++)
        close(fds[i]);
    skt_status_socket_free(s);
}

static void finds_its_place(void **state)
{
    (void)state;
    char place[SKT_STATUS_PATH_MAX], expected[256], runtime[96], long_path[300];
    /* A path of the user's own is taken as it is. */
    assert_int_equal(skt_status_place("/some/where.sock", place), SKT_OK);
    assert_string_equal(place, "/some/where.sock");
    memset(long_path, 'x', sizeof long_path);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = 0;
    assert_int_equal(skt_status_place(long_path, place), SKT_ERR_FULL);
    if (geteuid() == 0)
        return; /* the rest is about a user that may not write to /run */
    snprintf(runtime, sizeof runtime, "%s/run", folder);
    mkdir(runtime, 0700);
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    assert_int_equal(skt_status_place("/run/skcptun/a.sock", place), SKT_OK);
    snprintf(expected, sizeof expected, "%s/skcptun/a.sock", runtime);
    assert_string_equal(place, expected);
    assert_int_equal(skt_status_locate("/run/skcptun/a.sock", place), SKT_ERR_NOTFOUND);
    snprintf(expected, sizeof expected, "%s/skcptun", runtime);
    rmdir(expected);
    rmdir(runtime);
}

static void nobody_there(void **state)
{
    (void)state;
    char *text;
    size_t len;
    assert_int_equal(skt_status_fetch(path, 100, &text, &len), SKT_ERR_NOTFOUND);
    struct skt_status_socket *s;
    assert_int_equal(skt_status_socket_new(&s, loop, path, why), SKT_OK);
    /* It listens, but does not answer. */
    assert_int_equal(skt_status_fetch(path, 100, &text, &len), SKT_ERR_AGAIN);
    skt_status_socket_free(s);
}

/* In a folder that others write to they could put theirs in its place; nor is one of theirs removed. */
static void folders_and_sockets_of_others_are_refused(void **state)
{
    (void)state;
    struct skt_status_socket *s = NULL;
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(skt_status_socket_new(&s, loop, path, why), SKT_ERR_AUTH);
    assert_non_null(strstr(why, "may be written by others"));
    assert_int_equal(chmod(folder, 01777), 0);
    assert_int_equal(skt_status_socket_new(&s, loop, path, why), SKT_OK);
    if (geteuid() == 0) {
        struct stat st;
        struct skt_status_socket *other = NULL;
        skt_status_socket_serve(s, NULL, NULL);
        assert_int_equal(chown(path, 12345, 12345), 0);
        assert_int_equal(skt_status_socket_new(&other, loop, path, why), SKT_ERR_AUTH);
        assert_int_equal(stat(path, &st), 0);
    }
    skt_status_socket_free(s);
}

CHECK_GROUP(status_socket)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folders_and_sockets_of_others_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_what_is_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_with_a_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replaces_a_dead_ones_socket_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removes_its_own_file_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slow_readers_make_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_there, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
