/* SPDX-License-Identifier: MIT */
#include "cli/janitor.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIDS_MAX = 32, FDS_MAX = 4096 };

static void close_all_but(int keep)
{
    long limit = sysconf(_SC_OPEN_MAX);
    int end = limit > 0 && limit < FDS_MAX ? (int)limit : FDS_MAX;
    for (int fd = 0; fd < end; fd++)
        if (fd != keep && fd != STDERR_FILENO)
            close(fd);
}

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

int skt_janitor_start(struct skt_janitor *j, void (*clean)(void *user, const pid_t *pids, size_t n),
                      void *user)
{
    int ends[2];
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
    if (pid == 0) {
        /* A signal to the whole group (Ctrl-C) is for the others; the end of the parent follows from it. */
        const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
        for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
            signal(ignored[i], SIG_IGN);
        close_all_but(ends[0]);
        pid_t pids[PIDS_MAX];
        size_t n = wait_for_end(ends[0], pids);
        clean(user, pids, n);
        _exit(0);
    }
    close(ends[0]);
    j->pid = pid;
    j->fd = ends[1];
    return SKT_OK;
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
