/* SPDX-License-Identifier: MIT */
/* The life of a process that runs a configuration. */
#ifndef SKT_CLI_RUN_H
#define SKT_CLI_RUN_H

#include <stddef.h>

struct skt_run_source {
    const char
        *path; /* of the file; with text: what stands for it in messages, and names the status socket */
    const char *text; /* the configuration itself, or NULL: it is in the file */
    size_t text_len;  /* of `text` */
};

/* Runs it until a signal ends it; the process's exit status. Once in a process. */
int skt_run(const struct skt_run_source *source);

#endif
