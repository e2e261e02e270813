/* SPDX-License-Identifier: MIT */
/* What the helper says of a change, what it writes down before one, and how it undoes what was written. */
#include "base/err.h"
#include "netcfg/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
