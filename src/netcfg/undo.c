/* SPDX-License-Identifier: MIT */
#include "netcfg/undo.h"

#include "base/err.h"
#include "netcfg/say.h"
#include "netcfg/state.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    TRIES = 5
}; /* with the pauses between them (0.1, 0.2, 0.4, 0.8 s) within the time that the main process waits */

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

int skt_netcfg_undo_line(struct skt_netcfg_helper *h, const char *line)
{
    char copy[SKT_JOURNAL_LINE_MAX];
    int err = SKT_OK;
    snprintf(copy, sizeof copy, "%s", line); /* `line` may be the journal's own, and go with it */
    for (const struct skt_netcfg_undoer *u = h->undoers; u->start; u++) {
        size_t len = strlen(u->start);
        if (strncmp(copy, u->start, len) == 0) {
            err = u->undo(h, copy + len);
            break;
        }
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
        if (h->keep && strncmp(h->journal.lines[i], h->keep, strlen(h->keep)) == 0)
            continue;
        int err = skt_netcfg_undo_line(h, h->journal.lines[i]);
        if (err && !result)
            result = err;
    }
    return result;
}

int skt_netcfg_undo_patiently(struct skt_netcfg_helper *h, const char *start)
{
    for (unsigned i = 0;; i++) {
        skt_netcfg_say_nothing(h);
        int err = skt_netcfg_undo_all(h, start);
        if (!err || !h->passing || i + 1 == TRIES)
            return err;
        (void)poll(NULL, 0, (int)(skt_netcfg_owed_pause(i) / SKT_US_PER_MS));
    }
}
