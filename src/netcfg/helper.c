/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "netcfg/helper.h"

#include "base/err.h"
#include "base/log.h"
#include "io/child.h"
#include "netcfg/again.h"
#include "netcfg/dns_file.h"
#include "netcfg/forward.h"
#include "netcfg/iptables.h"
#include "netcfg/nft.h"
#include "netcfg/options.h"
#include "netcfg/request.h"
#include "netcfg/requests.h"
#include "netcfg/route.h"
#include "netcfg/say.h"
#include "netcfg/shut.h"
#include "netcfg/state.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double lock_wait_s = 5; /* for the helper of an earlier run, which has as long to clean up */

static const struct skt_netcfg_undoer undoers[] = {
    {"route ", skt_netcfg_route_undo},
    {SKT_NETCFG_SHUT_LINE, skt_netcfg_shut_undo},
    {"sysctl ", skt_netcfg_forward_undo},
    {"nft ", skt_netcfg_nft_undo},
    {"iptables ", skt_netcfg_iptables_undo},
    {"ip6tables ", skt_netcfg_ip6tables_undo},
    {"dns-file ", skt_netcfg_dns_file_undo},
    {"dns-resolved ", skt_netcfg_dns_resolved_undo},
    {"dns-resolvconf ", skt_netcfg_dns_resolvconf_undo},
    {NULL, NULL},
};

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
        h->passing = false;
        int err = is_plain(line, line_len) ? skt_netcfg_requests_do(h, line)
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
    int look = skt_netcfg_watch_wait_ms(h), again = skt_netcfg_owed_wait_ms(h);
    return again < 0 || (look >= 0 && look < again) ? look : again;
}

/* Until the main process ends, or is through with us. */
static void serve(struct skt_netcfg_helper *h)
{
    static char buf[SKT_NETCFG_REQUEST_MAX];
    size_t len = 0;
    for (;;) {
        struct pollfd p[] = {{.fd = h->fd, .events = POLLIN},
                             {.fd = h->watch.network, .events = POLLIN},
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

/* --- beginning and end --- */

/* SKT_ERR_CLOSED: nobody is there to be answered. */
static int begin(struct skt_netcfg_helper *h)
{
    char path[SKT_NETCFG_PATH_MAX] = "", why[SKT_STATEFILE_WHY_MAX];
    int err = skt_netcfg_options_read(h, path);
    if (err)
        return err;
    err = skt_journal_open(&h->journal, path, lock_wait_s, why);
    if (err == SKT_ERR_FULL)
        return skt_netcfg_say(h, err, "%.300s: another instance uses it", path);
    if (err)
        return skt_netcfg_say(h, err, "%s", why);
    /* What an earlier run left. What can't be undone now stays in the journal, and is no reason to fail. */
    h->keep = h->shut.n > 0 ? SKT_NETCFG_SHUT_LINE : NULL;
    (void)skt_netcfg_undo_patiently(h, "");
    err = skt_netcfg_shut_begin(h);
    if (err)
        return err;
    skt_netcfg_dns_file_recover(h);
    skt_netcfg_watch_open(h);
    h->text[0] = '\0';
    return SKT_OK;
}

static void end(struct skt_netcfg_helper *h)
{
    if (skt_netcfg_script_down(h))
        skt_warn("%s", h->text);
    (void)skt_netcfg_undo_patiently(h, "route "); /* first: without the tunnel these lead nowhere */
    (void)skt_journal_reload(&h->journal);        /* what other instances have left to us */
    if (skt_netcfg_undo_patiently(h, ""))
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
    h->journal.fd = -1;
    h->undoers = undoers;
    skt_netcfg_owed_forget(h);
    skt_netcfg_watch_init(h);
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
