/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strcasestr */
#endif
#include "demo/http.h"

#include "base/err.h"
#include "demo/pattern.h"
#include "io/tcp.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FULL_PAUSE_MS = 100,   /* until descriptors are asked for again */
    CONNECTIONS_MAX = 256, /* a browser opens six at once, the loads a few */
    REQUEST_MAX = 8192,    /* bytes of a request's head, as other web servers take them */
    CHUNK_LEN = 64 * 1024, /* bytes of the pattern written at once */
};

static const char page[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>skcptun demo</title>\n"
    "<style>body{font:18px/1.6 system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 1em}</style>\n"
    "<h1>It works.</h1>\n"
    "<p>This page came through an encrypted KCP tunnel: your browser spoke TCP to the client, the client\n"
    "sealed it into UDP packets, those crossed a link with loss and delay, and the server at its other end\n"
    "connected to this small web server. Reload it, or load a picture's worth of bytes:</p>\n"
    "<ul><li><a href=\"/bytes/1000000\">1 MB</a></li><li><a href=\"/bytes/10000000\">10 MB</a></li>\n"
    "<li><a href=\"/bytes/100000000\">100 MB</a></li></ul></html>\n";

struct connection {
    int fd;                    /* the socket */
    char request[REQUEST_MAX]; /* what has come of a request */
    size_t request_len;        /* bytes of it */
    char answer[2048];         /* its header, and a short body: the page has about 1 KiB */
    size_t answer_len;         /* bytes of it */
    size_t answer_sent;        /* bytes that were sent */
    uint64_t offset;           /* of the pattern that follows the answer: what is sent next */
    uint64_t end;              /* where that ends */
    bool keep;                 /* open for another request */
};

struct server {
    int listen_fd; /* where connections come */
    bool full;     /* there was no descriptor for a connection: it waits a little */
    struct connection *connections[CONNECTIONS_MAX]; /* in no order */
    size_t count;                                    /* of them */
};

static bool is_answering(const struct connection *c)
{
    return c->answer_sent < c->answer_len || c->offset < c->end;
}

static void answer(struct connection *c, const char *status, const char *type, const char *body,
                   uint64_t pattern_len, bool head_only)
{
    unsigned long long len = body ? strlen(body) : pattern_len;
    int n = snprintf(c->answer, sizeof c->answer,
                     "HTTP/1.1 %s\r\nServer: skcptun-demo\r\nContent-Type: %s\r\nContent-Length: %llu\r\n"
                     "Cache-Control: no-store\r\nConnection: %s\r\n\r\n%s",
                     status, type, len, c->keep ? "keep-alive" : "close", body && !head_only ? body : "");
    c->answer_len = (size_t)n;
    c->answer_sent = 0;
    c->offset = 0;
    c->end = head_only ? 0 : pattern_len;
}

/* Does the request's header have this line? Our own load and common browsers write it so. */
static bool has_line(const char *request, const char *line)
{
    return strcasestr(request, line) != NULL;
}

static void answer_request(struct connection *c, char *request)
{
    char method[8], path[256], version[16];
    bool head = false;
    c->keep = false;
    if (sscanf(request, "%7[A-Z] %255[^ \r\n] HTTP/%15[0-9.]", method, path, version) != 3) {
        answer(c, "400 Bad Request", "text/plain", "not a request\n", 0, false);
        return;
    }
    c->keep = strcmp(version, "1.1") == 0 && !has_line(request, "\nconnection: close");
    head = strcmp(method, "HEAD") == 0;
    if (!head && strcmp(method, "GET") != 0) {
        c->keep = false; /* a body may follow, which nobody reads */
        answer(c, "405 Method Not Allowed", "text/plain", "GET or HEAD\n", 0, false);
        return;
    }
    char *end;
    unsigned long long len = strncmp(path, "/bytes/", 7) == 0 ? strtoull(path + 7, &end, 10) : 0;
    if (strcmp(path, "/") == 0)
        answer(c, "200 OK", "text/html; charset=utf-8", page, 0, head);
    else if (strcmp(path, "/ping") == 0)
        answer(c, "200 OK", "text/plain", "pong\n", 0, head);
    else if (strncmp(path, "/bytes/", 7) == 0 && path[7] >= '0' && path[7] <= '9' && !*end &&
             len <= UINT64_C(1000000000000))
        answer(c, "200 OK", "application/octet-stream", NULL, len, head);
    else
        answer(c, "404 Not Found", "text/plain", "there is / and /bytes/N\n", 0, head);
}

/* Answers the first request that is complete, if there is one. False: the connection is of no use. */
static bool take_request(struct connection *c)
{
    c->request[c->request_len] = 0;
    char *end = strstr(c->request, "\r\n\r\n");
    if (!end)
        return c->request_len < REQUEST_MAX - 1 && !memchr(c->request, 0, c->request_len);
    end[3] = 0;
    answer_request(c, c->request);
    size_t used = (size_t)(end + 4 - c->request);
    memmove(c->request, c->request + used, c->request_len - used);
    c->request_len -= used;
    return true;
}

static bool read_request(struct connection *c)
{
    ssize_t n = read(c->fd, c->request + c->request_len, REQUEST_MAX - 1 - c->request_len);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    c->request_len += (size_t)n;
    return take_request(c);
}

/* Writes once; false: the peer is gone. */
static bool write_some(struct connection *c)
{
    static uint8_t chunk[CHUNK_LEN];
    const void *from = c->answer + c->answer_sent;
    size_t len = c->answer_len - c->answer_sent;
    bool is_head = len > 0;
    if (!is_head) {
        len = c->end - c->offset < CHUNK_LEN ? (size_t)(c->end - c->offset) : CHUNK_LEN;
        skt_demo_pattern(chunk, len, c->offset);
        from = chunk;
    }
    ssize_t n = write(c->fd, from, len);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (is_head)
        c->answer_sent += (size_t)n;
    else
        c->offset += (uint64_t)n;
    if (is_answering(c))
        return true;
    return c->keep && take_request(c);
}

static void accept_one(struct server *s)
{
    int fd = skt_tcp_accept(s->listen_fd, NULL);
    s->full = fd == SKT_ERR_FULL;
    if (fd < 0)
        return;
    struct connection *c = s->count < CONNECTIONS_MAX ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        skt_tcp_reset(fd);
        return;
    }
    (void)skt_tcp_set_nodelay(fd);
    c->fd = fd;
    s->connections[s->count++] = c;
}

static void drop(struct server *s, size_t i)
{
    close(s->connections[i]->fd);
    free(s->connections[i]);
    s->connections[i] = s->connections[--s->count];
}

_Noreturn void skt_demo_http_serve(int listen_fd)
{
    static struct server s;
    static struct pollfd fds[CONNECTIONS_MAX + 1];
    s.listen_fd = listen_fd;
    for (;;) {
        for (size_t i = 0; i < s.count; i++)
            fds[i] =
                (struct pollfd){s.connections[i]->fd, is_answering(s.connections[i]) ? POLLOUT : POLLIN, 0};
        fds[s.count] = (struct pollfd){listen_fd, s.full ? 0 : POLLIN, 0};
        int ready = poll(fds, (nfds_t)s.count + 1, s.full ? FULL_PAUSE_MS : -1);
        s.full = false;
        if (ready < 0)
            continue;
        bool is_new = fds[s.count].revents != 0;
        /* From the end, since the last one takes the place of one that is dropped. */
        for (size_t i = s.count; i-- > 0;) {
            struct connection *c = s.connections[i];
            if (fds[i].revents && !(is_answering(c) ? write_some(c) : read_request(c)))
                drop(&s, i);
        }
        if (is_new)
            accept_one(&s);
    }
}
