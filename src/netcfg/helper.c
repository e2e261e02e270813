/* SPDX-License-Identifier: MIT */
/* The helper's requests, one line of text each, answered by "CODE text". */
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

enum {
    MTU_MIN = 576, /* of IPv4 */
    MTU_MAX = 65535,
};

static const double lock_wait_s = 5, default_hook_limit_s = 10;

static void make_plain(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ')
            *text = ' ';
}

int skt_netcfg_say(struct skt_netcfg_helper *h, int err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(h->text, sizeof h->text, fmt, args);
    va_end(args);
    make_plain(h->text);
    if (err == SKT_ERR_NOMEM)
        h->again.passing = true;
    return err;
}

int skt_netcfg_say_errno(struct skt_netcfg_helper *h, int err, const char *fmt, ...)
{
    int error = errno;
    va_list args;
    va_start(args, fmt);
    vsnprintf(h->text, sizeof h->text, fmt, args);
    va_end(args);
    size_t len = strlen(h->text);
    snprintf(h->text + len, sizeof h->text - len, ": %s", strerror(error));
    make_plain(h->text);
    if (skt_err_is_passing(error))
        h->again.passing = true;
    return err;
}

/* What nft and others say of themselves, as they have no exit status for it. */
static bool tells_of_passing(const char *text)
{
    static const int errors[] = {ENOMEM, EAGAIN, EINTR, ENOBUFS, EBUSY};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (strstr(text, strerror(errors[i])))
            return true;
    return strstr(text, "ended by signal 9") != NULL; /* the kernel has taken its memory */
}

int skt_netcfg_say_tool(struct skt_netcfg_helper *h, int err, const char *what, const char *text)
{
    if (tells_of_passing(text))
        h->again.passing = true;
    return skt_netcfg_say(h, err, "%s: %s", what, text);
}

int skt_netcfg_record(struct skt_netcfg_helper *h, const char *fmt, ...)
{
    char line[SKT_JOURNAL_LINE_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    int err = len < 0 || (size_t)len >= sizeof line ? SKT_ERR_ARG : skt_journal_add(&h->journal, "%s", line);
    if (err == SKT_ERR_IO)
        return skt_netcfg_say_errno(h, err, "%.300s", h->journal.path);
    if (err == SKT_ERR_FULL)
        return skt_netcfg_say(h, err, "%.300s: more than %d changes", h->journal.path, SKT_JOURNAL_LINES_MAX);
    return err ? skt_netcfg_say(h, err, "%.300s: %s", h->journal.path, skt_err_str(err)) : err;
}

skt_us skt_netcfg_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (skt_us)t.tv_sec * SKT_US_PER_SEC + (skt_us)(t.tv_nsec / 1000);
}

/* --- undoing --- */

int skt_netcfg_undo_line(struct skt_netcfg_helper *h, const char *line)
{
    static const struct {
        const char *kind;
        int (*undo)(struct skt_netcfg_helper *h, const char *rest);
    } kinds[] = {
        {"route ", skt_netcfg_undo_route},
        {"unreachable ", skt_netcfg_undo_shut},
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
        if (h->keep_shut && strncmp(h->journal.lines[i], "unreachable ", 12) == 0)
            continue;
        int err = skt_netcfg_undo_line(h, h->journal.lines[i]);
        if (err && !result)
            result = err;
    }
    return result;
}

/* --- requests --- */

struct words {
    char *at[SKT_NETCFG_WORDS_MAX];
    size_t n;
};

static int split(struct words *w, char *text)
{
    char *save = NULL;
    w->n = 0;
    for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        if (w->n == SKT_NETCFG_WORDS_MAX)
            return SKT_ERR_ARG;
        w->at[w->n++] = p;
    }
    return SKT_OK;
}

static int read_nets(struct skt_netcfg_helper *h, const struct words *w,
                     struct skt_ipnet nets[SKT_NETCFG_WORDS_MAX])
{
    for (size_t i = 0; i < w->n; i++)
        if (skt_ipnet_parse(&nets[i], w->at[i]))
            return skt_netcfg_say(h, SKT_ERR_ARG, "%.60s: not an address", w->at[i]);
    return SKT_OK;
}

static int on_interface(struct skt_netcfg_helper *h, const char *name)
{
    errno = 0;
    bool is_there = skt_netcfg_is_ifname(name) && skt_net_ifindex(name) != 0;
    /* Without a descriptor to ask by nobody knows; what is done with it then is tried again. */
    if (!is_there && !skt_err_is_passing(errno))
        return skt_netcfg_say(h, SKT_ERR_NOTFOUND, "no interface %.32s", name);
    if (h->may.ifname[0] && strcmp(h->may.ifname, name) != 0)
        return skt_netcfg_say(h, SKT_ERR_AUTH, "%s is not the tunnel's interface", name);
    snprintf(h->ifname, sizeof h->ifname, "%s", name);
    return SKT_OK;
}

int skt_netcfg_do_mtu(struct skt_netcfg_helper *h, size_t mtu)
{
    int err = skt_net_link_set(h->ifname, mtu, false);
    return err ? skt_netcfg_say_errno(h, err, "%s: MTU %zu", h->ifname, mtu) : err;
}

static int on_mtu(struct skt_netcfg_helper *h, const char *value)
{
    size_t len = strlen(value);
    bool digits = len > 0 && len <= 5 && strspn(value, "0123456789") == len;
    unsigned long mtu = digits ? strtoul(value, NULL, 10) : 0;
    if (mtu < MTU_MIN || mtu > MTU_MAX)
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: not an MTU", value);
    int err = skt_netcfg_do_mtu(h, mtu);
    return skt_netcfg_again_note(h, SKT_NETCFG_MTU, err, NULL, mtu);
}

/* Is this verb with these networks what the configuration named? Taking back what was done needs no leave. */
static bool is_named(const struct skt_netcfg_may *may, const char *verb, const struct skt_ipnet *nets,
                     size_t n)
{
    if (may->anything || strncmp(verb, "un", 2) == 0)
        return true;
    if (strcmp(verb, "dns") == 0)
        return skt_netcfg_nets_have(&may->dns, nets, n);
    if (strcmp(verb, "nat") == 0)
        return may->nat && (n > 0 || may->from.n == 0) && skt_netcfg_nets_have(&may->from, nets, n);
    if (strcmp(verb, "pin") == 0)
        return may->any_host || skt_netcfg_nets_have(&may->hosts, nets, n);
    return skt_netcfg_nets_have(&may->routes, nets, n);
}

static bool is_host(const struct skt_ipnet *net)
{
    return net->prefix == (net->family == 4 ? 32 : 128);
}

/* The requests about networks, but for dns and nat about one. */
static int on_networks(struct skt_netcfg_helper *h, const char *verb, char *rest)
{
    static const struct {
        const char *verb;
        int (*run)(struct skt_netcfg_helper *h, const struct skt_ipnet *net);
        enum skt_netcfg_what what;
    } single[] = {{"route", skt_netcfg_do_route, SKT_NETCFG_ROUTE},
                  {"unroute", skt_netcfg_do_unroute, SKT_NETCFG_UNROUTE},
                  {"pin", skt_netcfg_do_pin, SKT_NETCFG_PIN},
                  {"unpin", skt_netcfg_do_unpin, SKT_NETCFG_PIN}};
    struct words w;
    struct skt_ipnet nets[SKT_NETCFG_WORDS_MAX];
    size_t i = 0, known = sizeof single / sizeof single[0];
    bool dns = strcmp(verb, "dns") == 0, nat = strcmp(verb, "nat") == 0;
    while (i < known && strcmp(verb, single[i].verb) != 0)
        i++;
    if (i == known && !dns && !nat)
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: no such request", verb);
    if (split(&w, rest))
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: too many networks", verb);
    int err = read_nets(h, &w, nets);
    if (err)
        return err;
    if (!dns && !nat && w.n != 1)
        return skt_netcfg_say(h, SKT_ERR_ARG, "%s: one network is wanted", verb);
    for (size_t k = 0; k < w.n; k++)
        if ((dns || strstr(verb, "pin")) && !is_host(&nets[k]))
            return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: hosts are wanted", verb);
    if (!is_named(&h->may, verb, nets, w.n))
        return skt_netcfg_say(h, SKT_ERR_AUTH, "%.20s: not what the configuration names", verb);
    if (dns)
        return skt_netcfg_again_note(h, SKT_NETCFG_DNS, skt_netcfg_do_dns(h, nets, w.n), NULL, 0);
    if (nat)
        return skt_netcfg_again_note(h, SKT_NETCFG_NAT, skt_netcfg_do_nat(h, nets, w.n), NULL, 0);
    return skt_netcfg_again_note(h, single[i].what, single[i].run(h, nets), nets, 0);
}

static int on_forward(struct skt_netcfg_helper *h, const char *families)
{
    bool v4 = strchr(families, '4') != NULL, v6 = strchr(families, '6') != NULL;
    if (strspn(families, "46") != strlen(families) || strlen(families) > 2)
        return skt_netcfg_say(h, SKT_ERR_ARG, "forward: 4, 6 or 46");
    if (!h->may.anything && !h->may.nat)
        return skt_netcfg_say(h, SKT_ERR_AUTH, "forward: not what the configuration names");
    int err = v4 ? skt_netcfg_do_forward(h, true, false) : SKT_OK;
    if (v4)
        (void)skt_netcfg_again_note(h, SKT_NETCFG_FORWARD4, err, NULL, 0);
    if (!err && v6)
        err = skt_netcfg_again_note(h, SKT_NETCFG_FORWARD6, skt_netcfg_do_forward(h, false, true), NULL, 0);
    else if (v6 && h->again.forward4)
        h->again.forward6 = true; /* after that */
    return err;
}

static int on_undo(struct skt_netcfg_helper *h)
{
    h->pin_count = 0;
    skt_netcfg_again_forget(h);
    (void)skt_journal_reload(&h->journal); /* what other instances have left to us */
    return skt_netcfg_again_undo(h, "");
}

static int on_request(struct skt_netcfg_helper *h, char *line)
{
    char *rest = line + strcspn(line, " ");
    if (*rest)
        *rest++ = '\0';
    if (strcmp(line, "interface") == 0)
        return on_interface(h, rest);
    if (strcmp(line, "undo") == 0 && !*rest)
        return on_undo(h);
    if (strcmp(line, "open") == 0 && !*rest) {
        h->keep_shut = false; /* at the end, that is */
        return SKT_OK;
    }
    if (!h->ifname[0])
        return skt_netcfg_say(h, SKT_ERR_ARG, "%.20s: the interface was not named yet", line);
    if (strcmp(line, "mtu") == 0)
        return on_mtu(h, rest);
    if (strcmp(line, "forward") == 0)
        return on_forward(h, rest);
    if (strcmp(line, "hook") == 0)
        return skt_netcfg_on_hook(h, rest);
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
        int err =
            is_plain(line, line_len) ? on_request(h, line) : skt_netcfg_say(h, SKT_ERR_ARG, "not a request");
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
