/* SPDX-License-Identifier: MIT */
/* The inside of the journal, for journal*.c only. Errors as in journal.h. */
#ifndef SKT_NETCFG_JOURNAL_INTERNAL_H
#define SKT_NETCFG_JOURNAL_INTERNAL_H

#include "netcfg/journal.h"

/* Bytes; more is not read. What stands has 256 KiB at most; a file that could not be written anew for long is
 * longer, and what is longer than this is no journal of ours. */
enum { SKT_JOURNAL_FILE_MAX = 4 * 1024 * 1024 };

/* One more line among those known; not in the file. */
int skt_journal_push(struct skt_journal *j, const char *line);

/* Forgets the lines known. */
void skt_journal_forget(struct skt_journal *j);

/* Forgets all, and closes the file. */
void skt_journal_release(struct skt_journal *j);

/* A line of the file and its end: the bytes, or SKT_ERR_IO with errno. */
int skt_journal_write_line(int fd, char sign, const char *line);

/* The same, whole or not at all, and flushed. */
int skt_journal_append(struct skt_journal *j, char sign, const char *line);

/* Takes over what the file holds from offset `from` on; *end: behind the last whole line. */
int skt_journal_read(struct skt_journal *j, off_t from, off_t *end);

/* The lines of the file in the place of those known; *end as above. */
int skt_journal_reload_to(struct skt_journal *j, off_t *end);

/* Routes that somebody takes away again and again are written each time: a file that has grown is written
 * anew with what stands. Where it can't be it grows on, and is tried again at twice the length. */
void skt_journal_bound(struct skt_journal *j);

#endif
