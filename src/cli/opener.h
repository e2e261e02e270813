/* SPDX-License-Identifier: MIT */
/* A child that keeps the privileges which its parent gives up, to open for it, again and again, the files
 * that were named at the start: for a reload the configuration, which root alone may read, and the files that
 * it names, with keys for example; after a rotation the log. It knows no other file, and takes nothing but
 * the choice among these. */
#ifndef SKT_CLI_OPENER_H
#define SKT_CLI_OPENER_H

#include "config/config.h"

#include <sys/types.h>

#define SKT_OPENER_ROLE "opener" /* what the child is started as (io/child.h) */

/* Which file; from SKT_OPENER_NAMED on those that the configuration names. */
enum skt_opener_file { SKT_OPENER_CONFIG, SKT_OPENER_LOG, SKT_OPENER_NAMED };

struct skt_opener {
    pid_t pid;                       /* of the child; 0: none */
    int fd;                          /* the channel to it */
    struct skt_config_strings named; /* paths that it knows besides, in the order of their numbers */
};

/* Starts one for these paths (log may be NULL; `named` is copied). SKT_ERR_IO with errno; SKT_ERR_FULL: the
 * paths are too long for it; SKT_ERR_NOMEM. */
int skt_opener_start(struct skt_opener *o, const char *config, const char *log,
                     const struct skt_config_strings *named);

/* A descriptor of the file, opened now, which is the caller's to close: the configuration for reading, the
 * log for appending. -1 with errno; ECHILD where there is no opener any more, or none was started. */
int skt_opener_open(struct skt_opener *o, enum skt_opener_file file);

/* The same for a file that the configuration names, by its path, for reading. One that the opener does not
 * know, or where there is none, is opened with our own rights. */
int skt_opener_open_named(struct skt_opener *o, const char *path);

/* Ends it. Harmless where none was started. */
void skt_opener_finish(struct skt_opener *o);

/* The child: serves until the channel is closed. */
void skt_opener_run(int fd);

#endif
