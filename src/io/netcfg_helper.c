/* SPDX-License-Identifier: MIT */
/* The helper's requests, one line of text each, answered by "CODE text". */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/err.h"
#include "base/log.h"
#include "io/hook.h"
#include "io/netcfg_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SETTLE_MS = 300, /* a change of the network comes in many pieces */
    FDS_MAX = 4096,
    HOOK_VARIABLES_MAX = 62,
};

static const double lock_wait_s = 5, default_hook_limit_s = 10;

int skt_netcfg_say(struct skt_netcfg_helper *h, int err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(h->text, sizeof h->text, fmt, args);
    va_end(args);
    for (char *c = h->text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    return err;
}

/* --- undoing --- */

int skt_netcfg_undo_line(struct skt_netcfg_helper *h, const char *line)
{
    static const struct {
        const char *kind;
        int (*undo)(struct skt_netcfg_helper *h, const char *rest);
    } kinds[] = {
        {"route ", skt_netcfg_undo_route},
        {"sysctl ", skt_netcfg_undo_sysctl},
        {"nft ", skt_netcfg_undo_nft},
        {"iptables ", skt_netcfg_undo_iptables},
        {"ip6tables ", skt_netcfg_undo_iptables},
        {"dns-file ", skt_netcfg_undo_dns_file},
        {"dns-resolved ", skt_netcfg_undo_dns_resolved},
        {"dns-resolvconf ", skt_netcfg_undo_dns_resolvconf},
    };
    char copy[SKT_JOURNAL_LINE_MAX];
    int err = SKT_OK;
    snprintf(copy, sizeof copy, "%s", line); /* `line` may be the journal's own, and go with it */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t len = strlen(kinds[i].kind);
        if (strncmp(copy, kinds[i].kind, len) != 0)
            continue;
        /* Which program it was is told by the kind itself. */
        err = kinds[i].undo(h, kinds[i].undo == skt_netcfg_undo_iptables ? copy : copy + len);
        break;
    }
    if (!err)
        skt_journal_remove(&h->journal, copy);
    return err;
}

int skt_netcfg_undo_all(struct skt_netcfg_helper *h, const char *start)
{
    int result = SKT_OK;
    for (size_t i = h->journal.count; i-- > 0;) {
        if (i >= h->journal.count || strncmp(h->journal.lines[i], start, strlen(start)) != 0)
            continue;
        int err = skt_netcfg_undo_line(h, h->journal.lines[i]);
        if (err && !result)
            result = err;
    }
    return result;
}

/* --- hooks --- */

static int run_hook(struct skt_netcfg_helper *h, bool up)
{
    const char *argv[] = {h->hooks[up], h->ifname, up ? "up" : "down", NULL};
    const char *env[HOOK_VARIABLES_MAX + 3];
    char tun[32], event[32], text[SKT_HOOK_TEXT_MAX];
    size_t n = 0;
    h->is_up = up;
    if (!h->hooks[up])
        return SKT_OK;
    snprintf(tun, sizeof tun, "SKT_TUN=%s", h->ifname);
    snprintf(event, sizeof event, "SKT_EVENT=%s", up ? "up" : "down");
    env[n++] = tun;
    env[n++] = event;
    for (const char *v = h->env; *v && n < HOOK_VARIABLES_MAX + 2; v += strlen(v) + 1)
        env[n++] = v;
    env[n] = NULL;
    int err = skt_hook_run(&(struct skt_hook){.argv = argv, .env = env, .limit_s = h->hook_limit_s}, text);
    return err ? skt_netcfg_say(h, err, "%s script %s", up ? "up" : "down", text) : err;
}

/* Variables come separated by the unit separator, which they can't contain. */
static int on_hook(struct skt_netcfg_helper *h, char *rest)
{
    bool up = strncmp(rest, "up", 2) == 0;
    char *variables = strchr(rest, '\x1f');
    size_t len = 0;
    if (variables || up) {
        memset(h->env, 0, sizeof h->env);
        if (variables)
            len = strlen(++variables);
        if (len > sizeof h->env - 2)
            return skt_netcfg_say(h, SKT_ERR_ARG, "too many variables for a script");
        for (size_t i = 0; i < len; i++)
            h->env[i] = variables[i] == '\x1f' ? '\0' : variables[i];
    }
    return run_hook(h, up);
}

/* --- requests --- */

struct words {
    char *at[SKT_NETCFG_WORDS_MAX];
    size_t n;
};

static void split(struct words *w, char *text)
{
    char *save = NULL;
    w->n = 0;
    for (char *p = strtok_r(text, " ", &save); p && w->n < SKT_NETCFG_WORDS_MAX;
         p = strtok_r(NULL, " ", &save))
        w->at[w->n++] = p;
}

static int read_nets(struct skt_netcfg_helper *h, const struct words *w,
                     struct skt_ipnet nets[SKT_NETCFG_WORDS_MAX])
{
    for (size_t i = 0; i < w->n; i++)
        if (skt_ipnet_parse(&nets[i], w->at[i]))
            return skt_netcfg_say(h, SKT_ERR_ARG, "%s: not an address", w->at[i]);
    return SKT_OK;
}

static int on_interface(struct skt_netcfg_helper *h, const char *name)
{
    if (strlen(name) >= sizeof h->ifname || strpbrk(name, "/\"\\ ;") || skt_net_ifindex(name) == 0)
        return skt_netcfg_say(h, SKT_ERR_NOTFOUND, "no interface %.32s", name);
    snprintf(h->ifname, sizeof h->ifname, "%s", name);
    return SKT_OK;
}

static int on_mtu(struct skt_netcfg_helper *h, const char *value)
{
    unsigned long mtu = strtoul(value, NULL, 10);
    if (mtu < 68 || mtu > 65535)
        return skt_netcfg_say(h, SKT_ERR_ARG, "%s: not an MTU", value);
    int err = skt_net_link_set(h->ifname, mtu, false);
    return err ? skt_netcfg_say(h, err, "%s: MTU %lu: %s", h->ifname, mtu, strerror(errno)) : err;
}

/* Requests with one network or none in particular. */
static int on_networks(struct skt_netcfg_helper *h, const char *verb, char *rest)
{
    struct words w;
    struct skt_ipnet nets[SKT_NETCFG_WORDS_MAX];
    split(&w, rest);
    int err = read_nets(h, &w, nets);
    if (err)
        return err;
    if (strcmp(verb, "dns") == 0)
        return skt_netcfg_do_dns(h, nets, w.n);
    if (strcmp(verb, "nat") == 0)
        return skt_netcfg_do_nat(h, nets, w.n);
    if (w.n != 1)
        return skt_netcfg_say(h, SKT_ERR_ARG, "%s: one network is wanted", verb);
    if (strcmp(verb, "route") == 0)
        return skt_netcfg_do_route(h, nets);
    if (strcmp(verb, "unroute") == 0)
        return skt_netcfg_do_unroute(h, nets);
    if (strcmp(verb, "pin") == 0)
        return skt_netcfg_do_pin(h, nets);
    if (strcmp(verb, "unpin") == 0)
        return skt_netcfg_do_unpin(h, nets);
    return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: no such request", verb);
}

static int on_undo(struct skt_netcfg_helper *h)
{
    h->pin_count = 0;
    (void)skt_journal_reload(&h->journal); /* what other instances have left to us */
    return skt_netcfg_undo_all(h, "");
}

static int on_request(struct skt_netcfg_helper *h, char *line)
{
    char *rest = line + strcspn(line, " ");
    if (*rest)
        *rest++ = '\0';
    if (strcmp(line, "interface") == 0)
        return on_interface(h, rest);
    if (strcmp(line, "undo") == 0)
        return on_undo(h);
    if (!h->ifname[0])
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: the interface was not named yet", line);
    if (strcmp(line, "mtu") == 0)
        return on_mtu(h, rest);
    if (strcmp(line, "forward") == 0)
        return skt_netcfg_do_forward(h, strchr(rest, '4') != NULL, strchr(rest, '6') != NULL);
    if (strcmp(line, "hook") == 0)
        return on_hook(h, rest);
    return on_networks(h, line, rest);
}

/* --- life --- */

static bool answer(struct skt_netcfg_helper *h, int err)
{
    char line[SKT_NETCFG_TEXT_MAX + 16];
    int len = snprintf(line, sizeof line, "%d %s\n", err, h->text);
    h->text[0] = '\0';
    return write(h->fd, line, (size_t)len) == len;
}

/* Answers all whole lines in the buffer; the length of what is left. */
static size_t take_lines(struct skt_netcfg_helper *h, char *buf, size_t len)
{
    char *line = buf, *end;
    while ((end = memchr(line, '\n', len)) != NULL) {
        *end = '\0';
        len -= (size_t)(end + 1 - line);
        (void)answer(h, on_request(h, line));
        line = end + 1;
    }
    memmove(buf, line, len);
    return len;
}

/* Until the main process ends, or is through with us. */
static void serve(struct skt_netcfg_helper *h)
{
    static char buf[SKT_NETCFG_REQUEST_MAX];
    size_t len = 0;
    bool changed = false;
    for (;;) {
        struct pollfd p[2] = {{.fd = h->fd, .events = POLLIN}, {.fd = h->monitor, .events = POLLIN}};
        int n = poll(p, 2, changed ? SETTLE_MS : -1);
        if (n < 0 && errno != EINTR)
            return;
        if (n == 0) {
            changed = false;
            skt_netcfg_pins_update(h);
            h->text[0] = '\0';
        }
        if (n > 0 && p[1].revents) {
            skt_net_monitor_drain(h->monitor);
            changed = h->pin_count > 0;
        }
        if (n <= 0 || !p[0].revents)
            continue;
        ssize_t got = read(h->fd, buf + len, sizeof buf - len);
        if (got == 0 || (got < 0 && errno != EINTR) || len == sizeof buf)
            return;
        if (got > 0)
            len = take_lines(h, buf, len + (size_t)got);
    }
}

static int begin(struct skt_netcfg_helper *h, const struct skt_netcfg_options *options)
{
    h->resolv_conf = options->resolv_conf ? options->resolv_conf : "/etc/resolv.conf";
    h->hooks[0] = options->down;
    h->hooks[1] = options->up;
    h->hook_limit_s = options->hook_limit_s > 0 ? options->hook_limit_s : default_hook_limit_s;
    int err = skt_journal_open(&h->journal, options->journal, lock_wait_s);
    if (err == SKT_ERR_FULL)
        return skt_netcfg_say(h, err, "%s: another instance uses it", options->journal);
    if (err)
        return skt_netcfg_say(h, err, "%s: %s", options->journal, strerror(errno));
    /* What an earlier run left. What can't be undone now stays in the journal, and is no reason to fail. */
    (void)skt_netcfg_undo_all(h, "");
    skt_netcfg_dns_recover(h);
    h->monitor = skt_net_monitor_open();
    return SKT_OK;
}

static void end(struct skt_netcfg_helper *h)
{
    if (h->is_up && run_hook(h, false))
        skt_warn("%s", h->text);
    (void)skt_netcfg_undo_all(h, "route "); /* first what keeps the machine from its network */
    (void)skt_journal_reload(&h->journal);  /* what other instances have left to us */
    if (skt_netcfg_undo_all(h, ""))
        skt_warn("cleaning up: %s; it is tried again at the next start", h->text);
    skt_journal_close(&h->journal);
}

/* Only what the helper uses stays open: whoever waits for the end of another descriptor must not wait for us.
 */
static void close_others(int fd)
{
    for (int other = 0; other < FDS_MAX; other++)
        if (other != fd && other != STDERR_FILENO)
            close(other);
    /* 0 and 1 must not become something else's. */
    while (open("/dev/null", O_RDWR) < STDERR_FILENO)
        ;
}

void skt_netcfg_helper_run(int fd, const struct skt_netcfg_options *options)
{
    /* A signal to the whole group (Ctrl-C, a service's stop) is for the main process; its end is our sign. */
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    skt_log_after_fork();
    close_others(fd);
    struct skt_netcfg_helper *h = calloc(1, sizeof *h);
    if (!h)
        return;
    h->fd = fd;
    h->monitor = -1;
    h->journal.fd = -1;
    int err = begin(h, options);
    (void)answer(h, err);
    if (!err) {
        serve(h);
        end(h);
    }
    free(h);
}
