/* SPDX-License-Identifier: MIT */
/* The main process's side: starts the helper, sends it requests, hands on its answers. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "netcfg/netcfg.h"

#include "base/err.h"
#include "base/log.h"
#include "io/child.h"
#include "io/sockaddr.h"
#include "netcfg/helper.h"
#include "netcfg/internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BEGIN_LIMIT_MS = 30000, /* undoing what an earlier run left may take a while */
    END_LIMIT_MS = 5000,
    STEP_MS = 10,
    WAITING_MAX = 64, /* requests; there is room for one more among what a socket takes */
};

/* A request that was sent and not answered. */
struct pending {
    struct pending *next;
    skt_netcfg_done done;
    void *user;
};

struct skt_netcfg {
    struct skt_loop *loop;
    struct skt_loop_io io;
    pid_t pid;
    bool lost;   /* the helper has ended by itself */
    bool *freed; /* set while answers are handed on */
    struct pending *first, **last;
    char buf[SKT_NETCFG_TEXT_MAX + 16];
    size_t len;
    size_t waiting;         /* requests that were not answered */
    bool opened;            /* `orderly` is in use */
    struct pending orderly; /* of `open`, for which there must be room at the end */
};

/* --- answers --- */

static void answer_first(struct skt_netcfg *nc, int err, const char *text)
{
    struct pending *p = nc->first;
    if (!p)
        return;
    nc->first = p->next;
    if (!nc->first)
        nc->last = &nc->first;
    bool is_own = p == &nc->orderly;
    nc->waiting--;
    if (p->done)
        p->done(p->user, err, text);
    else if (err)
        skt_warn_rarely(skt_log_key(text, strlen(text), 0), "%s", text[0] ? text : skt_err_str(err));
    if (!is_own) /* else it went with nc */
        free(p);
}

/* "CODE text" */
static void on_line(struct skt_netcfg *nc, char *line)
{
    char *text;
    long err = strtol(line, &text, 10);
    answer_first(nc, (int)err, *text == ' ' ? text + 1 : text);
}

static void on_lost(struct skt_netcfg *nc)
{
    bool freed = false;
    skt_error(
        "the helper process for routes and the like has ended; what it set up is undone at the next start");
    nc->lost = true;
    skt_loop_io_set(nc->loop, &nc->io, 0);
    nc->freed = &freed;
    while (nc->first) {
        answer_first(nc, SKT_ERR_CLOSED, "the helper process has ended");
        if (freed)
            return;
    }
    nc->freed = NULL;
}

static void on_ready(struct skt_loop_io *io, unsigned ready)
{
    (void)ready;
    struct skt_netcfg *nc = SKT_CONTAINER(io, struct skt_netcfg, io);
    bool freed = false;
    ssize_t got = recv(nc->io.w.fd, nc->buf + nc->len, sizeof nc->buf - nc->len, MSG_DONTWAIT);
    if (got < 0 && skt_err_is_passing(errno))
        return;
    if (got <= 0 || nc->len == sizeof nc->buf) {
        on_lost(nc);
        return;
    }
    nc->len += (size_t)got;
    nc->freed = &freed;
    char *end;
    while ((end = memchr(nc->buf, '\n', nc->len)) != NULL) {
        char line[sizeof nc->buf];
        size_t len = (size_t)(end - nc->buf);
        memcpy(line, nc->buf, len);
        line[len] = '\0';
        nc->len -= len + 1;
        memmove(nc->buf, end + 1, nc->len);
        on_line(nc, line);
        if (freed)
            return;
    }
    nc->freed = NULL;
}

/* --- requests --- */

static int send_as(struct skt_netcfg *nc, struct pending *p, skt_netcfg_done done, void *user,
                   const char *line)
{
    /* A line is far smaller than what a socket takes at once, so it goes whole or not at all. */
    ssize_t sent = send(nc->io.w.fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != (ssize_t)strlen(line))
        return sent < 0 && skt_err_is_passing(errno) ? SKT_ERR_FULL : SKT_ERR_CLOSED;
    *p = (struct pending){.done = done, .user = user};
    *nc->last = p;
    nc->last = &p->next;
    nc->waiting++;
    return SKT_OK;
}

static void drop(struct skt_netcfg *nc, struct pending *p)
{
    if (p != &nc->orderly)
        free(p);
}

/* SKT_ERR_FULL: the helper has enough to do; once it has answered some there is room. */
static int send_request(struct skt_netcfg *nc, skt_netcfg_done done, void *user, const char *line)
{
    if (nc->lost)
        return SKT_ERR_CLOSED;
    if (nc->waiting >= WAITING_MAX)
        return SKT_ERR_FULL;
    struct pending *p = malloc(sizeof *p);
    if (!p)
        return SKT_ERR_NOMEM;
    int err = send_as(nc, p, done, user, line);
    if (err)
        drop(nc, p);
    return err;
}

static int request(struct skt_netcfg *nc, skt_netcfg_done done, void *user, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static int request(struct skt_netcfg *nc, skt_netcfg_done done, void *user, const char *fmt, ...)
{
    char line[256];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof line || strchr(line, '\n') != line + len - 1)
        return SKT_ERR_ARG;
    return send_request(nc, done, user, line);
}

int skt_netcfg_interface(struct skt_netcfg *nc, const char *name, skt_netcfg_done done, void *user)
{
    return request(nc, done, user, "interface %s\n", name);
}

int skt_netcfg_mtu(struct skt_netcfg *nc, size_t mtu, skt_netcfg_done done, void *user)
{
    return request(nc, done, user, "mtu %zu\n", mtu);
}

static int about_host(struct skt_netcfg *nc, const char *verb, const struct skt_addr *host,
                      skt_netcfg_done done, void *user)
{
    char text[SKT_IPNET_TEXT_MAX];
    if (host->family != 4 && host->family != 6)
        return SKT_ERR_ARG;
    struct skt_ipnet net = skt_ipnet_host(host->family, host->ip);
    return request(nc, done, user, "%s %s\n", verb, skt_ipnet_text(&net, true, text));
}

int skt_netcfg_pin(struct skt_netcfg *nc, const struct skt_addr *host, skt_netcfg_done done, void *user)
{
    return about_host(nc, "pin", host, done, user);
}

int skt_netcfg_unpin(struct skt_netcfg *nc, const struct skt_addr *host, skt_netcfg_done done, void *user)
{
    return about_host(nc, "unpin", host, done, user);
}

int skt_netcfg_route(struct skt_netcfg *nc, const struct skt_ipnet *net, skt_netcfg_done done, void *user)
{
    char text[SKT_IPNET_TEXT_MAX];
    return request(nc, done, user, "route %s\n", skt_ipnet_text(net, true, text));
}

int skt_netcfg_unroute(struct skt_netcfg *nc, const struct skt_ipnet *net, skt_netcfg_done done, void *user)
{
    char text[SKT_IPNET_TEXT_MAX];
    return request(nc, done, user, "unroute %s\n", skt_ipnet_text(net, true, text));
}

/* "VERB NET NET ...": as many as a request holds. */
static int about_networks(struct skt_netcfg *nc, const char *verb, const struct skt_ipnet *nets, size_t n,
                          bool with_prefix, skt_netcfg_done done, void *user)
{
    char line[SKT_NETCFG_WORDS_MAX * SKT_IPNET_TEXT_MAX + 32], text[SKT_IPNET_TEXT_MAX];
    if (n > SKT_NETCFG_WORDS_MAX)
        return SKT_ERR_ARG;
    size_t len = (size_t)snprintf(line, sizeof line, "%s", verb);
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, " %s",
                                skt_ipnet_text(&nets[i], with_prefix, text));
    snprintf(line + len, sizeof line - len, "\n");
    return strlen(line) < SKT_NETCFG_REQUEST_MAX ? send_request(nc, done, user, line) : SKT_ERR_ARG;
}

int skt_netcfg_dns(struct skt_netcfg *nc, const struct skt_addr *servers, size_t n, skt_netcfg_done done,
                   void *user)
{
    struct skt_ipnet nets[SKT_NETCFG_WORDS_MAX];
    if (n > SKT_NETCFG_WORDS_MAX)
        return SKT_ERR_ARG;
    for (size_t i = 0; i < n; i++) {
        if (servers[i].family != 4 && servers[i].family != 6)
            return SKT_ERR_ARG;
        nets[i] = skt_ipnet_host(servers[i].family, servers[i].ip);
    }
    return about_networks(nc, "dns", nets, n, false, done, user);
}

int skt_netcfg_nat(struct skt_netcfg *nc, const struct skt_ipnet *from, size_t n, skt_netcfg_done done,
                   void *user)
{
    return about_networks(nc, "nat", from, n, true, done, user);
}

int skt_netcfg_forward(struct skt_netcfg *nc, bool v4, bool v6, skt_netcfg_done done, void *user)
{
    return request(nc, done, user, "forward %s%s\n", v4 ? "4" : "", v6 ? "6" : "");
}

int skt_netcfg_hook(struct skt_netcfg *nc, bool up, const char *const *variables, size_t n,
                    skt_netcfg_done done, void *user)
{
    char line[SKT_NETCFG_REQUEST_MAX];
    size_t len = (size_t)snprintf(line, sizeof line, "hook %s", up ? "up" : "down");
    for (size_t i = 0; i < n; i++) {
        if (strpbrk(variables[i], "\n\x1f") || !strchr(variables[i], '='))
            return SKT_ERR_ARG;
        len += (size_t)snprintf(line + len, sizeof line - len, "\x1f%s", variables[i]);
        if (len >= sizeof line - 1)
            return SKT_ERR_ARG;
    }
    snprintf(line + len, sizeof line - len, "\n");
    return send_request(nc, done, user, line);
}

int skt_netcfg_undo(struct skt_netcfg *nc, skt_netcfg_done done, void *user)
{
    return request(nc, done, user, "undo\n");
}

void skt_netcfg_open(struct skt_netcfg *nc)
{
    if (nc && !nc->lost && !nc->opened)
        nc->opened = send_as(nc, &nc->orderly, NULL, NULL, "open\n") == SKT_OK;
}

/* --- life --- */

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
    long result = SKT_ERR_IO;
    int n;
    while ((n = poll(&p, 1, BEGIN_LIMIT_MS)) < 0 && errno == EINTR)
        ;
    ssize_t got = n > 0 ? recv(fd, nc->buf, sizeof nc->buf - 1, 0) : -1;
    if (got > 0) {
        nc->buf[got] = '\0';
        nc->buf[strcspn(nc->buf, "\n")] = '\0';
        result = strtol(nc->buf, &after, 10);
        text = *after == ' ' ? after + 1 : after;
    }
    if (result)
        put_why(why, why_cap, "%s", text);
    return (int)result;
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

/* What the helper is told before it begins; ends with the first that can't be said. */
struct telling {
    int fd;
    int err;
};

static void tell(struct telling *t, const char *verb, const char *value)
{
    char line[SKT_NETCFG_REQUEST_MAX];
    int len = snprintf(line, sizeof line, "%s%s%s\n", verb, value ? " " : "", value ? value : "");
    if (t->err)
        return;
    if (len < 0 || (size_t)len >= sizeof line || strchr(line, '\n') != line + len - 1)
        t->err = SKT_ERR_ARG;
    for (const char *at = line; !t->err && len > 0;) {
        ssize_t n = send(t->fd, at, (size_t)len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            t->err = SKT_ERR_IO;
        at += n > 0 ? n : 0;
        len -= n > 0 ? (int)n : 0;
    }
}

static void tell_nets(struct telling *t, const char *verb, const struct skt_ipnet *nets, size_t n)
{
    char text[SKT_IPNET_TEXT_MAX];
    for (size_t i = 0; i < n; i++)
        tell(t, verb, skt_ipnet_text(&nets[i], true, text));
}

static void tell_hosts(struct telling *t, const char *verb, const struct skt_addr *hosts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (hosts[i].family != 4 && hosts[i].family != 6)
            continue;
        struct skt_ipnet net = skt_ipnet_host(hosts[i].family, hosts[i].ip);
        tell_nets(t, verb, &net, 1);
    }
}

static void tell_limits(struct telling *t, const struct skt_netcfg_limits *limits)
{
    if (!limits) {
        tell(t, "may-anything", NULL);
        return;
    }
    if (limits->ifname)
        tell(t, "may-interface", limits->ifname);
    tell_nets(t, "may-route", limits->routes, limits->route_count);
    tell_hosts(t, "may-pin", limits->hosts, limits->host_count);
    tell_hosts(t, "may-dns", limits->dns, limits->dns_count);
    tell_nets(t, "may-nat-from", limits->nat_from, limits->nat_count);
    if (limits->any_host)
        tell(t, "may-pin-any", NULL);
    if (limits->nat)
        tell(t, "may-nat", NULL);
    for (size_t i = 0; i < limits->variable_count; i++)
        tell(t, "may-set", limits->variables[i]);
}

static int tell_options(int fd, const struct skt_netcfg_options *options)
{
    struct telling t = {fd, SKT_OK};
    char limit[32];
    snprintf(limit, sizeof limit, "%ld", (long)(options->hook_limit_s * 1000));
    if (options->log_file)
        tell(&t, "log", options->log_file);
    tell(&t, "journal", options->journal);
    if (options->up)
        tell(&t, "up", options->up);
    if (options->down)
        tell(&t, "down", options->down);
    if (options->resolv_conf)
        tell(&t, "resolv-conf", options->resolv_conf);
    tell(&t, "limit-ms", limit);
    tell_nets(&t, "address", options->addresses, options->address_count);
    tell_nets(&t, "shut", options->shut, options->shut_count);
    tell_limits(&t, options->limits);
    tell(&t, "begin", NULL);
    return t.err;
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
    (void)tell_options(ends[0], options);
    int result = wait_for_begin(nc, ends[0], why, why_cap);
    if (!result && skt_fd_prepare(ends[0]))
        result = SKT_ERR_IO;
    if (result) {
        close(ends[0]);
        (void)wait_for_end(nc->pid, END_LIMIT_MS);
        free(nc);
        return result;
    }
    skt_loop_io_init(&nc->io, ends[0], on_ready);
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
        struct pending *p = nc->first;
        nc->first = p->next;
        drop(nc, p);
    }
    free(nc);
}
