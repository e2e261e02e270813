/* SPDX-License-Identifier: MIT */
#include "cli/janitor.h"

#include "base/err.h"
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIDS_MAX = 32 };

/* Reads pids until the other end is closed; how many. */
static size_t wait_for_end(int fd, pid_t pids[PIDS_MAX])
{
    size_t n = 0;
    for (;;) {
        pid_t pid;
        ssize_t got = read(fd, &pid, sizeof pid);
        if (got == (ssize_t)sizeof pid && pid == 0)
            n = 0;
        else if (got == (ssize_t)sizeof pid && n < PIDS_MAX)
            pids[n++] = pid;
        else if (got == 0 || (got < 0 && errno != EINTR))
            return n;
    }
}

/* Forks with a pipe between: 0 in the child, whose end is ends[0]; else the pid or SKT_ERR_IO. */
static pid_t fork_with_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return SKT_ERR_IO;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid_t pid = fork();
    if (pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return SKT_ERR_IO;
    }
    if (pid > 0)
        close(ends[0]);
    return pid;
}

int skt_janitor_start(struct skt_janitor *j, void (*clean)(void *user, const pid_t *pids, size_t n),
                      void *user)
{
    int ends[2];
    pid_t pid = fork_with_pipe(ends);
    if (pid < 0)
        return SKT_ERR_IO;
    if (pid == 0) {
        skt_child_signals();
        skt_child_close_others(ends[0]);
        pid_t pids[PIDS_MAX];
        size_t n = wait_for_end(ends[0], pids);
        clean(user, pids, n);
        _exit(0);
    }
    j->pid = pid;
    j->fd = ends[1];
    return SKT_OK;
}

int skt_janitor_start_program(struct skt_janitor *j, const char *role, void (*run)(int fd), const void *data,
                              size_t len)
{
    int ends[2];
    pid_t pid = fork_with_pipe(ends);
    if (pid < 0)
        return SKT_ERR_IO;
    if (pid == 0) {
        skt_child_become(role, ends[0]);
        run(ends[0]);
        _exit(0);
    }
    j->pid = pid;
    j->fd = ends[1];
    if (write(ends[1], data, len) == (ssize_t)len) /* far less than a pipe holds */
        return SKT_OK;
    skt_janitor_finish(j);
    return SKT_ERR_IO;
}

void skt_janitor_add(const struct skt_janitor *j, pid_t pid)
{
    if (j->pid > 0)
        (void)!write(j->fd, &pid, sizeof pid);
}

void skt_janitor_forget(struct skt_janitor *j)
{
    if (j->pid > 0)
        close(j->fd);
    j->pid = 0;
}

void skt_janitor_finish(struct skt_janitor *j)
{
    if (j->pid <= 0)
        return;
    close(j->fd);
    while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    j->pid = 0;
}
