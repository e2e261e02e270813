/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "netcfg/hook.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

enum {
    PATH_LEN_MAX = 256, /* of a program, its folder included */
    OUTPUT_MAX = 4096,  /* of what a program writes, the last part is kept */
    GRACE_MS = 1000,    /* between asking it to end and ending it */
    STEP_MS = 20,       /* how often to look whether it has ended */
    ENV_VARS_MAX = 64,  /* beside PATH: a script gets five */
    FDS_MAX = 4096,     /* descriptors that are closed one by one in the child; the helper has some ten */
};

static const char default_path[] = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin";

/* --- finding --- */

/* The folders are fixed: whoever sets PATH for a privileged process must not choose what it runs. */
static bool find_program(const char *name, char path[PATH_LEN_MAX])
{
    if (strchr(name, '/')) {
        int n = snprintf(path, PATH_LEN_MAX, "%s", name);
        return n < PATH_LEN_MAX && access(path, X_OK) == 0;
    }
    for (const char *at = default_path; at; at = strchr(at, ':')) {
        at += *at == ':';
        int n = snprintf(path, PATH_LEN_MAX, "%.*s/%s", (int)strcspn(at, ":"), at, name);
        if (n < PATH_LEN_MAX && access(path, X_OK) == 0)
            return true;
    }
    return false;
}

bool skt_hook_exists(const char *name)
{
    char path[PATH_LEN_MAX];
    return find_program(name, path);
}

/* --- the child --- */

#ifdef __linux__

/* A process that has CAP_NET_ADMIN without being root hands it on (capabilities(7): ambient set). */
static void hand_on_net_admin(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    const unsigned bit = 1u << CAP_NET_ADMIN;
    if (geteuid() == 0 || syscall(SYS_capget, &header, data) || !(data[0].permitted & bit))
        return;
    data[0].inheritable |= bit;
    if (syscall(SYS_capset, &header, data) == 0)
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0);
}

#else

static void hand_on_net_admin(void)
{
}

#endif

static void default_signals(void)
{
    sigset_t none;
    for (int signum = 1; signum < 32; signum++)
        signal(signum, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void become(const struct skt_hook *hook, const char *path, int in, int out)
{
    char path_variable[sizeof default_path + 8];
    const char *env[ENV_VARS_MAX + 2];
    size_t n = 0;
    snprintf(path_variable, sizeof path_variable, "PATH=%s", default_path);
    env[n++] = path_variable;
    for (const char *const *v = hook->env; v && *v && n <= ENV_VARS_MAX; v++)
        env[n++] = *v;
    env[n] = NULL;
    (void)setpgid(0, 0); /* so that what it starts can be ended with it */
    default_signals();
    hand_on_net_admin();
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    for (int fd = 3; fd < FDS_MAX; fd++)
        close(fd);
    /* execve takes what it does not change as changeable. */
    execve(path, (char *const *)(uintptr_t)hook->argv, (char *const *)(uintptr_t)env);
    _exit(127);
}

/* --- waiting for it --- */

struct running {
    pid_t pid;                   /* and its process group */
    int out;                     /* what it writes; non-blocking */
    char output[OUTPUT_MAX + 1]; /* the last of it, and a zero */
    size_t len;                  /* bytes in `output` */
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Takes what is there; keeps the end of it. */
static void take_output(struct running *r)
{
    ssize_t got;
    do {
        if (r->len > OUTPUT_MAX / 2) {
            size_t drop = r->len - OUTPUT_MAX / 2;
            memmove(r->output, r->output + drop, r->len - drop);
            r->len -= drop;
        }
        got = read(r->out, r->output + r->len, OUTPUT_MAX - r->len);
        if (got > 0)
            r->len += (size_t)got;
    } while (got > 0);
    r->output[r->len] = '\0';
}

/* Waits for its end until then; false: it still runs. Only the program itself counts, not what it leaves
 * behind in the background. */
static bool wait_until(struct running *r, int64_t end_ms, int *status)
{
    for (;;) {
        pid_t got = waitpid(r->pid, status, WNOHANG);
        take_output(r);
        if (got == r->pid)
            return true;
        if (got < 0 && errno != EINTR) {
            *status = 0;
            return true;
        }
        int64_t left = end_ms - now_ms();
        if (left <= 0)
            return false;
        struct pollfd p = {.fd = r->out, .events = POLLIN};
        if (poll(&p, 1, left < STEP_MS ? (int)left : STEP_MS) > 0 && !(p.revents & POLLIN))
            usleep(STEP_MS * 1000); /* it has closed its output and goes on */
    }
}

static bool wait_or_end(struct running *r, double limit_s, int *status)
{
    if (wait_until(r, now_ms() + (int64_t)(limit_s * 1000), status))
        return true;
    kill(-r->pid, SIGTERM);
    if (!wait_until(r, now_ms() + GRACE_MS, status)) {
        kill(-r->pid, SIGKILL);
        (void)wait_until(r, now_ms() + GRACE_MS, status);
    }
    return false;
}

/* The last line that says something. */
static const char *last_line(struct running *r)
{
    while (r->len > 0 && (unsigned char)r->output[r->len - 1] <= ' ')
        r->output[--r->len] = '\0';
    const char *line = strrchr(r->output, '\n');
    return line ? line + 1 : r->output;
}

static int fail(char text[SKT_HOOK_TEXT_MAX], int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(char text[SKT_HOOK_TEXT_MAX], int err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, SKT_HOOK_TEXT_MAX, fmt, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    return err;
}

static int why_not(int error)
{
    return skt_err_is_passing(error) ? SKT_ERR_NOMEM : SKT_ERR_IO;
}

static int judge(struct running *r, const struct skt_hook *hook, bool ended, int status,
                 char text[SKT_HOOK_TEXT_MAX])
{
    const char *name = hook->argv[0], *line = last_line(r);
    const char *colon = *line ? ": " : "";
    if (!ended)
        return fail(text, SKT_ERR_AGAIN, "%s: not done within %g s%s%s", name, hook->limit_s, colon, line);
    if (WIFSIGNALED(status))
        return fail(text, SKT_ERR_ARG, "%s: ended by signal %d%s%s", name, WTERMSIG(status), colon, line);
    if (WEXITSTATUS(status) != 0)
        return fail(text, SKT_ERR_ARG, "%s: exit status %d%s%s", name, WEXITSTATUS(status), colon, line);
    return SKT_OK;
}

/* --- the whole --- */

static void close_both(const int ends[2])
{
    if (ends[0] >= 0)
        close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
}

static int make_pipes(int in[2], int out[2])
{
    in[0] = in[1] = out[0] = out[1] = -1;
    if (pipe(in) || pipe(out) || fcntl(in[1], F_SETFL, O_NONBLOCK) || fcntl(out[0], F_SETFL, O_NONBLOCK)) {
        close_both(in);
        close_both(out);
        return SKT_ERR_IO;
    }
    return SKT_OK;
}

int skt_hook_run(const struct skt_hook *hook, char text[SKT_HOOK_TEXT_MAX])
{
    char path[PATH_LEN_MAX];
    int in[2], out[2];
    text[0] = '\0';
    if (!find_program(hook->argv[0], path))
        return fail(text, SKT_ERR_NOTFOUND, "%s: %s", hook->argv[0],
                    errno == EACCES ? "not to be executed (chmod +x)" : "no such program");
    if (make_pipes(in, out))
        return fail(text, why_not(errno), "%s: pipe: %s", path, strerror(errno));
    struct running *r = calloc(1, sizeof *r);
    pid_t pid = r ? fork() : -1;
    if (pid == 0)
        become(hook, path, in[0], out[1]);
    int err;
    if (pid > 0) {
        int status = 0;
        (void)setpgid(pid, pid); /* whoever of the two is first */
        close(out[1]);
        out[1] = -1;
        r->pid = pid;
        r->out = out[0];
        if (hook->input)
            (void)!write(in[1], hook->input, strlen(hook->input));
        close(in[1]);
        in[1] = -1;
        bool ended = wait_or_end(r, hook->limit_s, &status);
        err = judge(r, hook, ended, status, text);
        if (hook->output && hook->output_cap > 0)
            snprintf(hook->output, hook->output_cap, "%s", r->output);
    } else {
        err = fail(text, why_not(errno), "%s: fork: %s", path, strerror(errno));
    }
    free(r);
    close_both(in);
    close_both(out);
    return err;
}
