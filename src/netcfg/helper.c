/* SPDX-License-Identifier: MIT */
/* The life of the helper: it answers requests, one line of text each, by "CODE text", looks after what was
 * set, and undoes it at the end. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "netcfg/helper.h"

#include "base/err.h"
#include "base/log.h"
#include "io/child.h"
#include "netcfg/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double lock_wait_s = 5, default_hook_limit_s = 10;

static bool answer(struct skt_netcfg_helper *h, int err)
{
    char line[SKT_NETCFG_TEXT_MAX + 16];
    int len = snprintf(line, sizeof line, "%d %s\n", err, h->text);
    h->text[0] = '\0';
    return write(h->fd, line, (size_t)len) == len;
}

/* Nothing but plain text and the unit separator is a request. */
static bool is_plain(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((line[i] < ' ' && line[i] != '\x1f') || line[i] == 0x7f)
            return false;
    return true;
}

/* Answers all whole lines in the buffer; the length of what is left. */
static size_t take_lines(struct skt_netcfg_helper *h, char *buf, size_t len)
{
    char *line = buf, *end;
    while ((end = memchr(line, '\n', len)) != NULL) {
        size_t line_len = (size_t)(end - line);
        *end = '\0';
        len -= line_len + 1;
        h->again.passing = false;
        int err = is_plain(line, line_len) ? skt_netcfg_on_request(h, line)
                                           : skt_netcfg_say(h, SKT_ERR_ARG, "not a request");
        (void)answer(h, err);
        line = end + 1;
    }
    memmove(buf, line, len);
    return len;
}

/* Until the next look or try is due; -1: for ever. */
static int wait_ms(const struct skt_netcfg_helper *h)
{
    int look = skt_netcfg_watch_wait_ms(h), again = skt_netcfg_again_wait_ms(h);
    return again < 0 || (look >= 0 && look < again) ? look : again;
}

/* Until the main process ends, or is through with us. */
static void serve(struct skt_netcfg_helper *h)
{
    static char buf[SKT_NETCFG_REQUEST_MAX];
    size_t len = 0;
    for (;;) {
        struct pollfd p[] = {{.fd = h->fd, .events = POLLIN},
                             {.fd = h->monitor, .events = POLLIN},
                             {.fd = h->watch.rules, .events = POLLIN},
                             {.fd = h->watch.file, .events = POLLIN}};
        skt_netcfg_again_turn(h);
        int n = poll(p, sizeof p / sizeof p[0], wait_ms(h));
        if (n < 0 && !skt_err_is_passing(errno))
            return;
        if (n >= 0 && !(n == 1 && p[0].revents))
            skt_netcfg_watch_turn(h, p[1].revents != 0, p[2].revents != 0, p[3].revents != 0);
        if (n <= 0 || !p[0].revents)
            continue;
        ssize_t got = read(h->fd, buf + len, sizeof buf - len);
        if (got == 0 || (got < 0 && !skt_err_is_passing(errno)) || len == sizeof buf)
            return;
        if (got > 0)
            len = take_lines(h, buf, len + (size_t)got);
    }
}

/* --- beginning --- */

static int set_path(char path[SKT_NETCFG_PATH_MAX], const char *value)
{
    size_t len = strlen(value);
    if (len == 0 || len >= SKT_NETCFG_PATH_MAX)
        return SKT_ERR_ARG;
    memcpy(path, value, len + 1);
    return SKT_OK;
}

/* One line of what the configuration wants. */
static int on_option(struct skt_netcfg_helper *h, char *line)
{
    char *rest = line + strcspn(line, " ");
    if (*rest)
        *rest++ = '\0';
    if (strcmp(line, "journal") == 0)
        return set_path(h->journal_path, rest);
    if (strcmp(line, "log") == 0) {
        (void)skt_log_open(rest); /* or stderr */
        return SKT_OK;
    }
    if (strcmp(line, "resolv-conf") == 0)
        return set_path(h->resolv_conf, rest);
    if (strcmp(line, "down") == 0)
        return set_path(h->hooks[0], rest);
    if (strcmp(line, "up") == 0)
        return set_path(h->hooks[1], rest);
    if (strcmp(line, "address") == 0)
        return skt_netcfg_watch_address(h, rest);
    if (strcmp(line, "shut") == 0)
        return skt_netcfg_nets_add(&h->shut, rest);
    if (strcmp(line, "limit-ms") == 0) {
        h->hook_limit_s = (double)strtoul(rest, NULL, 10) / 1000;
        return SKT_OK;
    }
    return skt_netcfg_may_add(&h->may, line, rest);
}

/* Reads all options, byte by byte: what follows them belongs to `serve`. SKT_ERR_CLOSED: who wanted us is
 * gone. */
static int read_options(struct skt_netcfg_helper *h)
{
    char line[SKT_NETCFG_REQUEST_MAX];
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t got = read(h->fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || len == sizeof line)
            return SKT_ERR_CLOSED;
        if (c != '\n') {
            line[len++] = c;
            continue;
        }
        if (len == sizeof line)
            return SKT_ERR_CLOSED;
        line[len] = '\0';
        len = 0;
        if (strcmp(line, "begin") == 0)
            return SKT_OK;
        int err = on_option(h, line);
        if (err)
            return skt_netcfg_say(h, err, "the helper process does not take \"%.100s\"", line);
    }
}

static int begin(struct skt_netcfg_helper *h)
{
    char why[SKT_STATEFILE_WHY_MAX];
    int err = read_options(h);
    if (err)
        return err;
    if (!h->resolv_conf[0])
        (void)set_path(h->resolv_conf, "/etc/resolv.conf");
    if (h->hook_limit_s <= 0)
        h->hook_limit_s = default_hook_limit_s;
    err = skt_journal_open(&h->journal, h->journal_path, lock_wait_s, why);
    if (err == SKT_ERR_FULL)
        return skt_netcfg_say(h, err, "%.300s: another instance uses it", h->journal_path);
    if (err)
        return skt_netcfg_say(h, err, "%s", why);
    /* What an earlier run left. What can't be undone now stays in the journal, and is no reason to fail. */
    h->keep_shut = h->shut.n > 0;
    (void)skt_netcfg_again_undo(h, "");
    err = skt_netcfg_do_shut(h);
    if (err)
        return err;
    skt_netcfg_dns_recover(h);
    skt_netcfg_watch_open(h);
    h->monitor = skt_net_monitor_open();
    h->text[0] = '\0';
    return SKT_OK;
}

static void end(struct skt_netcfg_helper *h)
{
    if (skt_netcfg_run_down(h))
        skt_warn("%s", h->text);
    (void)skt_netcfg_again_undo(h, "route "); /* first what keeps the machine from its network */
    (void)skt_journal_reload(&h->journal);    /* what other instances have left to us */
    if (skt_netcfg_again_undo(h, ""))
        skt_warn("cleaning up: %s; it is tried again at the next start", h->text);
    skt_journal_close(&h->journal);
}

void skt_netcfg_helper_run(int fd)
{
    skt_child_signals();
    skt_log_after_fork();
    skt_child_close_others(fd);
    struct skt_netcfg_helper *h = calloc(1, sizeof *h);
    if (!h)
        return;
    h->fd = fd;
    h->monitor = h->watch.rules = h->watch.file = -1;
    h->journal.fd = -1;
    h->again.due = SKT_NEVER;
    int err = begin(h);
    if (err != SKT_ERR_CLOSED)
        (void)answer(h, err);
    if (!err) {
        serve(h);
        end(h);
    }
    skt_netcfg_may_dispose(&h->may);
    free(h->shut.at);
    free(h);
}
