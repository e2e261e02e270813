/* SPDX-License-Identifier: MIT */
/* A child that keeps the privileges which its parent gives up, to open for it, again and again, the two files
 * that were named at the start: the configuration, which root alone may read, for a reload, and the log,
 * after a rotation. It knows no other file, and takes nothing but the choice between the two. */
#ifndef SKT_CLI_OPENER_H
#define SKT_CLI_OPENER_H

#include <sys/types.h>

#define SKT_OPENER_ROLE "opener" /* what the child is started as (io/child.h) */

enum skt_opener_file { SKT_OPENER_CONFIG, SKT_OPENER_LOG };

struct skt_opener {
    pid_t pid; /* of the child; 0: none */
    int fd;    /* the channel to it */
};

/* Starts one for these paths (log may be NULL). SKT_ERR_IO with errno; SKT_ERR_FULL: the paths are too long
 * for it. */
int skt_opener_start(struct skt_opener *o, const char *config, const char *log);

/* A descriptor of the file, opened now, which is the caller's to close: the configuration for reading, the
 * log for appending. -1 with errno; ECHILD where there is no opener any more, or none was started. */
int skt_opener_open(struct skt_opener *o, enum skt_opener_file file);

/* Ends it. Harmless where none was started. */
void skt_opener_finish(struct skt_opener *o);

/* The child: serves until the channel is closed. */
void skt_opener_run(int fd);

#endif
