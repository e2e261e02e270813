/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif
#ifdef __APPLE__
#include <limits.h>
#include <mach-o/dyld.h>
#endif

enum { FDS_MAX = 4096 }; /* without close_range: they are started before there are many */

/* A child's argv[0] begins so, as ps shows it. Nobody can start one from a shell: no command has a blank in
 * its name. */
static const char prefix[] = "skcptun: ";

static bool may_exec;

#ifdef __APPLE__
extern char **environ; /* unistd.h has it elsewhere */
#endif

static void close_from(unsigned first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, UINT32_MAX, 0) == 0)
        return;
#endif
    for (int fd = (int)first; fd < FDS_MAX; fd++)
        close(fd);
}

void skt_child_close_others(int fd)
{
    int highest = fd > STDERR_FILENO ? fd : STDERR_FILENO;
    close_from((unsigned)highest + 1);
    for (int other = 0; other < highest; other++)
        if (other != fd && other != STDERR_FILENO)
            close(other);
    /* 0 and 1 must not become something else's. */
    int null = 0;
    while (null >= 0 && null < STDERR_FILENO)
        null = open("/dev/null", O_RDWR);
    if (null > STDERR_FILENO && null != fd)
        close(null);
}

void skt_child_signals(void)
{
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2};
    sigset_t none;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

bool skt_child_read(int fd, void *buf, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = read(fd, (char *)buf + at, len - at);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        at += n > 0 ? (size_t)n : 0;
    }
    return true;
}

void skt_child_allow_exec(void)
{
    may_exec = true;
}

/* Hands on one variable by which the log is written (its time zone, its journal); all others may be secrets.
 */
static void add_variable(char **env, const char *start)
{
    while (*env)
        env++;
    for (char **v = environ; v && *v && !*env; v++)
        if (strncmp(*v, start, strlen(start)) == 0)
            *env = *v;
}

void skt_child_become(const char *role, int fd)
{
    char name[64];
    char *env[3] = {NULL, NULL, NULL};
    add_variable(env, "TZ=");
    add_variable(env, "JOURNAL_STREAM=");
    if (!may_exec || sizeof prefix + strlen(role) > sizeof name)
        return;
    memcpy(name, prefix, sizeof prefix - 1);
    memcpy(name + sizeof prefix - 1, role, strlen(role) + 1);
    char *const argv[] = {name, NULL};
    if (fd != SKT_CHILD_FD && dup2(fd, SKT_CHILD_FD) != SKT_CHILD_FD)
        return;
    if (fd == SKT_CHILD_FD)
        (void)fcntl(fd, F_SETFD, 0);
#ifdef __APPLE__
    char path[PATH_MAX];
    uint32_t len = sizeof path;
    if (_NSGetExecutablePath(path, &len) == 0)
        execve(path, argv, env);
#else
    execve("/proc/self/exe", argv, env);
#endif
}

const char *skt_child_role(int argc, char **argv)
{
    if (argc != 1 || strncmp(argv[0], prefix, sizeof prefix - 1) != 0)
        return NULL;
    return argv[0] + sizeof prefix - 1;
}
