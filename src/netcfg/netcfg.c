/* SPDX-License-Identifier: MIT */
/* The main process's side: starts the helper and waits for its end. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/err.h"
#include "base/log.h"
#include "io/child.h"
#include "io/sockaddr.h"
#include "netcfg/helper.h"
#include "netcfg/netcfg_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BEGIN_LIMIT_MS = 30000, /* undoing what an earlier run left may take a while */
    END_LIMIT_MS = 5000,    /* as long as the next start waits for this one's helper */
    STEP_MS = 10,           /* between looks for its end */
};

/* Where the caller wants words: as many of them as there is room for. */
__attribute__((format(printf, 3, 4))) static void put_why(char *why, size_t why_cap, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (why && why_cap > 0)
        (void)vsnprintf(why, why_cap, fmt, args);
    va_end(args);
}

/* Waits for the helper's first line: could it begin? */
static int wait_for_begin(struct skt_netcfg *nc, int fd, char *why, size_t why_cap)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    const char *text = "the helper process for routes and the like did not start";
    char *after = NULL;
    long err = SKT_ERR_IO;
    int n;
    while ((n = poll(&p, 1, BEGIN_LIMIT_MS)) < 0 && errno == EINTR)
        ;
    ssize_t got = n > 0 ? recv(fd, nc->buf, sizeof nc->buf - 1, 0) : -1;
    if (got > 0) {
        nc->buf[got] = '\0';
        nc->buf[strcspn(nc->buf, "\n")] = '\0';
        err = strtol(nc->buf, &after, 10);
        text = *after == ' ' ? after + 1 : after;
    }
    if (err)
        put_why(why, why_cap, "%s", text);
    return (int)err;
}

/* True: it has ended. */
static bool wait_for_end(pid_t pid, int limit_ms)
{
    for (;;) {
        pid_t got = waitpid(pid, NULL, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR))
            return true;
        if (limit_ms <= 0)
            return false;
        (void)poll(NULL, 0, STEP_MS);
        limit_ms -= STEP_MS;
    }
}

int skt_netcfg_new(struct skt_netcfg **out, struct skt_loop *loop, const struct skt_netcfg_options *options,
                   char *why, size_t why_cap)
{
    int ends[2] = {-1, -1};
    struct skt_netcfg *nc = calloc(1, sizeof *nc);
    put_why(why, why_cap, "%s", skt_err_str(SKT_ERR_NOMEM));
    if (!nc)
        return SKT_ERR_NOMEM;
    nc->loop = loop;
    nc->last = &nc->first;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0)
        nc->pid = fork();
    if (ends[0] < 0 || nc->pid < 0) {
        put_why(why, why_cap, "the helper process for routes and the like: %s", strerror(errno));
        if (ends[0] >= 0) {
            close(ends[0]);
            close(ends[1]);
        }
        free(nc);
        return SKT_ERR_IO;
    }
    if (nc->pid == 0) {
        skt_child_become(SKT_NETCFG_ROLE, ends[1]);
        skt_netcfg_helper_run(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    /* Where it has refused some of it, it says why. */
    (void)skt_netcfg_tell_options(ends[0], options);
    int err = wait_for_begin(nc, ends[0], why, why_cap);
    if (!err && skt_fd_prepare(ends[0]))
        err = SKT_ERR_IO;
    if (err) {
        close(ends[0]);
        (void)wait_for_end(nc->pid, END_LIMIT_MS);
        free(nc);
        return err;
    }
    skt_loop_io_init(&nc->io, ends[0], skt_netcfg_on_ready);
    skt_loop_io_set(loop, &nc->io, SKT_IO_READ);
    *out = nc;
    return SKT_OK;
}

void skt_netcfg_free(struct skt_netcfg *nc)
{
    if (!nc)
        return;
    if (nc->freed)
        *nc->freed = true;
    skt_loop_io_set(nc->loop, &nc->io, 0);
    close(nc->io.w.fd);
    if (!wait_for_end(nc->pid, END_LIMIT_MS))
        skt_warn("cleaning up routes and the like takes long; it goes on in process %ld", (long)nc->pid);
    while (nc->first) {
        struct skt_netcfg_pending *p = nc->first;
        nc->first = p->next;
        skt_netcfg_drop(nc, p);
    }
    free(nc);
}
