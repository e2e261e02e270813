/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PEERS = LINK_CONTROL_FDS - 1, REPLY_MAX = 4096 };

static const char *const dir_names[LINK_DIRS] = {"a2b", "b2a"};

static size_t print_counters(char *out, size_t room, const struct link_dir *d)
{
    const struct link_counters *c = &d->count;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"in_packets", c->in_packets},
        {"in_bytes", c->in_bytes},
        {"in_udp", c->in_udp},
        {"out_packets", c->out_packets},
        {"out_bytes", c->out_bytes},
        {"out_udp", c->out_udp},
        {"lost", c->lost},
        {"overflow", c->overflow},
        {"too_big", c->too_big},
        {"down", c->down},
        {"blocked", c->blocked},
        {"unmapped", c->unmapped},
        {"unwritten", c->unwritten},
        {"fragmented", c->fragmented},
        {"duplicated", c->duplicated},
        {"reordered", c->reordered},
        {"queued", link_dir_queued(d)},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && n < room; i++)
        n += (size_t)snprintf(out + n, room - n, "%s\"%s\":%llu", i ? "," : "", rows[i].name,
                              (unsigned long long)rows[i].value);
    return n < room ? n : room - 1;
}

static size_t print_times(char *out, size_t room, const char *name, const struct link_times *t)
{
    static const unsigned parts[] = {500, 900, 990, 999};
    int n = snprintf(out, room, ",\"%s\":{\"count\":%llu", name, (unsigned long long)t->count);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        n += snprintf(out + n, room - (size_t)n, ",\"%u\":%lld", parts[i],
                      (long long)(link_times_part(t, parts[i]) / 1000));
    n += snprintf(out + n, room - (size_t)n, ",\"max\":%lld}", (long long)(t->max / 1000));
    return (size_t)n;
}

static void cmd_stats(const struct link *l, char *reply)
{
    size_t n = 0;
    for (int i = 0; i < LINK_DIRS; i++) {
        n += (size_t)snprintf(reply + n, REPLY_MAX - n, "%s\"%s\":{", i ? "}," : "{", dir_names[i]);
        n += print_counters(reply + n, REPLY_MAX - n, &l->dir[i]);
        n += print_times(reply + n, REPLY_MAX - n, "waited", &l->dir[i].waited);
        n += print_times(reply + n, REPLY_MAX - n, "late", &l->dir[i].lateness);
    }
    n += (size_t)snprintf(reply + n, REPLY_MAX - n, "}");
    n += print_times(reply + n, REPLY_MAX - n, "turns", &l->turns);
    snprintf(reply + n, REPLY_MAX - n, ",\"rebinds\":%u}", l->nat.generation);
}

/* What traces let pass in the first `ms` of their time, bytes; null where there is none. */
static const char *cmd_capacity(const struct link *l, const char *ms, char *reply)
{
    char *end;
    unsigned long n = ms ? strtoul(ms, &end, 10) : 0;
    if (n == 0 || n > 86400000 || *end)
        return "expected a time in ms";
    size_t used = 0;
    for (int i = 0; i < LINK_DIRS; i++) {
        const struct link_trace *t = l->dir[i].set.trace;
        char bytes[24] = "null";
        if (t)
            snprintf(bytes, sizeof bytes, "%llu",
                     (unsigned long long)link_trace_capacity(t, (int64_t)n * LINK_NS_PER_MS));
        used += (size_t)snprintf(reply + used, REPLY_MAX - used, "%s\"%s\":%s", i ? "," : "{", dir_names[i],
                                 bytes);
    }
    snprintf(reply + used, REPLY_MAX - used, "}");
    return NULL;
}

static void cmd_rewind(struct link *l)
{
    for (int i = 0; i < LINK_DIRS; i++)
        if (l->dir[i].set.trace)
            link_trace_begin(l->dir[i].set.trace, link_now());
}

static void cmd_mark(struct link *l)
{
    link_times_reset(&l->turns);
    for (int i = 0; i < LINK_DIRS; i++) {
        link_times_reset(&l->dir[i].waited);
        link_times_reset(&l->dir[i].lateness);
    }
}

/* Which directions a word names: a bit each; 0: none. */
static unsigned dirs_of(const char *word)
{
    for (unsigned i = 0; i < LINK_DIRS; i++)
        if (strcmp(word, dir_names[i]) == 0)
            return 1u << i;
    return strcmp(word, "both") == 0 ? 3 : 0;
}

static const char *set_in(struct link *l, unsigned dirs, const char *key, const char *value)
{
    const char *wrong = NULL;
    for (unsigned i = 0; i < LINK_DIRS && !wrong; i++)
        if (dirs & 1u << i)
            wrong = link_settings_set(&l->dir[i].set, key, value);
    return wrong;
}

/* [a2b|b2a|both] key=value ... */
static const char *cmd_set(struct link *l, char *word, char **rest)
{
    unsigned dirs = 3;
    for (; word; word = strtok_r(NULL, " \t\r", rest)) {
        unsigned named = dirs_of(word);
        if (named) {
            dirs = named;
            continue;
        }
        char *eq = strchr(word, '=');
        if (!eq)
            return "expected key=value";
        *eq = '\0';
        const char *wrong = set_in(l, dirs, word, eq + 1);
        if (wrong)
            return wrong;
    }
    return NULL;
}

static const char *cmd_rebind(struct link *l, const char *arg)
{
    struct in_addr addr = {0};
    if (arg && inet_pton(AF_INET, arg, &addr) != 1)
        return "expected an IPv4 address";
    link_nat_rebind(&l->nat, addr.s_addr);
    return NULL;
}

static void execute(struct link *l, char *line, char *reply)
{
    char *rest = NULL;
    char *word = strtok_r(line, " \t\r", &rest);
    const char *wrong = NULL;
    reply[0] = '\0';
    if (!word) {
        wrong = "empty line";
    } else if (strcmp(word, "stats") == 0) {
        cmd_stats(l, reply);
    } else if (strcmp(word, "mark") == 0) {
        cmd_mark(l);
    } else if (strcmp(word, "rewind") == 0) {
        cmd_rewind(l);
    } else if (strcmp(word, "capacity") == 0) {
        wrong = cmd_capacity(l, strtok_r(NULL, " \t\r", &rest), reply);
    } else if (strcmp(word, "down") == 0 || strcmp(word, "up") == 0) {
        const char *arg = strtok_r(NULL, " \t\r", &rest);
        unsigned dirs = arg ? dirs_of(arg) : 3;
        wrong = dirs ? set_in(l, dirs, "down", word[0] == 'd' ? "1" : "0") : "expected a2b, b2a or both";
    } else if (strcmp(word, "rebind") == 0) {
        wrong = cmd_rebind(l, strtok_r(NULL, " \t\r", &rest));
    } else if (strcmp(word, "quit") == 0) {
        l->quit = true;
    } else if (strcmp(word, "set") == 0) {
        wrong = cmd_set(l, strtok_r(NULL, " \t\r", &rest), &rest);
    } else {
        wrong = cmd_set(l, word, &rest);
    }
    if (wrong)
        snprintf(reply, REPLY_MAX, "error: %s", wrong);
    else if (!reply[0])
        strcpy(reply, "ok");
}

bool link_control_init(struct link_control *c, struct link *l, const char *path, bool use_stdin)
{
    memset(c, 0, sizeof *c);
    c->link = l;
    c->listen_fd = -1;
    for (size_t i = 0; i < PEERS; i++)
        c->peer[i].in = -1;
    if (use_stdin) {
        c->peer[0].in = STDIN_FILENO;
        c->peer[0].out = STDOUT_FILENO;
    }
    if (!path)
        return true;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof un.sun_path) {
        fprintf(stderr, "skt-link: control path too long\n");
        return false;
    }
    strcpy(un.sun_path, path);
    strcpy(c->path, path);
    unlink(path);
    c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->listen_fd < 0 || bind(c->listen_fd, (struct sockaddr *)&un, sizeof un) < 0 ||
        listen(c->listen_fd, 8) < 0) {
        perror("skt-link: control socket");
        return false;
    }
    return true;
}

void link_control_dispose(struct link_control *c)
{
    for (size_t i = 0; i < PEERS; i++)
        if (c->peer[i].in > STDERR_FILENO)
            close(c->peer[i].in);
    if (c->listen_fd >= 0) {
        close(c->listen_fd);
        unlink(c->path);
    }
}

static void welcome(struct link_control *c)
{
    int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    for (size_t i = 0; i < PEERS; i++) {
        if (c->peer[i].in >= 0)
            continue;
        c->peer[i].in = c->peer[i].out = fd;
        c->peer[i].used = 0;
        return;
    }
    close(fd);
}

/* Answers every complete line of peer i. */
static void answer(struct link_control *c, size_t i)
{
    char reply[REPLY_MAX];
    char *line = c->peer[i].line, *end;
    while ((end = memchr(line, '\n', c->peer[i].used)) != NULL) {
        *end = '\0';
        c->peer[i].used -= (size_t)(end + 1 - line);
        execute(c->link, line, reply);
        size_t n = strlen(reply);
        reply[n++] = '\n';
        if (write(c->peer[i].out, reply, n) < 0)
            c->peer[i].used = 0;
        line = end + 1;
    }
    memmove(c->peer[i].line, line, c->peer[i].used);
}

void link_control_ready(struct link_control *c, int fd)
{
    if (fd == c->listen_fd) {
        welcome(c);
        return;
    }
    for (size_t i = 0; i < PEERS; i++) {
        if (c->peer[i].in != fd)
            continue;
        size_t room = sizeof c->peer[i].line - c->peer[i].used;
        ssize_t n = room ? read(fd, c->peer[i].line + c->peer[i].used, room) : 0;
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            return;
        if (n > 0) {
            c->peer[i].used += (size_t)n;
            answer(c, i);
            return;
        }
        c->peer[i].in = -1;
        if (fd == STDIN_FILENO)
            c->link->quit = true; /* whoever started the link is gone */
        else
            close(fd);
    }
}

size_t link_control_fds(const struct link_control *c, int fds[LINK_CONTROL_FDS])
{
    size_t n = 0;
    if (c->listen_fd >= 0)
        fds[n++] = c->listen_fd;
    for (size_t i = 0; i < PEERS; i++)
        if (c->peer[i].in >= 0)
            fds[n++] = c->peer[i].in;
    return n;
}
