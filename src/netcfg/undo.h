/* SPDX-License-Identifier: MIT */
/* In the helper, beneath the kinds of changes: a change is written into the journal before it is made, and
 * undone by reading its line, whoever wrote it. How, each kind says in a table that is handed in. */
#ifndef SKT_NETCFG_UNDO_H
#define SKT_NETCFG_UNDO_H

struct skt_netcfg_helper;

/* One kind of line. */
struct skt_netcfg_undoer {
    const char *start; /* lines of this kind begin so, the space behind it included; NULL ends the table */
    /* Gets the rest of the line. SKT_OK also where nothing is left to undo, or where it is no line of ours:
     * the line then goes. Else an error with the text set, and the line stays. */
    int (*undo)(struct skt_netcfg_helper *h, const char *rest);
};

/* Adds a line to the journal, before the change is made; on an error the change must not be made, and the
 * text is set. */
int skt_netcfg_record(struct skt_netcfg_helper *h, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Undoes one line of the journal and takes it out; SKT_OK also where there was nothing left to undo. */
int skt_netcfg_undo_line(struct skt_netcfg_helper *h, const char *line);

/* Undoes all lines that begin so ("": all but those of h->keep), the last one first. The first error; goes on
 * after it. */
int skt_netcfg_undo_all(struct skt_netcfg_helper *h, const char *start);

/* The same, and where it failed for a cause that passes a few times more, within 1.5 s. */
int skt_netcfg_undo_patiently(struct skt_netcfg_helper *h, const char *start);

#endif
