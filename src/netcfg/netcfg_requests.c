/* SPDX-License-Identifier: MIT */
/* Requests: put into words and sent; their answers handed on. */
#include "base/err.h"
#include "base/log.h"
#include "netcfg/netcfg_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Requests; there is room for one more among what a socket takes. */
enum { WAITING_MAX = 64 };

/* --- answers --- */

static void answer_first(struct skt_netcfg *nc, int err, const char *text)
{
    struct skt_netcfg_pending *p = nc->first;
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

void skt_netcfg_on_ready(struct skt_loop_io *io, unsigned ready)
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

/* --- sending --- */

/* Sends a line as this request, which nc then holds. SKT_ERR_FULL, SKT_ERR_CLOSED: it was not sent. */
static int send_as(struct skt_netcfg *nc, struct skt_netcfg_pending *p, skt_netcfg_done done, void *user,
                   const char *line)
{
    /* A line is far smaller than what a socket takes at once, so it goes whole or not at all. */
    ssize_t sent = send(nc->io.w.fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != (ssize_t)strlen(line))
        return sent < 0 && skt_err_is_passing(errno) ? SKT_ERR_FULL : SKT_ERR_CLOSED;
    *p = (struct skt_netcfg_pending){.done = done, .user = user};
    *nc->last = p;
    nc->last = &p->next;
    nc->waiting++;
    return SKT_OK;
}

void skt_netcfg_drop(struct skt_netcfg *nc, struct skt_netcfg_pending *p)
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
    struct skt_netcfg_pending *p = malloc(sizeof *p);
    if (!p)
        return SKT_ERR_NOMEM;
    int err = send_as(nc, p, done, user, line);
    if (err)
        skt_netcfg_drop(nc, p);
    return err;
}

/* "NAME REST" */
static int request(struct skt_netcfg *nc, enum skt_netcfg_request what, const char *rest,
                   skt_netcfg_done done, void *user)
{
    char line[SKT_NETCFG_REQUEST_MAX];
    int len = snprintf(line, sizeof line, "%s%s%s\n", skt_netcfg_request_name(what), *rest ? " " : "", rest);
    if (len < 0 || (size_t)len >= sizeof line || strchr(line, '\n') != line + len - 1)
        return SKT_ERR_ARG;
    return send_request(nc, done, user, line);
}

/* As many networks as a request holds. */
static int about_networks(struct skt_netcfg *nc, enum skt_netcfg_request what, const struct skt_ipnet *nets,
                          size_t n, bool with_prefix, skt_netcfg_done done, void *user)
{
    char list[SKT_NETCFG_WORDS_MAX * SKT_IPNET_TEXT_MAX + 1] = "", text[SKT_IPNET_TEXT_MAX];
    size_t len = 0;
    if (n > SKT_NETCFG_WORDS_MAX)
        return SKT_ERR_ARG;
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", i ? " " : "",
                                skt_ipnet_text(&nets[i], with_prefix, text));
    return request(nc, what, list, done, user);
}

static int about_hosts(struct skt_netcfg *nc, enum skt_netcfg_request what, const struct skt_addr *hosts,
                       size_t n, bool with_prefix, skt_netcfg_done done, void *user)
{
    struct skt_ipnet nets[SKT_NETCFG_WORDS_MAX];
    if (n > SKT_NETCFG_WORDS_MAX)
        return SKT_ERR_ARG;
    for (size_t i = 0; i < n; i++) {
        if (hosts[i].family != 4 && hosts[i].family != 6)
            return SKT_ERR_ARG;
        nets[i] = skt_ipnet_host(hosts[i].family, hosts[i].ip);
    }
    return about_networks(nc, what, nets, n, with_prefix, done, user);
}

/* --- the requests --- */

int skt_netcfg_interface(struct skt_netcfg *nc, const char *name, skt_netcfg_done done, void *user)
{
    return request(nc, SKT_NETCFG_REQUEST_INTERFACE, name, done, user);
}

int skt_netcfg_mtu(struct skt_netcfg *nc, size_t mtu, skt_netcfg_done done, void *user)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", mtu);
    return request(nc, SKT_NETCFG_REQUEST_MTU, text, done, user);
}

int skt_netcfg_pin(struct skt_netcfg *nc, const struct skt_addr *host, skt_netcfg_done done, void *user)
{
    return about_hosts(nc, SKT_NETCFG_REQUEST_PIN, host, 1, true, done, user);
}

int skt_netcfg_unpin(struct skt_netcfg *nc, const struct skt_addr *host, skt_netcfg_done done, void *user)
{
    return about_hosts(nc, SKT_NETCFG_REQUEST_UNPIN, host, 1, true, done, user);
}

int skt_netcfg_route(struct skt_netcfg *nc, const struct skt_ipnet *net, skt_netcfg_done done, void *user)
{
    return about_networks(nc, SKT_NETCFG_REQUEST_ROUTE, net, 1, true, done, user);
}

int skt_netcfg_dns(struct skt_netcfg *nc, const struct skt_addr *servers, size_t n, skt_netcfg_done done,
                   void *user)
{
    return about_hosts(nc, SKT_NETCFG_REQUEST_DNS, servers, n, false, done, user);
}

int skt_netcfg_nat(struct skt_netcfg *nc, const struct skt_ipnet *from, size_t n, skt_netcfg_done done,
                   void *user)
{
    return about_networks(nc, SKT_NETCFG_REQUEST_NAT, from, n, true, done, user);
}

int skt_netcfg_hook(struct skt_netcfg *nc, bool up, const char *const *variables, size_t n,
                    skt_netcfg_done done, void *user)
{
    char text[SKT_NETCFG_REQUEST_MAX];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", up ? "up" : "down");
    for (size_t i = 0; i < n; i++) {
        if (strchr(variables[i], '\x1f') || !strchr(variables[i], '='))
            return SKT_ERR_ARG;
        len += (size_t)snprintf(text + len, sizeof text - len, "\x1f%s", variables[i]);
        if (len >= sizeof text)
            return SKT_ERR_ARG;
    }
    return request(nc, SKT_NETCFG_REQUEST_HOOK, text, done, user);
}

int skt_netcfg_undo(struct skt_netcfg *nc, skt_netcfg_done done, void *user)
{
    return request(nc, SKT_NETCFG_REQUEST_UNDO, "", done, user);
}

void skt_netcfg_open(struct skt_netcfg *nc)
{
    char line[16];
    snprintf(line, sizeof line, "%s\n", skt_netcfg_request_name(SKT_NETCFG_REQUEST_OPEN));
    if (nc && !nc->lost && !nc->opened)
        nc->opened = send_as(nc, &nc->orderly, NULL, NULL, line) == SKT_OK;
}
