/* SPDX-License-Identifier: MIT */
#include "cli/web.h"

#include "base/err.h"
#include "base/list.h"
#include "io/listener.h"
#include "io/tcp.h"
#include "io/tcp_conn.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    GUESTS_MAX = 8,      /* connections: programs that watch and pages that are looked at are few */
    GUEST_S = 5,         /* for a request and its answer: a reader that stands still is let go */
    GUEST_CROWDED_S = 1, /* while others wait */
    REQUEST_MAX = 4096,  /* bytes of a request's head: browsers send about 700 */
    BACKLOG = 64,        /* connections that wait in the system */
};

struct skt_web {
    struct skt_loop *loop;        /* that all of it runs in */
    struct skt_listener listener; /* pauses while there are GUESTS_MAX */
    void (*answer)(void *user, const struct skt_web_request *req,
                   struct skt_web_answer *out); /* the owner's */
    void *user;                                 /* for answer */
    struct skt_list guests;                     /* struct guest, oldest first */
    unsigned count;                             /* of guests */
    struct skt_loop_timer limit;                /* when the oldest has had its time */
};

/* One connection. */
struct guest {
    struct skt_list link;      /* in the responder's list */
    struct skt_web *web;       /* the responder */
    struct skt_tcp_conn *conn; /* the guest's */
    skt_us born;               /* when it came */
    char *text;                /* what it is answered; NULL: its request is not there yet */
    size_t len;                /* of text */
    size_t sent;               /* of len */
    size_t got;                /* of request */
    char request[REQUEST_MAX]; /* what has come */
};

static void watch_time(struct skt_web *w)
{
    const struct guest *oldest = SKT_CONTAINER(w->guests.next, struct guest, link);
    skt_us time = (w->count == GUESTS_MAX ? GUEST_CROWDED_S : GUEST_S) * SKT_US_PER_SEC;
    skt_loop_timer_set(w->loop, &w->limit, w->count ? oldest->born + time : SKT_NEVER);
}

static void guest_free(struct guest *g)
{
    struct skt_web *w = g->web;
    skt_list_remove(&g->link);
    skt_tcp_conn_close(g->conn);
    free(g->text);
    free(g);
    w->count--;
    skt_listener_watch(&w->listener, w->answer != NULL);
    watch_time(w);
}

static void on_limit(struct skt_loop_timer *t, skt_us now)
{
    struct skt_web *w = SKT_CONTAINER(t, struct skt_web, limit);
    (void)now;
    guest_free(SKT_CONTAINER(w->guests.next, struct guest, link));
}

/* --- the request --- */

/* The value of a line of the header, and what follows; "": it is not there, NULL: it is there twice. */
static char *find_line(char *head, const char *name)
{
    char *found = head + strlen(head);
    size_t len = strlen(name);
    for (char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        if (*found)
            return NULL;
        found = line + len + 1 + strspn(line + len + 1, " \t");
    }
    return found;
}

/* Is the host that begins here a name of this machine that no stranger can have given it? */
static bool is_own_name(const char *host)
{
    char name[256], own[256] = "";
    struct skt_addr a;
    size_t len = strcspn(host, "\r \t");
    if (len >= sizeof name)
        return false;
    memcpy(name, host, len);
    name[len] = 0;
    char *start = name[0] == '[' ? name + 1 : name;
    char *end = name[0] == '[' ? strchr(name, ']') : strchr(name, ':');
    if (end)
        *end = 0;
    (void)gethostname(own, sizeof own - 1);
    return skt_addr_parse(&a, start, 0) == SKT_OK || strcasecmp(start, "localhost") == 0 ||
           (start[0] && strcasecmp(start, own) == 0);
}

/* What is wrong with a request, as a status; NULL: nothing. */
static const char *read_request(char *head, size_t len, struct skt_web_request *req, bool *head_only)
{
    char *path = strchr(head, ' ');
    char *version = path ? strchr(path + 1, ' ') : NULL;
    const char *host = find_line(head, "Host");
    char *accept = find_line(head, "Accept");
    if (strlen(head) != len || !version || path[1] != '/' || strncmp(version, " HTTP/1.", 8) != 0 || !host ||
        !*host || !accept)
        return "400 Bad Request";
    *head_only = strncmp(head, "HEAD ", 5) == 0;
    if (!*head_only && strncmp(head, "GET ", 4) != 0)
        return "405 Method Not Allowed";
    if (!is_own_name(host))
        return "403 Forbidden";
    accept[strcspn(accept, "\r")] = 0;
    req->accept = accept;
    path[1 + strcspn(path + 1, " ?")] = 0;
    req->path = path + 1;
    return NULL;
}

/* --- the answer --- */

static void write_answer(struct guest *g, const struct skt_web_answer *a, const char *body, size_t len,
                         bool head_only)
{
    FILE *out = open_memstream(&g->text, &g->len);
    if (!out)
        return;
    fprintf(out,
            "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s\r\n",
            a->status, a->type, len, a->more);
    if (!head_only)
        (void)fwrite(body, 1, len, out);
    if (fclose(out) != 0) {
        free(g->text);
        g->text = NULL;
    }
}

/* Why a request is not answered, in words. */
static void write_refusal(struct skt_web_answer *a)
{
    a->more = "Allow: GET, HEAD\r\n";
    fprintf(a->body, "%s\n", a->status);
    if (a->status[2] == '3')
        fputs("By this name others could lead a browser here. Use the address, localhost or the host name.\n",
              a->body);
}

/* Without memory there is no text then. */
static void answer_request(struct guest *g, size_t len)
{
    struct skt_web *w = g->web;
    struct skt_web_request req;
    struct skt_web_answer a = {"404 Not Found", "text/plain; charset=utf-8", "", NULL};
    char *body = NULL;
    size_t body_len = 0;
    bool head_only = false;
    const char *wrong = len ? read_request(g->request, len, &req, &head_only) : "431 Too Long";
    a.body = open_memstream(&body, &body_len);
    if (!a.body)
        return;
    if (!wrong)
        w->answer(w->user, &req, &a);
    if (wrong)
        a.status = wrong;
    if (wrong || a.status[0] == '4')
        write_refusal(&a);
    if (fclose(a.body) == 0)
        write_answer(g, &a, body, body_len, head_only);
    free(body);
}

static void send_some(struct guest *g)
{
    const struct iovec rest = {g->text + g->sent, g->len - g->sent};
    ssize_t n = rest.iov_len ? skt_tcp_conn_write(g->conn, &rest, 1) : 0;
    if (n == SKT_ERR_IO) {
        guest_free(g);
        return;
    }
    g->sent += n > 0 ? (size_t)n : 0;
    bool done = g->sent == g->len;
    if (done && n >= 0)
        skt_tcp_conn_shut(g->conn); /* closed once it has all: a close before that could lose it */
    skt_tcp_conn_watch(g->conn, done ? SKT_IO_READ : SKT_IO_WRITE);
}

static void receive(struct guest *g)
{
    const struct iovec room = {g->request + g->got, sizeof g->request - 1 - g->got};
    ssize_t n = skt_tcp_conn_read(g->conn, &room, 1);
    if (n == SKT_ERR_AGAIN)
        return;
    if (n <= 0) {
        guest_free(g);
        return;
    }
    g->got += (size_t)n;
    g->request[g->got] = 0;
    char *end = strstr(g->request, "\r\n\r\n");
    bool full = g->got == sizeof g->request - 1;
    bool zero = strlen(g->request) < g->got && !end;
    if (!end && !full && !zero)
        return;
    if (end)
        end[2] = 0;
    answer_request(g, end ? (size_t)(end + 2 - g->request) : zero ? g->got : 0);
    if (g->text)
        send_some(g);
    else
        guest_free(g);
}

static void on_ready(void *owner, unsigned ready)
{
    struct guest *g = owner;
    (void)ready;
    if (!g->text)
        receive(g);
    else if (g->sent < g->len)
        send_some(g);
    else if (skt_tcp_conn_drop_input(g->conn) != SKT_ERR_AGAIN)
        guest_free(g);
}

/* --- guests --- */

static void on_connection(struct skt_listener *l, int fd)
{
    struct skt_web *w = SKT_CONTAINER(l, struct skt_web, listener);
    struct skt_tcp_conn *conn = skt_tcp_conn_accepted(w->loop, fd);
    struct guest *g = conn ? calloc(1, sizeof *g) : NULL;
    if (!g) {
        skt_tcp_conn_reset(conn);
        return;
    }
    g->web = w;
    g->conn = conn;
    g->born = skt_loop_now(w->loop);
    skt_list_append(&w->guests, &g->link);
    w->count++;
    skt_listener_watch(l, w->count < GUESTS_MAX);
    watch_time(w);
    skt_tcp_conn_own(conn, on_ready, g);
    skt_tcp_conn_watch(conn, SKT_IO_READ);
}

int skt_web_new(struct skt_web **out, struct skt_loop *loop, const struct skt_addr *addr)
{
    struct skt_web *w = calloc(1, sizeof *w);
    if (!w)
        return SKT_ERR_NOMEM;
    int fd = skt_tcp_listen(addr, BACKLOG);
    if (fd < 0) {
        free(w);
        return fd;
    }
    w->loop = loop;
    skt_list_init(&w->guests);
    skt_loop_timer_init(&w->limit, on_limit);
    skt_listener_init(&w->listener, loop, fd, "questions for the metrics", on_connection);
    *out = w;
    return SKT_OK;
}

void skt_web_serve(struct skt_web *w,
                   void (*answer)(void *user, const struct skt_web_request *req, struct skt_web_answer *out),
                   void *user)
{
    w->answer = answer;
    w->user = user;
    skt_listener_watch(&w->listener, true);
}

void skt_web_free(struct skt_web *w)
{
    if (!w)
        return;
    while (!skt_list_empty(&w->guests))
        guest_free(SKT_CONTAINER(w->guests.next, struct guest, link));
    skt_listener_close(&w->listener);
    free(w);
}
