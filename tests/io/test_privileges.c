/* SPDX-License-Identifier: MIT */
/* Each case runs in a child process, as what is given up can't be had back. */
#include "base/check.h"
#include "base/err.h"
#include "io/privileges.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

/* Runs fn in a child; what it returns. */
static int in_child(int (*fn)(void))
{
    pid_t pid = fork();
    check_that(pid, >=, 0);
    if (pid == 0)
        _exit(fn());
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A file that has come to its limit is an error of the call, not SIGXFSZ. */
static bool file_too_long(void)
{
    struct rlimit none = {0, 0};
    FILE *f = tmpfile();
    if (!f || setrlimit(RLIMIT_FSIZE, &none))
        return false;
    return write(fileno(f), "x", 1) == -1 && errno == EFBIG;
}

static int harden(void)
{
    struct rlimit core;
    int fds[2];
    if (skt_privileges_harden() || getrlimit(RLIMIT_CORE, &core) || core.rlim_cur != 0 || core.rlim_max != 0)
        return 1;
#ifdef __linux__
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 2;
#endif
    if (pipe(fds) || close(fds[0]) || write(fds[1], "x", 1) != -1) /* no SIGPIPE */
        return 3;
    return file_too_long() ? 0 : 4;
}

static int raise_fds(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 1;
    limit.rlim_cur = 64;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        return 2;
    size_t now = skt_privileges_raise_fds();
    if (getrlimit(RLIMIT_NOFILE, &limit) || (rlim_t)now != limit.rlim_cur)
        return 3;
    return now > 64 || limit.rlim_max == 64 ? 0 : 4;
}

static int unknown_user(void)
{
    return skt_privileges_drop("no-such-user-here", false) == SKT_ERR_NOTFOUND &&
                   skt_privileges_drop("", false) == SKT_ERR_NOTFOUND
               ? 0
               : 1;
}

static int become_nobody(bool keep)
{
    const struct passwd *pw = getpwnam("nobody");
    uid_t uid = pw ? pw->pw_uid : 0;
    if (skt_privileges_drop("nobody", keep))
        return 1;
    if (getuid() != uid || geteuid() != uid)
        return 2;
    if (setuid(0) == 0 || seteuid(0) == 0)
        return 3;
    if (getgroups(0, NULL) > 1)
        return 4;
    return 0;
}

static int drop_all(void)
{
    return become_nobody(false);
}

#ifdef __linux__

/* The effective capabilities as the kernel shows them. */
static unsigned long effective_capabilities(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long caps = ~0UL;
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "CapEff:", 7) == 0)
            caps = strtoul(line + 7, NULL, 16);
    }
    if (f)
        fclose(f);
    return caps;
}

static int drop_but_net_admin(void)
{
    int result = become_nobody(true);
    if (result == 0 && effective_capabilities() != 1UL << 12) /* CAP_NET_ADMIN */
        return 5;
    if (result == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 6;
    return result;
}

#else

static int drop_but_net_admin(void)
{
    return become_nobody(true);
}

#endif

static void hardening_keeps_secrets_in(void **state)
{
    (void)state;
    assert_int_equal(in_child(harden), 0);
}

static void descriptors_are_raised_to_the_most(void **state)
{
    (void)state;
    assert_int_equal(in_child(raise_fds), 0);
}

static void an_unknown_user_is_told(void **state)
{
    (void)state;
    assert_int_equal(in_child(unknown_user), 0);
}

static void root_is_given_up_for_good(void **state)
{
    (void)state;
    if (geteuid() != 0 || !getpwnam("nobody"))
        skip();
    assert_int_equal(in_child(drop_all), 0);
    assert_int_equal(in_child(drop_but_net_admin), 0);
}

CHECK_GROUP(privileges)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hardening_keeps_secrets_in),
        cmocka_unit_test(descriptors_are_raised_to_the_most),
        cmocka_unit_test(an_unknown_user_is_told),
        cmocka_unit_test(root_is_given_up_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
