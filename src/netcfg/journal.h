/* SPDX-License-Identifier: MIT */
/* The journal of what was changed: one line for each change that stands, written before the change is made. A
 * file that is only appended to ("+line", "-line" for one that was undone), so that a crash leaves at worst
 * half a line at its end, which is ignored; at 64 KiB, or twice what stands, another one takes its place.
 * Locked while in use. */
#ifndef SKT_NETCFG_JOURNAL_H
#define SKT_NETCFG_JOURNAL_H

#include "io/statefile.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    SKT_JOURNAL_LINE_MAX = 512, /* bytes of a line, the end included: a path of 255, names and networks */
    SKT_JOURNAL_LINES_MAX =
        512, /* changes that stand at the same time: each route, host, server and switch is one */
};

struct skt_journal {
    char *path;       /* of the file; owned */
    int fd;           /* the file, locked; -1: not open */
    char **lines;     /* changes that stand, the oldest first; owned */
    size_t count;     /* of lines */
    off_t compact_at; /* bytes of the file at which it is written anew; 0: the usual */
};

/* Opens and locks it, making file and folder where needed, and reads what stands; waits up to wait_s for
 * whoever has it locked. SKT_ERR_FULL: still locked; SKT_ERR_AUTH: it may be somebody else's (see
 * io/statefile.h); SKT_ERR_IO, SKT_ERR_NOMEM. why: one line for the last three. */
int skt_journal_open(struct skt_journal *j, const char *path, double wait_s, char why[SKT_STATEFILE_WHY_MAX]);

/* Unlocks it; removes the file where nothing stands any more. */
void skt_journal_close(struct skt_journal *j);

/* Adds a line (without line feeds). It is on its way to the disk on return. SKT_ERR_ARG: too long;
 * SKT_ERR_FULL, SKT_ERR_IO with errno, SKT_ERR_NOMEM: then the change must not be made. */
int skt_journal_add(struct skt_journal *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Takes out the last line equal to this one; whether there was one. */
bool skt_journal_remove(struct skt_journal *j, const char *line);

bool skt_journal_has(const struct skt_journal *j, const char *line);

/* Reads the file again: others may have added to it (see skt_journal_hand_over). Errors as of opening; the
 * lines stay as they are then. */
int skt_journal_reload(struct skt_journal *j);

/* Looks for another journal in the same folder, of the same kind (what follows the last dot of its name),
 * that is in use and has the line `marker`; adds `line` to it. Whether there was one: then it is that one's
 * to undo. */
bool skt_journal_hand_over(const struct skt_journal *j, const char *marker, const char *line);

/* The index of the last line that begins so, or -1. */
long skt_journal_find(const struct skt_journal *j, const char *start);

#endif
