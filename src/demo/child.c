/* SPDX-License-Identifier: MIT */
#include "demo/child.h"

#include "base/err.h"
#include "cli/cli.h"
#include "cli/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { TAIL_LEN = 2000 };
static const double end_limit_s = 2;

/* In the new process: it shall not outlive its parent, and gets no Ctrl-C of its own. */
static void begin_child(struct skt_janitor *janitor, pid_t parent)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(SKT_EXIT_FAILURE);
#else
    (void)parent;
#endif
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    skt_janitor_forget(janitor);
}

/* Forks; 0 in the child, else the pid or SKT_ERR_IO. */
static pid_t fork_child(struct skt_demo_children *c, const char *name, const char *log)
{
    pid_t parent = getpid();
    if (c->count == SKT_DEMO_CHILDREN_MAX)
        return SKT_ERR_IO;
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        return SKT_ERR_IO;
    if (pid == 0) {
        begin_child(c->janitor, parent);
        return 0;
    }
    struct skt_demo_child *child = &c->list[c->count++];
    child->pid = pid;
    child->name = name;
    snprintf(child->log, sizeof child->log, "%s", log);
    skt_janitor_add(c->janitor, pid);
    return pid;
}

int skt_demo_child_fork(struct skt_demo_children *c, const char *name, void (*fn)(void *user), void *user)
{
    pid_t pid = fork_child(c, name, "");
    if (pid == 0) {
        fn(user);
        _exit(SKT_EXIT_OK);
    }
    return pid < 0 ? SKT_ERR_IO : SKT_OK;
}

/* In the child: standard input from nowhere, output to the log. */
static void redirect(const char *log)
{
    int in = open("/dev/null", O_RDONLY);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (in < 0 || out < 0)
        _exit(SKT_EXIT_FAILURE);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    close(in);
    close(out);
}

int skt_demo_child_run(struct skt_demo_children *c, const char *name, const char *config, const char *log)
{
    const char *program = skt_tools_program();
    pid_t pid = fork_child(c, name, log);
    if (pid == 0) {
        redirect(log);
        execl(program, "skcptun", config, (char *)NULL);
        fprintf(stderr, "%s: %s\n", program, strerror(errno));
        _exit(SKT_EXIT_FAILURE);
    }
    return pid < 0 ? SKT_ERR_IO : SKT_OK;
}

const struct skt_demo_child *skt_demo_child_ended(struct skt_demo_children *c, int *wait_status)
{
    for (size_t i = 0; i < c->count; i++) {
        struct skt_demo_child *child = &c->list[i];
        if (child->pid > 0 && waitpid(child->pid, wait_status, WNOHANG) == child->pid) {
            child->pid = 0;
            return child;
        }
    }
    return NULL;
}

void skt_demo_child_print_log(const struct skt_demo_child *child)
{
    char tail[TAIL_LEN];
    FILE *f = child->log[0] ? fopen(child->log, "r") : NULL;
    if (!f)
        return;
    bool cut = fseek(f, -(long)sizeof tail, SEEK_END) == 0;
    if (!cut)
        rewind(f);
    size_t n = fread(tail, 1, sizeof tail, f);
    fclose(f);
    /* Begin with a whole line. */
    const char *newline = cut ? memchr(tail, '\n', n) : NULL;
    size_t from = newline ? (size_t)(newline + 1 - tail) : 0;
    fprintf(stderr, "--- the end of the %s's log ---\n%.*s", child->name, (int)(n - from), tail + from);
}

static bool all_ended(struct skt_demo_children *c)
{
    int status;
    while (skt_demo_child_ended(c, &status))
        ;
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].pid > 0)
            return false;
    return true;
}

static void signal_all(const struct skt_demo_children *c, int signum)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].pid > 0)
            kill(c->list[i].pid, signum);
}

void skt_demo_children_end(struct skt_demo_children *c)
{
    signal_all(c, SIGTERM);
    double limit = skt_cli_now() + end_limit_s;
    while (!all_ended(c) && skt_cli_now() < limit)
        usleep(10000);
    signal_all(c, SIGKILL);
    while (!all_ended(c))
        usleep(1000);
}
